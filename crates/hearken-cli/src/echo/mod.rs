//! `hearken echo`: what each endpoint answers.
//!
//! Here: [`answer`], the handler, and the answers that are there as a whole. `call.rs` reads what is asked for,
//! `reply.rs` is how an answer goes out, `streams.rs` has those that take time, `framing.rs` those that show how HTTP
//! frames them, `switching.rs` what comes behind another protocol, `page.rs` the page.

mod call;
mod coding;
mod framing;
mod page;
mod parameters;
mod reply;
mod streams;
mod switching;

use crate::access;
use call::{Call, Problem};
use hearken::{Error, FieldsRef, IncomingMessage, Sent, ServerResponse, StatusCode};
use reply::{Reply, TEXT};
use serde::{Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;

/// The handler.
pub(crate) async fn answer(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Error> {
    let record = access::open(&req);
    let reply = Reply::new(&req, res, record.clone());
    let answered = match read(&req, &reply) {
        Ok(call) => perform(call, req, reply).await,
        Err(problem) => Ok(reply.problem(&problem)),
    };
    if let (Err(error), Some(record)) = (&answered, record) {
        record.set_error(error);
    }
    answered
}

fn read(req: &IncomingMessage, reply: &Reply) -> Result<Call, Problem> {
    let call = call::read(req.head().method(), req.path(), req.query())?;
    if reply.can_be_coded() {
        return Ok(call);
    }
    Err(Problem {
        status: 406,
        allow: None,
        text: "expected an Accept-Encoding that allows identity or gzip".to_owned(),
    })
}

async fn perform(call: Call, req: IncomingMessage, reply: Reply) -> Result<Sent, Error> {
    Ok(match call {
        Call::Page => page::answer(reply),
        Call::EchoText(text) => reply.whole_always(TEXT, text),
        Call::Echo => return streams::echo(req, reply).await,
        Call::Headers => json(reply, &json_of(&req)),
        Call::Ip => json(reply, &ip(&req)),
        Call::UserAgent => {
            let agent = req.raw_headers().get("user-agent").map(text_of);
            json(reply, &json!({ "user-agent": agent }))
        }
        Call::Method => json(reply, &json!({ "method": req.head().method() })),
        Call::Status(status) => bare(status, reply),
        Call::Bytes { count, seed } => return streams::bytes(count, seed, reply).await,
        Call::Stream { lines } => return streams::lines(lines, req.url(), reply).await,
        Call::Delay(time) => streams::delay(time, reply).await,
        Call::Drip(drip) => return streams::drip(drip, reply).await,
        Call::Plaintext => reply.whole("text/plain", "Hello, World!"),
        Call::Json => reply.whole(JSON, r#"{"message":"Hello, World!"}"#),
        Call::Trailers => return framing::trailers(req, reply).await,
        Call::Cut(cut) => return framing::cut(cut, reply).await,
        Call::Information => return framing::information(reply),
        Call::Upgrade => return switching::upgrade(&req, reply).await,
        Call::Options(allow) => reply.status(204).set("Allow", allow).empty(),
    })
}

const JSON: &str = "application/json";

fn json(reply: Reply, value: &impl Serialize) -> Sent {
    reply.whole(JSON, pretty(value))
}

/// For people as much as for programs: indented, with a line end.
fn pretty(value: &impl Serialize) -> Vec<u8> {
    // Text and numbers under keys of text: there is nothing that JSON could not say.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

fn json_of(req: &IncomingMessage) -> impl Serialize {
    #[derive(Serialize)]
    struct Headers<'a> {
        headers: AsSent<'a>,
    }
    Headers {
        headers: AsSent(req.raw_headers()),
    }
}

/// Fields as one object: order and case as they were sent; what was sent several times is a list.
struct AsSent<'a>(FieldsRef<'a>);

impl Serialize for AsSent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut grouped: Vec<(&[u8], Vec<Cow<'_, str>>)> = Vec::new();
        for (name, value) in self.0.iter() {
            let known = grouped
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            match known {
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

/// UTF-8 if it is; otherwise each byte is a character of its own, as it was in ISO-8859-1.
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

/// A status, and what a response must have with it.
fn bare(status: u16, reply: Reply) -> Sent {
    let reply = reply.status(status);
    let reply = match status {
        401 => reply.set("WWW-Authenticate", CHALLENGE), // RFC 9110 §15.5.2
        405 => reply.set("Allow", "GET, HEAD"),          // §15.5.6
        407 => reply.set("Proxy-Authenticate", CHALLENGE), // §15.5.8
        426 => reply
            .set("Upgrade", "websocket")
            .set("Connection", "Upgrade"), // §15.5.22
        _ => reply,
    };
    if is_bodiless(status) {
        return reply.empty();
    }
    let known = StatusCode::from_u16(status).ok();
    let reason = known.and_then(|status| status.canonical_reason());
    let line = format!("{status} {}", reason.unwrap_or_default());
    reply.whole(TEXT, format!("{}\n", line.trim_end()))
}

/// Not Basic: browsers would ask for a password.
const CHALLENGE: &str = "Bearer realm=\"echo\"";

/// 204 and 304 cannot have content; 205 must not (RFC 9110 §15.3.6).
const fn is_bodiless(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

#[cfg(test)]
mod tests;
