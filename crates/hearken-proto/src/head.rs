//! The head of a received message: one buffer, and offsets into it, without a map.
//!
//! Here: [`Head`] and its getters. Not here: decoding (`head_decoder.rs`), the meaning of framing fields
//! (`semantics.rs`).

use crate::facts::Facts;
use crate::fields::{FieldsRef, Line};
use crate::special::is_forbidden_trailer;
use crate::syntax::query_at;
use alloc::vec::Vec;
use core::{fmt, ops::Range};

/// The versions of a message, older first. The core itself decodes and encodes HTTP/1.0 and HTTP/1.1 (RFC 9112 §2.3).
///
/// ```
/// use hearken::proto::Version;
/// assert!(Version::Http10 < Version::Http11);
/// assert_eq!(Version::Http11.as_str(), "HTTP/1.1");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
    /// HTTP/2, of a head that another carrier has received.
    Http2,
}

impl Version {
    /// The version in wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// The four forms of a request target (RFC 9112 §3.2).
///
/// ```
/// use hearken::proto::{Connection, Limits, RequestTarget, Role};
/// let mut connection = Connection::new(Role::Server, &Limits::default());
/// connection.receive(b"OPTIONS * HTTP/1.1\r\n").unwrap();
/// assert_eq!(connection.head().request_target(), RequestTarget::Asterisk);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the RFC names four forms")]
pub enum RequestTarget<'a> {
    /// `/path?query`
    Origin(&'a str),
    /// `http://host/path?query`
    Absolute(&'a str),
    /// `host:port`, for CONNECT alone
    Authority(&'a str),
    /// `*`, for OPTIONS alone
    Asterisk,
}

/// The head of a received message. Its memory is reused for the next one.
///
/// ```
/// use hearken::proto::{Connection, Limits, Role};
/// let mut connection = Connection::new(Role::Server, &Limits::default());
/// let mut input = &b"GET /a?b HTTP/1.1\r\nHost: x\r\nX-Y: 1\r\n\r\n"[..];
/// while let (consumed, Some(_event)) = connection.receive(input).unwrap() {
///     input = &input[consumed..];
/// }
/// let head = connection.head();
/// assert_eq!((head.method(), head.url()), ("GET", "/a?b"));
/// assert_eq!(head.fields().get("x-y"), Some(&b"1"[..]));
/// ```
#[derive(Clone, Default)]
pub struct Head {
    pub(crate) bytes: Vec<u8>,
    pub(crate) lines: Vec<Line>,
    /// Method of a request.
    pub(crate) first: Range<u32>,
    /// Target of a request, reason phrase of a response.
    pub(crate) second: Range<u32>,
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) facts: Facts,
    /// The first line of those that may still be folded in `bytes`.
    pub(crate) folded_from: Option<u32>,
}

/// What the check for UTF-8 takes in one step.
const BLOCK: usize = 2 * size_of::<usize>();

impl Head {
    /// An empty head without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            lines: Vec::new(),
            first: 0..0,
            second: 0..0,
            status: 0,
            version: Version::Http11,
            facts: Facts::NONE,
            folded_from: None,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
        self.first = 0..0;
        self.second = 0..0;
        self.status = 0;
        self.version = Version::Http11;
        self.facts = Facts::default();
        self.folded_from = None;
    }

    /// Removes the fields that are forbidden in a trailer section (RFC 9110 §6.5.1). Only at its end, because the limit
    /// counts them.
    pub(crate) fn drop_forbidden(&mut self) {
        let bytes = &self.bytes;
        self.lines
            .retain(|line| !is_forbidden_trailer(line.name_in(bytes)));
    }

    #[inline]
    fn text(&self, range: &Range<u32>) -> &str {
        let (start, end) = (range.start as usize, range.end as usize);
        // Method and target are ASCII by grammar, but the check for UTF-8 cannot be left out. It is several times faster
        // for whole, aligned blocks, so it covers the blocks around the text. These may hold other text, too.
        let (from, to) = (start / BLOCK * BLOCK, end.next_multiple_of(BLOCK));
        let blocks = self.bytes.get(from..to);
        let blocks = blocks.and_then(|blocks| core::str::from_utf8(blocks).ok());
        match blocks.and_then(|blocks| blocks.get(start - from..end - from)) {
            Some(text) => text,
            None => self.exact_text(start, end),
        }
    }

    #[inline(never)]
    fn exact_text(&self, start: usize, end: usize) -> &str {
        // A reason phrase may hold obs-text, for which this returns "".
        core::str::from_utf8(&self.bytes[start..end]).unwrap_or_default()
    }

    /// Method of a request as sent, with its case; empty for a response.
    #[must_use]
    #[inline]
    pub fn method(&self) -> &str {
        match self.method_bytes() {
            b"GET" => "GET",
            b"POST" => "POST",
            b"HEAD" => "HEAD",
            b"PUT" => "PUT",
            b"DELETE" => "DELETE",
            _ => self.text(&self.first),
        }
    }

    /// [`method`](Self::method) as bytes, without a UTF-8 check.
    #[inline]
    #[must_use]
    pub fn method_bytes(&self) -> &[u8] {
        &self.bytes[self.first.start as usize..self.first.end as usize]
    }

    /// The request target as sent, never normalised; empty for a response. [`path`](Self::path) and
    /// [`raw_query`](Self::raw_query) are its parts, [`request_target`](Self::request_target) says which form it has.
    #[doc(alias = "target")]
    #[inline]
    #[must_use]
    pub fn url(&self) -> &str {
        if self.status == 0 {
            self.text(&self.second)
        } else {
            ""
        }
    }

    /// [`url`](Self::url) as bytes, without a UTF-8 check.
    ///
    /// ```
    /// use hearken::proto::{Connection, Limits, Role};
    /// let mut connection = Connection::new(Role::Server, &Limits::default());
    /// connection.receive(b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    /// assert_eq!(connection.head().url_bytes(), b"/a?b");
    /// ```
    #[inline]
    #[must_use]
    pub fn url_bytes(&self) -> &[u8] {
        if self.status == 0 {
            &self.bytes[self.second.start as usize..self.second.end as usize]
        } else {
            b""
        }
    }

    /// The path of the request target, without query, scheme and host. Not percent-decoded.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Request, |head| println!("{} {:?} {:?}", head.path(), head.raw_query(), head.header("accept")));
    /// ```
    #[inline]
    #[must_use]
    pub fn path(&self) -> &str {
        let url = self.url();
        let path = match query_at(url.as_bytes()) {
            Some(at) => &url[..at],
            None => url,
        };
        if path.starts_with('/') {
            return path;
        }
        // Absolute-form: the path follows the authority.
        match path.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => path,
        }
    }

    /// The query of the request target as sent, without its question mark.
    #[must_use]
    pub fn raw_query(&self) -> Option<&str> {
        let url = self.url();
        query_at(url.as_bytes()).map(|at| &url[at + 1..])
    }

    /// The value of the first field with this name, compared without case. `None` also when it is not UTF-8:
    /// [`fields`](Self::fields) has the bytes.
    #[inline]
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.fields().get(name)?;
        core::str::from_utf8(value).ok()
    }

    /// The request target by its form.
    #[must_use]
    pub fn request_target(&self) -> RequestTarget<'_> {
        let target = self.url();
        match target.as_bytes() {
            [b'/', ..] => RequestTarget::Origin(target),
            b"*" => RequestTarget::Asterisk,
            _ if self.method() == "CONNECT" => RequestTarget::Authority(target),
            _ => RequestTarget::Absolute(target),
        }
    }

    /// Status of a response; 0 for a request.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Reason phrase of a response; often empty. Not for decisions.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        if self.status == 0 {
            b""
        } else {
            &self.bytes[self.second.start as usize..self.second.end as usize]
        }
    }

    /// Version of the message.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The field lines, in the order in which they came, with their case.
    #[doc(alias = "rawHeaders")]
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'_> {
        FieldsRef::new(&self.bytes, &self.lines)
    }

    /// The bytes of the head as received, with start line and line ends. Folded lines of a response are unfolded in
    /// place, by spaces (RFC 9112 §5.2).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Value of Content-Length, if the message has that field. `None` too for a response that ends with its head, so that
    /// the field means nothing (RFC 9112 §6.3), and whose framing fields are malformed.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        self.facts.content_length
    }

    /// RFC 9112 §6.1: faulty framing.
    pub(crate) fn chunked_in_http10(&self) -> bool {
        self.facts.chunked && self.version == Version::Http10
    }

    /// Whether the peer allows the connection to persist after this message (RFC 9112 §9.3).
    #[must_use]
    pub fn persistent(&self) -> bool {
        !self.facts.close && (self.version == Version::Http11 || self.facts.keep_alive)
    }

    /// Whether the client waits for a 100 response before it sends its body (RFC 9110 §10.1.1). Never true for HTTP/1.0.
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.facts.expect_continue && self.version == Version::Http11
    }

    /// The first expectation other than `100-continue`. `None` for HTTP/1.0, whose expectations are ignored (RFC 9110
    /// §10.1.1). A server rejects such a request unless
    /// [`pass_expectations`](crate::Connection::pass_expectations) is on.
    #[must_use]
    pub fn expectation(&self) -> Option<&[u8]> {
        if !self.facts.expect_other || self.version == Version::Http10 {
            return None;
        }
        let mut fields = self.fields().iter();
        fields.find_map(|(name, value)| {
            let other = name.eq_ignore_ascii_case(b"expect")
                && !value.eq_ignore_ascii_case(crate::facts::CONTINUE);
            other.then_some(value)
        })
    }

    /// Whether the request may ask for an upgrade, a tunnel, or to have an expectation met. A cheap test before the getters
    /// for each of them.
    #[inline]
    #[must_use]
    pub fn asks_more(&self) -> bool {
        let facts = &self.facts;
        facts.connection_upgrade
            | facts.expect_continue
            | facts.expect_other
            | (self.method_bytes() == b"CONNECT")
    }

    /// Value of Upgrade: the protocols that the sender offers. `None` unless the message is HTTP/1.1, lists `upgrade` in
    /// Connection, and has no body (RFC 9110 §7.8; stricter: a request with a body cannot be upgraded).
    #[inline]
    #[must_use]
    pub fn upgrade(&self) -> Option<&[u8]> {
        // A response that switches ends with its head, whatever it declares.
        let ends_here = self.status != 0 || !self.facts.has_body();
        let offered = self.version == Version::Http11 && self.facts.connection_upgrade && ends_here;
        if offered {
            self.fields()
                .get("upgrade")
                .filter(|protocols| !protocols.is_empty())
        } else {
            None
        }
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Head");
        if self.status == 0 {
            out.field("method", &self.method())
                .field("url", &self.url());
        } else {
            out.field("status", &self.status);
        }
        out.field("version", &self.version)
            .field("fields", &self.fields())
            .finish()
    }
}
