//! The deadlines of a server's connection: every phase has one, none can be forgotten.
//!
//! Here: when the next one is, and what happens then. The phases: head, whole request, body (stall and rate), write, no byte
//! either way, idle, and the probe of a half-closed peer. Not here: the clock and the wheel (`server/worker.rs`).

use super::{ServerConnection, Turn};
use crate::conn::Ending;
use crate::conn::exchange::State;
use crate::conn::incoming::Progress;
use crate::conn::outgoing::Stage;
use crate::error::{Closed, Error};
use crate::event::callbacks::notify_all;
use crate::event::timeout::{TimedOut, Waited};
use hearken_proto::Half;
use std::time::{Duration, Instant};

/// After the end of a peer's input, before it is asked whether it is still there.
const PROBE_FIRST: Duration = Duration::from_millis(50);

/// Every response begins with these bytes. A peer that has closed both directions answers the first of them with a
/// reset, a half-closed one takes it as the beginning of what it waits for.
const PROBE: &[u8] = b"HTTP/1.1 ";

/// The phase whose deadline comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    Request,
    Body,
    Write,
    Inactive,
    Probe,
}

impl Phase {
    /// As listeners know it.
    const fn waited(self, first: bool) -> Option<Waited> {
        Some(match self {
            Self::Idle if first => Waited::Head,
            Self::Idle => Waited::KeepAlive,
            Self::Head => Waited::Head,
            Self::Request => Waited::Request,
            Self::Body => Waited::Body,
            Self::Write => Waited::Write,
            Self::Inactive => Waited::Inactive,
            Self::Probe => return None,
        })
    }
}

impl ServerConnection {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next_phase().map(|(at, _)| at)
    }

    fn next_phase(&self) -> Option<(Instant, Phase)> {
        let idle = if self.count == 0 {
            self.env.exchange.limits.time.head
        } else {
            self.env.idle
        };
        let Some(exchange) = &self.exchange else {
            return self
                .ending
                .is_none()
                .then(|| (self.since + idle, Phase::Idle));
        };
        let state = &mut *exchange.state();
        let time = state.limits(&exchange.env).time;
        let (stage, number) = (state.outgoing.stage, state.number);
        let body = (state.incoming.meter.deadline(&time, true)).map(|at| (at, Phase::Body));
        let line = state.carrier.line()?;
        let times = &line.times;
        let write = (times.write_since).map(|since| (since + time.write_idle, Phase::Write));
        if self.ending.is_some() {
            return write;
        }
        let recv = line.proto.halves().0;
        let read = match recv {
            Half::Idle if times.head_since.is_some() => {
                Some((self.counted_from(times.head_since) + time.head, Phase::Head))
            }
            Half::Idle if stage == Stage::Head && line.out.is_empty() => {
                Some((self.since + idle, Phase::Idle))
            }
            Half::Body => body,
            _ => None,
        };
        let began = times
            .began
            .filter(|_| matches!(recv, Half::Idle | Half::Body));
        let request = began.map(|at| (self.counted_from(Some(at)) + time.request, Phase::Request));
        let moved = times.moved.max(times.began).filter(|_| number > 0);
        let inactive = moved.map(|at| (at + time.inactive, Phase::Inactive));
        let probe = (times.probe_at.filter(|_| stage == Stage::Head)).map(|at| (at, Phase::Probe));
        [write, read, request, inactive, probe]
            .into_iter()
            .flatten()
            .min_by_key(|&(at, _)| at)
    }

    /// The first head counts from accept: connecting and saying nothing is no way around it.
    fn counted_from(&self, since: Option<Instant>) -> Instant {
        since.filter(|_| self.count > 1).unwrap_or(self.since)
    }

    /// Time for the body counts while a reader waits for it.
    #[inline]
    pub(super) fn note_wait(&self, now: Instant) {
        if let Some(exchange) = &self.exchange {
            note_wait(&mut exchange.state(), now);
        }
    }

    #[cold]
    pub(super) fn time_out(&mut self, turn: &mut Turn<'_, '_>) {
        let Some((at, phase)) = self.next_phase() else {
            return;
        };
        if at > turn.now {
            return;
        }
        if let Some(waited) = phase.waited(self.count == 0)
            && self.keeps(waited)
        {
            self.with_line(|line| line.times.moved = Some(turn.now));
            return;
        }
        match phase {
            Phase::Idle => {
                self.ending = Some(Ending::Now);
            }
            Phase::Head => {
                let error = Error::new(408, "expected the whole head of the request in time");
                self.fail(&error, &[], turn);
            }
            Phase::Request => {
                let error = Error::new(408, "expected the whole request in time");
                self.fail(&error, &[], turn);
            }
            Phase::Inactive => self.abort(Closed::Inactive, turn),
            Phase::Body => self.fail(&Error::closed(Closed::ReadTimeout), &[], turn),
            Phase::Write => self.abort(Closed::WriteTimeout, turn),
            Phase::Probe => self.probe(turn.now),
        }
    }

    /// Emits `Timeout`. Returns whether a listener keeps the connection all the same.
    pub(super) fn keeps(&self, waited: Waited) -> bool {
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

/// Time for the body counts while a reader waits for it. A body that is dropped is waited for once it is all that is left
/// of the exchange.
#[inline]
pub(crate) fn note_wait(state: &mut State, now: Instant) {
    if matches!(state.incoming.progress, Progress::Complete) {
        return;
    }
    let receiving = |state: &mut State| {
        let line = state.carrier.line();
        line.is_some_and(|line| line.proto.halves().0 == Half::Body)
    };
    if receiving(state) {
        let dropped = state.incoming.unread && state.outgoing.stage == Stage::Ended;
        let waits = state.incoming.wanted || dropped;
        state.incoming.meter.note(waits, now);
    }
}
