//! The form of failures of an application that has none of its own.
//!
//! Here: problem+json (RFC 9457), HTML or text, as the client accepts. Nothing of the inside is shown, unless the application is in
//! development.

use crate::typed::Invalid;
use hearken_http::error::FailedRequest;
use hearken_http::{Failure, Sent, ServerResponse};
use std::fmt::Write;

/// Responds. `development`: the causes of the failure and its route are shown.
pub(crate) fn respond_as(
    failure: &Failure,
    req: &FailedRequest,
    res: ServerResponse,
    development: bool,
) -> Sent {
    let causes = if development {
        causes(failure)
    } else {
        Vec::new()
    };
    let res = res
        .set("X-Content-Type-Options", "nosniff")
        .set("Vary", "Accept");
    let accept = req.header("accept").unwrap_or("*/*");
    match wanted(accept) {
        Form::Html => res
            .set("Content-Type", "text/html; charset=utf-8")
            .set(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'",
            )
            .end(page(failure, req, &causes, development)),
        Form::Json => {
            let mut problem = serde_json::json!({
                "type": "about:blank",
                "title": title(failure),
                "status": failure.status().as_u16(),
                "detail": failure.public_message(),
            });
            if let Some(code) = failure.code() {
                problem["code"] = code.into();
            }
            if let Some(invalid) = Invalid::of(failure) {
                problem["errors"] = errors(invalid);
            }
            if !causes.is_empty() {
                problem["causes"] = causes.into();
            }
            res.set("Content-Type", "application/problem+json")
                .end(problem.to_string())
        }
        Form::Text => {
            let mut text = format!("{}\n", failure.public_message());
            causes
                .iter()
                .for_each(|cause| text.push_str(&format!("  {cause}\n")));
            res.set("Content-Type", "text/plain; charset=utf-8")
                .end(text)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Json,
    Text,
}

/// The form that an Accept field prefers. Browsers name HTML first; a program that names nothing gets text.
fn wanted(accept: &str) -> Form {
    let mut best = (0.0, Form::Text);
    for item in accept.split(',').take(64) {
        let mut parts = item.split(';');
        let media = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q=")?.parse().ok())
            .unwrap_or(1.0);
        let form = match media.as_str() {
            "text/html" | "application/xhtml+xml" => Form::Html,
            "application/json" | "application/problem+json" | "application/*" => Form::Json,
            "text/plain" | "text/*" | "*/*" => Form::Text,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, form);
        }
    }
    best.1
}

/// The fields of a request that are not as they must be, as a member of problem+json.
fn errors(invalid: &Invalid) -> serde_json::Value {
    let fields = invalid.fields().iter();
    let fields = fields
        .map(|field| serde_json::json!({ "field": field.field(), "message": field.message() }));
    fields.collect()
}

fn title(failure: &Failure) -> &'static str {
    failure.status().canonical_reason().unwrap_or("Error")
}

fn causes(failure: &Failure) -> Vec<String> {
    let mut causes = Vec::new();
    let mut source = failure.source();
    while let Some(error) = source {
        causes.push(error.to_string());
        source = error.source();
    }
    causes
}

fn page(failure: &Failure, req: &FailedRequest, causes: &[String], development: bool) -> String {
    let status = failure.status().as_u16();
    let title = title(failure);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{status} {title}</title>\n\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}</style>\n\
         <h1>{status} {title}</h1>\n<p>{}</p>\n",
        escape(&failure.public_message()).replace('\n', "<br>\n")
    );
    if development {
        if let Some(route) = req.route() {
            let _ = writeln!(page, "<p>Route: <code>{}</code></p>", escape(route));
        }
        if !causes.is_empty() {
            page.push_str("<h2>Causes</h2>\n<ol>\n");
            for cause in causes {
                let _ = writeln!(page, "<li><pre>{}</pre></li>", escape(cause));
            }
            page.push_str("</ol>\n");
        }
    }
    page.push_str("</html>\n");
    page
}

/// Text as it is written in HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
