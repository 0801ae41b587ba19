//! Which handler a request goes to, and whether it goes to one at all.
//!
//! Here: [`ServerConnection::start`], in Node's order: CONNECT and upgrades first, then the limit on requests, then expectations, then all
//! the others. Each head is told by one event, that of whoever gets it. Not here: running a handler (`server/runner.rs`), who has
//! registered which (`special.rs`).

use crate::conn::exchange::Exchange;
use crate::conn::server::{Runner, ServerConnection};
use crate::event::callbacks::{catch_panic, notify_all};
use crate::event::observe::Step;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::message::source::ServerSource;
use crate::server::handlers::BoxHandler;
use hearken_proto::Head;
use std::rc::Rc;
use std::time::Instant;

/// What becomes of a request.
#[derive(Clone, Copy)]
enum Route<'a> {
    Plain,
    Taken(&'a BoxHandler),
    /// Answered here, with this status and text, on a connection that closes.
    Refused(u16, &'static str),
}

impl ServerConnection {
    /// The head is there, and of its body what came with it: the handler begins.
    pub(super) fn start(&mut self, exchange: Rc<Exchange>, runner: &mut dyn Runner, now: Instant) {
        let (head, number) = {
            let mut state = exchange.state();
            let mut head = state.spare_head.take().unwrap_or_default();
            state.proto.swap_head(&mut head);
            (head, state.number)
        };
        if head.asks_more() || number > self.env.requests_max {
            let route = self.route(&exchange, &head);
            if !matches!(route, Route::Plain) {
                return self.start_unusual(route, exchange, head, (runner, now));
            }
        }
        let listeners = &self.env.hooks.listeners.request;
        notify_all(listeners, |listener| listener(&head));
        self.see(number, Step::HandlerStart, now);
        let source = ServerSource {
            exchange: Rc::clone(&exchange),
            number,
        };
        let req = IncomingMessage::new(head, source);
        runner.start(req, ServerResponse::new(exchange));
    }

    #[cold]
    fn start_unusual(
        &self,
        route: Route<'_>,
        exchange: Rc<Exchange>,
        head: Box<Head>,
        (runner, now): (&mut dyn Runner, Instant),
    ) {
        let taker = match route {
            Route::Taken(taker) => taker,
            Route::Plain => return,
            Route::Refused(status, text) => {
                let mut state = exchange.state();
                state.incoming.abandon(); // nobody will read it
                state.proto.must_close();
                state.answer(&self.env, status, text);
                state.spare_head = Some(head);
                return;
            }
        };
        let number = self.count;
        self.see(number, Step::HandlerStart, now);
        let source = ServerSource {
            exchange: Rc::clone(&exchange),
            number,
        };
        let req = IncomingMessage::new(head, source);
        runner.take_over(taker(req, ServerResponse::new(exchange)));
    }

    #[cold]
    fn route(&self, exchange: &Exchange, head: &Head) -> Route<'_> {
        let (special, listeners) = (&self.env.hooks.special, &self.env.hooks.listeners);
        if head.method_bytes() == b"CONNECT" {
            exchange.state().extra.get_or_insert_default().tunnel = true;
            notify_all(&listeners.connect, |listener| listener(head));
            // A handler that does not know could not refuse it safely.
            return match &special.connect {
                Some(taker) => Route::Taken(taker),
                None => Route::Refused(501, "Not Implemented\n"),
            };
        }
        if let Some(protocols) = head.upgrade() {
            exchange.state().extra.get_or_insert_default().offered = Some(protocols.into());
            if let Some(taker) = special.upgrade.as_ref().filter(|_| self.upgrades(head)) {
                notify_all(&listeners.upgrade, |listener| listener(head));
                return Route::Taken(taker);
            }
        }
        if self.count > self.env.requests_max {
            let dropped = (&*self.peer, head);
            notify_all(&listeners.drop_request, |listener| listener(dropped));
            return Route::Refused(503, "Service Unavailable\n");
        }
        if let Some(taker) = special
            .check_expectation
            .as_ref()
            .filter(|_| head.expectation().is_some())
        {
            notify_all(&listeners.check_expectation, |listener| listener(head));
            return Route::Taken(taker);
        }
        if let Some(taker) = special
            .check_continue
            .as_ref()
            .filter(|_| head.expects_continue())
        {
            notify_all(&listeners.check_continue, |listener| listener(head));
            return Route::Taken(taker);
        }
        Route::Plain
    }

    /// Whether the application wants this upgrade.
    fn upgrades(&self, head: &Head) -> bool {
        let Some(decide) = &self.env.hooks.special.should_upgrade else {
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
