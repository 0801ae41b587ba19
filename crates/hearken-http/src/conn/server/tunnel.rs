//! A connection whose transport belongs to another protocol: it has nothing to carry any more, and lives on for what was
//! promised about connections: they are counted, notified of the end of the server,
//! idle for a bounded time, and can be cut.
//!
//! Here: [`Tunnel`]. Not here: the cell that it shares with the user of the transport (`net/upgraded.rs`).

use super::drive::Command;
use super::{Runner, ServedConnection};
use crate::conn::exchange::Exchange;
use crate::error::Closed;
use crate::event::timeout::Deadline;
use crate::net::handover::Recipient;
use bytes::Bytes;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// See the module.
pub(crate) struct Tunnel<R: Runner> {
    pub(crate) by: ServedConnection<R>,
    pub(crate) recipient: Arc<dyn Recipient>,
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
        let (served, mut turn) = self.by.turn(cx, now);
        let env = Rc::clone(&served.env.exchange);
        if served.observe_command() == Command::Close {
            served.why = Closed::Stopped;
            self.recipient.cut();
            served.poll_runner(&mut turn); // so that it sees why
            served.drop_handler(turn.runner, Closed::Stopped);
            return Poll::Ready(());
        }
        if env.draining.get() {
            self.recipient.notify_closing();
        }
        let deadline = self.recipient.idle_deadline();
        if deadline.is_some_and(|deadline| deadline <= now) {
            let _: bool = served.keeps(Deadline::Upgraded);
            served.why = Closed::Inactive;
            self.recipient.time_out();
        }
        served.poll_runner(&mut turn);
        if self.recipient.poll_over(turn.cx).is_pending() || turn.runner.running() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<R: Runner> Tunnel<R> {
    /// When the transport has been idle for as long as it may.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.recipient.idle_deadline()
    }
}

/// When its worker ends, for example: nothing could end the transport later.
impl<R: Runner> Drop for Tunnel<R> {
    fn drop(&mut self) {
        self.recipient.cut();
    }
}
