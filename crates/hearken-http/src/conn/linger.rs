//! Reading on after the last response and dropping what comes, so that the peer can receive that response: closing a socket
//! with unread bytes makes the system reset the connection, and a reset can destroy bytes that the peer has not read yet
//! (RFC 9112 §9.6).
//!
//! Here: [`Linger`]: how long that lasts, and how fast it reads. It begins when the connection has nothing more to say, which
//! may be long before its last byte is out: a peer that sends its whole request before it reads must not wait for us while we
//! wait for it. Its time begins with the end of our direction. Not here: when to read and when to close (`endpoint.rs`).

use hearken_proto::TimeLimits;
use std::time::{Duration, Instant};

/// Bytes that are dropped between two refills. With [`REFILL`] the most that one connection can make its worker read is
/// 80 MiB/s, which takes it some hundredths of a core; TCP makes the peer wait.
const ALLOWANCE: usize = 2 * 1024 * 1024;

/// One tick of the wheel.
const REFILL: Duration = Duration::from_millis(25);

/// See [`LingerTimes::shortened`].
const SHORT: Duration = Duration::from_secs(2);

/// How long a linger lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LingerTimes {
    /// From the end of our direction on.
    pub(crate) total: Duration,
    /// Without a byte from the peer.
    pub(crate) idle: Duration,
}

impl LingerTimes {
    /// The connection closes at once.
    pub(crate) const NONE: Self = Self {
        total: Duration::ZERO,
        idle: Duration::ZERO,
    };

    pub(crate) const fn of(time: &TimeLimits) -> Self {
        Self {
            total: time.linger,
            idle: time.linger_idle,
        }
    }

    /// For a peer that was too slow already, or a server that stops.
    pub(crate) fn shortened(self) -> Self {
        Self {
            total: self.total.min(SHORT),
            idle: self.idle.min(SHORT),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Linger {
    times: LingerTimes,
    /// When it is over at the latest. `None` before all output is out: until then writing has its own deadline.
    until: Option<Instant>,
    /// The last byte of the peer, or the end of our direction.
    heard: Instant,
    /// Bytes that may be dropped before the next refill.
    allowance: usize,
    refilled: Instant,
    /// Our end has been sent.
    pub(super) shut: bool,
    /// The peer sends no more.
    pub(super) eof: bool,
    pub(super) over: bool,
}

impl Linger {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            times: LingerTimes::NONE,
            until: None,
            heard: now,
            allowance: ALLOWANCE,
            refilled: now,
            shut: false,
            eof: false,
            over: false,
        }
    }

    /// All output is out: the time runs from here on. The second call changes nothing.
    pub(super) fn begin(&mut self, times: LingerTimes, now: Instant) {
        if self.until.is_none() {
            self.times = times;
            self.until = Some(now + times.total);
            self.heard = now;
        }
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.until.is_some()
    }

    /// It lasts no longer than this from here on.
    pub(super) fn shorten(&mut self, total: Duration, now: Instant) {
        if let Some(until) = &mut self.until {
            *until = (*until).min(now + total);
        }
    }

    pub(super) const fn wants_read(&self) -> bool {
        !self.over && !self.eof && self.allowance > 0
    }

    /// Bytes have come and are dropped; none is the end of the peer's direction.
    pub(super) fn drop_input(&mut self, count: usize, now: Instant) {
        self.heard = now;
        self.eof |= count == 0;
        self.over |= self.eof && self.shut;
        self.allowance = self.allowance.saturating_sub(count);
        self.refill(now);
    }

    /// Our end has been sent.
    pub(super) const fn sent_end(&mut self) {
        self.shut = true;
        self.over |= self.eof;
    }

    fn refill(&mut self, now: Instant) {
        if self.allowance == 0 && now >= self.refilled + REFILL {
            self.allowance = ALLOWANCE;
            self.refilled = now;
        }
    }

    fn ends(&self) -> Option<Instant> {
        let until = self.until?;
        // While bytes are left with the system, it is this side that is silent.
        let silent = (self.allowance > 0).then(|| self.heard + self.times.idle);
        Some(silent.map_or(until, |silent| silent.min(until)))
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let refill = (self.allowance == 0).then(|| self.refilled + REFILL);
        self.ends().into_iter().chain(refill).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.over |= self.ends().is_some_and(|at| now >= at);
        self.refill(now);
    }
}
