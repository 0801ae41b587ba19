//! A served connection as its pump sees it.
//!
//! Here: [`Drive`] for [`ServedConnection`]. Not here: what happens in between (`served.rs`, `endings.rs`, `timers.rs`).

use crate::conn::notify;
use crate::conn::outgoing::FlushEvent;
use crate::conn::output::Output;
use crate::conn::server::{Runner, ServedConnection, ServerConnection};
use crate::conn::{Drive, Ending, Input};
use crate::error::Closed;
use crate::event::callbacks::notify_all;
use crate::event::observe::Step;
use crate::event::timeout::Waited;
use crate::net::file::is_of_file;
use std::io;
use std::task::Context;
use std::time::{Duration, Instant};

impl ServerConnection {
    fn notify_flushed(&mut self, now: Instant) {
        let Some(exchange) = self.exchange.clone() else {
            return;
        };
        loop {
            let mark = {
                let mut state = exchange.state();
                let written = state.out.written();
                state.marks.pop(written)
            };
            let Some((number, mark)) = mark else { return };
            match mark {
                FlushEvent::First => self.see(number, Step::FirstWrite, now),
                FlushEvent::Head => self.see(number, Step::HeadFlushed, now),
                FlushEvent::End => self.see(number, Step::LastByteFlushed, now),
                FlushEvent::Data(_) => {}
                FlushEvent::Room => {
                    let mut state = exchange.state();
                    if number != state.number || !state.has_room(&self.env) {
                        continue;
                    }
                }
            }
            if number != exchange.state().number {
                notify::notify_parked(&exchange, number, mark);
            } else if let Err(panic) = notify::tell(&exchange, mark) {
                self.panicked(&panic);
            }
            if mark == FlushEvent::End {
                notify::end_if_over(&exchange);
            }
        }
    }

    /// Whether an order to all connections has come that was not heeded yet.
    #[inline]
    fn is_ordered(&self) -> bool {
        self.env.orders.get().last != self.heeded
    }

    /// Orders to all connections that have come since the last call.
    #[cold]
    pub(super) fn heed_orders(&mut self) -> Heed {
        let orders = self.env.orders.get();
        let before = std::mem::replace(&mut self.heeded, orders.last);
        if orders.all > before {
            Heed::Cut
        } else if orders.idle > before {
            Heed::EndIdle
        } else {
            Heed::Nothing
        }
    }

    /// Carries out what was ordered. True if the connection ends with it.
    #[cold]
    fn obey(&mut self, cx: &mut Context<'_>, runner: &mut dyn Runner) -> bool {
        let at_once = matches!(self.ending, Some(Ending::Now | Ending::Cut));
        match self.heed_orders() {
            Heed::Cut if !at_once => self.abort(Closed::Stopped, cx, runner),
            Heed::EndIdle if self.is_idle() => {
                self.ending.get_or_insert(Ending::Now);
            }
            Heed::Cut | Heed::EndIdle | Heed::Nothing => return false,
        }
        true
    }

    /// Between two exchanges, not a byte of the next one there.
    fn is_idle(&self) -> bool {
        self.exchange
            .as_ref()
            .is_none_or(|exchange| exchange.state().number == 0 && exchange.state().out.is_empty())
    }
}

/// What was ordered for all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heed {
    Nothing,
    EndIdle,
    Cut,
}

impl Heed {
    pub(super) fn is_cut(self) -> bool {
        self == Self::Cut
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
        let state = exchange.state();
        let limits = &state.limits(&served.env).body;
        let most = limits.queue_bytes as usize;
        state.turn.pending.len() < most
            && state.incoming.queued() < most
            && state.incoming.dropped_bytes <= limits.drain_bytes_max
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
            state.proto.body_left().unwrap_or(0)
        }
    }

    #[inline]
    fn handle_input(&mut self, input: &Input<'_>, cx: &mut Context<'_>, now: Instant) {
        self.served.advance(input, cx, &mut self.runner, now);
        self.served.peer.received(input.bytes().len());
    }

    fn handle_eof(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.served.eof = true;
        self.served
            .advance(&Input::Borrowed(&[]), cx, &mut self.runner, now);
    }

    fn handle_lost(&mut self, error: &io::Error, cx: &mut Context<'_>, now: Instant) {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            // TLS ended without a close_notify, as many clients end it. A request says how long it is, so nothing can
            // have been cut off unseen (RFC 9112 §9.8).
            return self.handle_eof(cx, now);
        }
        let why = if is_of_file(error) {
            tracing::error!(%error, "an answer was cut");
            Closed::Aborted
        } else if error.kind() == io::ErrorKind::ConnectionReset {
            Closed::Reset
        } else {
            Closed::PeerGone
        };
        self.served.eof = true;
        self.served.abort(why, cx, &mut self.runner);
    }

    fn handle_stuck(&mut self, cx: &mut Context<'_>) {
        // What the transport holds back cannot be kept for a peer that does not take it.
        let _: bool = self.served.keeps(Waited::Write);
        self.served.eof = true;
        self.served
            .abort(Closed::WriteTimeout, cx, &mut self.runner);
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.served.time_out(cx, &mut self.runner, now);
    }

    fn poll_app(&mut self, cx: &mut Context<'_>, now: Instant) {
        let served = &mut self.served;
        if served.is_ordered() && served.obey(cx, &mut self.runner) {
            return;
        }
        if served.exchange.is_some() && served.ending.is_none() {
            served.advance(&Input::Borrowed(&[]), cx, &mut self.runner, now);
        } else if served.env.draining.get() && served.exchange.is_none() {
            served.ending.get_or_insert(Ending::Now);
        }
    }

    fn poll_write(
        &mut self,
        write: &mut dyn FnMut(&Output) -> Option<usize>,
        now: Instant,
    ) -> bool {
        let served = &mut self.served;
        let Some(exchange) = &served.exchange else {
            return false;
        };
        let mut state = exchange.state();
        let mut progress = false;
        while !state.out.is_empty() {
            state.turn.write_since.get_or_insert(now);
            let Some(count) = write(&state.out) else {
                break;
            };
            state.turn.write_since = None;
            state.wrote(&served.env, count);
            progress = true;
        }
        let marked = !state.marks.is_empty();
        if progress {
            state.turn.moved = Some(now);
        }
        let idles = progress && state.out.is_empty() && state.number == 0;
        drop(state);
        if idles {
            served.since = now; // a peer that takes its answer slowly is not idle yet
        }
        if marked {
            served.notify_flushed(now);
        }
        served.release();
        progress
    }

    fn deadline(&self) -> Option<Instant> {
        self.served.next_deadline()
    }

    fn ending(&self) -> Option<Ending> {
        let served = &self.served;
        let flushed = served
            .exchange
            .as_ref()
            .is_none_or(|exchange| exchange.state().out.is_empty());
        served.ending.filter(|_| flushed)
    }

    fn write_idle(&self) -> Duration {
        let served = &self.served;
        let Some(exchange) = &served.exchange else {
            return served.env.limits.time.write_idle;
        };
        exchange.state().limits(&served.env).time.write_idle
    }

    fn linger(&self) -> (Duration, u64) {
        let limits = &self.served.env.limits;
        (limits.time.linger, limits.body.drain_bytes_max)
    }

    fn handle_closed(&mut self, now: Instant) {
        let served = &mut self.served;
        if std::mem::replace(&mut served.told, true) {
            return;
        }
        self.runner.cancel();
        if let Some(exchange) = served.exchange.take() {
            let parked = std::mem::take(&mut exchange.state().turn.parked);
            for (_, flow) in parked {
                notify::end(Some(flow), served.why); // what they tell of was not delivered to its end
            }
            let (listeners, closed) = {
                let mut state = exchange.state();
                (state.flow.take(), state.closed)
            };
            notify::end(listeners, closed.unwrap_or(served.why));
            let mut state = exchange.state();
            state.close(served.why);
            served.peer.sent(state.out.written());
        }
        let (bytes_in, bytes_out) = (served.peer.bytes_read(), served.peer.bytes_written());
        served.see(
            0,
            Step::Closed {
                why: served.why,
                bytes_in,
                bytes_out,
            },
            now,
        );
        let listeners = &served.env.hooks.listeners.disconnected;
        notify_all(listeners, |listener| listener((&served.peer, served.why)));
    }
}

/// A connection that is dropped where it stands, with its worker say, is closed like any other.
impl<R: Runner> Drop for ServedConnection<R> {
    fn drop(&mut self) {
        if self.served.ending.is_none() {
            self.served.why = Closed::Stopped;
        }
        self.handle_closed(self.served.since);
    }
}
