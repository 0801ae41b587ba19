//! A response as a test reads it.
//!
//! Here: [`Response`]. Not here: how it is decoded (`exchange.rs`).

use bytes::{Bytes, BytesMut};
use hearken_proto::{Fields, Head};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_core::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;

/// What a client has received for a request.
///
/// ```
/// use hearken::Server;
/// use hearken::test::Request;
/// let server = Server::new(async |req, res| {
///     res.set("Content-Type", "text/plain").end(format!("you asked for {}", req.path()))
/// });
/// let response = server.inject(Request::get("/here")).unwrap();
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.header("content-type"), Some("text/plain"));
/// assert_eq!(response.text(), "you asked for /here");
/// ```
#[derive(Clone, Default)]
pub struct Response {
    pub(super) head: Head,
    pub(super) interim: Vec<Head>,
    pub(super) body: BytesMut,
    pub(super) trailers: Fields,
    pub(super) complete: bool,
}

impl Response {
    /// The status.
    ///
    /// # Panics
    /// Never: the decoder rejects a status below 100.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.head.status()).expect("a status of three digits")
    }

    /// The value of the first field with this name, compared without case. `None` also when it is not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.head.fields().get(name)?;
        std::str::from_utf8(value).ok()
    }

    /// All fields.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let fields = self.head.fields();
        let field = |(name, value): (&[u8], &[u8])| {
            Some((
                HeaderName::from_bytes(name).ok()?,
                HeaderValue::from_bytes(value).ok()?,
            ))
        };
        fields.iter().filter_map(field).collect()
    }

    /// The head as it came: reason phrase, version, fields with their order and case.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The interim responses before it, `100 Continue` and `103 Early Hints` for example.
    #[must_use]
    pub fn interim(&self) -> &[Head] {
        &self.interim
    }

    /// The body, without its framing and as it was sent: not decompressed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// [`bytes`](Self::bytes), to keep.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.body.freeze()
    }

    /// The body as text. Bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The trailers.
    #[must_use]
    pub const fn trailers(&self) -> &Fields {
        &self.trailers
    }

    /// Whether the response has ended. Only [`Connection::response_so_far`](super::Connection::response_so_far) returns
    /// responses that have not.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.head.status())
            .field("fields", &self.head.fields())
            .field("body", &self.text())
            .finish_non_exhaustive()
    }
}
