//! The request that an error of a server belongs to.
//!
//! Here: [`FailedRequest`], plain data, and how it is logged. Not here: the error (`mod.rs`).

use hearken_proto::Head;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

/// Logs an error with the request that it belongs to.
macro_rules! log_failure {
    ($request:expr, $($rest:tt)+) => {{
        let request = $request;
        tracing::error!(
            method = request.method(),
            request_target = request.url(),
            peer = request.remote_address().map(tracing::field::display),
            route = request.route(),
            $($rest)+
        )
    }};
}
pub(crate) use log_failure;

/// Bytes of a request target that are kept for logs and errors.
const TARGET_MAX: usize = 1024;

/// Method and target of the last request of a connection, kept while its handler holds the head, and while its response is sent. The
/// memory is used again.
#[derive(Debug, Default)]
pub(crate) struct RequestLine {
    text: Vec<u8>,
    method_len: usize,
    /// All that waited for the transport when the request came has been taken: what waits now is its response.
    pub(crate) alone: bool,
}

impl RequestLine {
    #[inline]
    pub(crate) fn set(&mut self, head: &Head, alone: bool) {
        self.alone = alone;
        let (method, target) = (head.method_bytes(), head.url_bytes());
        self.text.clear();
        self.text.extend_from_slice(method);
        self.text
            .extend_from_slice(&target[..target.len().min(TARGET_MAX)]);
        self.method_len = method.len();
    }

    pub(crate) fn clear(&mut self) {
        self.method_len = 0;
    }

    /// `None` before a head has come.
    pub(crate) fn get(&self) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
        let (method, target) = self.text.split_at_checked(self.method_len)?;
        let text = |bytes| String::from_utf8_lossy(bytes);
        (!method.is_empty()).then(|| (text(method), text(target)))
    }
}

/// The request whose handler has failed: [`Failure::request`](crate::Failure::request). Each part is there as far as it is known.
///
/// ```
/// use hearken::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::HandlerFailed, |failure| match failure.request() {
///     Some(request) => eprintln!("{failure}: {request}"),
///     None => eprintln!("{failure}"),
/// });
/// ```
#[derive(Clone, Debug)]
pub struct FailedRequest {
    connection: Option<u64>,
    peer: Option<SocketAddr>,
    line: Option<(Box<str>, Box<str>)>,
    route: Option<Box<str>>,
    head: Option<Box<Head>>,
}

impl FailedRequest {
    pub(crate) fn new(
        connection: Option<u64>,
        peer: Option<SocketAddr>,
        route: Option<&str>,
    ) -> Self {
        Self {
            connection,
            peer,
            line: None,
            route: route.map(Into::into),
            head: None,
        }
    }

    pub(crate) fn set_line(&mut self, method: &str, target: &str) {
        self.line = Some((method.into(), target.into()));
    }

    pub(crate) fn set_head(&mut self, head: &Head) {
        self.head = Some(Box::new(head.clone()));
    }

    /// The head, unless the handler or a task of its own still holds the request.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_deref()
    }

    /// A field of the head, as text. Of several fields of that name, the first. `None` also where it is not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.head.as_ref()?.fields().get(name)?).ok()
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.line.as_ref().map(|(method, _)| &**method)
    }

    /// The request target; of a longer one the first 1,024 bytes.
    #[doc(alias = "target")]
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.line.as_ref().map(|(_, target)| &**target)
    }

    /// The number of the connection: [`Peer::id`](crate::Peer::id).
    #[must_use]
    pub const fn connection(&self) -> Option<u64> {
        self.connection
    }

    /// The address of the client. `None` for Unix sockets and memory.
    #[doc(alias = "peer")]
    #[must_use]
    pub const fn remote_address(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The label of the route: [`ServerResponse::set_route`](crate::ServerResponse::set_route).
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }
}

/// On one line: method, target, client and route.
impl fmt::Display for FailedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.line {
            Some((method, target)) => write!(f, "{method} {target}")?,
            None => f.write_str("a request")?,
        }
        match (self.peer, self.connection) {
            (Some(peer), _) => write!(f, " from {peer}")?,
            (None, Some(connection)) => write!(f, " on connection {connection}")?,
            (None, None) => {}
        }
        match &self.route {
            Some(route) => write!(f, " (route {route})"),
            None => Ok(()),
        }
    }
}
