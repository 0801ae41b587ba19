//! Responses with one call: redirects, JSON, downloads.
//!
//! Here: [`ServerResponse::redirect`], [`ServerResponse::json`], [`ServerResponse::attachment`]. Not here: values that a handler
//! returns (`message/answer.rs`).

use crate::error::{Failure, Status};
use crate::message::answer::{Answer, Json};
use crate::message::outgoing::OutgoingMessage;
use crate::message::response::{Sent, ServerResponse};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};
use serde_core::Serialize;

/// What a URI cannot contain (RFC 3986 §2). A percent sign stays: the URL may be encoded already.
const NOT_IN_URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The URL with what a URI cannot contain percent-encoded: spaces, control characters, what is not ASCII, `"<>\^`{|}`. A percent sign
/// stays, since the URL may be encoded already. For fields that contain a URL; [`ServerResponse::redirect`] does it itself.
///
/// ```
/// assert_eq!(hearken::message::encode_url("/café menu?x=%20"), "/caf%C3%A9%20menu?x=%20");
/// ```
#[must_use]
pub fn encode_url(url: &str) -> String {
    utf8_percent_encode(url, NOT_IN_URI).to_string()
}

/// What `ext-value` of RFC 8187 §3.2.1 leaves unencoded.
const NOT_IN_EXT_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

impl ServerResponse {
    /// Ends the response with a redirect: this status, `Location`, and a short text for clients that do not follow it, which is HTML if
    /// the client prefers that. Node has none; Express's `res.redirect`.
    ///
    /// | status | meaning |
    /// |---|---|
    /// | 301, 308 | the resource has moved for good; 308 keeps the method |
    /// | 302, 307 | it is elsewhere for now; 307 keeps the method |
    /// | 303 | see another resource, by GET: after a POST |
    ///
    /// The URL may be relative. Characters that a URI cannot contain are percent-encoded, line ends among them; a percent sign
    /// is not. **A URL that a client has chosen** can lead to another site (`//evil.example`): check it before.
    ///
    /// A status that is no redirect is answered 500.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| match req.path() {
    ///     "/old" => res.redirect(301, "/new"),
    ///     _ => res.end("here\n"),
    /// });
    /// ```
    #[doc(alias = "location")]
    pub fn redirect(self, status: impl Into<Status>, url: impl AsRef<str>) -> Sent {
        let status = status.into();
        if !matches!(status.0, 300..=303 | 305 | 307 | 308) {
            let text = format!(
                "expected a status of a redirect, 301, 302, 303, 307 or 308, not {}",
                status.0
            );
            return self.fail(Failure::new(500, text));
        }
        let url = encode_url(url.as_ref());
        let html = self.accepts(&["text/plain", "text/html"]) == Some("text/html");
        let (media_type, text) = if html {
            // The encoded URL has none of the other characters with a meaning in HTML.
            let url = url.replace('&', "&amp;").replace('\'', "&#39;");
            let text = format!(
                "<!doctype html>\n<title>Redirect</title>\n<p>See <a href=\"{url}\">{url}</a></p>\n"
            );
            ("text/html; charset=utf-8", text)
        } else {
            ("text/plain; charset=utf-8", format!("See {url}\n"))
        };
        self.status(status)
            .set("Location", url)
            .set("Content-Type", media_type)
            .append("Vary", "Accept")
            .end(text)
    }

    /// Ends the response with a value as JSON, and `Content-Type: application/json` unless another was set. A value that cannot
    /// be serialised is answered 500. The same as returning [`Json`] from the handler.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |_req, res| res.status(201).json(&vec![1, 2, 3]));
    /// ```
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Sent {
        Json(value).answer(self)
    }

    /// Sets Content-Disposition, so that browsers store the content under this name (RFC 6266), and the Content-Type that
    /// belongs to the name unless one was set: `application/octet-stream` for an ending that is not known. Slashes and control characters are replaced by `_`.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |_req, res| res.attachment("café.csv").end("a,b\n"));
    /// ```
    #[doc(alias = "download")]
    #[must_use]
    pub fn attachment(self, name: &str) -> Self {
        let media_type = crate::message::media_type_of(name);
        let res = match self.has_header("content-type") {
            true => self,
            false => self.set(
                "Content-Type",
                media_type.unwrap_or("application/octet-stream"),
            ),
        };
        res.set("Content-Disposition", disposition(name))
    }
}

/// `filename` for every client, and `filename*` for names that are not plain ASCII.
fn disposition(name: &str) -> String {
    let replaced = |c: char| c.is_control() || matches!(c, '/' | '\\');
    let name: String = name
        .chars()
        .map(|c| if replaced(c) { '_' } else { c })
        .collect();
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii() && !matches!(c, '"' | '%') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    let encoded = percent_encode(name.as_bytes(), NOT_IN_EXT_VALUE);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_reach_every_client() {
        for (name, expected) in [
            ("a b.txt", "attachment; filename=\"a b.txt\""),
            ("../x\r\ny", "attachment; filename=\".._x__y\""),
            (
                "a\"b.txt",
                "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt",
            ),
            (
                "50%.txt",
                "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt",
            ),
            (
                "café.csv",
                "attachment; filename=\"caf_.csv\"; filename*=UTF-8''caf%C3%A9.csv",
            ),
        ] {
            assert_eq!(disposition(name), expected);
        }
    }

    #[test]
    fn urls_keep_what_is_encoded() {
        for (url, expected) in [
            ("/a?b=c#d", "/a?b=c#d"),
            ("/a b/é", "/a%20b/%C3%A9"),
            ("/a%20b", "/a%20b"),
            ("/\r\nX: y", "/%0D%0AX:%20y"),
            ("http://[::1]/", "http://[::1]/"),
        ] {
            let encoded = utf8_percent_encode(url, NOT_IN_URI).to_string();
            assert_eq!(encoded, expected);
        }
    }
}
