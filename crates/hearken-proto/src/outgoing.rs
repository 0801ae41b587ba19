//! Messages to be sent, as the caller describes them.
//!
//! Here: [`Request`], [`Response`], [`Length`], [`Without`]. Not here: framing and encoding (`encoder.rs`).

use crate::{Date, Fields};

/// The length of the content, as far as the caller knows it.
///
/// ```
/// use hearken::proto::Length;
/// assert_ne!(Length::Known(0), Length::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a length is known or not")]
pub enum Length {
    /// Exactly this many bytes.
    Known(u64),
    /// Not known: chunked for HTTP/1.1, until close for HTTP/1.0, unless a Content-Length field declares it.
    Unknown,
}

/// A response head to be sent.
///
/// ```
/// use hearken::proto::{Fields, Length, Response};
/// let fields = Fields::new();
/// let response = Response::new(204, &fields, Length::Known(0));
/// assert_eq!(response.status, 204);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Response<'a> {
    /// 100 to 999.
    pub status: u16,
    /// Reason phrase; `None` for the registered one.
    pub reason: Option<&'a [u8]>,
    /// The field lines, sent in this order and case. Content-Length and Transfer-Encoding among them decide about framing
    /// where they are legal, and are left out where they are not; if both are set, Content-Length is left out. A Trailer
    /// field selects chunked framing.
    pub fields: &'a Fields,
    /// The length of the content.
    pub length: Length,
    /// Value for Date, added unless `fields` has one.
    pub date: Option<&'a Date>,
    /// Fields that are not added automatically.
    pub without: Without,
}

/// Fields that are not added to a response automatically. The caller can still set each of them.
///
/// ```
/// use hearken::proto::Without;
/// assert!(!Without::default().connection);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Without {
    /// No Content-Length: content of known length is sent in chunks, too.
    pub content_length: bool,
    /// No Transfer-Encoding: content of undeclared length ends when the connection closes.
    pub transfer_encoding: bool,
    /// Neither `Connection: close` nor `keep-alive`. The connection still closes when it must, and after each response to
    /// an HTTP/1.0 client, to which its persistence is not announced.
    pub connection: bool,
}

impl Without {
    /// All fields are added.
    pub const NONE: Self = Self {
        content_length: false,
        transfer_encoding: false,
        connection: false,
    };
}

impl<'a> Response<'a> {
    /// A response with the registered reason phrase and no Date.
    #[must_use]
    pub const fn new(status: u16, fields: &'a Fields, length: Length) -> Self {
        Self {
            status,
            reason: None,
            fields,
            length,
            date: None,
            without: Without::NONE,
        }
    }
}

/// A request head to be sent.
///
/// ```
/// use hearken::proto::{Connection, Fields, Length, Limits, Request, Role};
/// let mut fields = Fields::new();
/// fields.append("Host", "example.org")?;
/// let mut out = Vec::new();
/// Connection::new(Role::Client, &Limits::default())
///     .send_request(&Request::new("GET", "/", &fields, Length::Known(0)), &mut out)?;
/// assert_eq!(out, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
/// # Ok::<(), hearken::proto::Misuse>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// Token characters.
    pub method: &'a str,
    /// In the form that the method requires (RFC 9112 §3.2).
    pub target: &'a str,
    /// The field lines, sent in this order and case; Host must be among them.
    pub fields: &'a Fields,
    /// The length of the content.
    pub length: Length,
}

impl<'a> Request<'a> {
    /// A request for HTTP/1.1.
    #[must_use]
    pub const fn new(method: &'a str, target: &'a str, fields: &'a Fields, length: Length) -> Self {
        Self {
            method,
            target,
            fields,
            length,
        }
    }
}
