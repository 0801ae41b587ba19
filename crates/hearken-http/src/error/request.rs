//! The request that an error of a server belongs to.
//!
//! Here: [`FailedRequest`], plain data, and how it is logged. Not here: the error (`mod.rs`).

use std::fmt;
use std::net::SocketAddr;

/// Logs an error with the request that it belongs to.
macro_rules! log_failure {
    ($request:expr, $($rest:tt)+) => {{
        let request = $request;
        tracing::error!(
            method = request.method(),
            request_target = request.target(),
            peer = request.peer().map(tracing::field::display),
            route = request.route(),
            $($rest)+
        )
    }};
}
pub(crate) use log_failure;

/// The request whose handler has failed: [`Error::request`](crate::Error::request). Each part is there as far as it is known.
///
/// ```
/// use hearken_http::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::Error, |error| match error.request() {
///     Some(request) => eprintln!("{error}: {request}"),
///     None => eprintln!("{error}"),
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRequest {
    connection: Option<u64>,
    peer: Option<SocketAddr>,
    line: Option<(Box<str>, Box<str>)>,
    route: Option<Box<str>>,
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
        }
    }

    pub(crate) fn set_line(&mut self, method: &str, target: &str) {
        self.line = Some((method.into(), target.into()));
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.line.as_ref().map(|(method, _)| &**method)
    }

    /// The request target.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.line.as_ref().map(|(_, target)| &**target)
    }

    /// The number of the connection: [`Peer::id`](crate::Peer::id).
    #[must_use]
    pub const fn connection(&self) -> Option<u64> {
        self.connection
    }

    /// The address of the client. `None` for Unix sockets and memory.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
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
