//! Runs a handler's future in place: in a slot that is used again, so that a request costs no allocation.
//!
//! Here: [`HandlerRunner`] and the slots of a worker. A future that never waits has left its slot before the next
//! request is looked at. Not here: when a handler is started and polled (`conn/server/mod.rs`).

use crate::conn::server::Runner;
use crate::event::callbacks::catch_panic;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::server::handlers::HandlerFuture;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Slots that wait for use in one worker; more are given back to the system.
const SLOTS_MAX: usize = 256;

pin_project_lite::pin_project! {
    /// What lies in a slot.
    #[project = WorkMut]
    enum Work<F> {
        Nothing,
        /// The handler of the server.
        Plain { #[pin] future: F },
        /// A handler that took a request over.
        Taken { future: HandlerFuture },
    }
}

/// Where a handler's future lies. The box stays where it is while futures come and go, and is all that an idle connection has
/// room for.
type Slot<F> = Pin<Box<Work<F>>>;

/// What all connections of one worker share to run the handler.
pub(crate) struct Handlers<M, F> {
    make: M,
    slots: RefCell<Vec<Slot<F>>>,
}

impl<M, F> Handlers<M, F> {
    pub(crate) fn new(make: M) -> Rc<Self> {
        Rc::new(Self {
            make,
            slots: RefCell::new(Vec::new()),
        })
    }
}

/// See the module.
pub(crate) struct HandlerRunner<M, F> {
    handlers: Rc<Handlers<M, F>>,
    slot: Option<Slot<F>>,
}

impl<M, F> HandlerRunner<M, F> {
    pub(crate) fn new(handlers: &Rc<Handlers<M, F>>) -> Self {
        Self {
            handlers: Rc::clone(handlers),
            slot: None,
        }
    }

    #[inline]
    fn put(&mut self, work: Work<F>) {
        let slot = self.handlers.slots.borrow_mut().pop();
        let mut slot = slot.unwrap_or_else(|| Box::pin(Work::Nothing));
        slot.set(work);
        self.slot = Some(slot);
    }

    /// Drops the future and gives the slot back. A panic while it drops is the handler's, too.
    fn retire(&mut self) -> Result<(), String> {
        let Some(mut slot) = self.slot.take() else {
            return Ok(());
        };
        catch_panic(|| slot.set(Work::Nothing))?;
        let mut slots = self.handlers.slots.borrow_mut();
        if slots.len() < SLOTS_MAX {
            slots.push(slot);
        }
        Ok(())
    }
}

impl<M, F> Runner for HandlerRunner<M, F>
where
    M: Fn(IncomingMessage, ServerResponse) -> F,
    F: Future<Output = ()>,
{
    #[inline]
    fn start(&mut self, req: IncomingMessage, res: ServerResponse) {
        let future = (self.handlers.make)(req, res);
        self.put(Work::Plain { future });
    }

    #[cold]
    fn take_over(&mut self, future: HandlerFuture) {
        self.put(Work::Taken { future });
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let Some(slot) = &mut self.slot else {
            return Poll::Ready(Ok(()));
        };
        // A panic leaves the future in an unknown state; it is dropped right away and never polled again.
        let polled = catch_panic(|| match slot.as_mut().project() {
            WorkMut::Plain { future } => future.poll(cx),
            WorkMut::Taken { future } => future.as_mut().poll(cx),
            WorkMut::Nothing => Poll::Ready(()),
        });
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(self.retire()),
            Err(text) => {
                // The first panic is the one to be told.
                let _ = self.retire();
                Poll::Ready(Err(text))
            }
        }
    }

    fn running(&self) -> bool {
        self.slot.is_some()
    }

    fn cancel(&mut self) {
        if let Err(panic) = self.retire() {
            tracing::error!(panic, "a handler panicked while it was dropped");
        }
    }
}
