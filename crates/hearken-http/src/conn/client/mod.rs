//! A client's connection: one request and its response after the other, each driven by the task that waits for it.
//!
//! Here: [`ClientConnection`], what is received and how it ends; [`ExchangeOptions`], what an exchange asks for. Beside it: the orders
//! (`orders.rs`) and the deadlines (`deadlines.rs`). Unlike a served connection it may be sent to another thread, and
//! knows nothing of pools. Not here: where connections come from and go (`client/`), the protocol (hearken-proto).

mod deadlines;
mod drive;
mod keep_alive;
pub(crate) mod observed;
mod orders;

use crate::conn::incoming::{Incoming, Progress};
use crate::conn::line::{Line, Times};
use crate::conn::outgoing::Stage;
use crate::conn::{Ending, Input};
use crate::error::client::{Cause, ExchangeError, Party, Phase};
use crate::error::{Closed, Error};
use bytes::{Bytes, BytesMut};
use hearken_proto::{Connection, Event, Half, Head, Limits, Role};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Recognises an error of the transport that has a cause of its own, as those of TLS have. The flag is true until the
/// first byte of a response.
pub(crate) type ClassifyError = fn(&io::Error, bool) -> Option<Cause>;

/// What one exchange asks of its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangeOptions {
    /// From the end of the request to the end of the response's head.
    pub(crate) response: Duration,
    /// Without a byte in either direction. Node's `timeout`.
    pub(crate) inactivity: Option<Duration>,
    /// The inactivity is only told, and nothing ends.
    pub(crate) inactivity_told: bool,
    /// The end of everything, and the time it stands for.
    pub(crate) until: Option<(Instant, Duration)>,
    /// How long the body waits for `100 Continue`.
    pub(crate) hold: Option<Duration>,
    /// Doing it twice does no harm.
    pub(crate) idempotent: bool,
    /// Interim responses are kept for the caller.
    pub(crate) interims: bool,
}

/// What goes on in the current exchange.
#[derive(Debug)]
struct Turn {
    terms: ExchangeOptions,
    /// Bytes the transport had taken before.
    base: u64,
    stage: Stage,
    /// The body waits for 100 until then.
    hold: Option<Instant>,
    held: VecDeque<orders::Held>,
    held_bytes: usize,
    /// The transport has taken the last byte of the request.
    sent: Option<Instant>,
    rated: bool,
    /// The head of the final response has come.
    answered: bool,
    /// Nothing more is sent: the peer does not want it, or does not take it.
    stopped: bool,
    /// Why it does not take it.
    unwritable: Option<Cause>,
}

/// See the module.
pub(crate) struct ClientConnection {
    classify: ClassifyError,
    line: Line,
    /// The body of the response.
    pub(crate) incoming: Incoming,
    /// The head of the response, until the caller takes it.
    pub(crate) head: Option<Box<Head>>,
    /// Heads of interim responses, if the caller wants them.
    pub(crate) interims: VecDeque<Head>,
    /// The peer has been silent for the time of the option `timeout`.
    pub(crate) silent: bool,
    pub(crate) failure: Option<Error>,
    /// Received behind a switch of protocols.
    pub(crate) switched: Option<BytesMut>,
    /// What the peer says about reuse: how long it waits, how many requests it takes.
    pub(crate) hint: (Option<Duration>, Option<u32>),
    /// More came than the response.
    pub(crate) excess: bool,
    peer: Party,
    limits: Arc<Limits>,
    eof: bool,
    ending: Option<Ending>,
    turn: Turn,
    /// Only while an observer is installed.
    pub(crate) observed: Option<Box<observed::ObservedConnection>>,
}

impl ExchangeOptions {
    const NONE: Self = Self {
        response: Duration::ZERO,
        inactivity: None,
        inactivity_told: false,
        until: None,
        hold: None,
        idempotent: false,
        interims: false,
    };
}

impl Turn {
    const fn new(terms: ExchangeOptions, base: u64) -> Self {
        Self {
            terms,
            base,
            stage: Stage::Head,
            hold: None,
            held: VecDeque::new(),
            held_bytes: 0,
            sent: None,
            rated: true,
            answered: false,
            stopped: false,
            unwritable: None,
        }
    }
}

impl ClientConnection {
    pub(crate) fn new(
        limits: &Arc<Limits>,
        peer: Party,
        now: Instant,
        classify: ClassifyError,
    ) -> Self {
        let mut line = Line::new(Connection::new(Role::Client, limits));
        line.times.moved = Some(now);
        Self {
            classify,
            line,
            incoming: Incoming::default(),
            head: None,
            interims: VecDeque::new(),
            silent: false,
            failure: None,
            switched: None,
            hint: (None, None),
            excess: false,
            peer,
            limits: Arc::clone(limits),
            eof: false,
            ending: None,
            turn: Turn::new(ExchangeOptions::NONE, 0),
            observed: None,
        }
    }

    /// Ready for an exchange. To be called before the first and after each that ended well.
    pub(crate) fn begin(&mut self, terms: ExchangeOptions, limits: &Arc<Limits>, now: Instant) {
        if !Arc::ptr_eq(&self.limits, limits) {
            self.limits = Arc::clone(limits);
            self.line.proto.set_limits(limits);
        }
        self.incoming.reset();
        self.interims.clear();
        self.silent = false;
        self.hint = (None, None);
        self.ending = None;
        self.turn = Turn::new(terms, self.line.out.written());
        self.line.times = Times {
            moved: Some(now),
            ..Times::default()
        };
    }

    /// Whether the exchange ended so that another can follow.
    pub(crate) fn is_reusable(&self) -> bool {
        self.ending == Some(Ending::Keep) && self.switched.is_none() && self.failure.is_none()
    }

    /// Whether the first byte of the response has come.
    pub(crate) const fn has_answer(&self) -> bool {
        self.line.times.head_since.is_some()
    }

    /// When the transport had taken the whole request.
    pub(crate) const fn sent(&self) -> Option<Instant> {
        self.turn.sent
    }

    /// When the first byte of the response came.
    pub(crate) const fn answered(&self) -> Option<Instant> {
        self.line.times.head_since
    }

    /// Whether the peer has had enough of the request, so that the rest is dropped.
    pub(crate) const fn is_stopped(&self) -> bool {
        self.turn.stopped
    }

    /// The switch of protocols is not what was asked for.
    #[cold]
    pub(crate) fn refuse_switch(&mut self, to: String) {
        self.switched = None;
        self.head = None;
        self.turn.answered = false;
        self.ending = None;
        self.fail(Cause::Switched(to));
    }

    /// Memory for the next head.
    pub(crate) fn give_head(&mut self, head: Box<Head>) {
        self.line.spare_head = Some(head);
    }

    fn receive(&mut self, input: &Input<'_>, now: Instant) -> Result<(), hearken_proto::Error> {
        let bytes = input.bytes();
        let mut at = 0;
        while self.ending.is_none() {
            let (used, event) = self.line.proto.receive(&bytes[at..])?;
            at += used;
            if let (Some(observed), Some(event)) = (&mut self.observed, &event) {
                observed.received(event, self.line.proto.head(), now);
            }
            match event {
                Some(Event::Interim) => self.take_interim(now),
                Some(Event::Head { .. }) => self.take_head(),
                Some(Event::Content(content)) => {
                    self.incoming.meter.bytes += content.len() as u64;
                    self.incoming.meter.stop(now);
                    self.incoming.push(content, input.owner());
                }
                Some(Event::End) => self.complete(at < bytes.len()),
                Some(Event::Switched) => {
                    self.take_head();
                    self.incoming.progress = Progress::Complete;
                    self.turn.stage = Stage::Ended;
                    self.switched = Some(BytesMut::from(&bytes[at..]));
                    self.ending = Some(Ending::Keep);
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn take_interim(&mut self, now: Instant) {
        if self.line.proto.head().status() == 100 {
            self.go_on();
        }
        if self.turn.terms.interims {
            self.interims.push_back(self.line.proto.head().clone());
        }
        self.line.times.moved = Some(now);
    }

    fn take_head(&mut self) {
        let mut head = self.line.spare_head.take().unwrap_or_default();
        self.line.proto.swap_head(&mut head);
        self.hint = keep_alive::hint(head.fields());
        let events = head.fields().get("content-type");
        self.turn.rated = !events.is_some_and(|value| value.starts_with(b"text/event-stream"));
        // RFC 9112 §9.5: a server that responds with an error does not want the rest of the body. Any other response may come while
        // the body is read.
        let unwanted = head.status() >= 400;
        if self.turn.stage != Stage::Ended && (unwanted || self.turn.hold.is_some()) {
            self.stop();
        }
        self.head = Some(head);
        self.turn.answered = true;
    }

    /// The response is complete, and with it the exchange: whatever the request still has is not wanted.
    fn complete(&mut self, excess: bool) {
        self.incoming.complete(self.line.proto.trailers());
        self.excess = excess;
        if self.turn.stage != Stage::Ended || !self.line.out.is_empty() {
            self.stop();
        }
        let idle =
            self.line.proto.halves() == (Half::Idle, Half::Idle) && self.line.proto.persistent();
        let keep = idle && !self.turn.stopped && !self.eof && !excess;
        self.ending = Some(if keep { Ending::Keep } else { Ending::Now });
        if let Some(observed) = &mut self.observed {
            observed.complete();
        }
    }

    /// Nothing more is sent, and the connection is not used again.
    fn stop(&mut self) {
        self.turn.stopped = true;
        self.line.proto.must_close();
        self.line.out.discard();
        self.turn.held.clear();
        self.turn.held_bytes = 0;
        self.turn.hold = None;
        self.line.times.write_since = None;
    }

    /// The exchange cannot be completed; the first reason counts.
    #[cold]
    pub(crate) fn fail(&mut self, cause: Cause) {
        if self.ending.is_some() {
            return;
        }
        let turn = &self.turn;
        let answered = self.has_answer();
        let phase = if matches!(cause, Cause::Tls { .. }) {
            Phase::Tls
        } else if turn.answered {
            Phase::Read
        } else if turn.sent.is_some() || (answered && self.turn.unwritable.is_none()) {
            Phase::Wait
        } else {
            Phase::Write
        };
        let untouched = self.line.out.written() == turn.base;
        let reset = matches!(cause, Cause::Reset);
        let error = Error::client(ExchangeError {
            phase,
            peer: self.peer.clone(),
            cause,
            retry_safe: !answered && (turn.terms.idempotent || untouched),
        });
        if let Some(observed) = &mut self.observed {
            let why = if reset {
                Closed::Reset
            } else {
                observed::why(&error)
            };
            observed.fail(&error, why);
        }
        self.incoming.fail(error.clone());
        self.failure = Some(error);
        self.stop();
        self.ending = Some(Ending::Cut);
    }

    fn lost(&mut self, cause: Cause) {
        let first = self.turn.unwritable.take();
        let cause = match (first, self.has_answer()) {
            // Behind a write that failed lies why: an alert.
            (Some(first), false) if !matches!(cause, Cause::Tls { .. }) => {
                self.turn.sent = None;
                first
            }
            _ => cause,
        };
        self.fail(cause);
    }
}

impl ClientConnection {
    /// Whether the reader sees the end of what there is.
    pub(crate) fn has_news(&self) -> bool {
        self.head.is_some()
            || self.incoming.queued() > 0
            || !matches!(self.incoming.progress, Progress::Open)
    }

    /// Adds to what was read behind a switch.
    pub(crate) fn take_switched(&mut self) -> Option<Bytes> {
        let rest = self.switched.take()?;
        if let Some(observed) = &mut self.observed {
            observed.upgrade();
        }
        Some(rest.freeze())
    }
}
