//! `/anything`: the whole request as JSON, in the form that httpbin uses.
//!
//! Here: [`respond`]. Of the content it shows the first MiB, and length and digest of all of it. Not here: the content sent back as
//! it is (`/echo`, `streams.rs`).

mod form;

use super::json::{FieldObject, send_json, text_of, text_or_url};
use super::response::ResponseBuilder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearken::{Error, Failure, IncomingMessage, Sent};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Content that is shown: 1 MiB.
const SHOWN_BYTES_MAX: usize = 1024 * 1024;

/// The content of a request.
struct Content {
    /// Its beginning.
    shown: Vec<u8>,
    bytes: u64,
    digest: String,
}

pub(crate) async fn respond(
    mut req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let content = read(&mut req).await?;
    let mut whole = json!({
        "method": req.head().method(),
        "url": url(&req),
        "args": grouped(form_urlencoded::parse(req.raw_query().unwrap_or_default().as_bytes())),
        "headers": FieldObject(req.raw_headers()),
        "origin": req.peer().remote_address().map(|at| at.ip().to_canonical().to_string()),
    });
    if let Value::Object(whole) = &mut whole {
        describe(&req, &content, whole);
    }
    Ok(send_json(response, &whole))
}

async fn read(req: &mut IncomingMessage) -> Result<Content, Error> {
    let mut digest = Sha256::new();
    let mut content = Content {
        shown: Vec::new(),
        bytes: 0,
        digest: String::new(),
    };
    while let Some(piece) = req.data().await? {
        content.bytes += piece.len() as u64;
        digest.update(&piece);
        let room = SHOWN_BYTES_MAX - content.shown.len();
        content
            .shown
            .extend_from_slice(&piece[..piece.len().min(room)]);
    }
    content.digest = STANDARD.encode(digest.finalize());
    Ok(content)
}

/// Adds the content: as text, and as the form or the JSON that its type says.
fn describe(req: &IncomingMessage, content: &Content, into: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| {
        into.insert(name.to_owned(), value);
    };
    let complete = content.bytes == content.shown.len() as u64;
    let content_type = req.raw_headers().get("content-type").map(text_of);
    let content_type = content_type.unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    put("bytes", json!(content.bytes));
    put("sha256", json!(content.digest));
    put("complete", json!(complete));
    if complete && essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        put("form", grouped(form_urlencoded::parse(&content.shown)));
        return;
    }
    if complete && let Some((form, files)) = form::multipart(&content_type, &content.shown) {
        put("form", grouped(form.into_iter()));
        put("files", grouped(files.into_iter()));
        return;
    }
    put(
        "json",
        serde_json::from_slice(&content.shown).unwrap_or(Value::Null),
    );
    put("data", json!(text_or_url(&content.shown, essence)));
}

/// Names and values as an object; the values of a repeated name are a list.
fn grouped<T: Into<String>>(pairs: impl Iterator<Item = (T, T)>) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value.into());
        match all.entry(name.into()) {
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(value);
            }
            serde_json::map::Entry::Occupied(mut entry) => match entry.get_mut() {
                Value::Array(values) => values.push(value),
                first => *first = Value::Array(vec![first.take(), value]),
            },
        }
    }
    Value::Object(all)
}

/// The URL that the client has asked for.
fn url(req: &IncomingMessage) -> String {
    if !req.url().starts_with('/') {
        return req.url().to_owned();
    }
    let scheme = if req.peer().tls().is_some() {
        "https"
    } else {
        "http"
    };
    let host = req.header("host").unwrap_or_default();
    format!("{scheme}://{host}{}", req.url())
}
