//! Validators, caches and ranges: RFC 9110 §8.8, §13 and §14.

use super::coding::ContentCoding;
use super::response::ResponseBuilder;
use hearken::message::Ranges;
use hearken::{Bytes, Failure, IncomingMessage, Sent};
use std::ops::Range;
use std::time::SystemTime;

/// A representation with this entity tag: 412 if the request wants another one, 304 if the client has it (RFC 9110 §13.2.2).
pub(crate) fn etag(req: &IncomingMessage, tag: &str, response: ResponseBuilder) -> Sent {
    let quoted = format!("\"{tag}\"");
    let response = response
        .set("Cache-Control", "no-cache")
        .append("ETag", &quoted);
    let fields = req.raw_headers();
    let lists = |name: &str| fields.get_all(name).collect::<Vec<_>>();
    let (wanted, known) = (lists("if-match"), lists("if-none-match"));
    if !wanted.is_empty() && !contains(&wanted, &quoted, Comparison::Strong) {
        return response.status(412).send_empty();
    }
    if contains(&known, &quoted, Comparison::Weak) {
        return response.status(304).send_empty();
    }
    super::json::send_json(response, &serde_json::json!({ "etag": tag }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// Weak tags are equal to none.
    Strong,
    Weak,
}

/// Whether the list is `*` or has the tag, which is strong.
fn contains(lines: &[&[u8]], quoted: &str, comparison: Comparison) -> bool {
    lines.iter().any(|line| {
        let mut rest = line.trim_ascii();
        if rest == b"*" {
            return true;
        }
        // Commas separate, and may stand in a tag.
        while !rest.is_empty() {
            let weak = rest.starts_with(b"W/");
            let tag = if weak { &rest[2..] } else { rest };
            let end = match tag.strip_prefix(b"\"") {
                Some(inner) => inner.iter().position(|byte| *byte == b'"').map(|at| at + 2),
                None => None,
            };
            let Some(end) = end else {
                return false;
            };
            let comparable = !weak || comparison == Comparison::Weak;
            if comparable && &tag[..end] == quoted.as_bytes() {
                return true;
            }
            rest = tag[end..].trim_ascii_start();
            rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        }
        false
    })
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
    let now = httpdate::fmt_http_date(SystemTime::now());
    let response = response.append("Last-Modified", now);
    super::json::send_json(response, &serde_json::json!({ "cached": false }))
}

/// `bytes` letters of the alphabet, or the range of them for which the request asks.
pub(crate) async fn range(
    bytes: u64,
    req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let tag = format!("\"range{bytes}\"");
    let response = response
        .set("Cache-Control", "no-cache")
        .append("ETag", &tag)
        .append("Accept-Ranges", "bytes");
    let fields = req.raw_headers();
    let lines: Vec<_> = fields.get_all("if-none-match").collect();
    if contains(&lines, &tag, Comparison::Weak) {
        return Ok(response.status(304).send_empty());
    }
    // RFC 9110 §13.1.5: of another representation the client needs the whole.
    let same = fields
        .get("if-range")
        .is_none_or(|value| value == tag.as_bytes());
    let part = match req.ranges(bytes) {
        Ranges::One(part) if same => part,
        Ranges::Unsatisfiable if same => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_compared_by_their_rules() {
        use Comparison::{Strong, Weak};
        for (line, strong, weak) in [
            ("*", true, true),
            ("\"a\"", true, true),
            ("W/\"a\"", false, true),
            ("\"b\", W/\"a\"", false, true),
            ("\"b\",\"a\"", true, true),
            ("\"x,\\\"a\"", false, false),
            ("\"a,b\"", false, false),
            ("a", false, false),
            ("\"a", false, false),
            ("", false, false),
        ] {
            let lines = [line.as_bytes()];
            assert_eq!(contains(&lines, "\"a\"", Strong), strong, "{line}");
            assert_eq!(contains(&lines, "\"a\"", Weak), weak, "{line}");
        }
    }
}
