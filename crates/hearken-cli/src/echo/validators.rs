//! Validators, caches and ranges: RFC 9110 §8.8, §13 and §14.

use super::coding::ContentCoding;
use super::response::ResponseBuilder;
use hearken::message::{EntityTag, Precondition, Ranges, Validators};
use hearken::{Bytes, Failure, HttpDate, IncomingMessage, Sent};
use std::ops::Range;
use std::time::SystemTime;

/// A representation with this entity tag, and the answer to the preconditions of the request (RFC 9110 §13.2.2).
pub(crate) fn etag(req: &IncomingMessage, tag: &str, response: ResponseBuilder) -> Sent {
    let Ok(etag) = EntityTag::strong(tag) else {
        return response.status(400).send_empty(); // a tag that no field can carry
    };
    let response = response
        .set("Cache-Control", "no-cache")
        .append("ETag", etag.to_string());
    if let Some(status) = unmet(&req.preconditions(&Validators::new().etag(etag))) {
        return response.status(status).send_empty();
    }
    super::json::send_json(response, &serde_json::json!({ "etag": tag }))
}

/// The status of a request that is not carried out.
fn unmet(precondition: &Precondition) -> Option<u16> {
    match precondition {
        Precondition::NotModified(_) => Some(304),
        Precondition::Failed(_) => Some(412),
        _ => None,
    }
}

/// With an age a response that caches keep so long; without one 304 to any validator, as httpbin does.
pub(crate) fn cache(req: &IncomingMessage, age: Option<u64>, response: ResponseBuilder) -> Sent {
    if let Some(age) = age {
        let response = response.set("Cache-Control", format!("public, max-age={age}"));
        return super::json::send_json(response, &serde_json::json!({ "max-age": age }));
    }
    let fields = req.raw_headers();
    let validators = ["if-none-match", "if-modified-since"];
    let known = validators.iter().any(|name| fields.get(name).is_some());
    let response = response
        .set("Cache-Control", "no-cache")
        .append("ETag", "\"cache\"");
    if known {
        return response.status(304).send_empty();
    }
    let now = HttpDate::from(SystemTime::now());
    let response = response.append("Last-Modified", now.to_string());
    super::json::send_json(response, &serde_json::json!({ "cached": false }))
}

/// `bytes` letters of the alphabet, or the range of them for which the request asks.
pub(crate) async fn range(
    bytes: u64,
    req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let etag = EntityTag::strong(format!("range{bytes}"))?;
    let response = response
        .set("Cache-Control", "no-cache")
        .append("ETag", etag.to_string())
        .append("Accept-Ranges", "bytes");
    let precondition = req.preconditions(&Validators::new().etag(etag));
    if let Some(status) = unmet(&precondition) {
        return Ok(response.status(status).send_empty());
    }
    let part = match precondition.ranges(&req, bytes) {
        Ranges::One(part) => part,
        Ranges::Unsatisfiable => {
            let response = response.append("Content-Range", format!("bytes */{bytes}"));
            return Ok(response.status(416).send_empty());
        }
        // Several parts are sent as the whole, which RFC 9110 §14.2 allows.
        _ => return letters(0..bytes, response).await,
    };
    let place = format!("bytes {}-{}/{bytes}", part.start, part.end - 1);
    let response = response.status(206).append("Content-Range", place);
    letters(part, response).await
}

/// Sends a part of the repeated alphabet, in pieces.
async fn letters(part: Range<u64>, response: ResponseBuilder) -> Result<Sent, Failure> {
    let length = part.end - part.start;
    let mut stream = response.stream(
        "application/octet-stream",
        Some(length),
        ContentCoding::Identity,
    );
    let mut at = part.start;
    while at < part.end && !stream.is_head_only() {
        let to = part.end.min(at + PIECE_BYTES);
        let letter = |place: u64| b'a' + u8::try_from(place % 26).unwrap_or_default();
        stream
            .write((at..to).map(letter).collect::<Bytes>())
            .await?;
        at = to;
    }
    stream.end()
}

const PIECE_BYTES: u64 = 64 * 1024;
