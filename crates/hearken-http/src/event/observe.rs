//! The hook that sees every step of every exchange, with its time. Costs one flag test when no observer is installed.
//!
//! Here: [`Observer`] and its arguments. Not here: recording the steps.

use crate::error::Closed;
use crate::event::peer::Peer;
use std::time::Instant;

/// Sees every step of every exchange. Called on the worker that owns the connection, in the middle of its work: it must
/// be quick and must not block. Its methods come in the order in which things happened, for one connection.
///
/// ```
/// use hearken_http::Server;
/// use hearken_http::observe::{Observation, Observer};
/// struct Print;
/// impl Observer for Print {
///     fn observe(&self, seen: &Observation<'_>) {
///         eprintln!("{:?} exchange {} {:?}", seen.peer, seen.exchange, seen.step);
///     }
/// }
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.observer(Print);
/// ```
pub trait Observer: Send + Sync + 'static {
    /// One step was taken.
    fn observe(&self, seen: &Observation<'_>);
}

/// One step of one exchange.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// When, on the monotonic clock.
    pub at: Instant,
    /// Whose connection.
    pub peer: &'a Peer,
    /// Number of the exchange on its connection, from 1 on; 0 for the connection itself.
    pub exchange: u32,
    /// What happened.
    pub step: Step,
}

/// The steps, in the order in which an exchange takes them. Those of reading and of writing may interleave, and what of
/// the body has come with the head is seen before the handler is called.
///
/// ```
/// use hearken_http::Server;
/// use hearken_http::observe::{Observation, Observer, Step};
/// use std::sync::atomic::{AtomicU64, Ordering};
/// #[derive(Default)]
/// struct Uploaded(AtomicU64);
/// impl Observer for Uploaded {
///     fn observe(&self, seen: &Observation<'_>) {
///         if let Step::BodyEnd { bytes } = seen.step {
///             self.0.fetch_add(bytes, Ordering::Relaxed);
///         }
///     }
/// }
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.observer(Uploaded::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The connection was accepted.
    Accepted,
    /// The handshake of TLS was complete. Left out without TLS.
    Secured,
    /// The first byte of a message came.
    FirstByte,
    /// Its start line was complete.
    Line,
    /// Its head was complete.
    Head,
    /// The handler was called.
    HandlerStart,
    /// The first byte of its body came. Left out when there is no body.
    FirstBodyByte,
    /// The incoming message was complete.
    BodyEnd {
        /// Bytes of the body, without framing.
        bytes: u64,
    },
    /// The transport took the first byte of the answer.
    FirstWrite,
    /// The transport took the last byte of the answer's head.
    HeadFlushed,
    /// The transport took the last byte of the answer.
    LastByteFlushed,
    /// The connection was closed.
    Closed {
        /// Why.
        why: Closed,
        /// Bytes that came in over the whole connection; those that were read and dropped after its last answer are not
        /// counted.
        bytes_in: u64,
        /// Bytes that went out over the whole connection.
        bytes_out: u64,
    },
}
