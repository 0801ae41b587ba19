//! One HTTP/1.1 connection, seen from one end: the order of messages, and the rules over both directions.
//!
//! Here: [`Connection`] and `settle`, the one function that looks at both halves (RFC 9112 §9.3 to §9.6; RFC 9110 §7.8,
//! §9.3.6). It serves both roles. Not here: its receiving side (`receiver.rs`), its sending side (`encoder.rs`), sockets,
//! clocks, buffers for bodies.

use crate::facts::Kind;
use crate::fast_path::HostLine;
use crate::half::{Half, Step};
use crate::head::Head;
use crate::head_decoder::{Bounds, HeadDecoder};
use crate::receiver::Incoming;
use crate::{Error, FieldsRef, Limits};
use alloc::boxed::Box;

/// Which end of the connection we are.
///
/// ```
/// assert_eq!(hearken::proto::Role::Server.peer(), hearken::proto::Role::Client);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Role {
    /// Receives requests, sends responses.
    Server,
    /// Sends requests, receives responses.
    Client,
}

impl Role {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }
}

/// The framing of the body that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    None,
    Length { left: u64 },
    Chunked,
    UntilClose,
}

/// The facts of the current request on which its response depends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestInfo {
    pub(crate) head: bool,
    pub(crate) connect: bool,
    pub(crate) upgrade: bool,
    pub(crate) http10: bool,
    /// Number of interim responses that were sent or received for it.
    pub(crate) interims: u32,
}

/// One HTTP/1.1 connection without I/O: bytes in, events out; orders in, bytes out.
///
/// Four groups of methods: getters; `receive*` for bytes from the peer; `send_*` for messages to it; and
/// [`Connection::must_close`]. Bytes that `receive` does not consume must be offered again, followed by more if more have
/// arrived. Until an exchange ends, the next pipelined request stays unconsumed: exchanges do not overlap.
///
/// ```
/// use hearken::proto::{Connection, Event, Fields, Length, Limits, Response, Role};
/// let mut server = Connection::new(Role::Server, &Limits::default());
/// let input = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// let (consumed, event) = server.receive(input)?;
/// assert!(matches!(event, Some(Event::Head { .. })));
/// assert_eq!(server.receive(&input[consumed..])?, (0, Some(Event::End)));
///
/// let mut out = Vec::new();
/// server.send_response(&Response::new(200, &Fields::new(), Length::Known(2)), &mut out)?;
/// server.send_content(b"ok", &mut out)?;
/// server.send_end(None, &mut out)?;
/// assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
/// # Ok::<(), hearken::proto::Error>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(crate) role: Role,
    pub(crate) recv: Half,
    pub(crate) send: Half,
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) request: RequestInfo,
    /// Neither side has declared this exchange the last.
    pub(crate) persistent: bool,
    pub(crate) report_lines: bool,
    /// The caller decides about unknown expectations.
    pub(crate) pass_expectations: bool,
    /// Value of `Keep-Alive: timeout=` in responses, in seconds.
    pub(crate) keep_alive: Option<u32>,
    /// `head` holds a complete head; the first byte of the next one clears it.
    pub(crate) head_done: bool,
    pub(crate) decoder: HeadDecoder,
    pub(crate) head: Box<Head>,
    pub(crate) host_line: HostLine,
    pub(crate) trailers: Option<Box<Head>>,
    pub(crate) limits: Bounds,
    pub(crate) interims_max: u32,
    pub(crate) body_limits: crate::BodyLimits,
    /// Bytes consumed since the connection began; the origin of every `at`.
    pub(crate) offset: u64,
    pub(crate) error: Option<Error>,
}

impl Connection {
    /// A new connection, nothing received, nothing sent.
    #[must_use]
    pub fn new(role: Role, limits: &Limits) -> Self {
        Self {
            role,
            recv: Half::Idle,
            send: Half::Idle,
            incoming: Incoming::Head,
            outgoing: Outgoing::None,
            request: RequestInfo::default(),
            persistent: true,
            report_lines: false,
            pass_expectations: false,
            keep_alive: None,
            head_done: false,
            decoder: HeadDecoder::new(kind(role), false),
            head: Box::default(),
            host_line: HostLine::NONE,
            trailers: None,
            limits: bounds(limits),
            interims_max: limits.head.interims_max,
            body_limits: limits.body,
            offset: 0,
            error: None,
        }
    }

    /// Resets to the state of a new connection with the same role and limits, at byte `offset` of its transport. Keeps the
    /// memory, so that connections can be pooled.
    pub fn reset(&mut self, offset: u64) {
        self.recv = Half::Idle;
        self.send = Half::Idle;
        self.incoming = Incoming::Head;
        self.outgoing = Outgoing::None;
        self.request = RequestInfo::default();
        self.persistent = true;
        self.report_lines = false;
        self.head_done = false;
        self.decoder = HeadDecoder::new(kind(self.role), self.report_lines);
        self.head.clear();
        self.trailers = None;
        self.offset = offset;
        self.error = None;
    }

    /// Replaces the limits. Call it between two messages; a chunked body keeps the limits with which it began.
    ///
    /// ```
    /// use hearken::proto::{Connection, Limits, Role};
    /// let mut limits = Limits::default();
    /// let mut server = Connection::new(Role::Server, &limits);
    /// limits.head.target_bytes_max = 3;
    /// server.set_limits(&limits);
    /// let error = server.receive(b"GET /abc HTTP/1.1\r\n\r\n").unwrap_err();
    /// assert_eq!(error.code(), "LIMIT_TARGET_BYTES");
    /// ```
    pub const fn set_limits(&mut self, limits: &Limits) {
        self.limits = bounds(limits);
        self.interims_max = limits.head.interims_max;
        self.body_limits = limits.body;
    }

    /// Whether `receive` returns [`Event::Line`](crate::Event::Line). Off by default.
    pub const fn report_lines(&mut self, report: bool) {
        self.report_lines = report;
        self.decoder.stop_at_line(report);
    }

    /// Whether a request with another expectation than `100-continue` is accepted, so that the caller can handle
    /// [`Head::expectation`] (RFC 9110 §10.1.1). Off by default: such a request is rejected with 417.
    pub const fn pass_expectations(&mut self, pass: bool) {
        self.pass_expectations = pass;
    }

    /// Value of `Keep-Alive: timeout=` in responses after which the connection persists, in seconds; `None`, the default, for
    /// no such field. It is advice that no current standard defines, but clients read it.
    pub const fn tell_keep_alive(&mut self, seconds: Option<u32>) {
        self.keep_alive = seconds;
    }

    /// The role of this end.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The states of both directions: receiving, then sending.
    #[must_use]
    pub const fn halves(&self) -> (Half, Half) {
        (self.recv, self.send)
    }

    /// The last received head. Empty before the first one.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Swaps the last received head with `other`, whose memory holds the next head. Call it between the event of a complete
    /// head and the next `receive`; in the middle of a head it does nothing.
    #[inline]
    pub const fn swap_head(&mut self, other: &mut Box<Head>) {
        if !self.decoder.started() {
            core::mem::swap(&mut self.head, other);
            self.head_done = true; // the content of `other` is cleared before its memory is used
        }
    }

    /// The trailers of the last complete message, without forbidden ones (RFC 9110 §6.5.1).
    #[must_use]
    pub fn trailers(&self) -> FieldsRef<'_> {
        self.trailers
            .as_deref()
            .map_or(FieldsRef::new(&[], &[]), Head::fields)
    }

    /// Number of bytes consumed since the connection began.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the transport can carry another exchange after this one, as far as the messages so far say.
    #[must_use]
    pub const fn persistent(&self) -> bool {
        self.persistent
    }

    /// Whether a head has arrived in part. A timer for the head starts here.
    #[must_use]
    pub const fn in_head(&self) -> bool {
        matches!(self.recv, Half::Idle) && self.decoder.begun()
    }

    /// Number of body bytes that have not arrived yet; `None` if the body does not declare its length.
    #[must_use]
    pub const fn body_left(&self) -> Option<u64> {
        match (self.recv, self.incoming) {
            (Half::Body, Incoming::Length { left }) => Some(left),
            (Half::Body, Incoming::Chunked(_) | Incoming::Trailers(_) | Incoming::UntilClose) => {
                None
            }
            _ => Some(0),
        }
    }

    /// Whether nothing more will be sent, so that the transport can be closed.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.send, Half::MustClose | Half::Closed | Half::Failed)
    }

    /// Ends the connection after the current exchange: the next head that is sent carries `close`, or the transport closes
    /// after the current message.
    pub fn must_close(&mut self) {
        self.persistent = false;
        self.settle();
    }

    /// Stops reading: a response without a request announces that none will be served.
    #[cold]
    pub(crate) fn refuse(&mut self) {
        self.recv = self.transition(self.recv, Step::Last);
    }

    /// Leaves both directions to another protocol (RFC 9110 §7.8, §9.3.6).
    pub(crate) fn switch(&mut self) {
        self.recv = self.transition(self.recv, Step::Switch);
        self.send = self.transition(self.send, Step::Switch);
        self.persistent = false;
    }

    /// Leaves the transport to another protocol without sending anything. Bytes that `receive` has not consumed belong to
    /// that protocol. The second call changes nothing.
    ///
    /// # Errors
    /// [`Misuse::OutOfOrder`](crate::Misuse::OutOfOrder) when a direction has failed or must close.
    pub fn hand_over(&mut self) -> Result<(), crate::Misuse> {
        let open = |half: Half| half.is_open() || matches!(half, Half::Closed | Half::Switched);
        if !open(self.recv) || !open(self.send) {
            return Err(crate::Misuse::OutOfOrder);
        }
        if self.recv != Half::Switched {
            self.switch();
        }
        Ok(())
    }

    /// The rules that need both halves. Called after every transition of one of them.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if !(self.persistent && self.recv.is_open() && self.send.is_open()) {
            self.settle_end();
        } else if (self.recv, self.send) == (Half::Done, Half::Done) {
            self.recv = self.transition(Half::Done, Step::Next);
            self.send = self.transition(Half::Done, Step::Next);
            self.request = RequestInfo::default();
        }
    }

    /// [`settle`](Self::settle) for a connection that will carry no further exchange.
    fn settle_end(&mut self) {
        use Half as H;
        match (self.recv, self.send) {
            // RFC 9112 §9.6: a server that sent or received `close` closes after its response, even if more bytes arrive;
            // a client first reads the response.
            (recv, H::Done)
                if !self.persistent
                    && (self.role == Role::Server || !matches!(recv, H::Idle | H::Body)) =>
            {
                self.send = self.transition(self.send, Step::Last);
                if recv == H::Done {
                    self.recv = self.transition(recv, Step::Last);
                }
            }
            (H::Done, H::MustClose) => self.recv = self.transition(self.recv, Step::Last),
            (H::Failed, H::Idle | H::Body | H::Done) if self.role == Role::Client => {
                self.send = self.transition(self.send, Step::Last);
            }
            (H::Idle, H::Idle) if !self.persistent && !self.decoder.begun() => {
                self.recv = self.transition(self.recv, Step::Last);
                self.send = self.transition(self.send, Step::Last);
            }
            _ => {}
        }
    }

    /// The state after a step that the caller knows to be legal; an illegal one is a bug and fails the half.
    #[inline]
    pub(crate) fn transition(&self, half: Half, step: Step) -> Half {
        half.step(step).unwrap_or_else(|_| {
            debug_assert!(false, "{half} cannot {step:?}");
            Half::Failed
        })
    }
}

const fn bounds(limits: &Limits) -> Bounds {
    let head = &limits.head;
    Bounds {
        bytes: head.bytes_max,
        fields: head.fields_max,
        target: head.target_bytes_max,
        method: head.method_bytes_max,
    }
}

pub(crate) const fn kind(role: Role) -> Kind {
    match role {
        Role::Server => Kind::Request,
        Role::Client => Kind::Response,
    }
}
