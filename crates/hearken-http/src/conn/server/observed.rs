//! The steps of a server's connection and its exchanges, as an observer sees them.
//!
//! Here: each step as one call, which costs one flag test when no observer is installed. Not here: steps that orders cause, and
//! what is received (`conn/observed.rs`).

use super::{Kind, ServerConnection};
use crate::conn::exchange::{Exchange, State};
use crate::conn::observed::show_flushed;
use crate::conn::outgoing::FlushEvent;
use crate::error::Closed;
use crate::event::observe::{HandlerKind, Observation, Side, Step};
use crate::event::watch::show;
use hearken_proto::Event;
use std::time::Instant;

impl From<Kind> for HandlerKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Plain => Self::Request,
            Kind::CheckContinue => Self::CheckContinue,
            Kind::CheckExpectation => Self::CheckExpectation,
            Kind::Upgrade => Self::Upgrade,
            Kind::Connect => Self::Connect,
        }
    }
}

impl ServerConnection {
    /// Whether an observer is installed.
    #[inline(always)]
    pub(super) fn is_observed(&self) -> bool {
        self.env.exchange.observed.get()
    }

    /// Shows a step of the connection.
    #[inline(always)]
    pub(super) fn observe_connection(&self, step: Step<'_>, at: Instant) {
        if self.is_observed() {
            self.show_connection(step, at);
        }
    }

    #[cold]
    fn show_connection(&self, step: Step<'_>, at: Instant) {
        if let Some(observer) = &self.env.exchange.hooks.observer {
            let seen = Observation {
                at,
                side: Side::Server,
                peer: &self.peer,
                exchange: 0,
                step,
                route: None,
                facts: None,
            };
            show(&**observer, &seen);
        }
    }

    /// Shows a step of the current exchange.
    #[inline(always)]
    pub(super) fn observe(&self, state: &mut State, step: Step<'_>, at: Instant) {
        if self.is_observed() {
            state.show(step, at);
        }
    }

    /// With its first byte an exchange begins.
    #[inline(always)]
    pub(super) fn observe_begin(&self, state: &mut State, now: Instant) {
        if self.is_observed() {
            self.show_begin(state, now);
        }
    }

    #[cold]
    fn show_begin(&self, state: &mut State, now: Instant) {
        let env = &self.env.exchange;
        if let Some(observer) = &env.hooks.observer
            && !state.is_watched()
        {
            state.begin_watch(env, (observer, Side::Server), now);
            state.show_first_byte(now);
        }
    }

    #[inline(always)]
    pub(super) fn observe_received(
        &self,
        state: &mut State,
        event: Option<&Event<'_>>,
        now: Instant,
    ) {
        if self.is_observed()
            && let Some(event) = event
        {
            state.show_received(event, now);
        }
    }

    #[inline(always)]
    pub(super) fn observe_body_end(&self, state: &mut State, now: Instant) {
        if self.is_observed() {
            state.show_body_end(now);
        }
    }

    #[inline(always)]
    pub(super) fn observe_handler_start(&self, exchange: &Exchange, kind: Kind, now: Instant) {
        if self.is_observed() {
            let kind = kind.into();
            exchange.state().show(Step::HandlerStart { kind }, now);
        }
    }

    /// The handler goes on.
    #[inline(always)]
    pub(super) fn observe_turn(&self, exchange: &Exchange, now: Instant) {
        if self.is_observed() {
            exchange.state().begin_turn(now);
        }
    }

    /// If the handler has ended, shows it, once.
    #[inline(always)]
    pub(super) fn observe_handler_end(&self, now: Instant) {
        if self.is_observed()
            && let Some(exchange) = &self.exchange
        {
            exchange.state().show_handler_end(now);
        }
    }

    /// The transport has taken what `event` of an exchange waits for.
    pub(super) fn observe_flushed(
        &self,
        exchange: &Exchange,
        (number, event): (u32, FlushEvent),
        position: u64,
        now: Instant,
    ) {
        if !self.is_observed() {
            return;
        }
        let mut state = exchange.state();
        if number == state.number {
            state.show_flushed(event, position, now);
            if event == FlushEvent::End
                && let (Some(why), false) = (state.closed, is_flushing(&mut state))
            {
                state.end_watch(why, now);
            }
            return;
        }
        let watches = &mut state.watches;
        let mut numbers = watches.iter();
        let Some(at) = numbers.position(|watch| watch.facts.number() == number) else {
            return;
        };
        show_flushed(&mut watches[at], event, position, now);
        if event == FlushEvent::End {
            let why = Closed::Done;
            watches.remove(at).show(Step::Ended { why }, now);
        }
    }

    /// The connection is closed, and with it all of its exchanges end.
    pub(super) fn observe_close(&self, exchange: &Exchange, now: Instant) {
        if !self.is_observed() {
            return;
        }
        let mut state = exchange.state();
        for mut watch in std::mem::take(&mut state.watches) {
            watch.show(Step::Ended { why: self.why }, now);
        }
        let closed = state.closed.filter(|_| !is_flushing(&mut state));
        state.end_watch(closed.unwrap_or(self.why), now);
    }

    /// The transport goes to another owner.
    pub(super) fn observe_upgrade(&self) {
        if self.is_observed()
            && let Some(exchange) = &self.exchange
        {
            exchange.state().show_upgrade();
        }
    }
}

/// Shows the end of an exchange, or keeps its facts until the transport took the last byte of its response.
#[cold]
pub(super) fn end_or_wait(state: &mut State, now: Instant) {
    if !is_flushing(state) {
        return state.end_watch(Closed::Done, now);
    }
    let watch = state.take_watch();
    if let Some(watch) = watch {
        state.watches.push(*watch);
    }
}

/// Whether the transport has not taken all of the response.
fn is_flushing(state: &mut State) -> bool {
    let number = state.number;
    let line = state.carrier.line();
    line.is_some_and(|line| line.flush.has(number))
}
