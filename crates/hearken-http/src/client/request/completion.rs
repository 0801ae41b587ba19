//! What an exchange finds when it looks at its connection: events to be told, a response, an end, a second try.
//!
//! Here: [`Core::note`], after each step; [`Core::settle`], after the last one; [`Core::fail`]. Not here: who drives
//! (`exchange.rs`), what ends an exchange (`conn/client/mod.rs`).

use crate::client::agent::Leased;
use crate::client::connect;
use crate::client::event::Told;
use crate::client::info::Connected;
use crate::client::request::exchange::{Core, Stage};
use crate::conn::incoming::Incoming;
use crate::error::Error;
use crate::net::upgraded::Upgraded;
use hearken_proto::{Head, list_members};
use http::Method;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

impl Core {
    /// A server may switch to what was offered and to nothing else (RFC 9110 §7.8).
    pub(crate) fn judge_switch(&mut self) {
        let Stage::Live(leased) = &mut self.stage else {
            return;
        };
        let used = leased.wire.used();
        let (Some(_), Some(head)) = (&used.switched, &used.head) else {
            return;
        };
        if head.status() != 101 {
            return;
        }
        let offered = self.draft.fields.view();
        let is_offered = |to: &[u8]| {
            let mut offered = offered.get_all("upgrade").flat_map(list_members);
            offered.any(|offer| offer.eq_ignore_ascii_case(to))
        };
        let named = head.fields().get("upgrade").unwrap_or_default();
        let legal = {
            let mut to = head.fields().get_all("upgrade").flat_map(list_members);
            to.next().is_some_and(is_offered) && to.all(is_offered)
        };
        if !legal {
            let to = String::from_utf8_lossy(named).into_owned();
            used.refuse_switch(to);
        }
    }

    /// Notes what has happened on the connection and queues what is to be told.
    pub(crate) fn note(&mut self) {
        let Stage::Live(leased) = &mut self.stage else {
            return;
        };
        let used = leased.wire.used();
        while let Some(head) = used.interims.pop_front() {
            if head.status() == 100 {
                self.heard.tell(|| Told::Continue);
            }
            self.heard.tell(|| Told::Information(head));
        }
        if std::mem::take(&mut used.silent) {
            self.heard.tell(|| Told::Timeout);
        }
        if self.once.full && used.pending_bytes() as u64 <= self.draft.limits.body.queue_bytes / 2 {
            self.once.full = false;
            self.heard.tell(|| Told::Drain);
        }
        if let Some(sent) = used.sent()
            && !self.once.finish
            && !used.is_stopped()
        {
            self.once.finish = true;
            self.timings.send = sent.saturating_duration_since(self.live);
            self.heard.tell(|| Told::Finish);
        }
        if !self.once.response
            && let Some(head) = &used.head
        {
            self.once.response = true;
            if let (Some(sent), Some(answered)) = (used.sent(), used.answered()) {
                self.timings.wait = answered.saturating_duration_since(sent);
            }
            let head = || Box::new(Clone::clone(&**head));
            let told = match (used.switched.is_some(), &self.draft.method) {
                (false, _) => Told::Response,
                (true, &Method::CONNECT) => Told::Connect,
                (true, _) => Told::Upgrade,
            };
            self.heard.tell(|| told(head()));
        }
    }

    /// The connection has ended the exchange, well or not.
    pub(crate) fn settle(&mut self) {
        let Stage::Live(mut leased) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        let used = leased.wire.used();
        if used.excess {
            self.plan.agent.inner.count(|counts| counts.excess += 1);
        }
        if let Some(error) = used.failure.take() {
            if self.may_try_again(&mut leased, &error) {
                return self.try_again(leased);
            }
            self.keep_response(&mut leased);
            return self.fail(error);
        }
        self.keep_response(&mut leased);
        if let Some(rest) = leased.wire.used().take_switched() {
            let Leased { wire, lease } = leased;
            self.upgraded = Some(Upgraded::new(wire.into_transport(), rest));
            drop(lease);
        } else if leased.wire.used().is_reusable() {
            let inner = Arc::clone(&self.plan.agent.inner);
            inner.put(leased);
        }
    }

    /// Takes what has come out of the connection.
    fn keep_response(&mut self, leased: &mut Leased) {
        let used = leased.wire.used();
        self.head = self.head.take().or_else(|| used.head.take());
        self.incoming = std::mem::take(&mut used.incoming);
    }

    /// Whether the request may be sent once more: the connection had been used before and was closed under it, nothing of a
    /// response has come, doing it twice does no harm, and all of it is still there.
    fn may_try_again(&self, leased: &mut Leased, error: &Error) -> bool {
        let reused = self.connected.as_ref().is_some_and(Connected::reused);
        reused
            && !self.once.retried
            && self.draft.terms.idempotent
            && !self.draft.streamed
            && self.draft.end.is_some()
            && !leased.wire.used().has_answer()
            && error.is_closed()
    }

    /// On a fresh connection, in the room of the one that is gone.
    fn try_again(&mut self, leased: Leased) {
        let Leased { wire, lease } = leased;
        drop(wire);
        self.once.retried = true;
        self.plan.agent.inner.count(|counts| counts.retried += 1);
        let plan = self.travelling();
        self.stage = Stage::Acquiring(Box::pin(connect::again(plan, lease)));
    }

    /// The exchange is over and has no response, or no whole one. The first reason counts.
    #[cold]
    pub(crate) fn fail(&mut self, error: Error) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Stage::Live(mut leased) = stage {
            self.keep_response(&mut leased);
        }
        self.incoming.fail(error.clone());
        if self.failure.is_none() {
            self.heard.tell(|| Told::Error(error.clone()));
            self.failure = Some(error);
        }
        self.close();
    }

    /// Nothing will happen any more.
    pub(crate) fn close(&mut self) {
        if !self.once.closed {
            self.once.closed = true;
            self.heard.tell(|| Told::Close);
        }
    }

    /// The body of the response, where it is now.
    pub(crate) fn body(&mut self) -> &mut Incoming {
        match &mut self.stage {
            Stage::Live(leased) => &mut leased.wire.used().incoming,
            _ => &mut self.incoming,
        }
    }

    /// The next piece of the body. After the end of it the exchange is over.
    pub(crate) fn next_piece(&mut self) -> Option<Option<Result<bytes::Bytes, Error>>> {
        let Poll::Ready(piece) = self.body().poll(None) else {
            return None;
        };
        if !matches!(piece, Some(Ok(_))) && matches!(self.stage, Stage::Over) {
            self.close();
        }
        Some(piece)
    }

    /// Nobody reads the response any more. What of it is here already is dropped, and the connection used again; more is not
    /// waited for.
    pub(crate) fn release(&mut self) {
        if let Stage::Live(leased) = &mut self.stage {
            leased.wire.used().incoming.abandon();
            let mut cx = Context::from_waker(Waker::noop());
            let over = leased.wire.poll(&mut cx).is_ready();
            self.note();
            if over {
                self.settle();
            }
        }
        self.stage = Stage::Over;
        self.close();
    }

    /// The head of the response, for whoever asked for it.
    pub(crate) fn take_head(&mut self) -> Option<Box<Head>> {
        let live = match &mut self.stage {
            Stage::Live(leased) => leased.wire.used().head.take(),
            _ => None,
        };
        live.or_else(|| self.head.take())
    }

    /// Written bytes that wait.
    pub(crate) fn pending_bytes(&mut self) -> usize {
        match &mut self.stage {
            Stage::Live(leased) => leased.wire.used().pending_bytes(),
            Stage::Over => 0,
            _ => self.draft.pieces_bytes,
        }
    }

    /// Whether there is room to write more.
    pub(crate) fn has_room(&mut self) -> bool {
        (self.pending_bytes() as u64) < self.draft.limits.body.queue_bytes
    }
}
