//! The time that one poll of a connection may take of its worker, and the order in which connections go on whose time was
//! up.
//!
//! A connection that is polled works as long as it finds work: pipelined requests, a large body, a transport that takes all
//! that a handler writes. Meanwhile no other connection of its worker is served. So it looks at the clock between two steps
//! and gives way after [`TIME`]. Between pipelined requests, which take less than a reading of the clock does, it looks at the
//! tick of the system first, and reads the clock once that has changed: a poll ends a tick, 1 to 10 ms, and one step after it
//! began at the latest. It goes on when the sockets have been looked at and those that became ready have been
//! served, one such connection each time: however many there are, a request that comes meanwhile waits for one of them. When
//! many become ready at once, a thousand new connections say, only the first ones get their time, the others one step each.
//!
//! Here: [`Budget`], [`Later`]. Not here: who asks (`pump.rs`, `server/mod.rs`, `drain.rs`), the task that resumes
//! (`server/worker.rs`), what one step costs: a handler that computes for a second takes that second.

use super::clock::{Clock, ReadTick};
use crate::event::watch::ReadClock;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Of one poll. Some hundred small requests, or half a megabyte of content.
pub(crate) const TIME: Duration = Duration::from_micros(200);

/// After a round of the worker has taken this long, each connection gets one step of it.
const ROUND: Duration = Duration::from_millis(2);

/// The time of the poll in progress. One for each worker.
#[derive(Debug)]
pub(crate) struct Budget {
    /// `None` for connections that are driven by hand.
    clock: Option<ReadClock>,
    /// `None`: the clock is read instead.
    tick: Option<ReadTick>,
    spent: Cell<Spent>,
    /// The tick at the first question of this poll.
    began: Cell<u64>,
    /// The last moment at which no connection waited for its turn, or one that gave way had its turn.
    round: Cell<Option<Instant>>,
}

#[derive(Clone, Copy, Debug)]
enum Spent {
    /// No connection is polled now. What asks is a task of its own, which gives way by itself.
    Idle,
    /// Nothing was measured yet: the first question starts the clock, so that a poll with one small request reads none.
    Nothing,
    Since(Instant),
    All,
}

impl Budget {
    pub(crate) const fn new(clock: &Clock) -> Self {
        Self {
            clock: clock.read,
            tick: clock.tick,
            spent: Cell::new(Spent::Idle),
            began: Cell::new(0),
            round: Cell::new(None),
        }
    }

    /// A round of the worker begins.
    pub(crate) fn begin_round(&self, now: Instant) {
        self.round.set(Some(now));
    }

    /// A connection is polled.
    #[inline]
    pub(crate) fn begin(&self) {
        self.spent.set(Spent::Nothing);
    }

    /// Its poll is over.
    #[inline]
    pub(crate) fn end(&self) {
        self.spent.set(Spent::Idle);
    }

    /// Whether a question in this poll has found the time to be over.
    #[inline]
    pub(crate) fn was_over(&self) -> bool {
        matches!(self.spent.get(), Spent::All)
    }

    /// As [`is_over`](Self::is_over), for steps that take less than a reading of the clock. Finds out up to a tick later.
    #[inline]
    pub(crate) fn is_over_by_tick(&self) -> bool {
        match (self.spent.get(), self.tick) {
            (Spent::Since(_), Some(tick)) if tick() == self.began.get() => false,
            _ => self.is_over(),
        }
    }

    /// Whether the time is over. Reads the clock.
    pub(crate) fn is_over(&self) -> bool {
        let Some(clock) = self.clock else {
            return false;
        };
        match self.spent.get() {
            Spent::Idle => return false,
            Spent::All => return true,
            Spent::Nothing => {
                let now = clock();
                self.began.set(self.tick.map_or(0, |tick| tick()));
                let late = |round: Instant| now.saturating_duration_since(round) > ROUND;
                self.spent.set(if self.round.get().is_some_and(late) {
                    Spent::All
                } else {
                    Spent::Since(now)
                });
            }
            Spent::Since(at) if clock().saturating_duration_since(at) >= TIME => {
                self.spent.set(Spent::All);
            }
            Spent::Since(_) => {}
        }
        self.was_over()
    }
}

/// Tasks that gave way, in their order. One for each worker.
#[derive(Debug, Default)]
pub(crate) struct Later {
    queue: RefCell<VecDeque<Waker>>,
    /// The task that resumes them, while it waits for one.
    resumer: RefCell<Option<Waker>>,
}

impl Later {
    /// Has a task woken when its turn comes. The second call before that changes nothing.
    #[cold]
    pub(crate) fn push(&self, waker: &Waker) {
        let mut queue = self.queue.borrow_mut();
        if queue.iter().any(|queued| queued.will_wake(waker)) {
            return;
        }
        queue.push_back(waker.clone());
        if let Some(resumer) = self.resumer.take() {
            resumer.wake();
        }
    }

    /// The next one.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Waker> {
        match self.queue.borrow_mut().pop_front() {
            Some(waker) => Poll::Ready(waker),
            None => {
                *self.resumer.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
