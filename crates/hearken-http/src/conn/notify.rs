//! Delivers the events of one exchange to its listeners, never while the exchange is borrowed.
//!
//! Here: [`deliver_body`] for what comes in, [`notify_flushed`] for what goes out, [`notify_closed`], [`notify_end`]. The order is that of
//! docs/events.md. Not here: the names of the events (`event/`), who listens (`listeners.rs`).

use super::exchange::Exchange;
use super::listeners::{ListenerSlot, Listeners};
use super::outgoing::FlushEvent;
use crate::error::{Closed, Error};
use crate::event::MessageListeners;
use crate::event::callbacks::catch_panic;
use crate::event::complete::CompleteMessage;
use bytes::Bytes;
use std::fmt;
use std::rc::Rc;
use std::task::Poll;

/// The message of a panic in a listener, and the listeners, which are dropped with it: after the panic is reported, so that a
/// deferred response that they hold is not reported first.
pub(crate) struct ListenerPanic {
    pub(crate) message: String,
    listeners: Option<Box<Listeners>>,
}

impl fmt::Debug for ListenerPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Drop for ListenerPanic {
    fn drop(&mut self) {
        // A second panic adds nothing.
        let _ = catch_panic(|| drop(self.listeners.take()));
    }
}

/// Calls `call` with the listeners taken out of the exchange, and puts them back.
///
/// # Errors
/// When a listener panics. What they would read is not read.
pub(crate) fn with_listeners(
    exchange: &Rc<Exchange>,
    call: impl FnOnce(&mut Listeners),
) -> Result<(), ListenerPanic> {
    let Some(mut listeners) = exchange.state().listeners.begin_call() else {
        return Ok(());
    };
    let called = catch_panic(|| call(&mut listeners));
    let added = exchange.state().listeners.take();
    if let Some(added) = added {
        listeners.append(added.of);
    }
    let Err(message) = called else {
        exchange.state().listeners = ListenerSlot::Resting(listeners);
        return Ok(());
    };
    if listeners.reads() && !listeners.complete {
        exchange.state().incoming.abandon();
    }
    // After a panic drop all listeners except those of `Closed`, which always fires.
    let mut last = MessageListeners::default();
    last.closed.append(&mut listeners.of.closed);
    if !last.closed.is_empty() {
        exchange.state().listeners.get_or_insert().append(last);
    }
    Err(ListenerPanic {
        message,
        listeners: Some(listeners),
    })
}

/// The next event of the incoming message.
enum Next {
    Data(Bytes),
    Ready(hearken_proto::Fields),
    Failed(Error),
}

/// Delivers the body as far as it has come, then its end. To be called whenever bytes have come.
///
/// # Errors
/// As [`with_listeners`].
pub(crate) fn deliver_body(exchange: &Rc<Exchange>) -> Result<(), ListenerPanic> {
    let wants = |exchange: &Exchange| {
        let state = exchange.state();
        let listeners = state.listeners.resting();
        listeners.is_some_and(|of| of.reads() && !of.complete) && !state.incoming.paused
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
        with_listeners(exchange, |listeners| deliver(exchange, listeners, next))?;
    }
    Ok(())
}

fn deliver(exchange: &Rc<Exchange>, listeners: &mut Listeners, next: Next) {
    match next {
        Next::Data(piece) if listeners.of.data_ready.is_empty() => {
            collect(exchange, listeners, &piece);
        }
        Next::Data(piece) => (listeners.of.data_ready.iter_mut()).for_each(|call| call(&piece)),
        Next::Ready(trailers) => {
            listeners.complete = true;
            let message = CompleteMessage {
                body: &listeners.collected.split().freeze(),
                trailers: trailers.view(),
            };
            listeners
                .of
                .ready
                .iter_mut()
                .for_each(|call| call(&message));
        }
        Next::Failed(error) => {
            listeners.complete = true;
            listeners.of.failed.iter_mut().for_each(|call| call(&error));
        }
    }
}

/// Adds a piece for `Ready`, up to the limit.
fn collect(exchange: &Rc<Exchange>, listeners: &mut Listeners, piece: &[u8]) {
    let max = exchange
        .state()
        .limits(&exchange.env)
        .body
        .buffered_bytes_max;
    listeners.collected.extend_from_slice(piece);
    if listeners.collected.len() as u64 > max {
        let error = Error::too_large(max);
        exchange.state().incoming.refuse(error.clone());
        deliver(exchange, listeners, Next::Failed(error.clone()));
        exchange.order(|state, env| state.respond_if_pending(env, &error));
    }
}

/// Emits `Failed`, unless the end of the incoming message has been emitted.
pub(crate) fn notify_failed(exchange: &Rc<Exchange>, error: &Error) {
    let called = with_listeners(exchange, |listeners| {
        if !std::mem::replace(&mut listeners.complete, true) {
            listeners.of.failed.iter_mut().for_each(|call| call(error));
        }
    });
    if let Err(panic) = called {
        let panic = &*panic.message;
        tracing::error!(panic, "a listener panicked; its exchange had failed before");
    }
}

/// The next event that is due because the transport has taken enough, with its position and the number of its exchange.
pub(crate) fn next_flushed(exchange: &Exchange) -> Option<(u64, u32, FlushEvent)> {
    let state = &mut *exchange.state();
    loop {
        let line = state.carrier.line()?;
        let (position, number, event) = line.flush.pop(line.out.written())?;
        if event != FlushEvent::Room || (number == state.number && state.has_room(&exchange.env)) {
            return Some((position, number, event));
        }
    }
}

/// Emits that the transport has taken a position of a message that goes out: that of exchange `number`, which may be over.
///
/// # Errors
/// As [`with_listeners`].
pub(crate) fn notify_flushed(
    exchange: &Rc<Exchange>,
    number: u32,
    event: FlushEvent,
) -> Result<(), ListenerPanic> {
    let current = exchange.state().number;
    let called = if number == current {
        with_listeners(exchange, |listeners| listeners.notify_flushed(event))
    } else {
        notify_flushed_late(exchange, number, event);
        Ok(())
    };
    if called.is_ok() && event == FlushEvent::End {
        notify_closed_if_over(exchange);
    }
    called
}

/// Exchange `number` is over: `exchange` is a later one on the same connection.
fn notify_flushed_late(exchange: &Rc<Exchange>, number: u32, event: FlushEvent) {
    let found = {
        let waiting = &mut exchange.state().awaiting_flush;
        let at = waiting.iter().position(|&(of, _)| of == number);
        at.map(|at| waiting.remove(at).1)
    };
    let Some(mut listeners) = found else { return };
    let called = catch_panic(|| listeners.notify_flushed(event));
    if let Err(panic) = &called {
        tracing::error!(panic, "a listener panicked; its exchange was over");
    } else {
        let mut state = exchange.state();
        let line = state.carrier.line();
        if line.is_some_and(|line| line.flush.has(number)) {
            state.awaiting_flush.push((number, listeners));
            return;
        }
    }
    notify_closed(Some(listeners), Closed::Done);
}

/// Emits `Closed`, the last event of an exchange, and drops its listeners. To be called while no exchange is borrowed: the
/// listeners may hold its handles.
#[inline]
pub(crate) fn notify_closed(listeners: Option<Box<Listeners>>, why: Closed) {
    if let Some(listeners) = listeners {
        call_closed(listeners, why);
    }
}

fn call_closed(mut listeners: Box<Listeners>, why: Closed) {
    for call in &mut listeners.of.closed {
        if let Err(panic) = catch_panic(|| call(why)) {
            tracing::error!(panic, "a listener panicked; its exchange was over");
        }
    }
    if let Err(panic) = catch_panic(|| drop(listeners)) {
        tracing::error!(panic, "a listener panicked while it was dropped");
    }
}

/// Emits `Closed` of an exchange that has been closed, once the transport has taken all of its message.
fn notify_closed_if_over(exchange: &Exchange) {
    let over = {
        let mut state = exchange.state();
        let number = state.number;
        let flushing = state
            .carrier
            .line()
            .is_some_and(|line| line.flush.has(number));
        let why = state.closed.filter(|_| !flushing);
        why.map(|why| (state.listeners.take(), why))
    };
    if let Some((listeners, why)) = over {
        notify_closed(listeners, why);
    }
}

/// The connection is closed: ends the exchange in progress, and emits `Closed` for it and for those before it of which the
/// transport has not taken all.
pub(crate) fn notify_end(exchange: &Exchange, why: Closed) {
    let late = std::mem::take(&mut exchange.state().awaiting_flush);
    for (_, listeners) in late {
        notify_closed(Some(listeners), why);
    }
    let (listeners, closed) = {
        let mut state = exchange.state();
        (state.listeners.take(), state.closed)
    };
    notify_closed(listeners, closed.unwrap_or(why));
    exchange.state().close(why);
}
