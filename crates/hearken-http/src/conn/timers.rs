//! The deadlines of connections: the names of all timers, and the parts that servers, sessions and clients share.
//!
//! Here: [`Timer`], [`earliest`], writing, and how long readers wait for a body. Not here: which timers run when, and what
//! follows (`server/deadlines.rs`, `client/deadlines.rs`, `session.rs`); the clock and the wheel (`server/worker.rs`).

use super::exchange::State;
use super::incoming::Incoming;
use super::line::Line;
use super::outgoing::Stage;
use hearken_proto::{Half, TimeLimits};
use std::time::Instant;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The first byte of the next request.
    Idle,
    /// The head of a message.
    Head,
    /// A whole request.
    Request,
    /// A request and its response, both whole.
    #[cfg(feature = "client")]
    Exchange,
    /// More of a body.
    Body,
    /// Room to write.
    Write,
    /// A byte in either direction.
    Inactive,
    /// The moment to send the next byte of the probe to a half-closed peer.
    Probe,
    /// `100 Continue`.
    Continue,
}

/// A timer and when it fires.
pub(crate) type Due = (Instant, Timer);

/// The timer that fires first; of several at one moment, the one that is named first.
pub(crate) fn earliest<const N: usize>(timers: [Option<Due>; N]) -> Option<Due> {
    timers.into_iter().flatten().min_by_key(|&(at, _)| at)
}

impl Line {
    /// When the transport has taken nothing for too long.
    pub(crate) fn write_due(&self, time: &TimeLimits) -> Option<Due> {
        let since = self.times.write_since?;
        Some((since + time.write_idle, Timer::Write))
    }
}

impl State {
    /// As [`Incoming::note_wait`].
    #[inline]
    pub(crate) fn note_wait(&mut self, now: Instant) {
        if let Some(line) = self.carrier.line() {
            let sent = self.outgoing.stage == Stage::Ended;
            self.incoming.note_wait(line.proto.halves().0, sent, now);
        }
    }
}

impl Incoming {
    /// Time for a body counts while a reader waits for it. A body that is dropped is waited for once it is all that is left of
    /// the exchange: our message is `sent`.
    #[inline]
    pub(crate) fn note_wait(&mut self, recv: Half, sent: bool, now: Instant) {
        if recv == Half::Body && !self.is_complete() {
            let waits = self.wanted || (self.unread && sent);
            self.meter.note(waits, now);
        }
    }

    /// When the body has stalled or, if it is `rated`, is too slow.
    pub(crate) fn body_due(&self, time: &TimeLimits, rated: bool) -> Option<Due> {
        let at = self.meter.deadline(time, rated)?;
        Some((at, Timer::Body))
    }
}
