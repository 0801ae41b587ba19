//! The form of failures of an application that has none of its own.
//!
//! Here: problem+json (RFC 9457), HTML or text, as the client accepts. Nothing of the inside is shown, unless the application is in
//! development: then also the request, the route with its place in the source, and the chain of errors.

use crate::request::chain_of;
use crate::response::ResponseExt;
use hearken_http::error::FailedRequest;
use hearken_http::{Failure, Sent, ServerResponse};
use serde_json::{Map, Value};
use std::fmt::Write;

/// What a developer sees.
struct Inside {
    request: String,
    /// The pattern or the name of the route.
    route: Option<String>,
    /// Where the route or the middleware was added.
    added_at: Option<String>,
    /// The error, and what has caused it.
    errors: Vec<String>,
}

/// Responds. `development`: what is inside is shown.
pub(crate) fn respond_as(
    failure: &Failure,
    req: &FailedRequest,
    res: ServerResponse,
    development: bool,
) -> Sent {
    let inside = development.then(|| inside(failure, req, &res));
    let res = res.set("X-Content-Type-Options", "nosniff").vary("Accept");
    let forms = [
        "text/plain",
        "text/html",
        "application/xhtml+xml",
        "application/problem+json",
        "application/json",
    ];
    match res.accepts(&forms) {
        Some("text/html" | "application/xhtml+xml") => res
            .set("Content-Type", "text/html; charset=utf-8")
            .set(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'",
            )
            .end(page(failure, inside.as_ref())),
        Some("application/json" | "application/problem+json") => res
            .set("Content-Type", "application/problem+json")
            .end(problem(failure, inside).to_string()),
        _ => res
            .set("Content-Type", "text/plain; charset=utf-8")
            .end(text(failure, inside.as_ref())),
    }
}

fn inside(failure: &Failure, req: &FailedRequest, res: &ServerResponse) -> Inside {
    let mut errors = vec![failure.to_string()];
    // The text of the failure has that of the first error behind it.
    let mut source = failure.source().and_then(std::error::Error::source);
    while let Some(error) = source {
        errors.push(error.to_string());
        source = error.source();
    }
    let added_at = chain_of(res).and_then(|chain| chain.added_at());
    Inside {
        request: format!(
            "{} {}",
            req.method().unwrap_or_default(),
            req.url().unwrap_or_default()
        ),
        route: req.route().map(str::to_owned),
        added_at: added_at.map(|place| place.to_string()),
        errors,
    }
}

fn title(failure: &Failure) -> &'static str {
    failure.status().canonical_reason().unwrap_or("Error")
}

fn problem(failure: &Failure, inside: Option<Inside>) -> Value {
    let mut problem = Map::new();
    problem.insert("type".to_owned(), "about:blank".into());
    problem.insert("title".to_owned(), title(failure).into());
    problem.insert("detail".to_owned(), failure.public_message().into());
    if let Some(code) = failure.code() {
        problem.insert("code".to_owned(), code.into());
    }
    if let Some(members) = failure.members() {
        problem.extend(members.clone());
    }
    problem.insert("status".to_owned(), failure.status().as_u16().into());
    if let Some(inside) = inside {
        problem.insert("request".to_owned(), inside.request.into());
        problem.insert("route".to_owned(), inside.route.into());
        problem.insert("added_at".to_owned(), inside.added_at.into());
        problem.insert("errors_inside".to_owned(), inside.errors.into());
    }
    Value::Object(problem)
}

fn text(failure: &Failure, inside: Option<&Inside>) -> String {
    let mut text = format!("{}\n", failure.public_message());
    // A terminal need not see more of what the client did wrong.
    let is_ours = failure.status().is_server_error() || failure.source().is_some();
    if let Some(inside) = inside.filter(|_| is_ours) {
        let _ = writeln!(text, "\n{}", inside.request);
        for (name, value) in [("route", &inside.route), ("added at", &inside.added_at)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} {value}");
            }
        }
        for error in &inside.errors {
            let _ = writeln!(text, "  {error}");
        }
    }
    text
}

fn page(failure: &Failure, inside: Option<&Inside>) -> String {
    let status = failure.status().as_u16();
    let title = title(failure);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{status} {title}</title>\n\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}\
         pre{{white-space:pre-wrap}}</style>\n\
         <h1>{status} {title}</h1>\n<p>{}</p>\n",
        escape(&failure.public_message())
    );
    if let Some(inside) = inside {
        let rows = [
            ("Request", Some(&inside.request)),
            ("Route", inside.route.as_ref()),
            ("Added at", inside.added_at.as_ref()),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                let _ = writeln!(page, "<p>{name}: <code>{}</code></p>", escape(value));
            }
        }
        page.push_str("<h2>Errors</h2>\n<ol>\n");
        for error in &inside.errors {
            let _ = writeln!(page, "<li><pre>{}</pre></li>", escape(error));
        }
        page.push_str("</ol>\n<p>Shown in development only.</p>\n");
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
