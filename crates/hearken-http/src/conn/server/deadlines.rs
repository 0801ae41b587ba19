//! The deadlines of a served connection: every phase has one, none can be forgotten.
//!
//! Here: when the next one is, and what happens then. The phases: head, whole request, body (stall and rate), write, no byte
//! either way, idle, and the probe of a half-closed peer. Not here: the clock and the wheel (`worker`).

use crate::conn::Ending;
use crate::conn::exchange::State;
use crate::conn::outgoing::Stage;
use crate::conn::server::{Runner, ServerConnection};
use crate::error::{Closed, Error};
use crate::event::callbacks::notify_all;
use crate::event::timeout::{TimedOut, Waited};
use hearken_proto::{Half, TimeLimits};
use std::task::Context;
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
            self.env.limits.time.head
        } else {
            self.env.idle
        };
        let Some(exchange) = &self.exchange else {
            return self
                .ending
                .is_none()
                .then(|| (self.since + idle, Phase::Idle));
        };
        let state = exchange.state();
        let time = &state.limits(&self.env).time;
        let write = state
            .turn
            .write_since
            .map(|since| (since + time.write_idle, Phase::Write));
        if self.ending.is_some() {
            return write;
        }
        let read = match state.proto.halves().0 {
            Half::Idle if state.turn.head_since.is_some() => {
                let head = self.counted_from(state.turn.head_since) + time.head;
                Some((head, Phase::Head))
            }
            Half::Idle if state.outgoing.stage == Stage::Head && state.out.is_empty() => {
                Some((self.since + idle, Phase::Idle))
            }
            Half::Body => body_deadline(&state, time).map(|at| (at, Phase::Body)),
            _ => None,
        };
        let incomplete = matches!(state.proto.halves().0, Half::Idle | Half::Body);
        let began = state.turn.began.filter(|_| incomplete);
        let request = began.map(|at| (self.counted_from(Some(at)) + time.request, Phase::Request));
        let moved = state.turn.moved.max(state.turn.began);
        let inactive =
            (moved.filter(|_| state.number > 0)).map(|at| (at + time.inactive, Phase::Inactive));
        let probe = state
            .turn
            .probe_at
            .filter(|_| state.outgoing.stage == Stage::Head)
            .map(|at| (at, Phase::Probe));
        [write, read, request, inactive, probe]
            .into_iter()
            .flatten()
            .min_by_key(|&(at, _)| at)
    }

    /// The first head counts from accept: connecting and saying nothing is no way around it.
    fn counted_from(&self, since: Option<Instant>) -> Instant {
        since.filter(|_| self.count > 1).unwrap_or(self.since)
    }

    /// Somebody begins or ends to wait for the body: its time counts from here.
    pub(super) fn note_wait(&self, now: Instant) {
        if let Some(exchange) = &self.exchange {
            note_wait(&mut exchange.state(), now);
        }
    }

    #[cold]
    pub(super) fn time_out(&mut self, cx: &mut Context<'_>, runner: &mut dyn Runner, now: Instant) {
        let Some((at, phase)) = self.next_phase() else {
            return;
        };
        if at > now {
            return;
        }
        if let Some(waited) = phase.waited(self.count == 0)
            && self.keeps(waited)
        {
            if let Some(exchange) = &self.exchange {
                exchange.state().turn.moved = Some(now);
            }
            return;
        }
        match phase {
            Phase::Idle => {
                self.ending = Some(Ending::Now);
            }
            Phase::Head => {
                let error = Error::new(408, "expected the whole head of the request in time");
                self.fail(&error, &[], cx, runner);
            }
            Phase::Request => {
                let error = Error::new(408, "expected the whole request in time");
                self.fail(&error, &[], cx, runner);
            }
            Phase::Inactive => self.abort(Closed::Inactive, cx, runner),
            Phase::Body => self.fail(&Error::closed(Closed::ReadTimeout), &[], cx, runner),
            Phase::Write => self.abort(Closed::WriteTimeout, cx, runner),
            Phase::Probe => self.probe(now),
        }
    }

    /// Tells that a deadline has passed, and asks whether the connection is kept all the same.
    pub(super) fn keeps(&self, waited: Waited) -> bool {
        let timed_out = TimedOut::new(&self.peer, waited);
        let listeners = &self.env.hooks.listeners.timeout;
        notify_all(listeners, |listener| listener(&timed_out));
        timed_out.is_kept()
    }

    /// The peer has ended its input: in a while it is asked whether it is still there, unless it was asked enough.
    pub(super) fn probe_later(&self, now: Instant) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        let mut state = exchange.state();
        if state.course.probed < PROBE.len() {
            state.turn.probe_at.get_or_insert(now + PROBE_FIRST);
        }
    }

    /// Sends one more byte of what every response begins with.
    fn probe(&mut self, now: Instant) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        let mut state = exchange.state();
        let Some(&byte) = PROBE.get(state.course.probed) else {
            state.turn.probe_at = None;
            return;
        };
        state.out.tail.push(byte);
        state.course.probed += 1;
        let pause = PROBE_FIRST * 2_u32.pow(state.course.probed as u32);
        state.turn.probe_at = Some(now + pause);
    }
}

/// As [`ServerConnection::note_wait`], for any connection.
pub(crate) fn note_wait(state: &mut State, now: Instant) {
    if state.proto.halves().0 != Half::Body {
        return;
    }
    // A body that will be dropped is waited for once it is all that is left of the exchange.
    let dropped = state.incoming.unread && state.outgoing.stage == Stage::Ended;
    let waits = state.incoming.wanted || dropped;
    if waits && state.course.wait.since.is_none() {
        state.course.wait.since = Some(now);
    } else if !waits {
        state.course.wait.stop(now);
    }
}

/// When the body has stalled, or has been slower than the least rate for longer than that is allowed.
pub(crate) fn body_deadline(state: &State, time: &TimeLimits) -> Option<Instant> {
    let since = state.course.wait.since?;
    let stall = since + time.body_idle;
    if time.body_rate_min == 0 {
        return Some(stall);
    }
    let earned = Duration::from_millis(
        state.course.body_bytes.saturating_mul(1000) / u64::from(time.body_rate_min),
    );
    let allowed = earned.max(time.body_rate_after);
    let rate = since + allowed.saturating_sub(state.course.wait.before);
    Some(stall.min(rate))
}
