//! A connection whose transport belongs to another protocol: it has nothing to carry any more, and lives on for what was
//! promised about connections: they are counted, notified of the end of the server,
//! idle for a bounded time, and can be cut.
//!
//! Here: [`Tunnel`]. Its exchange is dropped once no handle of it is left, and made again if the handler fails. Not here: the cell
//! that it shares with the user of the transport (`net/upgraded/cell.rs`).

use super::drive::Command;
use super::{Runner, ServedConnection, ServerConnection};
use crate::conn::Drive;
use crate::conn::carrier::Carrier;
use crate::conn::context::LastRequest;
use crate::conn::exchange::Exchange;
use crate::conn::outgoing::Stage;
use crate::error::Closed;
use crate::event::timeout::Deadline;
use crate::net::handover::Recipient;
use bytes::Bytes;
use hearken_proto::{Fields, Head, Version};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// See the module.
pub(crate) struct Tunnel<R: Runner> {
    by: ServedConnection<R>,
    pub(crate) recipient: Arc<dyn Recipient>,
    /// Method and target, with a space between them, once the exchange has been dropped.
    request: Option<Box<str>>,
}

impl<R: Runner> ServedConnection<R> {
    /// After [`Ending::HandOver`](super::Ending::HandOver): the connection without its transport, and what was read ahead.
    pub(crate) fn into_tunnel(self) -> Option<(Tunnel<R>, Bytes)> {
        let recipient = self.served.exchange.as_deref().and_then(recipient_of)?;
        self.served.observe_upgrade();
        let rest = Bytes::from(self.served.take_pending());
        if let Some(exchange) = &self.served.exchange {
            let mut line = exchange.state().release_line();
            if let Some(line) = line.line() {
                self.served.peer.sent(line.out.written());
            }
            let next = Exchange::new(&self.served.env.exchange, line);
            next.state().next();
            self.served.env.put_exchange(next);
        }
        Some((
            Tunnel {
                by: self,
                recipient,
                request: None,
            },
            rest,
        ))
    }
}

fn recipient_of(exchange: &Exchange) -> Option<Arc<dyn Recipient>> {
    let state = exchange.state();
    state.overrides.as_ref()?.recipient.clone()
}

impl<R: Runner> Tunnel<R> {
    /// Lets the handler go on, and passes on that the server stops. Ready when the transport has been dropped.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let served = &mut self.by.served;
        if served.observe_command() == Command::Close {
            served.why = Closed::Stopped;
            self.recipient.cut();
            self.poll_handler(cx, now); // so that it sees why
            self.drop_handler();
            return Poll::Ready(());
        }
        if served.env.exchange.draining.get() {
            self.recipient.notify_closing();
        }
        let deadline = self.recipient.idle_deadline();
        if deadline.is_some_and(|deadline| deadline <= now) {
            let _: bool = served.keeps(Deadline::Upgraded);
            served.why = Closed::Inactive;
            self.recipient.time_out();
        }
        self.poll_handler(cx, now);
        self.drop_exchange();
        if self.recipient.poll_over(cx).is_pending() || self.by.runner.running() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// When the transport has been idle for as long as it may.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.recipient.idle_deadline()
    }

    /// The last call: ends the handler, and reports the end of the connection.
    pub(crate) fn handle_closed(&mut self, now: Instant) {
        if self.by.runner.running() {
            self.drop_handler();
        }
        self.by.handle_closed(now);
    }

    fn poll_handler(&mut self, cx: &mut Context<'_>, now: Instant) {
        let (served, mut turn) = self.by.turn(cx, now);
        if served.exchange.is_some() {
            served.poll_runner(&mut turn);
            return;
        }
        let again = OnceCell::new();
        let give = || Rc::clone(again.get_or_init(|| made_again(served, self.request.as_deref())));
        let polled = turn.runner.poll(turn.cx, &give);
        if let Poll::Ready(Err(panic)) = polled {
            served.exchange = Some(give());
            served.panicked(&panic);
        }
    }

    /// Drops the handler where it stands, and reports that if it has not ended.
    fn drop_handler(&mut self) {
        let Self { by, request, .. } = self;
        let served = &mut by.served;
        if served.exchange.is_none() && by.runner.running() {
            served.exchange = Some(made_again(served, request.as_deref()));
        }
        served.drop_handler(&mut by.runner, served.why);
    }

    /// Drops the exchange if only errors could still ask for it, and keeps what they name.
    fn drop_exchange(&mut self) {
        let served = &mut self.by.served;
        if let Some(exchange) = &served.exchange
            && Rc::strong_count(exchange) == 1
            && !exchange.state().is_awaited()
        {
            let head = exchange.head();
            self.request = Some(format!("{} {}", head.method(), head.url()).into());
            served.exchange = None;
        }
    }
}

/// An exchange in place of the one that was dropped: its response has been given.
#[cold]
fn made_again(served: &ServerConnection, request: Option<&str>) -> Rc<Exchange> {
    let mut exchange = Exchange::new(&served.env.exchange, Carrier::Gone);
    let (method, target) = request
        .and_then(|line| line.split_once(' '))
        .unwrap_or_default();
    let head = Head::of_request(method, target, Version::Http11, &Fields::new());
    let (place, state) = exchange.begin_request();
    **place = head.unwrap_or_default(); // it was legal when it came
    state.request = Some(LastRequest { alone: true });
    state.peer = Some(Rc::clone(&served.peer));
    state.number = served.count;
    state.outgoing.stage = Stage::Ended;
    exchange
}

/// When its worker ends, for example: nothing could end the transport later.
impl<R: Runner> Drop for Tunnel<R> {
    fn drop(&mut self) {
        self.recipient.cut();
    }
}
