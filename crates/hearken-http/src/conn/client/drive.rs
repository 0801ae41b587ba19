//! A client's connection as its pump sees it.
//!
//! Here: [`Drive`] for [`ClientConnection`]. Not here: what follows from it (`mod.rs`), deadlines (`deadlines.rs`).

use crate::conn::client::{Cause, ClientConnection};
use crate::conn::line::Eof;
use crate::conn::loss::cause_of;
use crate::conn::outgoing::Stage;
use crate::conn::output::Output;
use crate::conn::{Drive, Ending, Input, LingerTimes};
use std::io;
use std::ops::Deref;
use std::task::Context;
use std::time::{Duration, Instant};

impl Drive for ClientConnection {
    fn wants_read(&self) -> bool {
        let most = self.limits.body.queue_bytes as usize;
        !self.eof && self.ending.is_none() && self.incoming.queued() < most
    }

    fn at_eof(&self) -> bool {
        self.eof
    }

    fn body_left(&self) -> u64 {
        self.line.proto.body_left().unwrap_or(0)
    }

    fn handle_input(&mut self, input: &Input<'_>, _cx: &mut Context<'_>, now: Instant) {
        self.line.times.moved = Some(now);
        self.line.times.head_since.get_or_insert(now);
        if let Some(observed) = &mut self.observed {
            observed.input(input.bytes().len(), now);
        }
        if let Err(error) = self.receive(input, now) {
            self.fail(Cause::Protocol(error));
        }
    }

    fn handle_eof(&mut self, _cx: &mut Context<'_>, _now: Instant) {
        self.eof = true;
        if self.ending.is_some() {
            return;
        }
        let begun = self.has_answer();
        match self.line.receive_eof(begun) {
            Eof::Complete => self.complete(false),
            Eof::Gone => self.lost(Cause::Gone),
            Eof::Broken(error) => self.fail(Cause::Protocol(error)),
        }
    }

    fn handle_lost(&mut self, error: &io::Error, _cx: &mut Context<'_>, _now: Instant) {
        self.lost(self.cause_of(error));
    }

    /// An answer may lie behind it: a peer that has had enough of the request says so and closes.
    fn handle_unwritable(&mut self, error: &io::Error, _cx: &mut Context<'_>, now: Instant) {
        if self.turn.unwritable.is_none() {
            self.turn.unwritable = Some(self.cause_of(error));
        }
        self.stop();
        self.turn.sent.get_or_insert(now);
        if self.eof {
            self.lost(Cause::Gone);
        }
    }

    fn handle_stuck(&mut self, _cx: &mut Context<'_>, _now: Instant) {
        self.fail(Cause::Timeout(self.limits.time.write_idle));
    }

    fn handle_timeout(&mut self, _cx: &mut Context<'_>, now: Instant) {
        self.time_out(now);
    }

    fn poll_app(&mut self, _cx: &mut Context<'_>, now: Instant) {
        let sent = self.turn.stage == Stage::Ended;
        (self.incoming).note_wait(self.line.proto.halves().0, sent, now);
    }

    fn output(&mut self) -> Option<impl Deref<Target = Output>> {
        let output = &self.line.out;
        (!output.is_empty()).then_some(output)
    }

    fn handle_sent(&mut self, count: usize, now: Instant) {
        self.line.handle_sent(count, now);
        let turn = &mut self.turn;
        if turn.stage == Stage::Ended && turn.hold.is_none() && self.line.out.is_empty() {
            turn.sent.get_or_insert(now);
        }
        if let Some(observed) = &mut self.observed {
            let whole = turn.sent.is_some() && !turn.stopped;
            observed.wrote(self.line.out.written(), whole, now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.next_timer().map(|(at, _)| at)
    }

    fn ending(&self) -> Option<Ending> {
        self.ending
    }

    fn write_idle(&self) -> Duration {
        self.limits.time.write_idle
    }

    /// A client need not read on after its exchange.
    fn lingers(&self) -> bool {
        false
    }

    fn linger(&self) -> LingerTimes {
        LingerTimes::NONE
    }

    fn handle_closed(&mut self, _now: Instant) {}
}

impl ClientConnection {
    fn cause_of(&self, error: &io::Error) -> Cause {
        let fresh = self.turn.base == 0 && !self.has_answer();
        (self.classify)(error, fresh).unwrap_or_else(|| cause_of(error))
    }
}
