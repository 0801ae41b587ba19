//! Wakers of the tasks that wait for an exchange: one writes the request, one reads the response, mostly the same task.
//!
//! Here: [`Wakers`], and the waker that wakes both. A transport remembers only the task that polled it last.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The two sides of an exchange that may wait, each in a task of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    request: Option<Waker>,
    response: Option<Waker>,
    both: Option<Arc<WakesBoth>>,
}

/// Wakes two tasks.
#[derive(Debug)]
struct WakesBoth {
    tasks: Mutex<[Option<Waker>; 2]>,
}

impl Wake for WakesBoth {
    fn wake(self: Arc<Self>) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = tasks.clone();
        tasks.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Wakers {
    const fn slot(&mut self, side: Side) -> &mut Option<Waker> {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }

    /// This side waits with this waker. If the other side waits in another task, poll the connection with the returned waker.
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
        let tasks = [Some(request.clone()), Some(response.clone())];
        let both = self.both.get_or_insert_with(|| {
            Arc::new(WakesBoth {
                tasks: Mutex::new([None, None]),
            })
        });
        *both.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
        Some(Arc::clone(both).into())
    }

    /// Removes this side's waker: its wait is complete.
    pub(crate) fn remove(&mut self, side: Side) {
        *self.slot(side) = None;
    }

    /// Removes this side's waker: its wait was cancelled, so the other side must poll the connection from now on.
    pub(crate) fn cancel(&mut self, side: Side) {
        self.remove(side);
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
