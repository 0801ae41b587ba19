//! What is known of an observed exchange, collected from its steps.
//!
//! Here: [`ExchangeFacts`]. Not here: the steps (`observe.rs`), when they are shown (`watch.rs`).

use crate::error::{Error, Failure};
use crate::event::observe::Step;
use std::time::Instant;

/// What is known of an exchange by now. It exists while an observer is installed, and comes with each
/// [observation](crate::observe::Observation): an observer that needs the request line when the response is sent finds it here.
///
/// ```
/// use hearken::observe::{ExchangeFacts, Observation, Observer, Step};
/// struct SlowHandlers;
/// impl Observer for SlowHandlers {
///     fn observe(&self, seen: &Observation<'_>) {
///         if let (Step::HandlerEnd { .. }, Some(facts)) = (seen.step, seen.facts) {
///             let began = facts.handler_started().expect("it has ended");
///             if (seen.at - began).as_secs() >= 1 {
///                 eprintln!("slow: {}", seen.route.or(facts.url()).unwrap_or_default());
///             }
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ExchangeFacts {
    number: u32,
    began: Instant,
    handler_started: Option<Instant>,
    handler_ended: bool,
    /// Method and target, one behind the other.
    request_line: String,
    method_len: usize,
    status: u16,
    pub(crate) content_in: u64,
    pub(crate) content_out: u64,
    route: Option<Box<str>>,
    error: Option<Error>,
    failure: Option<Failure>,
    /// The first byte of the incoming message was shown.
    pub(crate) has_input: bool,
    sent: bool,
}

impl ExchangeFacts {
    pub(crate) fn new(number: u32, began: Instant) -> Self {
        Self {
            number,
            began,
            handler_started: None,
            handler_ended: false,
            request_line: String::new(),
            method_len: 0,
            status: 0,
            content_in: 0,
            content_out: 0,
            route: None,
            error: None,
            failure: None,
            has_input: false,
            sent: false,
        }
    }

    /// Number of the exchange on its connection, from 1 on.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// When it began: with the first byte of the request on a server, with the first wait for the response on a client. In a
    /// session, when the observer was set.
    #[must_use]
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// When the handler was called. `None` before that, and without a handler.
    #[must_use]
    pub const fn handler_started(&self) -> Option<Instant> {
        self.handler_started
    }

    /// The method. `None` until the head of the request is complete.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        (self.method_len > 0).then(|| &self.request_line[..self.method_len])
    }

    /// The request target as sent. `None` until the head of the request is complete.
    #[doc(alias = "target")]
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        (self.method_len > 0).then(|| &self.request_line[self.method_len..])
    }

    /// The status of the final response. `None` until its head is encoded, or received on a client.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.status {
            0 => None,
            status => Some(status),
        }
    }

    /// Bytes of content that have come by now, without framing.
    #[must_use]
    pub const fn content_in(&self) -> u64 {
        self.content_in
    }

    /// Bytes of content that were encoded by now, without framing. The transport may not have taken all of them.
    #[must_use]
    pub const fn content_out(&self) -> u64 {
        self.content_out
    }

    /// Whether the transport took the last byte of the outgoing message.
    #[must_use]
    pub const fn is_sent(&self) -> bool {
        self.sent
    }

    /// The label of the route that handles the request.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    /// How the handler has failed: the error that it returned, or its panic.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The first error of the exchange: why it is not complete.
    #[must_use]
    pub const fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The handler was called and has not ended by itself.
    pub(crate) const fn is_handler_running(&self) -> bool {
        self.handler_started.is_some() && !self.handler_ended
    }

    pub(crate) fn set_request_line(&mut self, method: &str, target: &str) {
        self.request_line.clear();
        self.request_line.push_str(method);
        self.request_line.push_str(target);
        self.method_len = method.len();
    }

    pub(crate) fn set_route(&mut self, route: Option<&str>) {
        if self.route.as_deref() != route {
            self.route = route.map(Into::into);
        }
    }

    pub(crate) fn set_failure(&mut self, failure: &Failure) {
        self.failure.get_or_insert_with(|| failure.clone());
    }

    pub(crate) fn set_error(&mut self, error: &Error) {
        self.error.get_or_insert_with(|| error.clone());
    }

    /// Collects what the step says.
    pub(crate) fn collect(&mut self, step: &Step<'_>, at: Instant) {
        match *step {
            Step::FirstByte => self.has_input = true,
            Step::Head { head } if head.status() == 0 => {
                self.set_request_line(head.method(), head.url());
            }
            Step::Head { head } => self.status = head.status(),
            Step::HandlerStart { .. } => self.handler_started = Some(at),
            Step::BodyEnd { bytes } => self.content_in = bytes,
            Step::RequestHead { method, target, .. } => self.set_request_line(method, target),
            Step::ResponseHead { status, .. } => self.status = status,
            Step::HandlerEnd { .. } => self.handler_ended = true,
            Step::Failed { error } => self.set_error(error),
            Step::LastByteFlushed { .. } => self.sent = true,
            _ => {}
        }
    }
}
