//! One connection of a hostile server without its transport: the script in, orders out.
//!
//! Here: [`Actor`] and [`Act`]. Not here: carrying them out (`socket.rs`, `memory.rs`).

use super::Hostile;
use super::record::{Ending, Record};
use super::requests::Reader;
use super::script::{Script, Step, Turn};
use std::collections::VecDeque;
use std::sync::Arc;

/// An order to the transport.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act<'a> {
    /// Read, then [`Actor::heard`].
    Read,
    /// Write some of it, then [`Actor::written`].
    Write(&'a [u8]),
    /// Read for a tick, [`Actor::heard`], then [`Actor::waited`].
    Wait,
    /// Neither read nor write until the connection is torn down.
    Deaf,
    /// End this direction.
    HalfClose,
    /// Close; the ending is for the record.
    Close(Ending),
    /// Close with a reset.
    Reset,
}

#[derive(Debug)]
pub(super) struct Actor {
    script: Script,
    record: Arc<Record>,
    turn: Turn,
    steps: VecDeque<Step>,
    reader: Reader,
    /// Number of the step's bytes that are sent.
    at: usize,
    /// Number of bytes that the endless step has sent.
    endless: u64,
    /// A tick must pass before the next byte.
    due: bool,
}

impl Actor {
    /// A new connection.
    pub(super) fn new(hostile: &Hostile) -> Self {
        let turn = Turn {
            connection: hostile.record.open(),
            exchange: 0,
        };
        Self {
            steps: hostile.script.steps(&turn).into(),
            script: hostile.script.clone(),
            record: Arc::clone(&hostile.record),
            turn,
            reader: Reader::default(),
            at: 0,
            endless: 0,
            due: false,
        }
    }

    /// The next order. Returns the same order until its outcome is reported.
    pub(super) fn poll(&mut self) -> Act<'_> {
        while self.is_step_done() {
            self.next_step();
        }
        if self.due {
            return Act::Wait;
        }
        // Read once at the end, because the steps borrow from it.
        match self.steps.front() {
            None => Act::Close(Ending::Script),
            Some(Step::Close) => Act::Close(Ending::Script),
            Some(Step::Reset) => Act::Reset,
            Some(Step::NotListening | Step::NotAccepting | Step::Deaf) => Act::Deaf,
            Some(Step::HalfClose) => Act::HalfClose,
            Some(Step::Wait(_)) => Act::Wait,
            Some(Step::Endless(_) | Step::EndlessSlowly(_))
                if self.endless >= Step::ENDLESS_BYTES =>
            {
                Act::Close(Ending::Exhausted)
            }
            Some(Step::Drip(bytes)) => Act::Write(&bytes[self.at..=self.at]),
            Some(Step::Say(bytes) | Step::Endless(bytes) | Step::EndlessSlowly(bytes)) => {
                Act::Write(&bytes[self.at..])
            }
            // `is_step_done` has replaced a reply by its bytes.
            Some(Step::Anything | Step::Head | Step::Request | Step::Listen | Step::Reply(_)) => {
                Act::Read
            }
        }
    }

    fn is_step_done(&mut self) -> bool {
        if let Some(Step::Reply(reply)) = self.steps.front() {
            // Without a request there is no reply; the script has not read one.
            let seen = self.reader.requests.get(self.turn.exchange);
            let said = seen.map(|seen| reply(seen)).unwrap_or_default();
            self.steps[0] = Step::Say(said);
        }
        match self.steps.front() {
            None => false,
            Some(Step::Anything) => self.record.with(|all| {
                let this = all.get(self.turn.connection);
                this.is_some_and(|this| this.received_bytes > 0)
            }),
            Some(Step::Head) => self.reader.has_head(self.turn.exchange),
            Some(Step::Request) => self.reader.has_whole(self.turn.exchange),
            Some(Step::Say(bytes)) => self.at == bytes.len(),
            Some(Step::Drip(bytes)) => self.at == bytes.len() && !self.due,
            Some(Step::Wait(ticks)) => *ticks == 0,
            Some(_) => false,
        }
    }

    fn next_step(&mut self) {
        self.steps.pop_front();
        self.at = 0;
        if self.steps.is_empty() {
            self.turn.exchange += 1;
            self.steps = self.script.steps(&self.turn).into();
        }
    }

    /// The client sent this.
    pub(super) fn heard(&mut self, bytes: &[u8]) {
        self.reader.hear(bytes);
        let number = self.turn.connection;
        self.record.heard(number, bytes, &self.reader.requests);
    }

    /// This many bytes of [`Act::Write`] are sent.
    pub(super) fn written(&mut self, count: usize) {
        self.record.sent(self.turn.connection, count);
        self.at += count;
        match self.steps.front() {
            Some(Step::Drip(_)) => self.due = true,
            Some(Step::Endless(bytes)) => {
                self.endless += count as u64;
                self.at %= bytes.len();
            }
            Some(Step::EndlessSlowly(bytes)) => {
                self.endless += count as u64;
                self.due = self.at == bytes.len();
                self.at %= bytes.len();
            }
            _ => {}
        }
    }

    /// A tick has passed.
    pub(super) fn waited(&mut self) {
        self.due = false;
        if let Some(Step::Wait(ticks)) = self.steps.front_mut() {
            *ticks = ticks.saturating_sub(1);
        }
    }

    /// The end of the direction is sent.
    pub(super) fn half_closed(&mut self) {
        self.next_step();
    }

    /// The connection is over.
    pub(super) fn ended(&self, ending: Ending) {
        self.record.ended(self.turn.connection, ending);
    }
}
