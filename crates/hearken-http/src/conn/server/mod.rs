//! A served connection: one exchange after the other, each with its handler.
//!
//! Here: [`ServerConnection`], when an exchange begins, when its handler runs and when it ends, what happens on a fault, and when
//! the connection closes. Requests that are pipelined wait: exchanges follow one another. Not here: deadlines
//! (`timers.rs`), the orders of a handler (`exchange.rs`).

pub(crate) mod deadlines;
mod dispatch;
mod drive;
mod failure;
mod switch;
pub(crate) mod tunnel;

use crate::conn::context::WorkerContext;
use crate::conn::exchange::{Exchange, Took};
use crate::conn::notify::{self, Flow};
use crate::conn::outgoing::Stage;
use crate::conn::{Ending, Input};
use crate::error::{Closed, Error};
use crate::event::callbacks::{catch_panic, notify_all};
use crate::event::observe::{Observation, Step};
use crate::event::peer::Peer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::server::handlers::HandlerFuture;
use hearken_proto::{Half, Role};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Exchanges that wait for use in one worker; more are given back to the system.
const POOL_MAX: usize = 256;

/// The handler of one exchange at a time.
pub(crate) trait Runner {
    /// A request is there.
    fn start(&mut self, req: IncomingMessage, res: ServerResponse);
    /// A request is there, and this is who takes it over.
    fn take_over(&mut self, handler: HandlerFuture);
    /// Lets it go on. `Err` with its message when it panicked.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>>;
    /// Whether it has been started and has not ended.
    fn running(&self) -> bool;
    /// Drops it where it stands.
    fn cancel(&mut self);
}

/// A connection with its runner, which is generic so that a handler's future needs no box of its own.
pub(crate) struct ServedConnection<R: Runner> {
    pub(crate) served: ServerConnection,
    pub(crate) runner: R,
}

/// See the module. What is needed only during an exchange lives in the exchange, which goes back to the worker's pool:
/// this struct is what an idle connection costs.
pub(crate) struct ServerConnection {
    pub(super) env: Rc<WorkerContext>,
    pub(crate) peer: Rc<Peer>,
    pub(super) exchange: Option<Rc<Exchange>>,
    /// Accepted, or the last exchange ended.
    pub(super) since: Instant,
    /// In this second of the worker's clock the connection is old enough.
    pub(super) expires: u32,
    /// Exchanges begun.
    pub(super) count: u32,
    /// The last order to all connections that was seen.
    pub(super) heeded: u32,
    pub(super) eof: bool,
    /// The head of the current exchange is there, its handler is not started.
    pub(super) ready: bool,
    pub(crate) ending: Option<Ending>,
    pub(crate) why: Closed,
    /// That it is closed was told.
    pub(super) told: bool,
}

impl ServerConnection {
    pub(crate) fn new(
        env: &Rc<WorkerContext>,
        peer: Rc<Peer>,
        now: Instant,
        expires: Instant,
    ) -> Self {
        let served = Self {
            env: Rc::clone(env),
            peer,
            exchange: None,
            since: now,
            expires: env.clock.second(expires),
            count: 0,
            heeded: env.orders.get().last,
            eof: false,
            ready: false,
            ending: None,
            why: Closed::Done,
            told: false,
        };
        served.see(0, Step::Accepted, now);
        let listeners = &served.env.hooks.listeners.connection;
        notify_all(listeners, |listener| listener(&served.peer));
        served
    }

    /// The handshake of TLS is complete: the connection begins here.
    #[cfg(feature = "tls")]
    pub(crate) fn secured(&mut self, info: crate::tls::TlsInfo, now: Instant) {
        self.since = now;
        self.peer.secured(info);
        self.see(0, Step::Secured, now);
        let listeners = &self.env.hooks.listeners.secure_connection;
        notify_all(listeners, |listener| listener(&self.peer));
    }

    /// One byte is looked at where nobody listens.
    #[inline(always)]
    pub(super) fn see(&self, exchange: u32, step: Step, at: Instant) {
        if self.env.observed {
            self.show(exchange, step, at);
        }
    }

    #[cold]
    fn show(&self, exchange: u32, step: Step, at: Instant) {
        if let Some(observer) = &self.env.hooks.observer {
            let peer = &self.peer;
            let seen = Observation {
                at,
                peer,
                exchange,
                step,
            };
            if let Err(panic) = catch_panic(|| observer.observe(&seen)) {
                tracing::error!(panic, "an observer panicked");
            }
        }
    }

    /// Bytes are there and no exchange is: one begins.
    fn activate(&mut self) -> Rc<Exchange> {
        let pooled = self.env.pool.borrow_mut().pop();
        let exchange = pooled.unwrap_or_else(|| Exchange::new(&self.env, Role::Server));
        let lines = self.env.observed;
        exchange.state().attach(&self.peer, lines);
        Rc::clone(self.exchange.insert(exchange))
    }

    /// Whether bytes may be parsed now. The head of a next request waits until its predecessor is over on both sides,
    /// its handler included, and until the answers before it have left room. With its first byte an exchange begins.
    fn admits(&mut self, exchange: &Exchange, now: Instant) -> bool {
        let mut state = exchange.state();
        if state.proto.halves().0 != Half::Idle {
            return true;
        }
        if state.outgoing.stage != Stage::Head {
            return false;
        }
        if state.number == 0 {
            if state.out.len() as u64 >= self.env.limits.body.queue_bytes {
                return false;
            }
            self.count += 1;
            state.number = self.count;
            state.course.last =
                self.env.clock.second(now) >= self.expires || self.count >= self.env.requests_max;
            state.turn.began = Some(now);
            self.see(self.count, Step::FirstByte, now);
        }
        state.turn.head_since.get_or_insert(now);
        true
    }

    /// Takes in what has come, runs the handler, and goes on with the next exchange, as far as it all gets.
    pub(super) fn advance(
        &mut self,
        input: &Input<'_>,
        cx: &mut Context<'_>,
        runner: &mut dyn Runner,
        now: Instant,
    ) {
        let mut rest = self.take_pending();
        if rest.is_empty() {
            let used = self.run(input, cx, runner, now);
            rest.extend_from_slice(&input.bytes()[used..]);
        } else {
            rest.extend_from_slice(input.bytes());
            let used = self.run(&Input::Borrowed(&rest), cx, runner, now);
            rest.drain(..used);
        }
        if rest.is_empty() {
            if self.eof {
                self.tell_eof(cx, runner, now);
            }
        } else if let Some(exchange) = &self.exchange {
            exchange.state().turn.pending = rest;
            if self.eof {
                self.probe_later(now);
            }
        }
        self.note_wait(now);
    }

    pub(super) fn take_pending(&self) -> Vec<u8> {
        let Some(exchange) = &self.exchange else {
            return Vec::new();
        };
        std::mem::take(&mut exchange.state().turn.pending)
    }

    pub(super) fn run(
        &mut self,
        input: &Input<'_>,
        cx: &mut Context<'_>,
        runner: &mut dyn Runner,
        now: Instant,
    ) -> usize {
        let mut at = 0;
        while self.ending.is_none() {
            let more = at < input.bytes().len();
            let exchange = match &self.exchange {
                Some(exchange) => Rc::clone(exchange),
                None if more => self.activate(),
                None => break,
            };
            if more
                && self.admits(&exchange, now)
                && let Err(error) = self.parse(&exchange, input, &mut at, now)
            {
                self.fail(&error.into(), input.bytes(), cx, runner);
                return input.bytes().len();
            }
            exchange.state().course.more_input = at < input.bytes().len();
            if self.ready {
                self.ready = false;
                self.start(exchange, runner, now);
            } else {
                drop(exchange);
            }
            self.poll_runner(cx, runner);
            if !self.finish(runner, now) {
                break;
            }
        }
        // What comes behind a switch belongs to another protocol.
        if self.ending.is_some_and(|ending| ending != Ending::HandOver) {
            input.bytes().len()
        } else {
            at
        }
    }

    /// Feeds the protocol until it needs more or the message is complete.
    fn parse(
        &mut self,
        exchange: &Rc<Exchange>,
        input: &Input<'_>,
        at: &mut usize,
        now: Instant,
    ) -> Result<(), hearken_proto::Error> {
        let mut state = exchange.state();
        loop {
            let before = state.course.body_bytes;
            let (used, took) = state.receive(input, *at)?;
            *at += used;
            match took {
                Some(Took::Head(_)) => {
                    self.ready = true;
                    state.turn.head_since = None;
                    self.see(self.count, Step::Head, now);
                }
                Some(Took::Content) => {
                    if before == 0 {
                        self.see(self.count, Step::FirstBodyByte, now);
                    }
                    state.course.wait.stop(now);
                    state.turn.moved = Some(now);
                    state.wake_reader_elsewhere();
                }
                Some(Took::End) => {
                    let bytes = state.course.body_bytes;
                    self.see(self.count, Step::BodyEnd { bytes }, now);
                    state.wake_reader_elsewhere();
                    state.wake_if_said();
                    return Ok(()); // what follows belongs to the next exchange
                }
                Some(Took::Line) => self.see(self.count, Step::Line, now),
                Some(Took::Interim | Took::Switched) => {}
                None => return Ok(()),
            }
        }
    }

    /// Lets handler and listeners go on.
    pub(super) fn poll_runner(&mut self, cx: &mut Context<'_>, runner: &mut dyn Runner) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        if runner.running() {
            exchange.state().wakers.in_task = true;
            let polled = runner.poll(cx);
            let shared = Rc::strong_count(exchange) > 1;
            let mut state = exchange.state();
            state.wakers.in_task = false;
            if polled.is_pending() || shared {
                state.set_task(cx);
            }
            if let Poll::Ready(Err(panic)) = polled {
                drop(state);
                self.panicked(&panic);
            }
        }
        let Some(exchange) = &self.exchange else {
            return;
        };
        if exchange.state().flow.is_some()
            && let Err(panic) = notify::flow(exchange)
        {
            self.panicked(&panic);
            runner.cancel();
        }
    }

    /// A panic ends this exchange and nothing else.
    #[cold]
    pub(super) fn panicked(&self, message: &str) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        let error = Error::new(500, format!("a handler panicked: {message}"));
        tracing::error!(%error, peer = ?self.peer);
        self.env.hooks.notify_error(&error);
        let mut state = exchange.state();
        if state.outgoing.stage == Stage::Head && !state.is_over() {
            state.answer(&self.env, 500, "Internal Server Error\n");
        } else if !state.is_over() {
            state.close(Closed::Aborted);
        }
    }

    /// If the exchange is complete in both directions, prepares the next one. True if there may be one.
    fn finish(&mut self, runner: &dyn Runner, now: Instant) -> bool {
        let Some(exchange) = &self.exchange else {
            return false;
        };
        let mut state = exchange.state();
        if let Some(why) = state.closed {
            if why != Closed::Done {
                self.why = why;
                self.ending = Some(state.ending_of_part());
            }
            return false;
        }
        let recv = state.proto.halves().0;
        if recv == Half::Switched && state.is_handed() {
            self.ending = Some(Ending::HandOver); // its handler goes on
            return false;
        }
        if runner.running() || state.outgoing.stage != Stage::Ended {
            return false;
        }
        let receiving = recv == Half::Body;
        if receiving {
            if !state.incoming.unread {
                return false; // somebody reads on after the answer
            }
            let max = state.limits(&self.env).body.drain_bytes_max;
            if state.course.owes_continue || state.unread_bytes() > max {
                state.proto.must_close();
            }
        }
        if state.proto.is_finished() {
            state.close(Closed::Done);
            self.ending = Some(Ending::Linger);
            return false;
        }
        if receiving {
            return false;
        }
        state.turn.probe_at = None;
        drop(state);
        self.since = now;
        self.next_exchange();
        true
    }

    /// Uses the exchange again, or a new one if somebody still holds on to it.
    fn next_exchange(&mut self) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let mut listeners = exchange.state().flow.take();
        if listeners.as_deref().is_some_and(Flow::tells) {
            let mut state = exchange.state();
            let number = state.number;
            if state.marks.has(number) {
                let parked = listeners.take().map(|flow| (number, flow));
                state.turn.parked.extend(parked);
            }
        }
        notify::end(listeners, Closed::Done);
        if Rc::strong_count(&exchange) == 1 {
            exchange.state().next();
            self.exchange = Some(exchange);
            return;
        }
        let pooled = self.env.pool.borrow_mut().pop();
        let fresh = pooled.unwrap_or_else(|| Exchange::new(&self.env, Role::Server));
        {
            let (mut old, mut new) = (exchange.state(), fresh.state());
            new.next();
            old.hand_over(&mut new);
            old.close(Closed::Done);
        }
        self.exchange = Some(fresh);
    }

    /// Between two exchanges, with nothing to write, the exchange and its buffers go back to the pool.
    pub(super) fn release(&mut self) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        let mut state = exchange.state();
        let idle = state.proto.halves() == (Half::Idle, Half::Idle)
            && state.outgoing.stage == Stage::Head
            && !state.proto.in_head()
            && state.out.is_empty()
            && state.turn.head_since.is_none()
            && state.turn.pending.is_empty();
        if idle {
            self.peer.sent(state.out.written());
            state.out.trim();
            drop(state);
            let mut pool = self.env.pool.borrow_mut();
            let room = pool.len() < POOL_MAX;
            pool.extend(self.exchange.take().filter(|_| room));
        }
    }
}
