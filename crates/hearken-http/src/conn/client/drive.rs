//! A client's connection as its pump sees it.
//!
//! Here: [`Drive`] for [`ClientConnection`]. Not here: what comes of what it is told (`used.rs`), when (`deadlines.rs`).

use crate::conn::client::{Cause, ClientConnection};
use crate::conn::outgoing::Stage;
use crate::conn::output::Output;
use crate::conn::{Drive, Ending, Input};
use std::io;
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
        self.proto.body_left().unwrap_or(0)
    }

    fn handle_input(&mut self, input: &Input<'_>, _cx: &mut Context<'_>, now: Instant) {
        self.turn.moved = now;
        self.turn.head_since.get_or_insert(now);
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
        let silent = !self.has_answer();
        match self.proto.receive_eof() {
            _ if silent => self.lost(Cause::Gone),
            Ok(Some(_)) => self.complete(false),
            Ok(None) => self.lost(Cause::Gone),
            Err(error) => self.fail(Cause::Protocol(error)),
        }
    }

    fn handle_lost(&mut self, error: &io::Error, _cx: &mut Context<'_>, _now: Instant) {
        self.lost(self.cause_of(error));
    }

    /// An answer may lie behind it: a peer that has had enough of the request says so and closes.
    fn handle_unwritable(&mut self, error: &io::Error, _cx: &mut Context<'_>, now: Instant) {
        if self.unwritable.is_none() {
            self.unwritable = Some(self.cause_of(error));
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
        self.note_wait(now);
    }

    fn poll_write(
        &mut self,
        write: &mut dyn FnMut(&Output) -> Option<usize>,
        now: Instant,
    ) -> bool {
        let mut progress = false;
        while !self.out.is_empty() {
            self.turn.write_since.get_or_insert(now);
            let Some(count) = write(&self.out) else {
                break;
            };
            self.out.wrote(count);
            self.turn.write_since = None;
            self.turn.moved = now;
            progress = true;
        }
        if self.turn.stage == Stage::Ended && self.turn.hold.is_none() && self.out.is_empty() {
            self.turn.sent.get_or_insert(now);
        }
        if let Some(observed) = &mut self.observed {
            let whole = self.turn.sent.is_some() && !self.stopped;
            observed.wrote(self.out.written(), whole, now);
        }
        progress
    }

    fn deadline(&self) -> Option<Instant> {
        self.next_deadline().map(|(at, _)| at)
    }

    fn ending(&self) -> Option<Ending> {
        self.ending
    }

    fn write_idle(&self) -> Duration {
        self.limits.time.write_idle
    }

    fn linger(&self) -> (Duration, u64) {
        (Duration::ZERO, 0) // a client has nobody to wait for
    }

    fn handle_closed(&mut self, _now: Instant) {}
}

impl ClientConnection {
    fn cause_of(&self, error: &io::Error) -> Cause {
        let fresh = self.turn.base == 0 && !self.has_answer();
        (self.classify)(error, fresh).unwrap_or_else(|| cause_of(error))
    }
}

fn cause_of(error: &io::Error) -> Cause {
    use io::ErrorKind as K;
    match error.kind() {
        K::ConnectionReset | K::ConnectionAborted => Cause::Reset,
        K::BrokenPipe | K::WriteZero | K::UnexpectedEof => Cause::Gone,
        kind => Cause::Io(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(kind, error.to_string()),
        }),
    }
}
