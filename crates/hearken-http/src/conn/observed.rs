//! The steps of an exchange as its observer sees them.
//!
//! Here: when an exchange begins to be observed, the steps that both a server and a session take, and the request as logs and
//! errors name it. All of it runs only while an observer is installed, or after a failure. Not here: what observers get
//! (`event/observe.rs`), steps that only a server takes (`server/observed.rs`).

use super::carrier::Carrier;
use super::context::{ExchangeContext, Surroundings};
use super::exchange::State;
use super::outgoing::FlushEvent;
use crate::error::request::FailedRequest;
use crate::error::{Closed, Error, Failure};
use crate::event::facts::ExchangeFacts;
use crate::event::observe::{Observer, Side, Step};
use crate::event::peer::Peer;
use crate::event::watch::Watch;
use hearken_proto::{Event, FieldsRef, Length};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

impl State {
    /// Observer and facts, with the route as it is now.
    fn watch(&mut self) -> Option<&mut Watch<Rc<Peer>>> {
        let watch = self.overrides.as_mut()?.watch.as_deref_mut()?;
        watch.facts.set_route(self.attached.route.as_deref());
        Some(watch)
    }

    /// Observes this exchange from here on.
    #[cold]
    pub(crate) fn begin_watch(
        &mut self,
        env: &ExchangeContext,
        (observer, side): (&Arc<dyn Observer>, Side),
        now: Instant,
    ) {
        let Some(peer) = self.peer.clone() else {
            return;
        };
        let facts = ExchangeFacts::new(self.number.max(1), now);
        let watch = Watch::new(observer, side, peer, facts, env.clock.read);
        self.overrides().watch = Some(Box::new(watch));
    }

    /// Shows a step.
    #[cold]
    pub(super) fn show(&mut self, step: Step<'_>, at: Instant) {
        if let Some(watch) = self.watch() {
            watch.show(step, at);
        }
    }

    /// Shows a step of the connection of a session.
    #[cold]
    pub(super) fn show_connection(&mut self, step: Step<'_>, at: Instant) {
        if let Some(watch) = self.watch() {
            watch.show_connection(step, at);
        }
    }

    /// Shows the first byte of the incoming message.
    #[cold]
    pub(super) fn show_first_byte(&mut self, at: Instant) {
        if let Some(watch) = self.watch()
            && !watch.facts.has_input
        {
            watch.show(Step::FirstByte, at);
        }
    }

    /// Shows what has been received.
    #[cold]
    pub(super) fn show_received(&mut self, event: &Event<'_>, at: Instant) {
        let (Carrier::H1(line), Some(own)) = (&self.carrier, &mut self.overrides) else {
            return;
        };
        let Some(watch) = own.watch.as_deref_mut() else {
            return;
        };
        let (head, bytes) = (line.proto.head(), self.incoming.meter.bytes);
        match event {
            Event::Line => watch.show(Step::Line, at),
            Event::Head { .. } => watch.show(Step::Head { head }, at),
            Event::Interim => {
                let status = head.status();
                watch.show(Step::Interim { status }, at);
            }
            Event::Content(content) => {
                watch.facts.content_in = bytes;
                if bytes == content.len() as u64 {
                    watch.show(Step::FirstBodyByte, at);
                }
            }
            Event::Switched => {
                watch.show(Step::Head { head }, at);
                let protocol = head.fields().get("upgrade");
                let protocol = protocol.and_then(|name| std::str::from_utf8(name).ok());
                watch.show(Step::Upgraded { protocol }, at);
            }
            _ => {}
        }
    }

    /// Shows that the incoming message is complete.
    #[cold]
    pub(super) fn show_body_end(&mut self, at: Instant) {
        let bytes = self.incoming.meter.bytes;
        self.show(Step::BodyEnd { bytes }, at);
    }

    /// Shows a step that an order has caused.
    fn show_order(&mut self, step: impl FnOnce(&Self) -> Option<Step<'_>>) {
        let Some(mut watch) = self.overrides.as_mut().and_then(|own| own.watch.take()) else {
            return;
        };
        watch.facts.set_route(self.route().as_deref());
        if let Some(step) = step(self) {
            watch.show_order(step, self.wakers.task.is_some());
        }
        self.overrides().watch = Some(watch);
    }

    /// The handler runs now: its orders have this time.
    #[cold]
    pub(super) fn begin_turn(&mut self, now: Instant) {
        if let Some(watch) = self.watch() {
            watch.now = watch.now.max(now);
        }
    }

    #[inline]
    pub(super) fn show_interim(&mut self, status: u16) {
        if self.overrides.is_some() {
            self.show_order(|_| Some(Step::Interim { status }));
        }
    }

    #[cold]
    pub(super) fn show_response(&mut self, length: Length) {
        self.show_order(|state| {
            let (out, fields) = (&state.outgoing, state.outgoing.fields.view());
            let extras = out.extras.as_ref();
            Some(Step::ResponseHead {
                status: out.status,
                reason: extras.and_then(|extras| extras.reason.as_deref()),
                fields,
                length: known_length(length, fields),
            })
        });
    }

    #[cold]
    pub(super) fn show_request(&mut self, length: Length) {
        self.show_order(|state| {
            let fields = state.outgoing.fields.view();
            let session = state.overrides.as_ref()?.session.as_ref()?;
            let (method, target) = session.request_line.as_ref()?;
            Some(Step::RequestHead {
                method,
                target,
                fields,
                length: known_length(length, fields),
            })
        });
    }

    /// Content is about to be sent.
    #[cold]
    pub(super) fn count_content(&mut self, bytes: usize) {
        if let Some(watch) = self.watch() {
            watch.facts.content_out += bytes as u64;
        }
    }

    /// The handler has failed, which is shown when it has ended.
    #[cold]
    pub(crate) fn note_failure(&mut self, failure: &Failure) {
        if let Some(watch) = self.watch() {
            watch.facts.set_failure(failure);
        }
    }

    /// Shows that the handler has ended, and with which failure, unless it was shown.
    #[cold]
    pub(super) fn show_handler_end(&mut self, at: Instant) {
        if let Some(watch) = self.watch()
            && watch.facts.is_handler_running()
        {
            let failure = watch.facts.failure().cloned();
            let failure = failure.as_ref();
            watch.show(Step::HandlerEnd { failure }, at);
        }
    }

    /// Shows that the transport goes to another protocol.
    #[cold]
    pub(super) fn show_upgrade(&mut self) {
        self.show_order(|state| {
            let fields = state.outgoing.fields.view();
            let name = fields
                .get("upgrade")
                .filter(|_| state.outgoing.status == 101);
            let protocol = name.and_then(|name| std::str::from_utf8(name).ok());
            Some(Step::Upgraded { protocol })
        });
    }

    /// Shows that the transport has taken the bytes up to `position`.
    #[cold]
    pub(super) fn show_flushed(&mut self, event: FlushEvent, position: u64, at: Instant) {
        if let Some(watch) = self.watch() {
            show_flushed(watch, event, position, at);
        }
    }

    /// Whether this exchange is observed already.
    pub(super) fn is_watched(&self) -> bool {
        let own = self.overrides.as_ref();
        own.is_some_and(|own| own.watch.is_some())
    }

    /// Takes observer and facts out: the exchange is over.
    pub(super) fn take_watch(&mut self) -> Option<Box<Watch<Rc<Peer>>>> {
        self.watch()?;
        self.overrides.as_mut()?.watch.take()
    }

    /// Shows the last step.
    #[cold]
    pub(crate) fn end_watch(&mut self, why: Closed, at: Instant) {
        if let Some(mut watch) = self.take_watch() {
            watch.show(Step::Ended { why }, at);
        }
    }

    /// Shows why the exchange of a session will not be complete.
    #[cold]
    pub(super) fn show_failure(&mut self, error: &Error) {
        let between_turns = self.wakers.task.is_some();
        if let Some(watch) = self.watch() {
            watch.show_order(Step::Failed { error }, between_turns);
        }
    }

    /// Shows the last steps of a session and of its connection.
    #[cold]
    pub(crate) fn end_session_watch(&mut self, why: Closed, at: Instant) {
        let Some(mut watch) = self.take_watch() else {
            return;
        };
        watch.show(Step::Ended { why }, at);
        if let Some(line) = self.carrier.line() {
            watch.peer.sent(line.out.written());
        }
        let (bytes_in, bytes_out) = (watch.peer.bytes_read(), watch.peer.bytes_written());
        let step = Step::Closed {
            why,
            bytes_in,
            bytes_out,
        };
        watch.show_connection(step, at);
    }

    /// The request, for logs and errors.
    #[cold]
    pub(crate) fn failed_request(&self, env: &Surroundings) -> FailedRequest {
        let route = self.route();
        let peer = self.peer.as_deref();
        let mut request = FailedRequest::new(
            peer.map(Peer::id),
            peer.and_then(Peer::remote_address),
            route.as_deref(),
        );
        if self.request.is_some() {
            request.set_head(env.head());
        }
        request
    }
}

/// Shows that the transport has taken the bytes of a message up to `position`.
#[cold]
pub(super) fn show_flushed(
    watch: &mut Watch<Rc<Peer>>,
    event: FlushEvent,
    position: u64,
    at: Instant,
) {
    match event {
        FlushEvent::First => {
            watch.output_from = position - 1;
            watch.show(Step::FirstWrite, at);
        }
        FlushEvent::Head => watch.show(Step::HeadFlushed, at),
        FlushEvent::End => {
            let content = watch.facts.content_out();
            let wire = position - watch.output_from;
            watch.show(Step::LastByteFlushed { content, wire }, at);
        }
        FlushEvent::Data(_) | FlushEvent::Room => {}
    }
}

/// The length of content, as far as it is known with the head.
pub(super) fn known_length(length: Length, fields: FieldsRef<'_>) -> Option<u64> {
    match length {
        Length::Known(length) => Some(length),
        Length::Unknown => {
            let value = fields.get("content-length")?;
            std::str::from_utf8(value).ok()?.trim().parse().ok()
        }
    }
}
