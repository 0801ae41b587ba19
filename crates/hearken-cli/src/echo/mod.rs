//! `hearken echo`: the handler, and how each endpoint responds.
//!
//! Here: [`handle`], and the responses whose content is there as a whole. Not here: which endpoint a request names
//! (`route.rs`), how a response is sent (`response.rs`), responses that take time (`streams.rs`), those that show the framing
//! of HTTP (`framing.rs`), the upgrade (`upgrade.rs`), the page (`page.rs`).

mod coding;
mod framing;
mod page;
mod parameters;
mod response;
mod route;
mod streams;
mod upgrade;

use hearken::{Failure, FieldsRef, IncomingMessage, Sent, ServerResponse, StatusCode};
use response::{ResponseBuilder, TEXT};
use route::{Action, Rejection};
use serde::{Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;
use std::pin::Pin;

/// The handler.
pub(crate) async fn handle(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let response = ResponseBuilder::new(&req, res);
    match respond(req, response) {
        Progress::Done(result) => result,
        Progress::Waiting(future) => future.await,
    }
}

/// How far a response is after the call of its endpoint.
enum Progress {
    Done(Result<Sent, Failure>),
    /// The endpoint may wait: for the client or for time. Its future is boxed, so that the handler's own future, which
    /// every request moves, stays small.
    Waiting(Pin<Box<dyn Future<Output = Result<Sent, Failure>>>>),
}

fn done(sent: Sent) -> Progress {
    Progress::Done(Ok(sent))
}

fn waiting(future: impl Future<Output = Result<Sent, Failure>> + 'static) -> Progress {
    Progress::Waiting(Box::pin(future))
}

fn respond(req: IncomingMessage, response: ResponseBuilder) -> Progress {
    let (path, query) = path_and_query(&req);
    match route::route(req.head().method(), path, query) {
        Ok(action) if response.is_acceptable() => perform(action, req, response),
        Ok(_) => done(response.reject(&Rejection::NOT_ACCEPTABLE)),
        Err(rejection) => done(response.reject(&rejection)),
    }
}

/// As `req.path()` and `req.query()`, with one look at the target for both.
fn path_and_query(req: &IncomingMessage) -> (&str, Option<&str>) {
    let target = req.url();
    if !target.starts_with('/') {
        return (req.path(), req.query());
    }
    match target.bytes().position(|byte| byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}

fn perform(action: Action, req: IncomingMessage, response: ResponseBuilder) -> Progress {
    match action {
        Action::Plaintext => done(response.send("text/plain", "Hello, World!")),
        Action::Json => done(response.send(JSON, r#"{"message":"Hello, World!"}"#)),
        Action::Page => done(page::respond(response)),
        Action::EchoText(text) => done(response.send_compressed(TEXT, text)),
        Action::Echo => waiting(streams::echo(req, response)),
        Action::Headers => done(send_json(response, &headers(&req))),
        Action::Ip => done(send_json(response, &ip(&req))),
        Action::UserAgent => {
            let agent = req.raw_headers().get("user-agent").map(text_of);
            done(send_json(response, &json!({ "user-agent": agent })))
        }
        Action::Method => {
            let method = json!({ "method": req.head().method() });
            done(send_json(response, &method))
        }
        Action::Status(status) => done(send_status(status, response)),
        Action::Bytes { count, seed } => waiting(streams::bytes(count, seed, response)),
        Action::Stream { lines } => waiting(streams::lines(lines, req, response)),
        Action::Delay(time) => waiting(streams::delay(time, response)),
        Action::Drip(drip) => waiting(streams::drip(drip, response)),
        Action::Trailers => waiting(framing::trailers(req, response)),
        Action::Cut(cut) => waiting(framing::cut(cut, response)),
        Action::Information => Progress::Done(framing::information(response)),
        Action::Upgrade => waiting(upgrade::upgrade(req, response)),
        Action::Options(allow) => done(response.status(204).append("Allow", allow).send_empty()),
    }
}

const JSON: &str = "application/json";

fn send_json(response: ResponseBuilder, value: &impl Serialize) -> Sent {
    response.send(JSON, pretty(value))
}

/// Indented and with a final line feed, for terminals.
fn pretty(value: &impl Serialize) -> Vec<u8> {
    // Values are text and numbers and keys are text, so this cannot fail.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

fn headers(req: &IncomingMessage) -> impl Serialize {
    #[derive(Serialize)]
    struct Headers<'a> {
        headers: FieldObject<'a>,
    }
    Headers {
        headers: FieldObject(req.raw_headers()),
    }
}

/// Fields as one JSON object, in the order and case in which they were sent; the values of a repeated name are a list.
struct FieldObject<'a>(FieldsRef<'a>);

impl Serialize for FieldObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut grouped: Vec<(&[u8], Vec<Cow<'_, str>>)> = Vec::new();
        for (name, value) in self.0.iter() {
            let group = grouped
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            match group {
                Some((_, values)) => values.push(text_of(value)),
                None => grouped.push((name, vec![text_of(value)])),
            }
        }
        let one_or_all = |values: Vec<Cow<'_, str>>| match values.as_slice() {
            [one] => json!(one),
            all => json!(all),
        };
        let pairs = grouped.into_iter();
        serializer.collect_map(pairs.map(|(name, values)| (text_of(name), one_or_all(values))))
    }
}

/// Decodes UTF-8, or ISO 8859-1 if it is not UTF-8.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn ip(req: &IncomingMessage) -> serde_json::Value {
    let address = req.peer().address();
    json!({
        "origin": address.map(|address| address.ip().to_canonical().to_string()),
        "port": address.map(|address| address.port()),
    })
}

/// A status, with the fields that it requires.
fn send_status(status: u16, response: ResponseBuilder) -> Sent {
    let response = response.status(status);
    let response = match status {
        401 => response.append("WWW-Authenticate", CHALLENGE), // RFC 9110 §15.5.2
        405 => response.append("Allow", "GET, HEAD"),          // §15.5.6
        407 => response.append("Proxy-Authenticate", CHALLENGE), // §15.5.8
        426 => response
            .append("Upgrade", "websocket")
            .append("Connection", "Upgrade"), // §15.5.22
        _ => response,
    };
    if has_no_content(status) {
        return response.send_empty();
    }
    let known = StatusCode::from_u16(status).ok();
    let reason = known.and_then(|status| status.canonical_reason());
    let line = format!("{status} {}", reason.unwrap_or_default());
    response.send(TEXT, format!("{}\n", line.trim_end()))
}

/// Not Basic: with that, browsers ask for a password.
const CHALLENGE: &str = "Bearer realm=\"echo\"";

/// 204 and 304 cannot have content; 205 must not (RFC 9110 §15.3.6).
const fn has_no_content(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

#[cfg(test)]
mod tests;
