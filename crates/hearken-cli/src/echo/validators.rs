//! Validators, caches and ranges: RFC 9110 §8.8, §13 and §14.

use super::coding::ContentCoding;
use super::response::{ResponseBuilder, ResponseStream};
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

/// `bytes` letters of the alphabet, or the ranges of them for which the request asks.
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
    match precondition.ranges(&req, bytes) {
        Ranges::One(part) => {
            let response = response.status(206);
            letters(&part, response.append("Content-Range", place(&part, bytes))).await
        }
        Ranges::Several(parts) => several(&parts, bytes, response.status(206)).await,
        Ranges::Unsatisfiable => {
            let response = response.append("Content-Range", format!("bytes */{bytes}"));
            Ok(response.status(416).send_empty())
        }
        _ => letters(&(0..bytes), response).await,
    }
}

fn place(part: &Range<u64>, bytes: u64) -> String {
    format!("bytes {}-{}/{bytes}", part.start, part.end - 1)
}

async fn letters(part: &Range<u64>, response: ResponseBuilder) -> Result<Sent, Failure> {
    let length = Some(part.end - part.start);
    let mut stream = response.stream(LETTERS, length, ContentCoding::Identity);
    write_letters(part, &mut stream).await?;
    stream.end()
}

/// Several parts in one response, in the order in which they were asked for (RFC 9110 §14.6).
async fn several(
    parts: &[Range<u64>],
    bytes: u64,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let head = |part| {
        let place = place(part, bytes);
        format!("\r\n--{BOUNDARY}\r\nContent-Type: {LETTERS}\r\nContent-Range: {place}\r\n\r\n")
    };
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let of_parts = parts
        .iter()
        .map(|part| head(part).len() as u64 + part.end - part.start);
    let length = of_parts.sum::<u64>() + end.len() as u64;
    let kind = format!("multipart/byteranges; boundary={BOUNDARY}");
    let mut stream = response.stream(kind, Some(length), ContentCoding::Identity);
    for part in parts {
        stream.write(head(part)).await?;
        write_letters(part, &mut stream).await?;
    }
    stream.write(end).await?;
    stream.end()
}

/// Sends a part of the repeated alphabet, in pieces.
async fn write_letters(part: &Range<u64>, stream: &mut ResponseStream) -> Result<(), Failure> {
    let mut at = part.start;
    while at < part.end && !stream.is_head_only() {
        let to = part.end.min(at + PIECE_BYTES);
        let letter = |place: u64| b'a' + u8::try_from(place % 26).unwrap_or_default();
        stream
            .write((at..to).map(letter).collect::<Bytes>())
            .await?;
        at = to;
    }
    Ok(())
}

const LETTERS: &str = "application/octet-stream";
/// Has digits, which the content has not.
const BOUNDARY: &str = "range0123456789";
const PIECE_BYTES: u64 = 64 * 1024;
