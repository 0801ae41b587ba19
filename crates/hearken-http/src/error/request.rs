//! The request that an error of a server belongs to.
//!
//! Here: [`FailedRequest`], plain data, and how it is logged. Not here: the error (`mod.rs`).

use hearken_proto::Head;
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

/// Bytes of a request target that are logged.
const TARGET_MAX: usize = 1024;

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
            route: route.map(Into::into),
            head: None,
        }
    }

    pub(crate) fn set_head(&mut self, head: &Head) {
        self.head = Some(Box::new(head.clone()));
    }

    /// The head. `None` before it has come, and where the error may belong to any of several requests whose responses are on their
    /// way.
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
        Some(self.head.as_ref()?.method())
    }

    /// The request target; of a longer one the first 1,024 bytes.
    #[doc(alias = "target")]
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        let url = self.head.as_ref()?.url();
        Some(&url[..url.floor_char_boundary(TARGET_MAX)])
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
        match self.method().zip(self.url()) {
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
