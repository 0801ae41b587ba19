//! What each step of an exchange brings: events, a response, the end, a second attempt.
//!
//! Here: [`ExchangeState::poll_events`], after each step; [`ExchangeState::on_complete`], after the last one;
//! [`ExchangeState::fail`]; reading the body. Not here: the waits (`exchange.rs`), what ends an exchange (`conn/client/mod.rs`).

use crate::client::agent::connection::PooledConnection;
use crate::client::agent::observed;
use crate::client::event::Event;
use crate::client::info::ConnectionInfo;
use crate::client::request::state::{ExchangeState, Stage};
use crate::client::runtime::now;
use crate::conn::incoming::Incoming;
use crate::error::Error;
use crate::net::upgraded::Upgraded;
use bytes::Bytes;
use hearken_proto::{Head, list_members};
use http::Method;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

impl ExchangeState {
    /// A server may only switch to a protocol that the request offered (RFC 9110 §7.8).
    pub(crate) fn check_switch(&mut self) {
        let Stage::Live(connection) = &mut self.stage else {
            return;
        };
        let http = connection.http();
        let (Some(_), Some(head)) = (&http.switched, &http.head) else {
            return;
        };
        if head.status() != 101 {
            return;
        }
        let offered = self.parts.fields.view();
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
            http.refuse_switch(to);
        }
    }

    /// Queues the events of the last step.
    pub(crate) fn poll_events(&mut self) {
        let Stage::Live(connection) = &mut self.stage else {
            return;
        };
        let http = connection.http();
        while let Some(head) = http.interims.pop_front() {
            if head.status() == 100 {
                self.events.push(|| Event::Continue);
            }
            self.events.push(|| Event::Information(head));
        }
        if std::mem::take(&mut http.silent) {
            self.events.push(|| Event::Timeout);
        }
        let queue_bytes = self.parts.limits.body.queue_bytes;
        if self.flags.full && http.pending_bytes() as u64 <= queue_bytes / 2 {
            self.flags.full = false;
            self.events.push(|| Event::Drain);
        }
        if let Some(sent) = http.sent()
            && !self.flags.finish
            && !http.is_stopped()
        {
            self.flags.finish = true;
            self.timings.send = sent.saturating_duration_since(self.connected);
            self.events.push(|| Event::Finish);
        }
        if !self.flags.response
            && let Some(head) = &http.head
        {
            self.flags.response = true;
            if let (Some(sent), Some(answered)) = (http.sent(), http.answered()) {
                self.timings.wait = answered.saturating_duration_since(sent);
            }
            let head = || Box::new(Clone::clone(&**head));
            let event = match (http.switched.is_some(), &self.parts.method) {
                (false, _) => Event::Response,
                (true, &Method::CONNECT) => Event::Connect,
                (true, _) => Event::Upgrade,
            };
            self.events.push(|| event(head()));
        }
    }

    /// The connection has ended the exchange, well or not.
    pub(crate) fn on_complete(&mut self) {
        let Stage::Live(mut connection) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        let http = connection.http();
        let shared = &self.plan.agent.shared;
        if http.excess {
            shared.count(|counts| counts.excess += 1);
        }
        if let Some(error) = http.failure.take() {
            if self.may_retry(&mut connection, &error) {
                return self.retry(connection);
            }
            self.keep_response(&mut connection);
            return self.fail(error);
        }
        self.head = self.head.take().or_else(|| http.head.take());
        self.incoming = std::mem::take(&mut http.incoming);
        if let Some(rest) = http.take_switched() {
            self.upgraded = Some(Upgraded::new(connection.into_transport(), rest));
        } else if http.is_reusable() {
            Arc::clone(shared).put_back(connection);
        }
    }

    /// Moves the response out of the connection.
    fn keep_response(&mut self, connection: &mut PooledConnection) {
        let http = connection.http();
        self.head = self.head.take().or_else(|| http.head.take());
        self.incoming = std::mem::take(&mut http.incoming);
    }

    /// Whether the request may be sent once more: the connection was used before and closed under it, no byte of a response has
    /// arrived, the method is idempotent, and the whole request is still here.
    fn may_retry(&self, connection: &mut PooledConnection, error: &Error) -> bool {
        let reused = self.info.as_ref().is_some_and(ConnectionInfo::reused);
        reused
            && !self.flags.retried
            && self.parts.options.idempotent
            && !self.parts.streamed
            && self.parts.end.is_some()
            && !connection.http().has_answer()
            && error.is_closed()
    }

    /// Sends the request again on a new connection, in the place of this one.
    fn retry(&mut self, mut connection: Box<PooledConnection>) {
        let permit = std::mem::take(&mut connection.permit);
        drop(connection);
        self.flags.retried = true;
        self.info = None; // until the second attempt has a connection
        let shared = &self.plan.agent.shared;
        shared.count(|counts| counts.retried += 1);
        self.connect(permit, now());
    }

    /// Ends the exchange without a complete response. The first error counts.
    #[cold]
    pub(crate) fn fail(&mut self, error: Error) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Stage::Live(mut connection) = stage {
            self.keep_response(&mut connection);
        }
        self.incoming.fail(error.clone());
        if self.failure.is_none() {
            self.observe_failure(&error);
            self.events.push(|| Event::Error(error.clone()));
            self.failure = Some(error);
        }
        self.close();
    }

    /// A connection shows its failure itself.
    fn observe_failure(&self, error: &Error) {
        if let Some(observer) = &self.plan.agent.shared.options.observer
            && self.info.is_none()
        {
            let target = self.parts.path.as_deref();
            let target = target.unwrap_or_else(|| self.plan.target.origin_form());
            let line = (self.parts.method.as_str(), target);
            let began = self.began.unwrap_or_else(now);
            observed::show_failure(observer, line, began, error);
        }
    }

    /// Emits the last event.
    fn close(&mut self) {
        if !self.flags.closed {
            self.flags.closed = true;
            self.events.push(|| Event::Close);
        }
    }

    /// The body of the response, where it is now.
    pub(crate) fn body(&mut self) -> &mut Incoming {
        match &mut self.stage {
            Stage::Live(connection) => &mut connection.http().incoming,
            _ => &mut self.incoming,
        }
    }

    /// The next piece of the body. After its end the exchange is over.
    pub(crate) fn next_piece(&mut self) -> Option<Option<Result<Bytes, Error>>> {
        let Poll::Ready(piece) = self.body().poll(None) else {
            return None;
        };
        if !matches!(piece, Some(Ok(_))) && matches!(self.stage, Stage::Over) {
            self.close();
        }
        Some(piece)
    }

    /// The user has dropped the response. If the rest of its body has arrived, the connection is used again; it is not waited for.
    pub(crate) fn release(&mut self) {
        if let Stage::Live(connection) = &mut self.stage {
            connection.http().incoming.abandon();
            let mut cx = Context::from_waker(Waker::noop());
            let over = connection.poll(&mut cx).is_ready();
            self.poll_events();
            if over {
                self.on_complete();
            }
        }
        self.stage = Stage::Over;
        self.close();
    }

    /// Takes the head of the response.
    pub(crate) fn take_head(&mut self) -> Option<Box<Head>> {
        let live = match &mut self.stage {
            Stage::Live(connection) => connection.http().head.take(),
            _ => None,
        };
        live.or_else(|| self.head.take())
    }
}
