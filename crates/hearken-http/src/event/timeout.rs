//! The argument of [`event::Timeout`](crate::event::Timeout).

use crate::event::peer::Peer;
use std::cell::Cell;

/// What a connection waited for when its deadline passed.
///
/// ```
/// use hearken_http::server::Waited;
/// use hearken_http::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::Timeout, |timeout| match timeout.waited() {
///     Waited::KeepAlive => {} // the usual end of an idle connection
///     waited => eprintln!("{:?}: {waited:?}", timeout.peer()),
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waited {
    /// The whole head of a request: `limits.time.head`. The client gets a 408, and nothing if it has not sent a byte; the
    /// connection closes.
    #[doc(alias = "headersTimeout")]
    Head,
    /// The whole request with its body: `limits.time.request`. The client gets a 408 if no response has begun; the connection
    /// closes.
    #[doc(alias = "requestTimeout")]
    Request,
    /// More of a body: `limits.time.body_idle`, `body_rate_min`. The client gets a 408 if no response has begun; the
    /// connection closes.
    Body,
    /// Room to write: `limits.time.write_idle`. The connection is cut.
    Write,
    /// A byte in either direction: `limits.time.inactive`. The connection closes, unless [`TimedOut::keep`] is called.
    Inactive,
    /// The next request: `limits.time.keep_alive`. The connection closes.
    #[doc(alias = "keepAliveTimeout")]
    KeepAlive,
}

/// A deadline of a connection has passed. [`Waited`] names the consequence of each.
///
/// ```
/// use hearken_http::{Server, event};
/// use hearken_http::server::Waited;
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::Timeout, |timeout| {
///     eprintln!("{:?} {:?}", timeout.peer(), timeout.waited());
///     timeout.keep(); // as in Node, where a listener for `timeout` keeps the connection
/// });
/// ```
#[derive(Debug)]
pub struct TimedOut<'a> {
    peer: &'a Peer,
    waited: Waited,
    kept: Cell<bool>,
}

impl<'a> TimedOut<'a> {
    pub(crate) const fn new(peer: &'a Peer, waited: Waited) -> Self {
        Self {
            peer,
            waited,
            kept: Cell::new(false),
        }
    }

    /// The client.
    #[must_use]
    pub const fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// What the connection waited for.
    #[must_use]
    pub const fn waited(&self) -> Waited {
        self.waited
    }

    /// Keeps the connection and restarts the deadline. Has an effect for [`Waited::Inactive`] only: the other deadlines protect
    /// the server. The second call has no effect.
    pub fn keep(&self) {
        self.kept.set(true);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.get() && self.waited == Waited::Inactive
    }
}
