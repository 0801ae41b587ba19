//! An exchange under observation: its observer, and the facts that have been collected.
//!
//! Here: [`Watch`]. It exists only while an observer is installed. Not here: what observers get (`observe.rs`), where the steps
//! are (`conn/`).

use crate::event::callbacks::catch_panic;
use crate::event::facts::ExchangeFacts;
use crate::event::observe::{Observation, Observer, Side, Step};
use crate::event::peer::Peer;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

/// Reads the clock of whatever drives the connections.
pub(crate) type ReadClock = fn() -> Instant;

/// See the module. `P` is how the connection holds its peer.
pub(crate) struct Watch<P> {
    observer: Arc<dyn Observer>,
    side: Side,
    pub(crate) peer: P,
    pub(crate) facts: ExchangeFacts,
    /// For steps between two turns of the connection. Without it they get the time of the last turn.
    clock: Option<ReadClock>,
    /// The last time that is known.
    pub(crate) now: Instant,
    /// Position in the output of the first byte of the message.
    pub(crate) output_from: u64,
}

impl<P: Deref<Target = Peer>> Watch<P> {
    pub(crate) fn new(
        observer: &Arc<dyn Observer>,
        side: Side,
        peer: P,
        facts: ExchangeFacts,
        clock: Option<ReadClock>,
    ) -> Self {
        Self {
            observer: Arc::clone(observer),
            side,
            peer,
            now: facts.began(),
            facts,
            clock,
            output_from: 0,
        }
    }

    /// Shows a step of the exchange.
    pub(crate) fn show(&mut self, step: Step<'_>, at: Instant) {
        self.now = self.now.max(at);
        self.facts.collect(&step, self.now);
        let seen = Observation {
            at: self.now,
            side: self.side,
            peer: &self.peer,
            exchange: self.facts.number(),
            step,
            route: self.facts.route(),
            facts: Some(&self.facts),
        };
        show(&*self.observer, &seen);
    }

    /// Shows a step that an order has caused: in the turn in which the handler runs, or between two turns.
    pub(crate) fn show_order(&mut self, step: Step<'_>, between_turns: bool) {
        let clock = self.clock.filter(|_| between_turns);
        let now = clock.map_or(self.now, |read| read());
        self.show(step, now);
    }

    /// Shows a step of the connection.
    pub(crate) fn show_connection(&mut self, step: Step<'_>, at: Instant) {
        self.now = self.now.max(at);
        let seen = Observation {
            at: self.now,
            side: self.side,
            peer: &self.peer,
            exchange: 0,
            step,
            route: None,
            facts: None,
        };
        show(&*self.observer, &seen);
    }
}

impl<P> fmt::Debug for Watch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Calls the observer. A panic in it is logged.
#[cold]
pub(crate) fn show(observer: &dyn Observer, seen: &Observation<'_>) {
    if let Err(panic) = catch_panic(|| observer.observe(seen)) {
        tracing::error!(panic, "an observer panicked");
    }
}
