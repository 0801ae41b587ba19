//! The deadlines of a client's connection: every phase of an exchange has one.
//!
//! Here: when the next one is, and what happens then. The phases: `100 Continue`, writing, waiting for the head, the body
//! (stall and rate, as for a server), no byte either way, and the exchange as a whole. Not here: the clock (`client/agent/connection.rs`).

use crate::conn::client::{Cause, ClientConnection};
use crate::conn::outgoing::Stage;
use crate::conn::timers::{Due, Timer, earliest};
use hearken_proto::Half;
use std::time::Instant;

impl ClientConnection {
    pub(super) fn next_timer(&self) -> Option<Due> {
        if self.ending.is_some() {
            return None;
        }
        let (turn, line) = (&self.turn, &self.line);
        let time = &self.limits.time;
        let hold = turn.hold.map(|at| (at, Timer::Continue));
        let write = line.write_due(time);
        let read = match line.proto.halves().0 {
            Half::Body => self.incoming.body_due(time, turn.rated),
            Half::Idle if turn.stage != Stage::Head => self.head_due(),
            _ => None,
        };
        let moved = turn.terms.inactivity.zip(line.times.moved);
        let inactive = moved.map(|(time, moved)| (moved + time, Timer::Inactive));
        let whole = turn.terms.until.map(|(at, _)| (at, Timer::Exchange));
        earliest([hold, write, read, inactive, whole])
    }

    /// A head that has begun has its own time; one that has not is waited for once the request is out.
    fn head_due(&self) -> Option<Due> {
        let times = &self.line.times;
        let begun = times.head_since.filter(|_| self.line.proto.in_head());
        let since = [begun, self.turn.sent].into_iter().flatten().min()?;
        Some((since + self.turn.terms.response, Timer::Head))
    }

    #[cold]
    pub(super) fn time_out(&mut self, now: Instant) {
        let Some((_, timer)) = self.next_timer().filter(|&(at, _)| at <= now) else {
            return;
        };
        let (turn, time) = (&self.turn, self.limits.time);
        match timer {
            Timer::Continue => self.go_on(),
            Timer::Write => self.fail(Cause::Timeout(time.write_idle)),
            Timer::Head => self.fail(Cause::Timeout(turn.terms.response)),
            Timer::Body => {
                let stall = self.incoming.meter.stall(&time);
                self.fail(if stall.is_some_and(|at| at <= now) {
                    Cause::Timeout(time.body_idle)
                } else {
                    Cause::Rate(time.body_rate_min)
                });
            }
            Timer::Inactive => {
                let time = turn.terms.inactivity.unwrap_or_default();
                self.silent = true;
                self.line.times.moved = Some(now);
                if !self.turn.terms.inactivity_told {
                    self.fail(Cause::Silence(time));
                }
            }
            Timer::Exchange => {
                let time = turn.terms.until.map(|(_, time)| time);
                self.fail(Cause::Deadline(time.unwrap_or_default()));
            }
            Timer::Idle | Timer::Request | Timer::Probe => {} // a server's
        }
    }
}
