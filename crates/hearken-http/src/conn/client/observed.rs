//! The steps of a client's connection and its exchanges, as an observer sees them.
//!
//! Here: [`ObservedConnection`], which exists only while an observer is installed. Not here: what observers get
//! (`event/observe.rs`), exchanges that never had a connection (`client/agent/observed.rs`).

use crate::conn::observed::known_length;
use crate::error::client::Phase;
use crate::error::{Closed, Error};
use crate::event::facts::ExchangeFacts;
use crate::event::observe::{Observer, Side, Step};
use crate::event::peer::Peer;
use crate::event::watch::{ReadClock, Watch};
use hearken_proto::{Event, Head, Request};
use std::sync::Arc;
use std::time::Instant;

/// See the module. Dropped with its connection: that shows the last steps.
#[derive(Debug)]
pub(crate) struct ObservedConnection {
    watch: Watch<Box<Peer>>,
    clock: ReadClock,
    /// An exchange has begun and not ended.
    in_exchange: bool,
    /// Position in the output of the end of the request's head.
    head_to: u64,
    /// How much of the request the transport took.
    taken: Taken,
    /// The protocol to which the server switches.
    protocol: Option<Box<str>>,
    /// The transport belongs to another protocol.
    upgraded: bool,
    why: Closed,
}

/// How much of a request the transport took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Taken {
    Nothing,
    FirstByte,
    Head,
}

/// Why an exchange with this error ends.
pub(crate) fn why(error: &Error) -> Closed {
    if error.is_aborted() {
        Closed::Aborted
    } else if error.is_timeout() {
        match error.phase() {
            Some(Phase::Write) => Closed::WriteTimeout,
            _ => Closed::ReadTimeout,
        }
    } else if error.protocol().is_some() {
        Closed::BadMessage
    } else {
        Closed::PeerGone
    }
}

impl ObservedConnection {
    pub(crate) fn new(observer: &Arc<dyn Observer>, peer: Peer, clock: ReadClock) -> Self {
        let facts = ExchangeFacts::new(0, clock());
        Self {
            watch: Watch::new(observer, Side::Client, Box::new(peer), facts, Some(clock)),
            clock,
            in_exchange: false,
            head_to: 0,
            taken: Taken::Nothing,
            protocol: None,
            upgraded: false,
            why: Closed::Done,
        }
    }

    /// The connection is there.
    pub(crate) fn connected(&mut self, step: Step<'_>, now: Instant) {
        self.watch.show_connection(step, now);
        #[cfg(feature = "tls")]
        if let Some(tls) = self.watch.peer.tls().cloned() {
            self.watch.show_connection(Step::Secured { tls: &tls }, now);
        }
    }

    pub(crate) fn begin_exchange(&mut self, number: u32, began: Instant, now: Instant) {
        self.watch.facts = ExchangeFacts::new(number, began);
        self.in_exchange = true;
        if number > 1 {
            self.watch.show(Step::Reused, now);
        }
    }

    /// The head of the request is encoded, between these positions of the output.
    pub(super) fn sent_head(
        &mut self,
        request: &Request<'_>,
        (from, to): (u64, u64),
        now: Instant,
    ) {
        self.watch.output_from = from;
        self.head_to = to;
        self.taken = Taken::Nothing;
        let fields = request.fields.view();
        let step = Step::RequestHead {
            method: request.method,
            target: request.target,
            fields,
            length: known_length(request.length, fields),
        };
        self.watch.show(step, now);
    }

    pub(super) fn count_content(&mut self, bytes: usize) {
        self.watch.facts.content_out += bytes as u64;
    }

    /// The transport has taken all bytes up to `position`, and with `whole` the whole request.
    pub(super) fn wrote(&mut self, position: u64, whole: bool, now: Instant) {
        let watch = &mut self.watch;
        watch.peer.sent(position);
        if !self.in_exchange {
            return;
        }
        if self.taken < Taken::FirstByte && position > watch.output_from {
            self.taken = Taken::FirstByte;
            watch.show(Step::FirstWrite, now);
        }
        if self.taken < Taken::Head && position >= self.head_to {
            self.taken = Taken::Head;
            watch.show(Step::HeadFlushed, now);
        }
        if whole && !watch.facts.is_sent() {
            let content = watch.facts.content_out();
            let wire = position - watch.output_from;
            watch.show(Step::LastByteFlushed { content, wire }, now);
        }
    }

    pub(super) fn input(&mut self, bytes: usize, now: Instant) {
        self.watch.peer.received(bytes);
        if self.in_exchange && !self.watch.facts.has_input {
            self.watch.show(Step::FirstByte, now);
        }
    }

    pub(super) fn received(&mut self, event: &Event<'_>, head: &Head, now: Instant) {
        match event {
            Event::Interim => {
                let status = head.status();
                self.watch.show(Step::Interim { status }, now);
            }
            Event::Head { .. } => self.watch.show(Step::Head { head }, now),
            Event::Content(content) => {
                let facts = &mut self.watch.facts;
                let is_first = facts.content_in == 0;
                facts.content_in += content.len() as u64;
                if is_first {
                    self.watch.show(Step::FirstBodyByte, now);
                }
            }
            Event::Switched => {
                let name = head.fields().get("upgrade");
                let name = name.filter(|_| head.status() == 101);
                self.protocol = name.map(|name| String::from_utf8_lossy(name).into());
                self.watch.show(Step::Head { head }, now);
            }
            _ => {}
        }
    }

    /// The response is complete.
    pub(super) fn complete(&mut self) {
        let (bytes, now) = (self.watch.facts.content_in(), (self.clock)());
        self.watch.show(Step::BodyEnd { bytes }, now);
        self.end(Closed::Done, now);
    }

    pub(super) fn fail(&mut self, error: &Error, why: Closed) {
        let now = (self.clock)();
        if self.in_exchange {
            self.watch.show(Step::Failed { error }, now);
            self.end(why, now);
        }
    }

    /// The transport goes to the user.
    pub(super) fn upgrade(&mut self) {
        let now = (self.clock)();
        let protocol = self.protocol.take();
        let protocol = protocol.as_deref();
        self.watch.show(Step::Upgraded { protocol }, now);
        self.end(Closed::Done, now);
        self.upgraded = true;
    }

    fn end(&mut self, why: Closed, now: Instant) {
        self.in_exchange = false;
        self.why = why;
        self.watch.show(Step::Ended { why }, now);
    }
}

impl Drop for ObservedConnection {
    fn drop(&mut self) {
        self.fail(&Error::closed(Closed::Aborted), Closed::Aborted);
        if self.upgraded {
            return;
        }
        let peer = &self.watch.peer;
        let step = Step::Closed {
            why: self.why,
            bytes_in: peer.bytes_read(),
            bytes_out: peer.bytes_written(),
        };
        self.watch.show_connection(step, (self.clock)());
    }
}
