//! A session's connection: one exchange, either side, no handler: listeners and whoever holds the handles are the
//! application.
//!
//! Here: [`SessionConnection`], which drives the same [`Exchange`] as a served connection does. Not here: what users hold
//! (`session/mod.rs`).

use super::exchange::{Exchange, Took};
use super::incoming::Progress;
use super::notify::{self, notify_failed, with_listeners};
use super::outgoing::{FlushEvent, Stage};
use super::output::Output;
use super::server::deadlines::{body_deadline, note_wait};
use super::{Drive, Ending, Input};
use crate::error::{Closed, Error};
use crate::net::file::is_of_file;
use hearken_proto::{Half, Head, Role};
use std::io;
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};

/// See the module.
pub(crate) struct SessionConnection {
    exchange: Rc<Exchange>,
    began: Instant,
    /// Something came or went.
    moved: Instant,
    /// Received behind the end of the message.
    pub(crate) rest: Vec<u8>,
    pub(crate) failure: Option<Error>,
    eof: bool,
    ending: Option<Ending>,
}

impl SessionConnection {
    pub(crate) fn new(exchange: Rc<Exchange>, now: Instant) -> Self {
        exchange.state().proto.report_lines(true);
        Self {
            exchange,
            began: now,
            moved: now,
            rest: Vec::new(),
            failure: None,
            eof: false,
            ending: None,
        }
    }

    pub(crate) const fn exchange(&self) -> &Rc<Exchange> {
        &self.exchange
    }

    fn receive(&mut self, input: &Input<'_>, now: Instant) -> Result<(), hearken_proto::Error> {
        let mut at = 0;
        loop {
            let (used, took) = self.exchange.state().receive(input, at)?;
            at += used;
            match took {
                None => break,
                Some(Took::Line) => self.tell_head(true),
                Some(Took::Head(_) | Took::Switched) => {
                    let mut state = self.exchange.state();
                    state.session.head = Some(Rc::new(state.proto.head().clone()));
                    if took == Some(Took::Switched) {
                        // The rest is another protocol's; whoever attached the transport gets both back.
                        state.incoming.progress = Progress::Complete;
                        state.outgoing.stage = Stage::Ended;
                    }
                    let early = state.session.early.take();
                    drop(state);
                    self.tell_head(false);
                    if let Some(early) = early {
                        self.exchange.state().say(&self.exchange.env, *early);
                    }
                }
                Some(Took::Content) => self.exchange.state().course.wait.stop(now),
                Some(Took::Interim) => {}
                Some(Took::End) => break, // what follows belongs to another exchange
            }
        }
        self.rest.extend_from_slice(&input.bytes()[at..]);
        self.exchange.state().wake_reader();
        Ok(())
    }

    /// Shows the start line or the whole head to whoever listens.
    fn tell_head(&mut self, line: bool) {
        if self.exchange.state().flow.is_none() {
            return;
        }
        let head: Head = self.exchange.state().proto.head().clone();
        let told = with_listeners(&self.exchange, |flow| {
            let listeners = if line {
                &mut flow.listeners.line_ready
            } else {
                &mut flow.listeners.header_ready
            };
            listeners.iter_mut().for_each(|listener| listener(&head));
        });
        self.contained(told);
    }

    /// The peer broke the protocol or went away. A server answers if it still can.
    #[cold]
    fn fail(&mut self, error: Error, why: Closed) {
        {
            let mut state = self.exchange.state();
            let answers = state.proto.role() == Role::Server && state.outgoing.stage == Stage::Head;
            if answers && !matches!(why, Closed::PeerGone | Closed::Reset) {
                state.proto.must_close();
                let (status, text) = (
                    error.status().as_u16(),
                    format!("{}\n", error.public_text()),
                );
                state.answer(&self.exchange.env, status, &text);
            } else {
                state.out.discard();
            }
            state.incoming.fail(error.clone());
            state.close(why);
        }
        notify_failed(&self.exchange, &error);
        self.failure.get_or_insert(error);
        self.ending = Some(Ending::Keep);
    }

    /// A listener that panicked fails the session. A server answers 500 if it still can.
    fn contained(&mut self, told: Result<(), String>) {
        if let Err(panic) = told {
            self.fail(
                Error::new(500, format!("a listener panicked: {panic}")),
                Closed::Aborted,
            );
        }
    }

    fn write_deadline(&self) -> Option<Instant> {
        let since = self.exchange.state().turn.write_since?;
        Some(since + self.exchange.env.limits.time.write_idle)
    }

    /// Complete in both directions?
    fn settle(&mut self) {
        let state = self.exchange.state();
        if self.ending.is_some() {
            return;
        }
        if let Some(why) = state.closed {
            self.failure.get_or_insert_with(|| Error::closed(why));
            self.ending = Some(Ending::Now);
        } else if matches!(state.incoming.progress, Progress::Complete)
            && state.outgoing.stage == Stage::Ended
        {
            self.ending = Some(Ending::Keep);
        }
    }
}

impl Drive for SessionConnection {
    fn wants_read(&self) -> bool {
        let state = self.exchange.state();
        let most = self.exchange.env.limits.body.queue_bytes as usize;
        // Behind the end of the message lies what belongs to somebody else.
        !self.eof
            && self.ending.is_none()
            && state.incoming.queued() < most
            && matches!(state.incoming.progress, Progress::Open)
    }

    fn at_eof(&self) -> bool {
        self.eof
    }

    fn body_left(&self) -> u64 {
        self.exchange.state().proto.body_left().unwrap_or(0)
    }

    fn handle_input(&mut self, input: &Input<'_>, cx: &mut Context<'_>, now: Instant) {
        self.moved = now;
        if let Err(error) = self.receive(input, now) {
            self.fail(error.into(), Closed::BadMessage);
        }
        self.poll_app(cx, now);
    }

    fn handle_eof(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.eof = true;
        let silent =
            self.exchange.state().session.head.is_none() && !self.exchange.state().proto.in_head();
        let told = self.exchange.state().proto.receive_eof();
        match told {
            Err(_) if silent => self.fail(Error::closed(Closed::PeerGone), Closed::PeerGone),
            Ok(Some(_)) => self.exchange.state().incoming.progress = Progress::Complete,
            Ok(None) if matches!(self.exchange.state().incoming.progress, Progress::Open) => {
                self.fail(Error::closed(Closed::PeerGone), Closed::PeerGone);
            }
            Ok(None) => {}
            Err(error) => self.fail(error.into(), Closed::BadMessage),
        }
        self.poll_app(cx, now);
    }

    fn handle_lost(&mut self, error: &io::Error, _cx: &mut Context<'_>, _now: Instant) {
        let why = if is_of_file(error) {
            Closed::Aborted
        } else if error.kind() == io::ErrorKind::ConnectionReset {
            Closed::Reset
        } else {
            Closed::PeerGone
        };
        self.fail(Error::closed(why), why);
        self.ending = Some(Ending::Now);
    }

    fn handle_stuck(&mut self, _cx: &mut Context<'_>) {
        self.fail(Error::closed(Closed::WriteTimeout), Closed::WriteTimeout);
        self.ending = Some(Ending::Now);
    }

    fn handle_timeout(&mut self, _cx: &mut Context<'_>, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.write_deadline()) {
            self.fail(Error::closed(Closed::WriteTimeout), Closed::WriteTimeout);
        } else if due(self.deadline()) {
            self.fail(Error::closed(Closed::ReadTimeout), Closed::ReadTimeout);
        }
    }

    fn poll_app(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.exchange.state().set_task(cx);
        let told = notify::flow(&self.exchange);
        self.contained(told);
        note_wait(&mut self.exchange.state(), now);
        self.settle();
    }

    fn poll_write(
        &mut self,
        write: &mut dyn FnMut(&Output) -> Option<usize>,
        now: Instant,
    ) -> bool {
        let mut progress = false;
        loop {
            let mut state = self.exchange.state();
            if state.out.is_empty() {
                break;
            }
            state.turn.write_since.get_or_insert(now);
            let Some(count) = write(&state.out) else {
                break;
            };
            state.turn.write_since = None;
            state.wrote(&self.exchange.env, count);
            self.moved = now;
            progress = true;
        }
        loop {
            let mark = {
                let mut state = self.exchange.state();
                let written = state.out.written();
                state.marks.pop(written)
            };
            let Some((_, mark)) = mark else { break };
            if mark == FlushEvent::Room && !self.exchange.state().has_room(&self.exchange.env) {
                continue;
            }
            let told = notify::tell(&self.exchange, mark);
            self.contained(told);
        }
        progress
    }

    fn deadline(&self) -> Option<Instant> {
        let write = self.write_deadline();
        let state = self.exchange.state();
        let time = &self.exchange.env.limits.time;
        if self.ending.is_some() {
            return write;
        }
        let server = state.proto.role() == Role::Server;
        let read = match state.incoming.progress {
            Progress::Open if state.proto.halves().0 == Half::Body => body_deadline(&state, time),
            Progress::Open if server && state.session.head.is_none() => {
                Some(self.began + time.head)
            }
            // A client that has not sent its request waits for nobody but itself.
            Progress::Open if !server && state.outgoing.stage == Stage::Ended => {
                Some(self.moved + time.body_idle)
            }
            _ => None,
        };
        [write, read].into_iter().flatten().min()
    }

    fn ending(&self) -> Option<Ending> {
        self.ending.filter(|_| self.exchange.state().out.is_empty())
    }

    fn write_idle(&self) -> Duration {
        self.exchange.env.limits.time.write_idle
    }

    fn linger(&self) -> (Duration, u64) {
        let limits = &self.exchange.env.limits;
        (limits.time.linger, limits.body.drain_bytes_max)
    }

    fn handle_closed(&mut self, _now: Instant) {
        let (listeners, closed) = {
            let mut state = self.exchange.state();
            (state.flow.take(), state.closed)
        };
        notify::end(listeners, closed.unwrap_or(Closed::Done));
        self.exchange.state().close(Closed::Done);
    }
}
