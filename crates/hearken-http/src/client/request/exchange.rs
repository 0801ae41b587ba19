//! One exchange of a client, shared by its request and its response: the lock around its state, and the waits.
//!
//! Here: [`Exchange`]. The task that waits for something polls the connection in place; there is no other task. Not here: the
//! handles (`mod.rs`, `response.rs`), the state (`state.rs`), the connection (`client/agent/connection.rs`).

use crate::client::connect::plan::ConnectPlan;
use crate::client::event::call;
use crate::client::request::parts::RequestParts;
use crate::client::request::state::{ExchangeState, Stage};
use crate::client::request::wakers::Side;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// See the module.
pub(crate) struct Exchange {
    state: Mutex<ExchangeState>,
}

/// Ends the wait of one side when it is dropped.
pub(crate) struct WaitGuard<'a>(pub(crate) &'a Exchange, pub(crate) Side);

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.stop_waiting(self.1);
    }
}

impl Exchange {
    pub(crate) fn new(plan: ConnectPlan, parts: RequestParts) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(ExchangeState::new(plan, parts)),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, ExchangeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what can be changed before the first wait.
    pub(crate) fn change(&self, change: impl FnOnce(&mut ExchangeState)) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Unsent) {
            change(&mut state);
        }
    }

    /// Carries out an order of the user and wakes the waiting tasks, because there may be something to write.
    pub(crate) fn order<T>(&self, order: impl FnOnce(&mut ExchangeState) -> T) -> T {
        let mut state = self.state();
        let result = order(&mut state);
        state.wakers.wake_all();
        self.deliver(state);
        result
    }

    /// Drives the connection until `ready` returns something. Wakes the task when another call is worthwhile.
    pub(crate) fn poll<T>(
        &self,
        side: Side,
        cx: &mut Context<'_>,
        mut ready: impl FnMut(&mut ExchangeState) -> Option<T>,
    ) -> Poll<T> {
        let mut state = self.state();
        let found = loop {
            if let Some(found) = ready(&mut state) {
                state.wakers.remove(side);
                break Some(found);
            }
            let both = state.wakers.register(side, cx.waker());
            let mut context = match &both {
                Some(both) => Context::from_waker(both),
                None => Context::from_waker(cx.waker()),
            };
            let moved;
            (state, moved) = self.drive(state, &mut context);
            state.wake_other(side);
            if !moved {
                break ready(&mut state);
            }
        };
        self.deliver(state);
        found.map_or(Poll::Pending, Poll::Ready)
    }

    /// One step. True if the stage has changed, so that another step may be possible.
    fn drive<'a>(
        &'a self,
        mut state: MutexGuard<'a, ExchangeState>,
        cx: &mut Context<'_>,
    ) -> (MutexGuard<'a, ExchangeState>, bool) {
        if matches!(state.stage, Stage::Unsent) && state.holds_head(cx) {
            let timed = state.time_held_head();
            return (state, timed);
        }
        match &mut state.stage {
            Stage::Unsent => {
                state.start();
                // Requests on idle connections are written in the next turn of the task. So the other tasks that are ready now
                // read their responses first, and all requests are written in one burst: a server that is asleep is
                // woken once, not for each of them (docs/performance.md).
                let defer = matches!(state.stage, Stage::Live(_));
                if defer {
                    cx.waker().wake_by_ref();
                }
                (state, !defer)
            }
            Stage::Connecting(_) => {
                let Stage::Connecting(mut connecting) =
                    std::mem::replace(&mut state.stage, Stage::Polling)
                else {
                    return (state, false);
                };
                // The future may run code of the user: a resolver, a connector.
                drop(state);
                let polled = connecting.as_mut().poll(cx);
                let mut state = self.state();
                if !matches!(state.stage, Stage::Polling) {
                    drop(state); // aborted meanwhile
                    drop((connecting, polled));
                    return (self.state(), false);
                }
                match polled {
                    Poll::Pending => {
                        state.stage = Stage::Connecting(connecting);
                        return (state, false);
                    }
                    Poll::Ready(Ok(connection)) => state.on_connected(connection),
                    Poll::Ready(Err(error)) => state.fail(error),
                }
                (state, true)
            }
            Stage::Live(connection) => {
                let over = connection.poll(cx).is_ready();
                state.check_switch();
                state.poll_events();
                if over {
                    state.on_complete();
                }
                (state, over)
            }
            Stage::Polling | Stage::Over => (state, false),
        }
    }

    /// Ends the wait of this side; the other side polls the connection from now on.
    pub(crate) fn stop_waiting(&self, side: Side) {
        self.state().wakers.cancel(side);
    }

    /// Releases the lock, then calls the listeners of queued events, in order. A listener may call the exchange again; events that
    /// it causes are delivered after it has returned.
    pub(crate) fn deliver<'a>(&'a self, mut state: MutexGuard<'a, ExchangeState>) {
        while state.events.any && !state.events.is_calling() {
            let Some((mut listeners, queue)) = state.events.take() else {
                // No event follows `Close`: drop the listeners and what they own.
                let over = state.flags.closed.then(|| state.events.clear());
                drop(state);
                drop(over);
                return;
            };
            drop(state);
            queue.iter().for_each(|event| call(&mut listeners, event));
            state = self.state();
            state.events.put_back(listeners);
        }
    }

    /// Aborts the exchange. Does nothing on the second call, or after the end.
    pub(crate) fn abort(&self) {
        let mut state = self.state();
        let stage = state.abort();
        state.wakers.wake_all(); // they may be other tasks than this one
        drop(state);
        drop(stage); // may hold futures of the user
        self.deliver(self.state());
    }
}
