//! What exchanges and connections of one worker share, and the listeners of a whole server.
//!
//! Here: [`ExchangeContext`], [`Surroundings`], [`WorkerContext`], [`Epochs`], [`Hooks`]. Not here: one connection (`server/mod.rs`).

use super::budget::{Budget, Later};
use super::clock::Clock;
use super::closing::Draining;
use super::exchange::Exchange;
use super::limits::clamp_all;
use crate::error::{Error, Failure};
use crate::event::ServerListeners;
use crate::event::callbacks::notify_all;
use crate::event::observe::Observer;
use hearken_proto::{Head, Limits};
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Exchanges that a worker keeps for the next connection that needs one; more are dropped.
const POOL_MAX: usize = 256;

/// What an exchange needs from its surroundings. Handles of an exchange may outlive its connection and its worker.
pub(crate) struct ExchangeContext {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) hooks: Arc<Hooks>,
    /// The time of the poll in progress, and the connections that gave way.
    pub(crate) budget: Budget,
    pub(crate) later: Later,
    /// An observer is installed.
    pub(crate) observed: Cell<bool>,
    pub(crate) draining: Rc<Draining>,
    /// Value of `Keep-Alive: timeout=` in responses, in seconds.
    pub(crate) keep_alive: Option<u32>,
}

impl ExchangeContext {
    pub(crate) fn new(mut limits: Limits, hooks: Arc<Hooks>, clock: Clock) -> Rc<Self> {
        clamp_all(&mut limits);
        let time = &limits.time;
        let seconds = u32::try_from(time.keep_alive.as_secs()).unwrap_or(u32::MAX);
        Rc::new(Self {
            keep_alive: time.keep_alive_buffer.map(|_| seconds),
            limits,
            budget: Budget::new(clock.read),
            later: Later::default(),
            clock,
            observed: Cell::new(hooks.observer.is_some()),
            hooks,
            draining: Rc::default(),
        })
    }
}

/// What an order of an exchange sees beside the state that it changes: what the exchanges of a worker share, and the head of this request,
/// which stays as it is while a handle of the exchange is left. So both handles lend it, and errors name the request without a
/// copy.
pub(crate) struct Surroundings {
    pub(crate) shared: Rc<ExchangeContext>,
    /// Of the last request that has come. Empty before the first one, and of an earlier connection until
    /// [`State::request`](super::exchange::State::request) is set.
    pub(super) head: Box<Head>,
}

impl Surroundings {
    pub(super) fn new(shared: &Rc<ExchangeContext>) -> Self {
        Self {
            shared: Rc::clone(shared),
            head: Box::default(),
        }
    }

    /// The head of the request.
    #[inline]
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }
}

impl Deref for Surroundings {
    type Target = ExchangeContext;

    #[inline]
    fn deref(&self) -> &ExchangeContext {
        &self.shared
    }
}

/// The request to which an error of an exchange belongs: its head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastRequest {
    /// All that waited for the transport when it came has been taken: what waits now is its response.
    pub(crate) alone: bool,
}

/// What the connections of one worker share.
pub(crate) struct WorkerContext {
    pub(crate) exchange: Rc<ExchangeContext>,
    pub(crate) epochs: Cell<Epochs>,
    /// How long a connection may be idle.
    pub(crate) idle: Duration,
    /// How many requests a connection may have; at least one.
    pub(crate) requests_max: u32,
    /// Exchanges that no connection uses now, each with the line and the buffers of its last connection.
    pool: RefCell<Vec<Rc<Exchange>>>,
}

/// Close commands to the connections of a worker, numbered as they came. A connection remembers the last number it has
/// seen, so that a command reaches the connections that existed when it was given, and no later one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epochs {
    /// The last command of any kind.
    pub(crate) last: u32,
    /// The last command to close idle connections.
    pub(crate) idle: u32,
    /// The last command to close all connections.
    pub(crate) all: u32,
}

/// Listeners, observer and decisions of a whole server.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) listeners: ServerListeners,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) intercepted: Intercepted,
    pub(crate) on_failure: Option<RespondToAny>,
}

/// Responds to a failure in the server's own form.
type RespondToAny = Box<dyn Fn(&Failure, Rc<Exchange>) + Send + Sync>;

/// Responds to a failure of one exchange.
pub(crate) type RespondToFailure = dyn Fn(&Failure, Rc<Exchange>);

/// Decides whether a request is to be upgraded.
type ShouldUpgrade = Box<dyn Fn(&Head) -> bool + Send + Sync>;

/// Which kinds of requests have a handler of their own. The handlers belong to the runner.
#[derive(Default)]
pub(crate) struct Intercepted {
    pub(crate) check_continue: bool,
    pub(crate) check_expectation: bool,
    pub(crate) upgrade: bool,
    pub(crate) connect: bool,
    pub(crate) should_upgrade: Option<ShouldUpgrade>,
}

impl Hooks {
    /// Emits `Error` with a failure of the server itself.
    #[cold]
    pub(crate) fn notify_error(&self, error: &Error) {
        notify_all(&self.listeners.error, |listener| listener(error));
    }

    /// Emits `HandlerFailed`.
    #[cold]
    pub(crate) fn notify_handler_failed(&self, failure: &Failure) {
        notify_all(&self.listeners.handler_failed, |listener| listener(failure));
    }
}

impl WorkerContext {
    pub(crate) fn new(limits: Limits, hooks: Arc<Hooks>, clock: Clock) -> Rc<Self> {
        let exchange = ExchangeContext::new(limits, hooks, clock);
        let time = &exchange.limits.time;
        Rc::new(Self {
            idle: time.keep_alive + time.keep_alive_buffer.unwrap_or_default(),
            requests_max: exchange.limits.connection.requests_max.max(1),
            exchange,
            epochs: Cell::default(),
            pool: RefCell::default(),
        })
    }

    /// An exchange with a line, from the pool or new.
    pub(crate) fn take_exchange(&self) -> Rc<Exchange> {
        let pooled = self.pool.borrow_mut().pop();
        pooled.unwrap_or_else(|| Exchange::of_server(&self.exchange))
    }

    #[cfg(test)]
    /// The capacity of the output buffer of each exchange in the pool.
    pub(crate) fn pooled(&self) -> Vec<usize> {
        let capacity = |exchange: &Rc<Exchange>| {
            let mut state = exchange.state();
            state
                .carrier
                .line()
                .map_or(0, |line| line.out.tail.capacity())
        };
        self.pool.borrow().iter().map(capacity).collect()
    }

    /// Keeps an exchange for the next connection, or drops it if the pool is full.
    pub(crate) fn put_exchange(&self, exchange: Rc<Exchange>) {
        let mut pool = self.pool.borrow_mut();
        if pool.len() < POOL_MAX {
            pool.push(exchange);
        }
    }

    /// Commands the connections that exist to close if they are idle. They see it when they are woken.
    pub(crate) fn close_idle(&self) {
        let mut epochs = self.epochs.get();
        epochs.last += 1;
        epochs.idle = epochs.last;
        self.epochs.set(epochs);
    }

    /// Commands the connections that exist to close at once. They see it when they are woken.
    pub(crate) fn close_all(&self) {
        let mut epochs = self.epochs.get();
        epochs.last += 1;
        epochs.all = epochs.last;
        self.epochs.set(epochs);
    }
}
