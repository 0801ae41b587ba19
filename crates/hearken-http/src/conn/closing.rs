//! The end of the server, as exchanges see it.
//!
//! Here: [`Draining`], the flag of a worker, and [`Closing`], which waits for it. Not here: who sets it (`server/life.rs`).

use slab::Slab;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Whether the server stops: then every exchange is the last of its connection.
#[derive(Default)]
pub(crate) struct Draining {
    begun: Cell<bool>,
    waiting: RefCell<Slab<Waker>>,
}

impl Draining {
    #[inline]
    pub(crate) fn get(&self) -> bool {
        self.begun.get()
    }

    /// Sets the flag, and wakes those that wait for it.
    pub(crate) fn set(&self, begun: bool) {
        self.begun.set(begun);
        if begun {
            let waiting = self.waiting.take();
            waiting.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }
}

/// Resolves when the server begins to stop.
pub(crate) struct Closing {
    draining: Rc<Draining>,
    /// Of its waker.
    key: Option<usize>,
}

impl Closing {
    pub(crate) fn new(draining: &Rc<Draining>) -> Self {
        Self {
            draining: Rc::clone(draining),
            key: None,
        }
    }
}

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.draining.get() {
            self.key = None;
            return Poll::Ready(());
        }
        let this = &mut *self;
        let mut waiting = this.draining.waiting.borrow_mut();
        if let Some(waker) = this.key.and_then(|key| waiting.get_mut(key)) {
            waker.clone_from(cx.waker());
        } else {
            this.key = Some(waiting.insert(cx.waker().clone()));
        }
        Poll::Pending
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // It is gone if the server stops.
            let removed = self.draining.waiting.borrow_mut().try_remove(key);
            drop(removed);
        }
    }
}

#[cfg(test)]
impl Draining {
    /// The number of tasks that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }
}
