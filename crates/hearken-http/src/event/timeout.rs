//! What a listener for [`event::Timeout`](crate::event::Timeout) is given.

use crate::Peer;
use std::cell::Cell;

/// What a connection waited for when its time ran out.
///
/// ```
/// use hearken_http::server::Waited;
/// assert_ne!(Waited::Head, Waited::KeepAlive);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waited {
    /// The whole head of a request: `limits.time.head`. Answered 408, or closed if not a byte had come.
    Head,
    /// The whole request with its body: `limits.time.request`. Answered 408 if no answer has begun; the connection closes.
    Request,
    /// More of a body: `limits.time.body_idle`, `body_rate_min`. Answered 408 if no answer has begun; the connection closes.
    Body,
    /// Room to write: `limits.time.write_idle`. The connection is cut.
    Write,
    /// Anything, in either direction: `limits.time.inactive`. The connection is closed, unless it is kept.
    Inactive,
    /// The next request: `limits.time.keep_alive`. The connection is closed.
    KeepAlive,
}

/// A deadline has passed on a connection; what follows is said at each [`Waited`].
///
/// ```
/// use hearken_http::{Server, event};
/// use hearken_http::server::Waited;
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::Timeout, |timeout| {
///     eprintln!("{:?} {:?}", timeout.peer(), timeout.waited());
///     timeout.keep(); // as a listener for `timeout` does in Node
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

    /// Whose connection it is.
    #[must_use]
    pub const fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// What it waited for.
    #[must_use]
    pub const fn waited(&self) -> Waited {
        self.waited
    }

    /// Lets the connection live on, and the deadline begin anew. Only [`Waited::Inactive`] can be kept: the others protect
    /// the server. The second call changes nothing.
    pub fn keep(&self) {
        self.kept.set(true);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.get() && self.waited == Waited::Inactive
    }
}
