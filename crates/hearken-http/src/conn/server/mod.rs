//! A server's connection: one exchange after the other, each with its handler.
//!
//! Here: [`ServerConnection`], when an exchange begins, when its handler runs, when it ends, and what closes the
//! connection. Pipelined requests wait: exchanges follow one another. Not here: deadlines (`deadlines.rs`), faults and lost
//! transports (`failure.rs`), what the pump sees (`drive.rs`), the orders of a handler (`orders.rs`).

mod deadlines;
mod dispatch;
mod drive;
mod failure;
mod observed;
mod progress;
pub(crate) mod tunnel;

use super::carrier::Carrier;
use super::context::WorkerContext;
use super::exchange::{Exchange, State};
use super::line::Line;
use super::notify::deliver_body;
use super::outgoing::Stage;
use super::{Ending, Input};
use crate::error::{Closed, Failure};
use crate::event::callbacks::notify_all;
use crate::event::observe::Step;
use crate::event::peer::Peer;
use crate::net::window::window;
use hearken_proto::{Event, Half};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// The kind of a request: which handler it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    CheckContinue,
    CheckExpectation,
    Upgrade,
    Connect,
}

/// Runs the handler of one exchange.
pub(crate) trait Runner {
    /// A request has come: makes its handles and starts the handler for its kind.
    fn start(&mut self, kind: Kind, exchange: Rc<Exchange>);
    /// Lets the handler go on. `Err` with its message when it panicked.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>>;
    /// Whether the handler has been started and has not ended.
    fn running(&self) -> bool;
    /// No request follows for now: gives back the memory in which a handler runs, unless one does.
    fn rest(&mut self);
    /// Drops the handler where it stands.
    fn cancel(&mut self);
}

/// A connection with its runner, which is generic so that a handler's future needs no box of its own.
pub(crate) struct ServedConnection<R: Runner> {
    pub(crate) served: ServerConnection,
    pub(crate) runner: R,
}

/// See the module. What is needed only during an exchange lives in the exchange and its line, which go back to the
/// worker's pool: this struct is what an idle connection costs.
pub(crate) struct ServerConnection {
    pub(super) env: Rc<WorkerContext>,
    pub(crate) peer: Rc<Peer>,
    pub(super) exchange: Option<Rc<Exchange>>,
    /// Accepted, or the last exchange ended.
    pub(super) since: Instant,
    /// In this second of the worker's clock the connection has reached its age.
    pub(super) expires: u32,
    /// Exchanges begun.
    pub(super) count: u32,
    /// The last close command that was observed.
    pub(super) epoch: u32,
    pub(super) eof: bool,
    /// The head of the current exchange has come, its handler is not started.
    pub(super) ready: bool,
    pub(crate) ending: Option<Ending>,
    pub(crate) why: Closed,
    /// `Disconnected` has been emitted.
    pub(super) closed: bool,
}

/// The arguments of a step of a connection.
pub(super) struct Turn<'a, 'cx> {
    pub(super) runner: &'a mut dyn Runner,
    pub(super) cx: &'a mut Context<'cx>,
    pub(super) now: Instant,
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
            expires: env.exchange.clock.second(expires),
            count: 0,
            epoch: env.epochs.get().last,
            eof: false,
            ready: false,
            ending: None,
            why: Closed::Done,
            closed: false,
        };
        served.observe_connection(Step::Accepted, now);
        let listeners = &served.env.exchange.hooks.listeners.connection;
        notify_all(listeners, |listener| listener(&served.peer));
        served
    }

    /// The handshake of TLS is complete: the connection begins here.
    #[cfg(feature = "tls")]
    pub(crate) fn secured(&mut self, info: crate::tls::info::TlsInfo, now: Instant) {
        self.since = now;
        self.peer.secured(info);
        if let Some(tls) = self.peer.tls() {
            self.observe_connection(Step::Secured { tls }, now);
        }
        let listeners = &self.env.exchange.hooks.listeners.secure_connection;
        notify_all(listeners, |listener| listener(&self.peer));
    }

    /// Bytes have come and no exchange is under way: one begins.
    fn activate(&mut self) {
        let exchange = self.env.take_exchange();
        let lines = self.is_observed();
        exchange.state().attach(&self.peer, lines);
        self.exchange = Some(exchange);
    }

    /// Whether bytes may be parsed now. The head of a next request waits until its predecessor is over on both sides, its
    /// handler included, and until the responses before it have left room.
    #[inline]
    fn admits(&self, state: &State) -> Admission {
        let Carrier::H1(line) = &state.carrier else {
            return Admission::Waits;
        };
        if line.proto.halves().0 != Half::Idle {
            return Admission::Continues;
        }
        if state.outgoing.stage != Stage::Head {
            return Admission::Waits;
        }
        if state.number != 0 {
            return Admission::Continues;
        }
        let max = self.env.exchange.limits.body.queue_bytes;
        if line.out.len() as u64 >= window(line.out.written(), max) {
            return Admission::Waits;
        }
        Admission::Begins
    }

    /// With its first byte an exchange begins. It has been counted.
    #[inline]
    fn begin(&self, state: &mut State, now: Instant) {
        state.number = self.count;
        if let Carrier::H1(line) = &mut state.carrier {
            line.last = self.count >= self.env.requests_max
                || self.env.exchange.clock.second(now) >= self.expires;
            line.times.began = Some(now);
        }
        self.observe_begin(state, now);
    }

    /// Takes in what has come, runs the handler, and goes on with the next exchange, as far as it all gets.
    pub(super) fn advance(&mut self, input: &Input<'_>, turn: &mut Turn<'_, '_>) {
        let mut rest = self.take_pending();
        if rest.is_empty() {
            let used = self.run(input, turn);
            rest.extend_from_slice(&input.bytes()[used..]);
        } else {
            rest.extend_from_slice(input.bytes());
            let used = self.run(&Input::Borrowed(&rest), turn);
            rest.drain(..used);
        }
        if rest.is_empty() {
            if self.eof {
                self.receive_eof(turn);
            }
        } else {
            self.with_line(|line| line.pending = rest);
            if self.eof {
                self.probe_later(turn.now);
            }
        }
        self.note_wait(turn.now);
    }

    pub(super) fn take_pending(&self) -> Vec<u8> {
        let taken = self.with_line(|line| std::mem::take(&mut line.pending));
        taken.unwrap_or_default()
    }

    /// The line of this connection, while an exchange is under way.
    #[inline]
    pub(in crate::conn) fn with_line<T>(&self, call: impl FnOnce(&mut Line) -> T) -> Option<T> {
        let exchange = self.exchange.as_ref()?;
        let mut state = exchange.state();
        state.carrier.line().map(call)
    }

    pub(super) fn run(&mut self, input: &Input<'_>, turn: &mut Turn<'_, '_>) -> usize {
        let mut at = 0;
        while self.ending.is_none() {
            if at < input.bytes().len() {
                if self.exchange.is_none() {
                    self.activate();
                }
                if let Err(error) = self.parse(input, &mut at, turn.now) {
                    self.fail(&error.into(), input.bytes(), turn);
                    return input.bytes().len();
                }
            } else if self.exchange.is_none() {
                break;
            }
            if self.ready {
                self.ready = false;
                self.start(turn);
            }
            let running = self.poll_runner(turn);
            if !self.finish(running, turn) || self.gives_way(input.bytes().len() > at) {
                break;
            }
        }
        turn.runner.rest();
        // What comes behind a switch belongs to another protocol.
        if self.ending.is_some_and(|ending| ending != Ending::HandOver) {
            input.bytes().len()
        } else {
            at
        }
    }

    /// Whether the next of the requests that have come must wait for the turn of other connections.
    #[inline]
    fn gives_way(&self, more: bool) -> bool {
        more && self.env.exchange.budget.is_over()
    }

    /// Feeds the protocol until it needs more or the message is complete.
    fn parse(
        &mut self,
        input: &Input<'_>,
        at: &mut usize,
        now: Instant,
    ) -> Result<(), hearken_proto::Error> {
        let Some(exchange) = &self.exchange else {
            return Ok(());
        };
        let state = &mut *exchange.state();
        let admission = self.admits(state);
        if admission == Admission::Begins {
            self.count += 1;
            self.begin(state, now);
        }
        loop {
            if admission == Admission::Waits {
                break;
            }
            let event = state.receive(input, at)?;
            self.observe_received(state, event.as_ref(), now);
            match event {
                Some(Event::Head { .. }) => {
                    self.ready = true;
                    if let Some(line) = state.carrier.line() {
                        line.times.head_since = None;
                    }
                    if state.receive_empty_body() {
                        self.message_came(state, now);
                        break; // what follows belongs to the next exchange
                    }
                }
                Some(Event::Content(_)) => Self::content_came(state, now),
                Some(Event::End) => {
                    self.message_came(state, now);
                    break; // what follows belongs to the next exchange
                }
                Some(_) => {}
                None => {
                    state.wait_for_head(now);
                    break;
                }
            }
        }
        if let Some(line) = state.carrier.line() {
            line.more_input = *at < input.bytes().len();
        }
        Ok(())
    }

    fn content_came(state: &mut State, now: Instant) {
        state.incoming.meter.stop(now);
        if let Some(line) = state.carrier.line() {
            line.times.moved = Some(now);
        }
        state.wake_reader_elsewhere();
    }

    /// The message is complete.
    #[inline]
    fn message_came(&self, state: &mut State, now: Instant) {
        self.observe_body_end(state, now);
        state.wake_reader_elsewhere();
        state.wake_if_answered();
    }

    /// Lets handler and listeners go on. If the exchange goes on without the handler, orders from elsewhere wake this task.
    /// Returns whether the handler waits for something.
    #[inline(always)]
    pub(super) fn poll_runner(&mut self, turn: &mut Turn<'_, '_>) -> bool {
        let Some(exchange) = &self.exchange else {
            return false;
        };
        // The task sees the orders of its own handler, and need not be woken by them.
        let task = exchange.state().wakers.task.take();
        self.observe_turn(exchange, turn.now);
        let running = match turn.runner.poll(turn.cx) {
            Poll::Ready(Ok(())) => {
                if task.is_some() {
                    exchange.state().wakers.task = task;
                }
                false
            }
            Poll::Ready(Err(panic)) => {
                self.panicked(&panic);
                false
            }
            Poll::Pending => {
                self.handler_waits(task, turn);
                true
            }
        };
        if !running {
            self.observe_handler_end(turn.now);
        }
        let listens =
            (self.exchange.as_ref()).is_some_and(|exchange| exchange.state().listeners.is_used());
        if listens {
            self.poll_listeners(turn);
            return turn.runner.running();
        }
        running
    }

    #[inline(never)]
    fn handler_waits(&self, task: Option<Waker>, turn: &mut Turn<'_, '_>) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        let mut state = exchange.state();
        state.wakers.task = task;
        state.set_task(turn.cx);
        if state.overrides.is_some() {
            drop(state);
            exchange.flush_filters();
        }
    }

    #[inline(never)]
    fn poll_listeners(&mut self, turn: &mut Turn<'_, '_>) {
        if let Some(exchange) = &self.exchange
            && let Err(panic) = deliver_body(exchange)
        {
            self.panicked(&panic.message);
            turn.runner.cancel();
        }
    }

    /// A panic ends this exchange and nothing else.
    #[cold]
    pub(super) fn panicked(&self, message: &str) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        exchange.fail_handler(Failure::new(500, format!("a handler panicked: {message}")));
    }
}

/// Whether an exchange takes in bytes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Waits,
    /// With these bytes it begins.
    Begins,
    Continues,
}
