//! The target of a request in parts: query and path segments, decoded.
//!
//! Here: [`IncomingMessage::query`], [`IncomingMessage::path_segments`]. Not here: the target as sent (`message/incoming.rs`), forms
//! in a body (`message/body.rs`).

use crate::error::Error;
use crate::message::incoming::IncomingMessage;
use percent_encoding::percent_decode_str;
use serde_core::de::DeserializeOwned;
use std::borrow::Cow;

impl IncomingMessage {
    /// Parses the query of the target as a `T`, percent-decoded, with `+` as a space. A missing query counts as an empty one; a
    /// repeated name fills a list. Names that `T` does not have are ignored.
    ///
    /// # Errors
    /// With status 400 when it does not parse as a `T`.
    ///
    /// ```
    /// use hearken::Server;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Search {
    ///     q: String,
    ///     page: Option<u32>,
    ///     #[serde(default)]
    ///     tag: Vec<String>,
    /// }
    ///
    /// // GET /search?q=caf%C3%A9+noir&tag=a&tag=b
    /// let server = Server::new(async |req, res| {
    ///     let Search { q, page, tag } = req.query()?;
    ///     Ok(res.end(format!("{q}, page {}, {tag:?}\n", page.unwrap_or(1))))
    /// });
    /// ```
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let query = self.raw_query().unwrap_or_default();
        serde_html_form::from_str(query)
            .map_err(|error| Error::new(400, format!("expected another query: {error}")))
    }

    /// The segments of the path, percent-decoded one by one: `/a%2Fb/c` has `a/b` and `c`, and `/` has one empty segment. A
    /// slash at the end yields an empty segment behind it.
    ///
    /// A decoded segment is any text: it may be `..` or contain slashes and control characters. Do not join segments to the
    /// path of a file without checking them.
    ///
    /// # Errors
    /// With status 400 when a percent sign is not followed by two hexadecimal digits, or a segment is not UTF-8.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     match req.path_segments()?.as_slice() {
    ///         [users, name] if users == "users" => Ok(res.end(format!("hello, {name}\n"))),
    ///         _ => Ok(res.status(404).end("")),
    ///     }
    /// });
    /// ```
    pub fn path_segments(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        let path = self.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        path.split('/').map(decoded).collect()
    }
}

/// Percent-decodes a text, strictly.
fn decoded(segment: &str) -> Result<Cow<'_, str>, Error> {
    let triplets = segment.split('%').skip(1);
    let is_legal = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !triplets.into_iter().all(is_legal) {
        let text = "expected two hexadecimal digits behind each percent sign of the path";
        return Err(Error::new(400, text));
    }
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Error::new(400, "expected a path of percent-encoded UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_strictly() {
        for (segment, expected) in [
            ("", ""),
            ("a", "a"),
            ("a%20b", "a b"),
            ("a+b", "a+b"),
            ("%2e%2E", ".."),
            ("a%2Fb", "a/b"),
            ("caf%C3%A9", "café"),
            ("%25%32%30", "%20"),
        ] {
            assert_eq!(decoded(segment).unwrap(), expected, "{segment}");
        }
        for segment in [
            "%", "%2", "%g0", "a%2", "%%20", "%ff", "%C3", "%c3%28", "%+1",
        ] {
            assert_eq!(decoded(segment).unwrap_err().status(), 400, "{segment}");
        }
    }
}
