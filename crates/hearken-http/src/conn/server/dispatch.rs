//! Which handler a request goes to, and whether it goes to one at all.
//!
//! Here: [`ServerConnection::start`], in Node's order: CONNECT and upgrades first, then the limit on requests, then
//! expectations, then all the others. Each head is emitted by the event of its handler; the plain handler gets requests of other kinds
//! too, whose events come before `Request`. Not here: running a handler (`server/runner.rs`), which handlers are registered
//! (`server/handlers.rs`).

use super::{Kind, ServerConnection, Turn};
use crate::conn::carrier::Carrier;
use crate::conn::context::LastRequest;
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
    pub(super) fn start(&mut self, turn: &mut Turn<'_, '_>) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let number = {
            let (head, state) = exchange.begin_request();
            let Carrier::H1(line) = &mut state.carrier else {
                return;
            };
            line.proto.swap_head(head);
            let alone = line.out.is_empty();
            state.request = Some(LastRequest { alone });
            state.number
        };
        let exchange = Rc::clone(exchange);
        let head = exchange.head();
        let mut kind = Kind::Plain;
        if head.asks_more() || number > self.env.requests_max {
            match self.route(&exchange) {
                Route::To(found) => kind = found,
                Route::Refused(status, text) => return refuse(&exchange, status, text),
            }
        }
        if kind == Kind::Plain {
            let listeners = &self.env.exchange.hooks.listeners.request;
            notify_all(listeners, |listener| listener(head));
        }
        self.observe_handler_start(&exchange, kind, turn.now);
        turn.runner.start(kind, exchange);
    }

    #[cold]
    fn route(&self, exchange: &Exchange) -> Route {
        let head = exchange.head();
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

/// No handler gets the request.
#[cold]
fn refuse(exchange: &Exchange, status: u16, text: &str) {
    let mut state = exchange.state();
    state.incoming.abandon(); // no handler reads it
    state.carrier.must_close();
    state.respond(&exchange.env, status, text);
}
