//! A connection whose transport belongs to another protocol: it has nothing to carry any more, and lives on for what was
//! promised about connections: they are counted, told of the end of the server, and can be cut.
//!
//! Here: [`Tunnel`]. Not here: the cell that it shares with the user of the transport (`net/upgraded.rs`).

use crate::conn::exchange::Exchange;
use crate::conn::server::{Runner, ServedConnection};
use crate::error::Closed;
use crate::net::upgraded::Handover;
use bytes::Bytes;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// See the module.
pub(crate) struct Tunnel<R: Runner> {
    pub(crate) by: ServedConnection<R>,
    pub(crate) handover: Arc<Handover>,
}

impl<R: Runner> ServedConnection<R> {
    /// After [`Ending::HandOver`](super::Ending::HandOver): the connection without its transport, and what was read ahead.
    pub(crate) fn into_tunnel(self) -> Option<(Tunnel<R>, Bytes)> {
        let handover = self.served.exchange.as_deref().and_then(handover_of)?;
        let rest = Bytes::from(self.served.take_pending());
        Some((Tunnel { by: self, handover }, rest))
    }
}

fn handover_of(exchange: &Exchange) -> Option<Arc<Handover>> {
    let state = exchange.state();
    state.extra.as_ref()?.handover.clone()
}

impl<R: Runner> Tunnel<R> {
    /// Lets the handler go on, passes on what the server was told. Ready when nobody has the transport any more.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ServedConnection { served, runner } = &mut self.by;
        let env = Rc::clone(&served.env);
        if served.heed_orders().is_cut() {
            served.why = Closed::Stopped;
            self.handover.cut();
            served.poll_runner(cx, runner); // so that it sees why
            runner.cancel();
            return Poll::Ready(());
        }
        if env.draining.get() {
            self.handover.tell_closing();
        }
        served.poll_runner(cx, runner);
        if self.handover.poll_over(cx).is_pending() || runner.running() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// With its worker, say: nobody could end the transport later.
impl<R: Runner> Drop for Tunnel<R> {
    fn drop(&mut self) {
        self.handover.cut();
    }
}
