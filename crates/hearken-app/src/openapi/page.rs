//! The page of a document for people: one HTML file with its own style, without scripts and without anything from elsewhere.
//!
//! Here: [`page`]. Schemas are written as types: `{ title: string, tags?: string[] }`.

use crate::failures::escape;
use serde_json::{Map, Value};
use std::fmt::Write;

/// The Content-Security-Policy of the page.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "
:root{color-scheme:light dark;--line:#8884;--dim:#888;--back:#8881}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre,.method,.path{font-family:ui-monospace,monospace;font-size:.92em}
pre{background:var(--back);padding:.6rem;overflow:auto;margin:.4rem 0}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:0 .8rem}
summary{cursor:pointer;padding:.5rem 0}
details[open]{padding-bottom:.6rem}
.method{display:inline-block;min-width:4.5rem;font-weight:700}
.path{margin-right:.8rem}
.dim{color:var(--dim)}
.gone .path{text-decoration:line-through}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}
h4{margin:.8rem 0 .2rem}
";

/// Makes the page. `address`: where the document is.
pub(super) fn page(document: &Value, address: &str) -> String {
    let info = &document["info"];
    let title = escape(text(&info["title"]));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <h1>{title} <span class=\"dim\">{}</span></h1>\n",
        escape(text(&info["version"]))
    );
    paragraph(&mut page, &info["description"]);
    let _ = writeln!(
        page,
        "<p><a href=\"{0}\">{0}</a>, OpenAPI {1}</p>",
        escape(address),
        escape(text(&document["openapi"]))
    );
    servers(&mut page, document);
    operations(&mut page, document);
    schemes(&mut page, document);
    schemas(&mut page, document);
    page.push_str("</html>\n");
    page
}

fn servers(page: &mut String, document: &Value) {
    for server in list(&document["servers"]) {
        let (url, about) = (text(&server["url"]), text(&server["description"]));
        let _ = writeln!(
            page,
            "<p><code>{}</code> {}</p>",
            escape(url),
            escape(about)
        );
    }
}

/// One section for each tag, and one for operations without.
fn operations(page: &mut String, document: &Value) {
    let empty = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&empty);
    let tags = list(&document["tags"]).map(Some);
    for tag in tags.chain([None]) {
        let name = tag.map(|tag| text(&tag["name"]));
        let mut section = String::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap_or(&empty) {
                let own = &operation["tags"];
                let belongs = match name {
                    Some(name) => list(own).any(|own| own == name),
                    None => list(own).next().is_none(),
                };
                if belongs {
                    one(&mut section, (method, path), operation);
                }
            }
        }
        if section.is_empty() {
            continue;
        }
        let _ = writeln!(page, "<h2>{}</h2>", escape(name.unwrap_or("Operations")));
        if let Some(tag) = tag {
            paragraph(page, &tag["description"]);
        }
        page.push_str(&section);
    }
}

fn one(page: &mut String, (method, path): (&str, &str), operation: &Value) {
    let gone = operation["deprecated"] == true;
    let _ = writeln!(
        page,
        "<details id=\"{}\"{}><summary><span class=\"method\">{}</span><span class=\"path\">{}</span> {}{}</summary>",
        escape(text(&operation["operationId"])),
        if gone { " class=\"gone\"" } else { "" },
        escape(&method.to_ascii_uppercase()),
        escape(path),
        escape(text(&operation["summary"])),
        if gone { " <b>deprecated</b>" } else { "" },
    );
    paragraph(page, &operation["description"]);
    let security: Vec<_> = list(&operation["security"])
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
        .map(|scheme| format!("<code>{}</code>", escape(scheme)))
        .collect();
    if !security.is_empty() {
        let _ = writeln!(page, "<p>Security: {}</p>", security.join(" or "));
    }
    parameters(page, &operation["parameters"]);
    let body = &operation["requestBody"];
    if body.is_object() {
        let optional = if body["required"] == true {
            ""
        } else {
            " <span class=\"dim\">optional</span>"
        };
        let _ = writeln!(page, "<h4>Body{optional}</h4>");
        content(page, &body["content"]);
    }
    for (status, response) in response_list(operation) {
        let about = escape(text(&response["description"]));
        let _ = writeln!(
            page,
            "<h4>{} <span class=\"dim\">{about}</span></h4>",
            escape(status)
        );
        content(page, &response["content"]);
    }
    page.push_str("</details>\n");
}

fn response_list(operation: &Value) -> impl Iterator<Item = (&String, &Value)> {
    operation["responses"].as_object().into_iter().flatten()
}

fn parameters(page: &mut String, parameters: &Value) {
    if list(parameters).next().is_none() {
        return;
    }
    page.push_str("<h4>Parameters</h4>\n<table>\n");
    for parameter in list(parameters) {
        let optional = if parameter["required"] == true {
            ""
        } else {
            ", optional"
        };
        let _ = writeln!(
            page,
            "<tr><td><code>{}</code><td>{}{optional}<td><code>{}</code><td>{}",
            escape(text(&parameter["name"])),
            escape(text(&parameter["in"])),
            type_of(&parameter["schema"], 0),
            escape(text(&parameter["description"])),
        );
    }
    page.push_str("</table>\n");
}

fn content(page: &mut String, content: &Value) {
    for (media, value) in content.as_object().into_iter().flatten() {
        let _ = writeln!(
            page,
            "<div><code class=\"dim\">{}</code></div>",
            escape(media)
        );
        if value["schema"] != Value::Null {
            let _ = writeln!(page, "<pre>{}</pre>", type_of(&value["schema"], 0));
        }
    }
}

fn schemes(page: &mut String, document: &Value) {
    let schemes = &document["components"]["securitySchemes"];
    if !schemes.is_object() {
        return;
    }
    page.push_str("<h2>Security</h2>\n<table>\n");
    for (name, scheme) in schemes.as_object().into_iter().flatten() {
        let parts = [
            "type",
            "scheme",
            "bearerFormat",
            "in",
            "name",
            "openIdConnectUrl",
        ];
        let parts = parts.map(|part| escape(text(&scheme[part])));
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let _ = writeln!(
            page,
            "<tr><td><code>{}</code><td>{}",
            escape(name),
            parts.join(" ")
        );
    }
    page.push_str("</table>\n");
}

fn schemas(page: &mut String, document: &Value) {
    page.push_str("<h2>Types</h2>\n");
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let name = escape(name);
        let _ = writeln!(page, "<h4 id=\"type-{name}\"><code>{name}</code></h4>");
        paragraph(page, &schema["description"]);
        let _ = writeln!(page, "<pre>{}</pre>", type_of(schema, 0));
    }
}

/// Objects in each other that a type shows.
const DEPTH_MAX: usize = 12;

/// A schema as a type, in HTML.
fn type_of(schema: &Value, depth: usize) -> String {
    if depth > DEPTH_MAX {
        return "…".to_owned();
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escape(reference.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#type-{name}\">{name}</a>");
    }
    if schema["const"] != Value::Null {
        return escape(&schema["const"].to_string());
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values
            .iter()
            .map(|value| escape(&value.to_string()))
            .collect();
        return values.join(" | ");
    }
    for (key, sign) in [("anyOf", " | "), ("oneOf", " | "), ("allOf", " &amp; ")] {
        if let Some(parts) = schema[key].as_array() {
            let parts: Vec<_> = parts.iter().map(|part| type_of(part, depth + 1)).collect();
            return parts.join(sign);
        }
    }
    let kinds: Vec<_> = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return "any".to_owned(),
    };
    let kinds = kinds.into_iter().map(|kind| of_kind(kind, schema, depth));
    kinds.collect::<Vec<_>>().join(" | ")
}

fn of_kind(kind: &str, schema: &Value, depth: usize) -> String {
    match kind {
        "array" => match schema["prefixItems"].as_array() {
            Some(items) => {
                let items: Vec<_> = items.iter().map(|item| type_of(item, depth + 1)).collect();
                format!("[{}]", items.join(", "))
            }
            None => format!("{}[]", type_of(&schema["items"], depth + 1)),
        },
        "object" => object(schema, depth),
        kind => {
            let mut about = Vec::new();
            if let Some(format) = schema["format"].as_str() {
                about.push(escape(format));
            }
            for key in [
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "exclusiveMaximum",
                "minLength",
                "maxLength",
                "pattern",
                "default",
            ] {
                if schema[key] != Value::Null {
                    about.push(format!("{key} {}", escape(&schema[key].to_string())));
                }
            }
            if about.is_empty() {
                return escape(kind);
            }
            format!(
                "{} <span class=\"dim\">({})</span>",
                escape(kind),
                about.join(", ")
            )
        }
    }
}

fn object(schema: &Value, depth: usize) -> String {
    let Some(properties) = schema["properties"]
        .as_object()
        .filter(|all| !all.is_empty())
    else {
        return match &schema["additionalProperties"] {
            Value::Object(value) => {
                let value = type_of(&Value::Object(value.clone()), depth + 1);
                format!("{{ [name]: {value} }}")
            }
            _ => "object".to_owned(),
        };
    };
    let indent = "  ".repeat(depth + 1);
    let mut lines = String::from("{\n");
    for (name, value) in properties {
        let required = list(&schema["required"]).any(|required| required == name.as_str());
        let mark = if required { "" } else { "?" };
        let about = text(&value["description"])
            .lines()
            .next()
            .unwrap_or_default();
        let about = if about.is_empty() {
            String::new()
        } else {
            format!("  <span class=\"dim\">{}</span>", escape(about))
        };
        let _ = writeln!(
            lines,
            "{indent}{}{mark}: {}{about}",
            escape(name),
            type_of(value, depth + 1)
        );
    }
    lines + &"  ".repeat(depth) + "}"
}

fn paragraph(page: &mut String, value: &Value) {
    for part in text(value)
        .split("\n\n")
        .filter(|part| !part.trim().is_empty())
    {
        let _ = writeln!(page, "<p>{}</p>", escape(part));
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
