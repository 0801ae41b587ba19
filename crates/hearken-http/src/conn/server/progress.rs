//! How far the exchange of a connection has come, and how the next one begins.
//!
//! Here: [`ServerConnection::finish`], [`ServerConnection::release`]. Not here: what runs an exchange (`mod.rs`), how one ends before
//! its time (`failure.rs`).

use super::{ServerConnection, Turn, observed};
use crate::conn::Ending;
use crate::conn::carrier::Carrier;
use crate::conn::exchange::{Exchange, State};
use crate::conn::layering::Filtering;
use crate::conn::notify::notify_closed;
use crate::conn::outgoing::Stage;
use crate::error::Closed;
use hearken_proto::Half;
use std::rc::Rc;
use std::time::Instant;

impl ServerConnection {
    /// If the exchange is complete in both directions, prepares the next one. True if there may be one.
    #[inline]
    pub(super) fn finish(&mut self, running: bool, turn: &Turn<'_, '_>) -> bool {
        loop {
            let Some(exchange) = &self.exchange else {
                return false;
            };
            let progress = self.progress(&mut exchange.state(), running, turn);
            match progress {
                Progress::Next => {
                    self.next_exchange(turn.now);
                    return true;
                }
                Progress::Waits => {
                    let layered = exchange.state().overrides.is_some();
                    if !layered || !Self::filter_next(exchange, turn) {
                        return false;
                    }
                }
                Progress::Ends(ending, why) => {
                    self.ending = Some(ending);
                    self.why = why;
                    return false;
                }
            }
        }
    }

    /// Filters a piece of the content with which the response was ended. True if the response has ended now.
    #[cold]
    fn filter_next(exchange: &Exchange, turn: &Turn<'_, '_>) -> bool {
        match exchange.filter_next() {
            Filtering::Nothing => false,
            Filtering::More => {
                turn.cx.waker().wake_by_ref(); // after the turns of other connections
                false
            }
            Filtering::Ended => true,
        }
    }

    /// How far the exchange has come, after its handler has been polled.
    #[inline]
    fn progress(&self, state: &mut State, running: bool, turn: &Turn<'_, '_>) -> Progress {
        match state.closed {
            None => {}
            Some(Closed::Done) => return Progress::Waits,
            Some(why) => return Progress::Ends(state.ending_of_part(), why),
        }
        let Carrier::H1(line) = &mut state.carrier else {
            return Progress::Waits;
        };
        let recv = line.proto.halves().0;
        if recv == Half::Switched && state.is_upgraded() {
            return Progress::Ends(Ending::HandOver, self.why); // its handler goes on
        }
        if running {
            return Progress::Waits;
        }
        if state.outgoing.stage != Stage::Ended {
            if recv != Half::Idle {
                state.set_task(turn.cx); // the response comes from elsewhere
            }
            return Progress::Waits;
        }
        if recv == Half::Body {
            return self.progress_of_body(state, turn);
        }
        self.progress_of_line(state)
    }

    /// The response has been given, the request has not ended.
    fn progress_of_body(&self, state: &mut State, turn: &Turn<'_, '_>) -> Progress {
        state.set_task(turn.cx);
        if !state.incoming.unread {
            return Progress::Waits; // a reader reads on after the response
        }
        let max = state.limits(&self.env.exchange).body.drain_bytes_max;
        if state.incoming.expects_continue || state.unread_bytes() > max {
            state.carrier.must_close();
        }
        match self.progress_of_line(state) {
            Progress::Next => Progress::Waits,
            ends => ends,
        }
    }

    /// Whether the connection carries another exchange after this one.
    #[inline]
    fn progress_of_line(&self, state: &mut State) -> Progress {
        let line = state.carrier.line();
        if line.is_some_and(|line| line.proto.is_finished()) {
            state.close(Closed::Done);
            return Progress::Ends(Ending::Linger, self.why);
        }
        Progress::Next
    }

    /// Uses the exchange again, or a new one if handles of it are left.
    #[inline]
    fn next_exchange(&mut self, now: Instant) {
        self.since = now;
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        if self.env.exchange.observed.get() {
            observed::end_or_wait(&mut exchange.state(), now);
        }
        if exchange.state().listeners.is_used() {
            Self::retire(exchange);
        }
        if let Some(unshared) = Rc::get_mut(exchange) {
            return unshared.state_mut().next();
        }
        Exchange::move_on(exchange);
    }

    /// The exchange is over. Listeners that watch its output stay until the transport has taken the last byte.
    #[cold]
    fn retire(exchange: &Exchange) {
        let Some(listeners) = exchange.state().listeners.take() else {
            return;
        };
        {
            let mut state = exchange.state();
            let number = state.number;
            if listeners.watches_output()
                && let Some(line) = state.carrier.line()
                && line.flush.has(number)
            {
                state.awaiting_flush.push((number, listeners));
                return;
            }
        }
        notify_closed(Some(listeners), Closed::Done);
    }

    /// Between two exchanges, with nothing to write, the exchange goes back to the pool with its line and its buffers.
    #[inline]
    pub(super) fn release(&mut self) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        {
            let state = &mut *exchange.state();
            let Carrier::H1(line) = &mut state.carrier else {
                return;
            };
            let idle = line.proto.halves() == (Half::Idle, Half::Idle)
                && state.outgoing.stage == Stage::Head
                && !line.proto.in_head()
                && line.out.is_empty()
                && line.times.head_since.is_none()
                && line.pending.is_empty();
            if !idle {
                return;
            }
            self.peer.sent(line.out.written());
            line.out.trim();
        }
        if let Some(exchange) = self.exchange.take() {
            self.env.put_exchange(exchange);
        }
    }
}

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// It is not complete.
    Waits,
    /// It is complete, and the next one may begin.
    Next,
    /// The connection ends with it.
    Ends(Ending, Closed),
}
