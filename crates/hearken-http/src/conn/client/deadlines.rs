//! The deadlines of a client's connection: every phase of an exchange has one.
//!
//! Here: when the next one is, and what happens then. The phases: `100 Continue`, writing, waiting for the head, the body
//! (stall and rate, as for a server), silence, and the exchange as a whole. Not here: the clock (`client/agent/connection.rs`).

use crate::conn::client::{Cause, ClientConnection};
use crate::conn::outgoing::Stage;
use hearken_proto::Half;
use std::time::Instant;

/// What ends a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Continue,
    Write,
    Head,
    Body,
    Silence,
    Deadline,
}

type At = (Instant, Due);

impl ClientConnection {
    pub(super) fn next_deadline(&self) -> Option<At> {
        if self.ending.is_some() {
            return None;
        }
        let turn = &self.turn;
        let time = &self.limits.time;
        let hold = turn.hold.map(|at| (at, Due::Continue));
        let write = turn
            .write_since
            .map(|since| (since + time.write_idle, Due::Write));
        let read = match self.proto.halves().0 {
            Half::Body => {
                (self.incoming.meter.deadline(time, turn.rated)).map(|at| (at, Due::Body))
            }
            Half::Idle if turn.stage != Stage::Head => self.head_deadline(),
            _ => None,
        };
        let silence = turn
            .terms
            .inactivity
            .map(|time| (turn.moved + time, Due::Silence));
        let whole = turn.terms.until.map(|(at, _)| (at, Due::Deadline));
        [hold, write, read, silence, whole]
            .into_iter()
            .flatten()
            .min_by_key(|&(at, _)| at)
    }

    /// A head that has begun has its own time; one that has not is waited for once the request is out.
    fn head_deadline(&self) -> Option<At> {
        let begun = self
            .turn
            .head_since
            .filter(|_| self.proto.in_head())
            .map(|since| since + self.turn.terms.response);
        let waited = self.turn.sent.map(|since| since + self.turn.terms.response);
        let at = [begun, waited].into_iter().flatten().min()?;
        Some((at, Due::Head))
    }

    /// Time for the body counts while a reader waits for it.
    pub(super) fn note_wait(&mut self, now: Instant) {
        if self.proto.halves().0 == Half::Body {
            self.incoming.meter.note(self.incoming.wanted, now);
        }
    }

    #[cold]
    pub(super) fn time_out(&mut self, now: Instant) {
        let Some((_, due)) = self.next_deadline().filter(|&(at, _)| at <= now) else {
            return;
        };
        let (turn, time) = (&self.turn, self.limits.time);
        match due {
            Due::Continue => self.go_on(),
            Due::Write => self.fail(Cause::Timeout(time.write_idle)),
            Due::Head => self.fail(Cause::Timeout(turn.terms.response)),
            Due::Body => {
                let stall = self.incoming.meter.stall(&time);
                self.fail(if stall.is_some_and(|at| at <= now) {
                    Cause::Timeout(time.body_idle)
                } else {
                    Cause::Rate(time.body_rate_min)
                });
            }
            Due::Silence => {
                let time = turn.terms.inactivity.unwrap_or_default();
                self.silent = true;
                self.turn.moved = now;
                if !self.turn.terms.inactivity_told {
                    self.fail(Cause::Silence(time));
                }
            }
            Due::Deadline => {
                let time = turn.terms.until.map(|(_, time)| time);
                self.fail(Cause::Deadline(time.unwrap_or_default()));
            }
        }
    }
}
