//! A server's connection as its pump sees it.
//!
//! Here: [`Drive`] for [`ServedConnection`]. Not here: what happens in between (`mod.rs`, `failure.rs`, `deadlines.rs`).

use super::{Runner, ServedConnection, ServerConnection, Turn};
use crate::conn::loss::closed_by;
use crate::conn::notify::{next_flushed, notify_end, notify_flushed};
use crate::conn::output::Output;
use crate::conn::{Drive, Ending, Input, LingerTimes};
use crate::error::Closed;
use crate::event::callbacks::notify_all;
use crate::event::observe::Step;
use crate::event::timeout::Deadline;
use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};

impl ServerConnection {
    /// Emits the events for which the transport has taken enough.
    #[cold]
    fn notify_flushed(&self, now: Instant) {
        let Some(exchange) = self.exchange.as_ref().map(Rc::clone) else {
            return;
        };
        while let Some((position, number, event)) = next_flushed(&exchange) {
            self.observe_flushed(&exchange, (number, event), position, now);
            if let Err(panic) = notify_flushed(&exchange, number, event) {
                self.panicked(&panic.message);
            }
        }
    }

    /// Whether a close command has come that was not observed yet.
    #[inline]
    fn is_commanded(&self) -> bool {
        self.env.epochs.get().last != self.epoch
    }

    /// The close command that has come since the last call.
    #[cold]
    pub(super) fn observe_command(&mut self) -> Command {
        let epochs = self.env.epochs.get();
        let before = std::mem::replace(&mut self.epoch, epochs.last);
        if epochs.all > before {
            Command::Close
        } else if epochs.idle > before {
            Command::CloseIdle
        } else {
            Command::None
        }
    }

    /// Applies a close command. True if the connection ends with it.
    #[cold]
    fn apply_command(&mut self, turn: &mut Turn<'_, '_>) -> bool {
        let at_once = matches!(self.ending, Some(Ending::Now | Ending::Cut));
        match self.observe_command() {
            Command::Close if !at_once => self.abort(Closed::Stopped, turn),
            Command::CloseIdle if self.is_idle() => {
                self.ending.get_or_insert(Ending::Now);
            }
            Command::Close | Command::CloseIdle | Command::None => return false,
        }
        true
    }

    /// Between two exchanges, not a byte of the next one there.
    fn is_idle(&self) -> bool {
        self.exchange.as_ref().is_none_or(|exchange| {
            let state = exchange.state();
            state.number == 0 && state.carrier.queued_bytes() == 0
        })
    }

    /// Whether all that was to be written has been taken.
    #[inline]
    fn is_flushed(&self) -> bool {
        let exchange = self.exchange.as_ref();
        exchange.is_none_or(|exchange| exchange.state().carrier.queued_bytes() == 0)
    }
}

/// A close command to all connections of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    None,
    CloseIdle,
    Close,
}

impl<R: Runner> ServedConnection<R> {
    /// The connection, and what a step of it needs.
    #[inline]
    pub(super) fn turn<'a, 'cx>(
        &'a mut self,
        cx: &'a mut Context<'cx>,
        now: Instant,
    ) -> (&'a mut ServerConnection, Turn<'a, 'cx>) {
        let Self { served, runner } = self;
        (served, Turn { runner, cx, now })
    }
}

impl<R: Runner> Drive for ServedConnection<R> {
    fn wants_read(&self) -> bool {
        let served = &self.served;
        if served.eof || served.ending.is_some() {
            return false;
        }
        let Some(exchange) = &served.exchange else {
            return true;
        };
        let state = &mut *exchange.state();
        let limits = &state.limits(&exchange.env).body;
        let (most, drained) = (limits.queue_bytes as usize, limits.drain_bytes_max);
        (state.carrier.line()).is_none_or(|line| line.pending.len() < most)
            && state.incoming.queued() < most
            && (state.incoming.dropped_bytes <= drained || state.is_answered_last())
    }

    fn at_eof(&self) -> bool {
        self.served.eof
    }

    fn body_left(&self) -> u64 {
        let Some(exchange) = &self.served.exchange else {
            return 0;
        };
        let state = exchange.state();
        if state.incoming.unread {
            0
        } else {
            state.carrier.body_left().unwrap_or(0)
        }
    }

    #[inline]
    fn handle_input(&mut self, input: &Input<'_>, cx: &mut Context<'_>, now: Instant) {
        let (served, mut turn) = self.turn(cx, now);
        served.advance(input, &mut turn);
        served.peer.received(input.bytes().len());
    }

    fn handle_eof(&mut self, cx: &mut Context<'_>, now: Instant) {
        let (served, mut turn) = self.turn(cx, now);
        served.eof = true;
        served.advance(&Input::Borrowed(&[]), &mut turn);
    }

    fn handle_lost(&mut self, error: &io::Error, cx: &mut Context<'_>, now: Instant) {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            // TLS ended without a close_notify, as many clients end it. A request says how long it is, so nothing can
            // have been cut off unseen (RFC 9112 §9.8).
            return self.handle_eof(cx, now);
        }
        let (served, mut turn) = self.turn(cx, now);
        served.eof = true;
        let why = closed_by(error);
        if why == Closed::Aborted {
            served.report_cut(error);
        }
        served.abort(why, &mut turn);
    }

    fn handle_stuck(&mut self, cx: &mut Context<'_>, now: Instant) {
        let (served, mut turn) = self.turn(cx, now);
        // What the transport holds back cannot be kept for a peer that does not take it.
        let _: bool = served.keeps(Deadline::Write);
        served.eof = true;
        served.abort(Closed::WriteTimeout, &mut turn);
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>, now: Instant) {
        let (served, mut turn) = self.turn(cx, now);
        served.time_out(&mut turn);
    }

    fn poll_app(&mut self, cx: &mut Context<'_>, now: Instant) {
        let (served, mut turn) = self.turn(cx, now);
        if served.is_commanded() && served.apply_command(&mut turn) {
            return;
        }
        if served.exchange.is_some() && served.ending.is_none() {
            served.advance(&Input::Borrowed(&[]), &mut turn);
        } else if served.env.exchange.draining.get() && served.exchange.is_none() {
            served.ending.get_or_insert(Ending::Now);
        }
    }

    #[inline]
    fn output(&mut self) -> Option<impl Deref<Target = Output>> {
        self.served.exchange.as_ref()?.output()
    }

    #[inline]
    fn handle_sent(&mut self, count: usize, now: Instant) {
        let served = &mut self.served;
        let Some(exchange) = &served.exchange else {
            return;
        };
        let (flushing, idles) = {
            let state = &mut *exchange.state();
            let flushing = state.handle_sent(&exchange.env, count, now);
            (
                flushing,
                count > 0 && state.number == 0 && state.carrier.queued_bytes() == 0,
            )
        };
        if idles {
            served.since = now; // a peer that takes its response slowly is not idle yet
        }
        if flushing {
            served.notify_flushed(now);
        }
        served.release();
    }

    fn deadline(&self) -> Option<Instant> {
        self.served.next_deadline()
    }

    fn ending(&self) -> Option<Ending> {
        let ending = self.served.ending?;
        self.served.is_flushed().then_some(ending)
    }

    fn write_idle(&self) -> Duration {
        let served = &self.served;
        let Some(exchange) = &served.exchange else {
            return served.env.exchange.limits.time.write_idle;
        };
        exchange.state().limits(&exchange.env).time.write_idle
    }

    #[inline]
    fn lingers(&self) -> bool {
        self.served.ending == Some(Ending::Linger)
    }

    fn linger(&self) -> LingerTimes {
        let env = &self.served.env.exchange;
        let times = LingerTimes::of(&env.limits.time);
        if self.served.why == Closed::ReadTimeout || env.draining.get() {
            times.shortened()
        } else {
            times
        }
    }

    #[inline]
    fn is_spent(&self, measure: bool) -> bool {
        let budget = &self.served.env.exchange.budget;
        budget.was_over() || (measure && budget.is_over())
    }

    fn go_on_later(&self, cx: &Context<'_>) -> bool {
        self.served.env.exchange.later.push(cx.waker());
        true
    }

    fn handle_closed(&mut self, now: Instant) {
        let served = &mut self.served;
        if std::mem::replace(&mut served.closed, true) {
            return;
        }
        served.drop_handler(&mut self.runner, served.why);
        served.close_exchange(now);
        let (bytes_in, bytes_out) = (served.peer.bytes_read(), served.peer.bytes_written());
        served.observe_connection(
            Step::Closed {
                why: served.why,
                bytes_in,
                bytes_out,
            },
            now,
        );
        let listeners = &served.env.exchange.hooks.listeners.disconnected;
        notify_all(listeners, |listener| listener((&served.peer, served.why)));
    }
}

/// A connection that is dropped where it stands, for example with its worker, is closed like any other.
impl<R: Runner> Drop for ServedConnection<R> {
    fn drop(&mut self) {
        if self.served.ending.is_none() {
            self.served.why = Closed::Stopped;
        }
        self.handle_closed(self.served.since);
    }
}

impl ServerConnection {
    /// The connection is closed: ends the exchange in progress, and emits `Closed` for it and for those before it.
    fn close_exchange(&mut self, now: Instant) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        self.observe_close(&exchange, now);
        notify_end(&exchange, self.why);
        if let Some(line) = exchange.state().carrier.line() {
            self.peer.sent(line.out.written());
        }
    }
}
