//! `hearken echo`: the handler, and how each endpoint responds.
//!
//! Here: [`handle`], and the responses whose content is there as a whole. Not here: which endpoint a request names
//! (`route.rs`), how a response is sent (`response.rs`), responses that take time (`streams.rs`, `events.rs`), those that show the
//! framing of HTTP (`framing.rs`), its validators (`validators.rs`), credentials (`auth.rs`, `cookies.rs`), the upgrade
//! (`upgrade.rs`), the page (`page.rs`) and its live panel (`live/`).

mod anything;
mod auth;
mod coding;
mod cookies;
mod cors;
mod events;
mod framing;
mod json;
pub(crate) mod live;
mod page;
mod parameters;
mod response;
mod route;
mod streams;
mod upgrade;
mod validators;

use hearken::{Failure, IncomingMessage, Sent, ServerResponse, StatusCode};
use json::{FieldObject, JSON, send_json, text_of};
use response::{ResponseBuilder, TEXT, has_no_content};
use route::{Action, Rejection};
use serde::Serialize;
use serde_json::json;
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
    let routed = route::route(req.head().method(), path, query);
    let response = match &routed {
        // Those for benchmarks need no look at the fields: any origin may read them.
        Ok(Action::Plaintext | Action::Json) => response,
        _ => cors::allow(&req, response),
    };
    match routed {
        Ok(action) if response.is_acceptable() => perform(action, req, response),
        Ok(_) => done(response.reject(&Rejection::NOT_ACCEPTABLE)),
        Err(rejection) => done(response.reject(&rejection)),
    }
}

/// As `req.path()` and `req.raw_query()`, with one look at the target for both.
fn path_and_query(req: &IncomingMessage) -> (&str, Option<&str>) {
    let target = req.url();
    if !target.starts_with('/') {
        return (req.path(), req.raw_query());
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
        Action::Options(allow) => done(cors::options(&req, allow, response)),
        other => perform_more(other, req, response),
    }
}

/// The endpoints that httpbin has too, and the live panel.
fn perform_more(action: Action, req: IncomingMessage, response: ResponseBuilder) -> Progress {
    match action {
        Action::Anything => waiting(anything::respond(req, response)),
        Action::Redirect { location, status } => done(
            response
                .status(status)
                .append("Location", location)
                .send_empty(),
        ),
        Action::Cookies => done(cookies::list(&req, response)),
        Action::SetCookies(set) => done(cookies::set(&set, response)),
        Action::BasicAuth { user, password } => done(auth::basic(&req, &user, &password, response)),
        Action::Bearer => done(auth::bearer(&req, response)),
        Action::Range { bytes } => waiting(validators::range(bytes, req, response)),
        Action::Etag(tag) => done(validators::etag(&req, &tag, response)),
        Action::Cache(age) => done(validators::cache(&req, age, response)),
        Action::Events(events) => waiting(events::respond(events, req, response)),
        Action::Live(time) => waiting(live::respond(time, req, response)),
        // All others are in `perform`.
        _ => done(response.reject(&Rejection::NOT_ACCEPTABLE)),
    }
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

fn ip(req: &IncomingMessage) -> serde_json::Value {
    let address = req.peer().remote_address();
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
