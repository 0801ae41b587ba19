//! What the connections of one worker share, and who listens to the whole server.
//!
//! Here: [`Env`], [`Hooks`]. Not here: one connection (`served.rs`).

use super::clock::Clock;
use super::exchange::Exchange;
use crate::error::Error;
use crate::event::ServerListeners;
use crate::observer::Observer;
use crate::panics::tell_all;
use hearken_proto::Limits;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// What all connections of one worker share.
pub(crate) struct Env {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) hooks: Arc<Hooks>,
    /// There is an observer.
    pub(crate) observed: bool,
    /// The server is to stop: every exchange is the last of its connection.
    pub(crate) draining: Cell<bool>,
    /// The time to stop has run out: what still runs is cut.
    pub(crate) killed: Cell<bool>,
    /// Exchanges that no connection uses now, with their buffers.
    pub(crate) pool: RefCell<Vec<Rc<Exchange>>>,
}

/// Who listens to a whole server.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) listeners: ServerListeners,
    pub(crate) observer: Option<Box<dyn Observer>>,
}

impl Hooks {
    /// Tells that something of the server failed.
    #[cold]
    pub(crate) fn tell_error(&self, error: &Error) {
        tell_all(&self.listeners.error, |listener| listener(error));
    }
}

impl Env {
    pub(crate) fn new(limits: Limits, hooks: Arc<Hooks>, clock: Clock) -> Rc<Self> {
        Rc::new(Self {
            limits,
            clock,
            observed: hooks.observer.is_some(),
            hooks,
            draining: Cell::new(false),
            killed: Cell::new(false),
            pool: RefCell::new(Vec::new()),
        })
    }
}
