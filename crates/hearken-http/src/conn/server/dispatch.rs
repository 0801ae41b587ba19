//! Which handler a request goes to, and whether it goes to one at all.
//!
//! Here: [`ServerConnection::start`], in Node's order: CONNECT and upgrades first, then the limit on requests, then
//! expectations, then all the others. Each head is emitted by the event of its handler; the plain handler gets requests of other kinds
//! too, whose events come before `Request`. Not here: running a handler (`server/runner.rs`), which handlers are registered
//! (`server/handlers.rs`).

use super::{Kind, ServerConnection, Turn};
use crate::conn::exchange::Exchange;
use crate::event::callbacks::{catch_panic, notify_all};
use hearken_proto::Head;
use std::rc::Rc;

/// What becomes of a request.
#[derive(Clone, Copy)]
enum Route {
    To(Kind),
    /// Answered here, with this status and text, on a connection that closes.
    Refused(u16, &'static str),
}

impl ServerConnection {
    /// The head has come, and of its body what came with it: the handler begins.
    #[inline]
    pub(super) fn start(&self, turn: &mut Turn<'_, '_>) {
        let Some(exchange) = self.exchange.clone() else {
            return;
        };
        let mut head = None;
        let number = {
            let mut state = exchange.state();
            if let Some(line) = state.carrier.line() {
                let mut spare = line.spare_head.take().unwrap_or_default();
                line.proto.swap_head(&mut spare);
                let alone = line.out.is_empty();
                state.request_line.set(&spare, alone);
                head = Some(spare);
            }
            state.number
        };
        let Some(head) = head else { return };
        let mut kind = Kind::Plain;
        if head.asks_more() || number > self.env.requests_max {
            match self.route(&exchange, &head) {
                Route::To(found) => kind = found,
                Route::Refused(status, text) => return self.refuse(&exchange, head, status, text),
            }
        }
        if kind == Kind::Plain {
            let listeners = &self.env.exchange.hooks.listeners.request;
            notify_all(listeners, |listener| listener(&head));
        }
        self.observe_handler_start(&exchange, kind, turn.now);
        turn.runner.start(kind, head, exchange);
    }

    #[cold]
    fn refuse(&self, exchange: &Exchange, head: Box<Head>, status: u16, text: &str) {
        let mut state = exchange.state();
        state.incoming.abandon(); // no handler reads it
        state.carrier.must_close();
        state.respond(&self.env.exchange, status, text);
        state.carrier.keep_head(Some(head));
    }

    #[cold]
    fn route(&self, exchange: &Rc<Exchange>, head: &Head) -> Route {
        let hooks = &self.env.exchange.hooks;
        let (intercepted, listeners) = (&hooks.intercepted, &hooks.listeners);
        if head.method_bytes() == b"CONNECT" {
            exchange.state().overrides().tunnel = true;
            notify_all(&listeners.connect, |listener| listener(head));
            // A handler that does not know CONNECT could not refuse it safely.
            return if intercepted.connect {
                Route::To(Kind::Connect)
            } else {
                Route::Refused(501, "Not Implemented\n")
            };
        }
        let protocols = head.upgrade();
        if let Some(protocols) = protocols {
            exchange.state().overrides().offered = Some(protocols.into());
            if intercepted.upgrade && self.upgrades(head) {
                notify_all(&listeners.upgrade, |listener| listener(head));
                return Route::To(Kind::Upgrade);
            }
        }
        if self.count > self.env.requests_max {
            let dropped = (&*self.peer, head);
            notify_all(&listeners.drop_request, |listener| listener(dropped));
            return Route::Refused(503, "Service Unavailable\n");
        }
        if intercepted.check_expectation && head.expectation().is_some() {
            notify_all(&listeners.check_expectation, |listener| listener(head));
            return Route::To(Kind::CheckExpectation);
        }
        if head.expects_continue() {
            notify_all(&listeners.check_continue, |listener| listener(head));
            if intercepted.check_continue {
                return Route::To(Kind::CheckContinue);
            }
        }
        if protocols.is_some() {
            notify_all(&listeners.upgrade, |listener| listener(head));
        }
        Route::To(Kind::Plain)
    }

    /// Whether the application wants this upgrade.
    fn upgrades(&self, head: &Head) -> bool {
        let Some(decide) = &self.env.exchange.hooks.intercepted.should_upgrade else {
            return true;
        };
        catch_panic(|| decide(head)).unwrap_or_else(|panic| {
            tracing::error!(
                panic,
                "the decision about an upgrade panicked; it counts as no"
            );
            false
        })
    }
}
