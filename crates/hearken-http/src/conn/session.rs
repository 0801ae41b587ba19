//! A session's connection: one exchange, either side, no handler: listeners and the holders of the handles are the
//! application.
//!
//! Here: [`SessionConnection`], which drives the same [`Exchange`] as a served connection does. Not here: what users hold
//! (`session/mod.rs`).

use super::exchange::Exchange;
use super::incoming::Progress;
use super::line::{Eof, Line};
use super::loss::closed_by;
use super::notify::{
    ListenerPanic, deliver_body, next_flushed, notify_end, notify_failed, notify_flushed,
    with_listeners,
};
use super::outgoing::Stage;
use super::output::Output;
use super::timers::{Due, Timer, earliest};
use super::{Drive, Ending, Input, LingerTimes};
use crate::error::{Closed, Error};
use crate::event::observe::Step;
use hearken_proto::{Event, Half, Role};
use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};

/// How long content waits for `100 Continue`: the default of an agent.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct SessionConnection {
    exchange: Rc<Exchange>,
    began: Instant,
    /// Received behind the end of the message.
    pub(crate) rest: Vec<u8>,
    pub(crate) failure: Option<Error>,
    eof: bool,
    ending: Option<Ending>,
}

impl SessionConnection {
    pub(crate) fn new(exchange: Rc<Exchange>, now: Instant) -> Self {
        let session = Self {
            exchange,
            began: now,
            rest: Vec::new(),
            failure: None,
            eof: false,
            ending: None,
        };
        session.with_line(|line| line.proto.report_lines(true));
        if session.is_observed() {
            let mut state = session.exchange.state();
            state.show_connection(Step::Accepted, now);
        }
        session
    }

    pub(crate) const fn exchange(&self) -> &Rc<Exchange> {
        &self.exchange
    }

    /// Costs one flag test when no observer is installed.
    #[inline]
    fn is_observed(&self) -> bool {
        self.exchange.env.observed.get()
    }

    /// The line of the exchange. A session never gives it away.
    fn with_line<T>(&self, call: impl FnOnce(&mut Line) -> T) -> Option<T> {
        self.exchange.state().carrier.line().map(call)
    }

    fn receive(&mut self, input: &Input<'_>, now: Instant) -> Result<(), hearken_proto::Error> {
        let mut at = 0;
        loop {
            let event = self.exchange.state().receive(input, &mut at)?;
            if self.is_observed()
                && let Some(event) = &event
            {
                let mut state = self.exchange.state();
                match event {
                    Event::End => state.show_body_end(now),
                    event => state.show_received(event, now),
                }
            }
            match event {
                None => break,
                Some(Event::Line) => self.notify_head(true),
                Some(Event::Head { .. }) => self.head_came(),
                Some(Event::Switched) => {
                    {
                        // The rest is another protocol's. Who attached the transport gets both back.
                        let mut state = self.exchange.state();
                        state.incoming.progress = Progress::Complete;
                        state.outgoing.stage = Stage::Ended;
                    }
                    self.head_came();
                }
                Some(Event::Interim) => self.interim_came(),
                Some(Event::Content(_)) => self.exchange.state().incoming.meter.stop(now),
                Some(Event::End) => break, // what follows belongs to another exchange
                Some(_) => {}
            }
        }
        self.rest.extend_from_slice(&input.bytes()[at..]);
        self.exchange.state().wake_reader();
        Ok(())
    }

    /// `100 Continue` lets the content go that waits for it.
    fn interim_came(&mut self) {
        let asked = self.with_line(|line| line.proto.head().status() == 100);
        if asked == Some(true) {
            let env = &self.exchange.env;
            self.exchange.state().release_held(env);
        }
    }

    fn head_came(&mut self) {
        self.exchange.state().drop_held();
        let head = self.with_line(|line| Rc::new(line.proto.head().clone()));
        let early = {
            let mut state = self.exchange.state();
            let session = state.session();
            session.and_then(|session| {
                session.head = head;
                session.early.take()
            })
        };
        self.notify_head(false);
        if let Some(early) = early {
            let env = &self.exchange.env;
            self.exchange.state().send_early(env, early);
        }
    }

    /// Emits `LineReady` or `HeaderReady`.
    fn notify_head(&mut self, line: bool) {
        if !self.exchange.state().listeners.is_used() {
            return;
        }
        let Some(head) = self.with_line(|line| line.proto.head().clone()) else {
            return;
        };
        let called = with_listeners(&self.exchange, |listeners| {
            let of = if line {
                &mut listeners.of.line_ready
            } else {
                &mut listeners.of.header_ready
            };
            of.iter_mut().for_each(|call| call(&head));
        });
        self.fail_on_panic(called);
    }

    /// The peer broke the protocol or went away. A server responds if it still can.
    #[cold]
    fn fail(&mut self, error: Error, why: Closed) {
        {
            let mut state = self.exchange.state();
            if self.is_observed() {
                state.show_failure(&error);
            }
            let responds =
                state.carrier.role() == Role::Server && state.outgoing.stage == Stage::Head;
            if responds && !matches!(why, Closed::PeerGone | Closed::Reset) {
                state.carrier.must_close();
                let text = format!("{}\n", error.public_text());
                state.respond(&self.exchange.env, error.status().as_u16(), &text);
            } else {
                state.carrier.discard();
            }
            state.incoming.fail(error.clone());
            state.close(why);
        }
        notify_failed(&self.exchange, &error);
        self.failure.get_or_insert(error);
        self.ending = Some(Ending::Keep);
    }

    /// A listener that panicked fails the session. A server answers 500 if it still can.
    fn fail_on_panic(&mut self, called: Result<(), ListenerPanic>) {
        if let Err(panic) = called {
            self.fail(
                Error::new(500, format!("a listener panicked: {}", panic.message)),
                Closed::Aborted,
            );
        }
    }

    fn has_head(&self) -> bool {
        let mut state = self.exchange.state();
        state
            .session()
            .is_some_and(|session| session.head.is_some())
    }

    fn next_timer(&self) -> Option<Due> {
        let time = &self.exchange.env.limits.time;
        let has_head = self.has_head();
        let state = &mut *self.exchange.state();
        let server = state.carrier.role() == Role::Server;
        let line = state.carrier.line()?;
        let write = line.write_due(time);
        let moved = line.times.moved.unwrap_or(self.began);
        if self.ending.is_some() {
            return write;
        }
        let receiving = line.proto.halves().0 == Half::Body;
        let read = match state.incoming.progress {
            Progress::Open if receiving => state.incoming.body_due(time, true),
            Progress::Open if server && !has_head => Some((self.began + time.head, Timer::Head)),
            // A client that has not sent its request waits for no one but itself.
            Progress::Open if !server && state.outgoing.stage == Stage::Ended => {
                Some((moved + time.body_idle, Timer::Head))
            }
            _ => None,
        };
        let session = state.session();
        let hold = session.and_then(|session| session.hold.as_ref()?.since);
        let hold = hold.map(|since| (since + CONTINUE_TIMEOUT, Timer::Continue));
        earliest([write, read, hold])
    }

    /// Ends the connection once both messages are complete.
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
        // The bytes behind the end of the message belong to another exchange.
        !self.eof
            && self.ending.is_none()
            && state.incoming.queued() < most
            && matches!(state.incoming.progress, Progress::Open)
    }

    fn at_eof(&self) -> bool {
        self.eof
    }

    fn body_left(&self) -> u64 {
        self.exchange.state().carrier.body_left().unwrap_or(0)
    }

    fn handle_input(&mut self, input: &Input<'_>, cx: &mut Context<'_>, now: Instant) {
        self.with_line(|line| line.times.moved = Some(now));
        if self.is_observed() {
            let mut state = self.exchange.state();
            state.show_first_byte(now);
            if let Some(peer) = &state.peer {
                peer.received(input.bytes().len());
            }
        }
        if let Err(error) = self.receive(input, now) {
            self.fail(error.into(), Closed::BadMessage);
        }
        self.poll_app(cx, now);
    }

    fn handle_eof(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.eof = true;
        let has_head = self.has_head();
        let received = self.with_line(|line| line.receive_eof(has_head || line.proto.in_head()));
        let open = matches!(self.exchange.state().incoming.progress, Progress::Open);
        match received {
            Some(Eof::Complete) => self.exchange.state().incoming.progress = Progress::Complete,
            Some(Eof::Gone) if open => self.fail(Error::closed(Closed::PeerGone), Closed::PeerGone),
            Some(Eof::Broken(error)) => self.fail(error.into(), Closed::BadMessage),
            Some(Eof::Gone) | None => {}
        }
        self.poll_app(cx, now);
    }

    fn handle_lost(&mut self, error: &io::Error, _cx: &mut Context<'_>, _now: Instant) {
        let why = closed_by(error);
        if why == Closed::Aborted {
            tracing::error!(%error, "a message was cut");
        }
        self.fail(Error::closed(why), why);
        self.ending = Some(Ending::Now);
    }

    fn handle_stuck(&mut self, _cx: &mut Context<'_>, _now: Instant) {
        self.fail(Error::closed(Closed::WriteTimeout), Closed::WriteTimeout);
        self.ending = Some(Ending::Now);
    }

    fn handle_timeout(&mut self, _cx: &mut Context<'_>, now: Instant) {
        match self.next_timer() {
            Some((at, Timer::Continue)) if at <= now => {
                let env = &self.exchange.env;
                self.exchange.state().release_held(env);
            }
            Some((at, timer)) if at <= now => {
                let why = match timer {
                    Timer::Write => Closed::WriteTimeout,
                    _ => Closed::ReadTimeout,
                };
                self.fail(Error::closed(why), why);
            }
            _ => {}
        }
    }

    fn poll_app(&mut self, cx: &mut Context<'_>, now: Instant) {
        {
            let mut state = self.exchange.state();
            state.set_task(cx);
            if let Some(hold) = state.session().and_then(|session| session.hold.as_mut()) {
                hold.since.get_or_insert(now);
            }
        }
        let called = deliver_body(&self.exchange);
        self.fail_on_panic(called);
        self.exchange.state().note_wait(now);
        self.settle();
    }

    fn output(&mut self) -> Option<impl Deref<Target = Output>> {
        self.exchange.output()
    }

    fn handle_sent(&mut self, count: usize, now: Instant) {
        let env = &self.exchange.env;
        self.exchange.state().handle_sent(env, count, now);
        while let Some((position, number, event)) = next_flushed(&self.exchange) {
            if self.is_observed() {
                self.exchange.state().show_flushed(event, position, now);
            }
            let called = notify_flushed(&self.exchange, number, event);
            self.fail_on_panic(called);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.next_timer().map(|(at, _)| at)
    }

    fn ending(&self) -> Option<Ending> {
        self.ending
            .filter(|_| self.exchange.state().carrier.queued_bytes() == 0)
    }

    fn write_idle(&self) -> Duration {
        self.exchange.env.limits.time.write_idle
    }

    /// The transport goes back to its owner.
    fn lingers(&self) -> bool {
        false
    }

    fn linger(&self) -> LingerTimes {
        LingerTimes::of(&self.exchange.env.limits.time)
    }

    fn handle_closed(&mut self, now: Instant) {
        {
            let mut state = self.exchange.state();
            let why = state.closed.unwrap_or(Closed::Done);
            state.end_session_watch(why, now);
        }
        notify_end(&self.exchange, Closed::Done);
    }
}
