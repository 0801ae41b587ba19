//! Room to write: who waits for it, who is told of it.
//!
//! Here: [`State::poll_drain`], and what happens when the transport has taken bytes. Not here: writing (`orders.rs`), the
//! queue (`output.rs`).

use super::context::WorkerContext;
use super::exchange::State;
use super::outgoing::{FlushEvent, Stage};
use crate::error::{Closed, Error};
use std::task::{Context, Poll, Waker};

impl State {
    /// Room is told when the transport has taken so much that only half of what may wait does.
    pub(super) fn mark_room(&mut self, env: &WorkerContext) {
        let half = self.limits(env).body.queue_bytes / 2;
        let position = self.out.position().saturating_sub(half);
        self.marks.insert(position, self.number, FlushEvent::Room);
    }

    /// Whether there is room now; if more was written meanwhile, it is told later.
    pub(crate) fn has_room(&mut self, env: &WorkerContext) -> bool {
        if self.outgoing.stage != Stage::Body {
            return false; // nobody will write any more
        }
        if self.out.len() as u64 > self.limits(env).body.queue_bytes / 2 {
            self.mark_room(env);
            return false;
        }
        self.outgoing.full = false;
        true
    }

    /// Waits until there is room.
    pub(crate) fn poll_drain(
        &mut self,
        env: &WorkerContext,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.release_kept(env); // whoever waits wants it to be sent
        let early = self.session.early.as_ref().map_or(0, |early| early.bytes());
        match self.closed {
            Some(Closed::Done) | None
                if self.out.len() as u64 + early <= self.limits(env).body.queue_bytes / 2 =>
            {
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

    /// The transport has taken bytes; whoever waits for room is told.
    pub(crate) fn wrote(&mut self, env: &WorkerContext, count: usize) {
        self.out.wrote(count);
        self.wake_writers(env);
    }

    /// Whoever waits for room is told, if there is some.
    pub(super) fn wake_writers(&mut self, env: &WorkerContext) {
        if !self.outgoing.drain.is_empty()
            && self.out.len() as u64 <= self.limits(env).body.queue_bytes / 2
        {
            self.outgoing.drain.drain(..).for_each(Waker::wake);
        }
    }
}
