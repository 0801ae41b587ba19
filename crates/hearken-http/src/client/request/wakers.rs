//! Who waits for an exchange: the task that writes the request, the task that reads the response, mostly one and the same.
//!
//! Here: [`Waiters`], and the waker that wakes both when they are two. A transport remembers only the task that polled it last.

use crate::client::request::exchange::Side;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    request: Option<Waker>,
    response: Option<Waker>,
    relay: Option<Arc<Relay>>,
}

/// Wakes two tasks.
#[derive(Debug)]
struct Relay {
    both: Mutex<[Option<Waker>; 2]>,
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        let both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
        let both = both.clone();
        both.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Waiters {
    const fn slot(&mut self, side: Side) -> &mut Option<Waker> {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }

    /// This side waits with this waker. If the other side waits too, in another task, the connection must be given the
    /// waker that is returned.
    pub(crate) fn register(&mut self, side: Side, waker: &Waker) -> Option<Waker> {
        let own = self.slot(side);
        if !own.as_ref().is_some_and(|own| own.will_wake(waker)) {
            *own = Some(waker.clone());
        }
        let (Some(request), Some(response)) = (&self.request, &self.response) else {
            return None;
        };
        if request.will_wake(response) {
            return None;
        }
        let both = [Some(request.clone()), Some(response.clone())];
        let relay = self.relay.get_or_insert_with(|| {
            Arc::new(Relay {
                both: Mutex::new([None, None]),
            })
        });
        *relay.both.lock().unwrap_or_else(PoisonError::into_inner) = both;
        Some(Arc::clone(relay).into())
    }

    /// This side has what it waited for.
    pub(crate) fn forget(&mut self, side: Side) {
        *self.slot(side) = None;
    }

    /// This side does not wait any more, and what it waited for has not come: whoever is left has to drive.
    pub(crate) fn leave(&mut self, side: Side) {
        self.forget(side);
        self.wake_other(side);
    }

    pub(crate) fn wake_other(&mut self, side: Side) {
        let other = match side {
            Side::Request => Side::Response,
            Side::Response => Side::Request,
        };
        if let Some(waker) = self.slot(other).take() {
            waker.wake();
        }
    }

    pub(crate) fn wake_all(&mut self) {
        self.wake_other(Side::Request);
        self.wake_other(Side::Response);
    }
}
