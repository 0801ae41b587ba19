//! Room to write: tasks that wait for it, and the event `Drain`.
//!
//! Here: [`State::window`], [`State::poll_drain`], [`State::handle_sent`], and which writers are woken when the transport has taken bytes. Not here: writing (`orders.rs`), the
//! queue (`output.rs`).

use super::context::{ExchangeContext, Surroundings};
use super::exchange::{Early, State};
use super::outgoing::Stage;
use crate::error::{Closed, Error};
use crate::net::window::window;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

impl State {
    /// Bytes that may wait for the transport now.
    pub(crate) fn window(&self, env: &ExchangeContext) -> u64 {
        window(
            self.carrier.taken_bytes(),
            self.limits(env).body.queue_bytes,
        )
    }

    /// When so many bytes are left, writers go on.
    fn half(&self, env: &ExchangeContext) -> u64 {
        self.window(env) / 2
    }

    /// The transport has taken `count` bytes, 0 if it has no room. True if events of outgoing messages may be due.
    #[inline]
    pub(super) fn handle_sent(
        &mut self,
        env: &ExchangeContext,
        count: usize,
        now: Instant,
    ) -> bool {
        let Some(line) = self.carrier.line() else {
            return false;
        };
        line.handle_sent(count, now);
        let flushing = !line.flush.is_empty();
        if count > 0 {
            self.wake_writers(env);
        }
        flushing
    }

    /// Has `Drain` emitted once only half of what may wait does.
    pub(super) fn mark_room(&mut self, env: &ExchangeContext) {
        let half = self.half(env);
        self.carrier.notify_room(half, self.number);
    }

    /// Whether there is room now. If more was written meanwhile, `Drain` comes later.
    pub(crate) fn has_room(&mut self, env: &ExchangeContext) -> bool {
        if self.outgoing.stage != Stage::Body {
            return false; // nothing more is written
        }
        if self.carrier.queued_bytes() as u64 > self.half(env) {
            self.mark_room(env);
            return false;
        }
        self.outgoing.full = false;
        true
    }

    /// Waits until there is room.
    pub(crate) fn poll_drain(
        &mut self,
        env: &Surroundings,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.release_kept(env); // a writer that waits wants it to be sent
        let early = self.session().and_then(|session| session.early.as_ref());
        let early = early.map_or(0, Early::bytes);
        match self.closed {
            Some(Closed::Done) | None
                if self.carrier.queued_bytes() as u64 + early <= self.half(env) =>
            {
                // A handler that waits for room after each piece lets others go on between two pieces.
                if self.closed.is_none() && env.budget.is_over() {
                    env.later.push(cx.waker());
                    return Poll::Pending;
                }
                Poll::Ready(Ok(()))
            }
            Some(closed) => Poll::Ready(Err(Error::closed(closed))),
            None => {
                let drain = &mut self.outgoing.drain;
                if !drain.iter().any(|waker| waker.will_wake(cx.waker())) {
                    drain.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Wakes writers that wait in `drain`, once the queue is half empty.
    #[inline]
    pub(super) fn wake_writers(&mut self, env: &ExchangeContext) {
        if !self.outgoing.drain.is_empty() && self.carrier.queued_bytes() as u64 <= self.half(env) {
            self.outgoing.drain.drain(..).for_each(Waker::wake);
        }
    }
}
