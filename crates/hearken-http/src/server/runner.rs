//! Runs a handler's future in place: in a slot that is used again, so that a request costs no allocation.
//!
//! Here: [`HandlerRunner`], the [`Handlers`] of a worker and their slots. A future that never waits has left its slot before
//! the next request is parsed. Not here: when a handler is started and polled (`conn/server/mod.rs`), handlers as objects
//! (`handler.rs`).

use super::handler::{Handler, Handling, WorkerHandler};
use super::handlers::SpecialHandlers;
use crate::conn::exchange::Exchange;
use crate::conn::server::{Kind, Runner};
use crate::event::callbacks::catch_panic;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::message::source::ServerSource;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Slots that a worker keeps for the next handler; more are dropped.
const SLOTS_MAX: usize = 256;

pin_project_lite::pin_project! {
    /// What a slot holds.
    #[project = WorkMut]
    enum Work<F> {
        Nothing,
        /// The handler of the server.
        Plain { #[pin] future: F },
        /// A handler for a kind of request.
        Special { future: Handling },
    }
}

/// Where a handler's future lies. The box stays where it is while futures come and go, and is all that an idle connection has
/// room for.
type Slot<F> = Pin<Box<Work<F>>>;

/// The handlers of one worker, and the slots in which they run.
pub(crate) struct Handlers<M, F> {
    make: M,
    special: SpecialOnWorker,
    slots: RefCell<Vec<Slot<F>>>,
}

/// The handlers for kinds of requests, made for one worker.
struct SpecialOnWorker {
    check_continue: Option<Box<dyn WorkerHandler>>,
    check_expectation: Option<Box<dyn WorkerHandler>>,
    upgrade: Option<Box<dyn WorkerHandler>>,
    connect: Option<Box<dyn WorkerHandler>>,
}

impl<M, F> Handlers<M, F> {
    pub(crate) fn new(make: M, special: &SpecialHandlers) -> Rc<Self> {
        let on_worker = |handler: &Option<Box<dyn Handler>>| {
            let handler = handler.as_ref()?;
            Some(handler.on_worker())
        };
        Rc::new(Self {
            make,
            special: SpecialOnWorker {
                check_continue: on_worker(&special.check_continue),
                check_expectation: on_worker(&special.check_expectation),
                upgrade: on_worker(&special.upgrade),
                connect: on_worker(&special.connect),
            },
            slots: RefCell::new(Vec::new()),
        })
    }
}

impl SpecialOnWorker {
    fn of(&self, kind: Kind) -> Option<&dyn WorkerHandler> {
        match kind {
            Kind::Plain => None,
            Kind::CheckContinue => self.check_continue.as_deref(),
            Kind::CheckExpectation => self.check_expectation.as_deref(),
            Kind::Upgrade => self.upgrade.as_deref(),
            Kind::Connect => self.connect.as_deref(),
        }
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
        let handlers = &self.handlers;
        let slot = self.slot.get_or_insert_with(|| {
            let slot = handlers.slots.borrow_mut().pop();
            slot.unwrap_or_else(|| Box::pin(Work::Nothing))
        });
        slot.set(work);
    }

    /// Drops the future. A panic while it drops counts as one of the handler.
    fn retire(&mut self) -> Result<(), String> {
        if let Some(slot) = &mut self.slot
            && let Err(panic) = catch_panic(|| slot.set(Work::Nothing))
        {
            self.slot = None;
            return Err(panic);
        }
        Ok(())
    }
}

impl<M, F> Runner for HandlerRunner<M, F>
where
    M: Fn(IncomingMessage, ServerResponse) -> F,
    F: Future,
{
    #[inline]
    fn start(&mut self, kind: Kind, exchange: Rc<Exchange>) {
        let source = ServerSource {
            exchange: Rc::clone(&exchange),
            method: None,
        };
        let req = IncomingMessage::new(source);
        let res = ServerResponse::new(exchange);
        let special = (kind != Kind::Plain).then(|| self.handlers.special.of(kind));
        let work = match special.flatten() {
            None => Work::Plain {
                future: (self.handlers.make)(req, res),
            },
            Some(handler) => Work::Special {
                future: handler.start(req, res),
            },
        };
        self.put(work);
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let Some(slot) = &mut self.slot else {
            return Poll::Ready(Ok(()));
        };
        // A panic leaves the future in an unknown state; it is dropped right away and never polled again. A panic while it
        // drops counts as one of the handler.
        let polled = catch_panic(|| {
            let is_ready = match slot.as_mut().project() {
                WorkMut::Plain { future } => future.poll(cx).is_ready(),
                WorkMut::Special { future } => Pin::new(future).poll(cx).is_ready(),
                WorkMut::Nothing => true,
            };
            if is_ready {
                slot.set(Work::Nothing);
            }
            is_ready
        });
        match polled {
            Ok(false) => Poll::Pending,
            Ok(true) => Poll::Ready(Ok(())),
            Err(text) => {
                // The first panic is the one that is reported.
                let _ = self.retire();
                Poll::Ready(Err(text))
            }
        }
    }

    #[inline]
    fn running(&self) -> bool {
        let slot = self.slot.as_deref();
        slot.is_some_and(|work| !matches!(work, Work::Nothing))
    }

    fn rest(&mut self) {
        if self.running() {
            return;
        }
        if let Some(slot) = self.slot.take() {
            let mut slots = self.handlers.slots.borrow_mut();
            if slots.len() < SLOTS_MAX {
                slots.push(slot);
            }
        }
    }

    fn cancel(&mut self) {
        if let Err(panic) = self.retire() {
            tracing::error!(panic, "a handler panicked while it was dropped");
        }
        self.rest();
    }
}
