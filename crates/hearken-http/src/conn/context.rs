//! What the connections of one worker share, and who listens to the whole server.
//!
//! Here: [`WorkerContext`], [`Hooks`]. Not here: one connection (`served.rs`).

use super::clock::Clock;
use super::exchange::Exchange;
use crate::conn::limits::clamp_all;
use crate::error::Error;
use crate::event::ServerListeners;
use crate::event::callbacks::notify_all;
use crate::event::observe::Observer;
use crate::server::handlers::SpecialHandlers;
use hearken_proto::Limits;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What all connections of one worker share.
pub(crate) struct WorkerContext {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) hooks: Arc<Hooks>,
    /// There is an observer.
    pub(crate) observed: bool,
    /// The server is to stop: every exchange is the last of its connection.
    pub(crate) draining: Cell<bool>,
    /// What was ordered for all connections that there are.
    pub(crate) orders: Cell<Orders>,
    /// How long a connection may be idle.
    pub(crate) idle: Duration,
    /// How many requests a connection may have; at least one.
    pub(crate) requests_max: u32,
    /// The seconds of that which clients are told.
    pub(crate) keep_alive: Option<u32>,
    /// Exchanges that no connection uses now, with their buffers.
    pub(crate) pool: RefCell<Vec<Rc<Exchange>>>,
}

/// Orders to all connections that there are, numbered as they came: a connection remembers the last number it has seen, so
/// that an order reaches those that were there when it was given, and no later one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Orders {
    /// The last one.
    pub(crate) last: u32,
    /// The last order to end idle connections.
    pub(crate) idle: u32,
    /// The last order to cut everything.
    pub(crate) all: u32,
}

/// Who listens to a whole server.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) listeners: ServerListeners,
    pub(crate) observer: Option<Box<dyn Observer>>,
    pub(crate) special: SpecialHandlers,
}

impl Hooks {
    /// Tells that something of the server failed.
    #[cold]
    pub(crate) fn notify_error(&self, error: &Error) {
        notify_all(&self.listeners.error, |listener| listener(error));
    }
}

impl WorkerContext {
    pub(crate) fn new(mut limits: Limits, hooks: Arc<Hooks>, clock: Clock) -> Rc<Self> {
        clamp_all(&mut limits);
        let time = &limits.time;
        let idle = time.keep_alive + time.keep_alive_buffer.unwrap_or_default();
        let seconds = u32::try_from(time.keep_alive.as_secs()).unwrap_or(u32::MAX);
        let keep_alive = time.keep_alive_buffer.map(|_| seconds);
        Rc::new(Self {
            requests_max: limits.connection.requests_max.max(1),
            limits,
            clock,
            observed: hooks.observer.is_some(),
            hooks,
            draining: Cell::new(false),
            orders: Cell::default(),
            idle,
            keep_alive,
            pool: RefCell::new(Vec::new()),
        })
    }

    /// Ends the idle ones of the connections that there are; they must be woken to see it.
    pub(crate) fn end_idle(&self) {
        let mut orders = self.orders.get();
        orders.last += 1;
        orders.idle = orders.last;
        self.orders.set(orders);
    }

    /// Cuts all connections that there are; they must be woken to see it.
    pub(crate) fn cut_all(&self) {
        let mut orders = self.orders.get();
        orders.last += 1;
        orders.all = orders.last;
        self.orders.set(orders);
    }
}
