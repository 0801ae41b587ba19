//! The deadlines of a server's connection: every phase has one, none can be forgotten.
//!
//! Here: when the next one is, and what happens then. The phases: head, whole request, body (stall and rate), write, no byte
//! either way, idle, and the probe of a half-closed peer. Not here: the clock and the wheel (`server/worker.rs`).

use super::{ServerConnection, Turn};
use crate::conn::Ending;
use crate::conn::outgoing::Stage;
use crate::conn::timers::{Due, Timer, earliest};
use crate::error::{Closed, Error};
use crate::event::callbacks::notify_all;
use crate::event::timeout::{Deadline, TimedOut};
use hearken_proto::Half;
use std::time::{Duration, Instant};

/// After the end of a peer's input, before it is asked whether it is still there.
const PROBE_FIRST: Duration = Duration::from_millis(50);

/// Every response begins with these bytes. A peer that has closed both directions answers the first of them with a
/// reset, a half-closed one takes it as the beginning of what it waits for.
const PROBE: &[u8] = b"HTTP/1.1 ";

/// A timer as listeners know it; `first` before the first request.
const fn waited(timer: Timer, first: bool) -> Option<Deadline> {
    Some(match timer {
        Timer::Idle if first => Deadline::Head,
        Timer::Idle => Deadline::KeepAlive,
        Timer::Head => Deadline::Head,
        Timer::Request => Deadline::Request,
        Timer::Body => Deadline::Body,
        Timer::Write => Deadline::Write,
        Timer::Inactive => Deadline::Inactive,
        Timer::Probe | Timer::Continue => return None,
        #[cfg(feature = "client")]
        Timer::Exchange => return None,
    })
}

impl ServerConnection {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next_timer().map(|(at, _)| at)
    }

    fn next_timer(&self) -> Option<Due> {
        let idle = if self.count == 0 {
            self.env.exchange.limits.time.head
        } else {
            self.env.idle
        };
        let Some(exchange) = &self.exchange else {
            return self
                .ending
                .is_none()
                .then(|| (self.since + idle, Timer::Idle));
        };
        let state = &mut *exchange.state();
        let time = state.limits(&exchange.env).time;
        let (stage, number) = (state.outgoing.stage, state.number);
        let body = state.incoming.body_due(&time, true);
        let line = state.carrier.line()?;
        let times = &line.times;
        let write = line.write_due(&time);
        if self.ending.is_some() {
            return write;
        }
        let recv = line.proto.halves().0;
        let read = match recv {
            Half::Idle if times.head_since.is_some() => {
                Some((self.counted_from(times.head_since) + time.head, Timer::Head))
            }
            Half::Idle if stage == Stage::Head && line.out.is_empty() => {
                Some((self.since + idle, Timer::Idle))
            }
            Half::Body => body,
            _ => None,
        };
        let began = times
            .began
            .filter(|_| matches!(recv, Half::Idle | Half::Body));
        let request = began.map(|at| (self.counted_from(Some(at)) + time.request, Timer::Request));
        let moved = times.moved.max(times.began).filter(|_| number > 0);
        let inactive = moved.map(|at| (at + time.inactive, Timer::Inactive));
        let probe = (times.probe_at.filter(|_| stage == Stage::Head)).map(|at| (at, Timer::Probe));
        earliest([write, read, request, inactive, probe])
    }

    /// The first head counts from accept: connecting and saying nothing is no way around it.
    fn counted_from(&self, since: Option<Instant>) -> Instant {
        since.filter(|_| self.count > 1).unwrap_or(self.since)
    }

    /// Time for the body counts while a reader waits for it.
    #[inline]
    pub(super) fn note_wait(&self, now: Instant) {
        if let Some(exchange) = &self.exchange {
            exchange.state().note_wait(now);
        }
    }

    #[cold]
    pub(super) fn time_out(&mut self, turn: &mut Turn<'_, '_>) {
        let Some((at, timer)) = self.next_timer() else {
            return;
        };
        if at > turn.now {
            return;
        }
        if let Some(waited) = waited(timer, self.count == 0)
            && self.keeps(waited)
        {
            self.with_line(|line| line.times.moved = Some(turn.now));
            return;
        }
        match timer {
            Timer::Idle => {
                self.ending = Some(Ending::Now);
            }
            Timer::Head => {
                let error = Error::new(408, "expected the whole head of the request in time");
                self.fail(&error, &[], turn);
            }
            Timer::Request => {
                let error = Error::new(408, "expected the whole request in time");
                self.fail(&error, &[], turn);
            }
            Timer::Inactive => self.abort(Closed::Inactive, turn),
            Timer::Body => self.fail(&Error::closed(Closed::ReadTimeout), &[], turn),
            Timer::Write => self.abort(Closed::WriteTimeout, turn),
            Timer::Probe => self.probe(turn.now),
            Timer::Continue => {} // a session's, or a client's
            #[cfg(feature = "client")]
            Timer::Exchange => {} // a client's
        }
    }

    /// Emits `Timeout`. Returns whether a listener keeps the connection all the same.
    pub(super) fn keeps(&self, waited: Deadline) -> bool {
        let timed_out = TimedOut::new(&self.peer, waited);
        let listeners = &self.env.exchange.hooks.listeners.timeout;
        notify_all(listeners, |listener| listener(&timed_out));
        timed_out.is_kept()
    }

    /// The peer has ended its input: it is probed in a while, unless the probe is complete.
    pub(super) fn probe_later(&self, now: Instant) {
        self.with_line(|line| {
            if line.probed < PROBE.len() {
                line.times.probe_at.get_or_insert(now + PROBE_FIRST);
            }
        });
    }

    /// Sends one more byte of what every response begins with.
    fn probe(&self, now: Instant) {
        self.with_line(|line| {
            let Some(&byte) = PROBE.get(line.probed) else {
                line.times.probe_at = None;
                return;
            };
            line.out.tail.push(byte);
            line.probed += 1;
            let pause = PROBE_FIRST * 2_u32.pow(line.probed as u32);
            line.times.probe_at = Some(now + pause);
        });
    }
}
