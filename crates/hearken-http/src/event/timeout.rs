//! The argument of [`event::Timeout`](crate::event::Timeout).

use crate::event::peer::Peer;
use std::cell::Cell;

/// A deadline of a server connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// The whole head of a request: `limits.time.head`. Answered 408, or closed if no byte was received.
    #[doc(alias = "headersTimeout")]
    Head,
    /// The whole request with its body: `limits.time.request`. Answered 408 if no response has begun; the connection closes.
    #[doc(alias = "requestTimeout")]
    Request,
    /// More of a body: `limits.time.body_idle`, `body_rate_min`. Answered 408 if no response has begun; the connection
    /// closes.
    Body,
    /// Progress of writing: `limits.time.write_idle`. The connection is cut.
    Write,
    /// Any byte, in either direction: `limits.time.inactive`. The connection closes, unless a listener keeps it.
    Inactive,
    /// Any byte, in either direction, after an upgrade or CONNECT: `limits.time.upgraded_idle`. The transport closes.
    Upgraded,
    /// The next request: `limits.time.keep_alive`. The connection closes.
    #[doc(alias = "keepAliveTimeout")]
    KeepAlive,
}

/// A connection missed a deadline. [`Deadline`] says what happens next.
///
/// ```
/// use hearken_http::server::Deadline;
/// use hearken_http::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::Timeout, |timeout| match timeout.deadline() {
///     Deadline::Inactive => timeout.keep(), // as a listener for `timeout` does in Node
///     deadline => eprintln!("{:?}: {deadline:?}", timeout.peer()),
/// });
/// ```
#[derive(Debug)]
pub struct TimedOut<'a> {
    peer: &'a Peer,
    deadline: Deadline,
    kept: Cell<bool>,
}

impl<'a> TimedOut<'a> {
    pub(crate) const fn new(peer: &'a Peer, deadline: Deadline) -> Self {
        Self {
            peer,
            deadline,
            kept: Cell::new(false),
        }
    }

    /// The peer of the connection.
    #[must_use]
    pub const fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// The deadline that has passed.
    #[must_use]
    pub const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Keeps the connection open and starts the deadline anew. Has an effect only for [`Deadline::Inactive`]: the others
    /// protect the server. The second call has no effect.
    pub fn keep(&self) {
        self.kept.set(true);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.get() && self.deadline == Deadline::Inactive
    }
}
