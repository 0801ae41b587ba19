//! One connection without I/O: a queue of exchanges, their handler, limits, deadlines and policies.
//!
//! In: bytes that arrived, room to write, end of input, the time. Out: bytes to write, the next deadline, the order to
//! close. Nothing in here names a socket, a reactor or the clock of the system; a test holds that. So the same code
//! serves TCP, TLS, Unix sockets and memory, and a whole server can be tested with a clock that jumps.
//!
//! Here: [`Drive`], the grammar between a connection and what drives it; exchanges and what carries them. Not here: the pump
//! (`pump.rs`), the protocol (hearken-proto).
//!
//! May know: bytes, time, exchanges; the plain data of `error`, `event`, `net` and `tls`.
//!
//! Must not know: tokio, sockets, rustls, the handles that users hold (`message`), workers, agents.

mod attached;
pub(crate) mod budget;
pub(crate) mod carrier;
#[cfg(feature = "client")]
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod closing;
pub(crate) mod context;
mod cork;
mod drain;
pub(crate) mod end_hold;
pub(crate) mod endpoint;
pub(crate) mod exchange;
mod failing;
pub(crate) mod hold;
pub(crate) mod incoming;
mod layering;
pub(crate) mod layers;
pub(crate) mod limits;
pub(crate) mod line;
mod linger;
pub(crate) mod listeners;
mod loss;
pub(crate) mod notify;
pub(crate) mod observed;
mod orders;
pub(crate) mod outgoing;
pub(crate) mod output;
pub(crate) mod server;
pub(crate) mod session;
mod switch;
mod timers;

use bytes::Bytes;
pub(crate) use linger::LingerTimes;
use output::Output;
use std::io;
use std::ops::Deref;
use std::task::Context;
use std::time::{Duration, Instant};

/// What the pump must do when a connection has nothing more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Write the end of our direction, read on until the peer closes or the deadline comes, then close: whatever the
    /// peer still sends must not destroy an answer that it has not read yet (RFC 9112 §9.6).
    Linger,
    /// Close at once.
    Now,
    /// Close at once, so that the peer takes it for a failure: what it has got by now may look like a whole message that
    /// ends with its connection, or it does not take what was sent.
    Cut,
    /// Leave the transport as it is: its owner gets it back.
    Keep,
    /// The transport goes to another protocol, and the connection lives on without it.
    HandOver,
}

/// Bytes from the transport.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// In a buffer that is needed again.
    Borrowed(&'a [u8]),
    /// In a buffer of their own, which may be kept.
    Owned(&'a Bytes),
}

impl<'a> Input<'a> {
    pub(crate) fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }

    pub(crate) const fn owner(&self) -> Option<&'a Bytes> {
        match self {
            Self::Borrowed(_) => None,
            Self::Owned(bytes) => Some(bytes),
        }
    }
}

/// How a connection is driven by its [`Endpoint`](endpoint::Endpoint): getters, `handle_*` for what the world did, and what the pump must do now. Time is
/// an argument and only goes forward.
pub(crate) trait Drive {
    /// Whether more input is welcome. While it is not, the transport is left unread: that is the backpressure.
    fn wants_read(&self) -> bool;
    /// Whether `handle_eof` has been called.
    fn at_eof(&self) -> bool;
    /// Whether at least this much more of the body in progress is to come, so that a large buffer of its own pays.
    fn body_left(&self) -> u64;
    /// Bytes have come.
    fn handle_input(&mut self, input: &Input<'_>, cx: &mut Context<'_>, now: Instant);
    /// The peer sends no more. Once.
    fn handle_eof(&mut self, cx: &mut Context<'_>, now: Instant);
    /// The transport broke.
    fn handle_lost(&mut self, error: &io::Error, cx: &mut Context<'_>, now: Instant);
    /// The transport takes no more. It may still have something to say.
    fn handle_unwritable(&mut self, error: &io::Error, cx: &mut Context<'_>, now: Instant) {
        self.handle_lost(error, cx, now);
    }
    /// For as long as `write_idle` says the transport could pass nothing on of what it took.
    fn handle_stuck(&mut self, cx: &mut Context<'_>, now: Instant);
    /// The deadline has passed.
    fn handle_timeout(&mut self, cx: &mut Context<'_>, now: Instant);
    /// Lets the application go on. Called when it was woken, and after progress in writing.
    fn poll_app(&mut self, cx: &mut Context<'_>, now: Instant);
    /// Bytes to be written, if there are some.
    fn output(&mut self) -> Option<impl Deref<Target = Output>>;
    /// The transport has taken `count` bytes of the output. Called once per turn, with 0 if it has taken none.
    fn handle_sent(&mut self, count: usize, now: Instant);
    /// The moment at which `handle_timeout` wants to be called.
    fn deadline(&self) -> Option<Instant>;
    /// Whether it is over, once nothing is left to be written.
    fn ending(&self) -> Option<Ending>;
    /// How long a transport may keep bytes that it took and cannot pass on.
    fn write_idle(&self) -> Duration;
    /// Whether the connection has nothing more to say but what is queued, so that input is read only to be dropped.
    fn lingers(&self) -> bool;
    /// How long the pump reads on after our end was sent.
    fn linger(&self) -> LingerTimes;
    /// Whether this poll has taken its time, so that others must have theirs. `measure`: reads the clock for it.
    fn is_spent(&self, measure: bool) -> bool {
        let _ = measure;
        false
    }
    /// Has the task polled again when others have had their time. False if its runtime is to see to that.
    fn go_on_later(&self, cx: &Context<'_>) -> bool {
        let _ = cx;
        false
    }
    /// The transport is closed. The last call.
    fn handle_closed(&mut self, now: Instant);
}

#[cfg(test)]
pub(crate) mod tests;
