//! What is to be sent, as its sender says it.
//!
//! Here: [`Request`], [`Response`], [`Length`], [`Without`]. Not here: how they are framed and written (`encoder.rs`).

use crate::{Date, Fields};

/// How much content will follow, as far as the sender knows.
///
/// ```
/// use hearken_proto::Length;
/// assert_ne!(Length::Known(0), Length::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "either it is known or not")]
pub enum Length {
    /// Exactly this many bytes.
    Known(u64),
    /// Only its end will tell: chunked for HTTP/1.1, until close for HTTP/1.0, unless a Content-Length field says it.
    Unknown,
}

/// A response head to be sent.
///
/// ```
/// use hearken_proto::{Fields, Length, Response};
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
    /// The field lines, sent in this order and case. Content-Length and Transfer-Encoding among them are obeyed where
    /// they are legal and left out where they are not; of both, Content-Length is left out. Trailer asks for chunks.
    pub fields: &'a Fields,
    /// What is known of the content.
    pub length: Length,
    /// Value for Date, added unless `fields` has one.
    pub date: Option<&'a Date>,
    /// What is not to be added by itself.
    pub without: Without,
}

/// Fields that a response is not given by itself. Each can still be among its fields.
///
/// ```
/// use hearken_proto::Without;
/// assert!(!Without::default().connection);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Without {
    /// No Content-Length: content whose length is known goes in chunks, too.
    pub content_length: bool,
    /// No Transfer-Encoding: content whose length is not known, or not to be told, goes on until the connection closes.
    pub transfer_encoding: bool,
    /// Neither `Connection: close` nor `keep-alive`. The connection closes all the same when it must, and after each
    /// answer to an HTTP/1.0 client, which cannot know that it stays.
    pub connection: bool,
}

impl Without {
    /// Everything is added as usual.
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
/// use hearken_proto::{Connection, Fields, Length, Limits, Request, Role};
/// let mut fields = Fields::new();
/// fields.append("Host", "example.org")?;
/// let mut out = Vec::new();
/// Connection::new(Role::Client, &Limits::default())
///     .send_request(&Request::new("GET", "/", &fields, Length::Known(0)), &mut out)?;
/// assert_eq!(out, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
/// # Ok::<(), hearken_proto::Misuse>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// Token characters.
    pub method: &'a str,
    /// In the form that the method asks for (RFC 9112 §3.2).
    pub target: &'a str,
    /// The field lines, sent in this order and case; Host must be among them.
    pub fields: &'a Fields,
    /// What is known of the content.
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
