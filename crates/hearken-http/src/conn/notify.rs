//! Events of one message: delivers what has happened to whoever listens, never while the exchange is borrowed.
//!
//! Here: [`Flow`], [`flow`] for what comes in, [`tell`] for what goes out. The order is that of docs/events.md. Not here:
//! the names of the events (`event/mod.rs`).

use super::exchange::Exchange;
use super::outgoing::FlushEvent;
use crate::error::{Closed, Error};
use crate::event::MessageListeners;
use crate::event::callbacks::catch_panic;
use crate::message::incoming::CompleteMessage;
use bytes::{Bytes, BytesMut};
use std::rc::Rc;
use std::task::Poll;

/// The listeners of one message, and what must be remembered for them.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) listeners: MessageListeners,
    /// The body, when `Ready` is listened to and `DataReady` is not.
    collected: BytesMut,
    /// `Ready` or `Failed` has been told.
    told: bool,
}

impl Flow {
    /// Whether somebody takes the body.
    pub(crate) fn reads(&self) -> bool {
        !self.listeners.data_ready.is_empty() || !self.listeners.ready.is_empty()
    }

    /// Whether somebody listens to what goes out.
    pub(crate) fn tells(&self) -> bool {
        let listeners = &self.listeners;
        !(listeners.header_done.is_empty()
            && listeners.data_done.is_empty()
            && listeners.done.is_empty()
            && listeners.drain.is_empty()
            && listeners.closed.is_empty())
    }

    /// Calls whoever listens to what was handed to the transport.
    fn tell(&mut self, mark: FlushEvent) {
        let listeners = &mut self.listeners;
        match mark {
            FlushEvent::First => {}
            FlushEvent::Head => listeners
                .header_done
                .iter_mut()
                .for_each(|listener| listener(())),
            FlushEvent::Data(bytes) => listeners
                .data_done
                .iter_mut()
                .for_each(|listener| listener(bytes)),
            FlushEvent::End => listeners.done.iter_mut().for_each(|listener| listener(())),
            FlushEvent::Room => listeners.drain.iter_mut().for_each(|listener| listener(())),
        }
    }

    /// Adds listeners behind those that are there.
    pub(crate) fn absorb(&mut self, mut new: MessageListeners) {
        let own = &mut self.listeners;
        own.line_ready.append(&mut new.line_ready);
        own.header_ready.append(&mut new.header_ready);
        own.data_ready.append(&mut new.data_ready);
        own.ready.append(&mut new.ready);
        own.header_done.append(&mut new.header_done);
        own.data_done.append(&mut new.data_done);
        own.done.append(&mut new.done);
        own.failed.append(&mut new.failed);
        own.drain.append(&mut new.drain);
        own.closed.append(&mut new.closed);
    }
}

/// Calls `call` with the listeners taken out of the exchange, and puts them back.
///
/// # Errors
/// When one of them panicked, with its message: the listeners are gone then, and nobody reads what they read.
pub(crate) fn with_listeners(
    exchange: &Rc<Exchange>,
    call: impl FnOnce(&mut Flow),
) -> Result<(), String> {
    let Some(mut flow) = exchange.state().flow.take() else {
        return Ok(());
    };
    exchange.state().course.telling = true;
    let called = catch_panic(|| call(&mut flow));
    exchange.state().course.telling = false;
    let added = exchange.state().flow.take();
    if let Some(added) = added {
        flow.absorb(added.listeners);
    }
    if called.is_ok() {
        exchange.state().flow = Some(flow);
        return called;
    }
    if flow.reads() && !flow.told {
        exchange.state().incoming.abandon();
    }
    // What is left of them is not called any more, but for the end: it is always told.
    let mut last = MessageListeners::default();
    last.closed.append(&mut flow.listeners.closed);
    if !last.closed.is_empty() {
        exchange.state().flow.get_or_insert_default().absorb(last);
    }
    // A second panic, while they are dropped, says nothing new.
    let _ = catch_panic(|| drop(flow));
    called
}

/// What is to be told next about the incoming message.
enum Next {
    Data(Bytes),
    Ready(hearken_proto::Fields),
    Failed(Error),
}

/// Delivers the body as far as it has come, then its end. To be called whenever something has come.
///
/// # Errors
/// As [`with_listeners`].
pub(crate) fn flow(exchange: &Rc<Exchange>) -> Result<(), String> {
    let wants = |exchange: &Exchange| {
        let state = exchange.state();
        let flow = state.flow.as_deref();
        flow.is_some_and(|flow| flow.reads() && !flow.told) && !state.incoming.paused
    };
    while wants(exchange) {
        let next = {
            let mut state = exchange.state();
            match state.poll_data(None) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Ok(piece))) => Next::Data(piece),
                Poll::Ready(Some(Err(error))) => Next::Failed(error),
                Poll::Ready(None) => Next::Ready(state.incoming.trailers.clone()),
            }
        };
        with_listeners(exchange, |flow| deliver(exchange, flow, next))?;
    }
    Ok(())
}

fn deliver(exchange: &Rc<Exchange>, flow: &mut Flow, next: Next) {
    match next {
        Next::Data(piece) if flow.listeners.data_ready.is_empty() => {
            let max = exchange
                .state()
                .limits(&exchange.env)
                .body
                .buffered_bytes_max;
            flow.collected.extend_from_slice(&piece);
            if flow.collected.len() as u64 > max {
                let error = Error::too_large(max);
                exchange.state().incoming.refuse(error.clone());
                deliver(exchange, flow, Next::Failed(error.clone()));
                exchange.order(|state, env| state.answer_if_owed(env, &error));
            }
        }
        Next::Data(piece) => flow
            .listeners
            .data_ready
            .iter_mut()
            .for_each(|listener| listener(&piece)),
        Next::Ready(trailers) => {
            flow.told = true;
            let whole = CompleteMessage {
                body: &flow.collected.split().freeze(),
                trailers: trailers.view(),
            };
            flow.listeners
                .ready
                .iter_mut()
                .for_each(|listener| listener(&whole));
        }
        Next::Failed(error) => {
            flow.told = true;
            flow.listeners
                .failed
                .iter_mut()
                .for_each(|listener| listener(&error));
        }
    }
}

/// Tells that the exchange will not be complete, unless its end was told before.
pub(crate) fn notify_failed(exchange: &Rc<Exchange>, error: &Error) {
    let told = with_listeners(exchange, |flow| {
        if !std::mem::replace(&mut flow.told, true) {
            flow.listeners
                .failed
                .iter_mut()
                .for_each(|listener| listener(error));
        }
    });
    if let Err(panic) = told {
        tracing::error!(panic, "a listener panicked; its exchange had failed before");
    }
}

/// Tells that the transport has taken a position of the outgoing message.
///
/// # Errors
/// As [`with_listeners`].
pub(crate) fn tell(exchange: &Rc<Exchange>, mark: FlushEvent) -> Result<(), String> {
    with_listeners(exchange, |flow| flow.tell(mark))
}

/// As [`tell`], for an answer whose exchange is over: `exchange` is a later one on its connection.
pub(crate) fn notify_parked(exchange: &Rc<Exchange>, number: u32, mark: FlushEvent) {
    let found = {
        let parked = &mut exchange.state().turn.parked;
        let at = parked.iter().position(|&(of, _)| of == number);
        at.map(|at| parked.remove(at).1)
    };
    let Some(mut flow) = found else { return };
    let called = catch_panic(|| flow.tell(mark));
    if called.is_ok() && exchange.state().marks.has(number) {
        exchange.state().turn.parked.push((number, flow));
        return;
    }
    if let Err(panic) = called {
        tracing::error!(panic, "a listener panicked; its exchange was over");
    }
    end(Some(flow), Closed::Done);
}

/// Tells the end of a message, its last event, and lets go of its listeners. Outside of the borrow of an exchange: they may
/// hold its handles.
#[inline]
pub(crate) fn end(listeners: Option<Box<Flow>>, why: Closed) {
    if let Some(flow) = listeners {
        end_flow(flow, why);
    }
}

fn end_flow(mut flow: Box<Flow>, why: Closed) {
    for listener in &mut flow.listeners.closed {
        if let Err(panic) = catch_panic(|| listener(why)) {
            tracing::error!(panic, "a listener panicked; its exchange was over");
        }
    }
    if let Err(panic) = catch_panic(|| drop(flow)) {
        tracing::error!(panic, "a listener panicked while it was dropped");
    }
}

/// Tells the end of a message that has been closed, once the transport has taken all of it.
pub(crate) fn end_if_over(exchange: &Exchange) {
    let over = {
        let mut state = exchange.state();
        let why = state.closed.filter(|_| !state.marks.has(state.number));
        why.map(|why| (state.flow.take(), why))
    };
    if let Some((listeners, why)) = over {
        end(listeners, why);
    }
}
