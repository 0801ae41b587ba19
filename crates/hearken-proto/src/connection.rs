//! One HTTP/1.1 connection, seen from one end: which message comes when, and what both directions mean together.
//!
//! Here: [`Connection`] and `settle`, the one function that looks at both halves (RFC 9112 §9.3 to §9.6; RFC 9110 §7.8,
//! §9.3.6). It serves both roles. Not here: its receiving side (`receiver.rs`), its sending side (`encoder.rs`), sockets,
//! clocks, buffers for bodies.

use crate::fast_path::HostLine;
use crate::half::{Half, Step};
use crate::head::Head;
use crate::head_decoder::{Bounds, HeadDecoder, Kind};
use crate::receiver::Incoming;
use crate::{Error, FieldsRef, Limits};
use alloc::boxed::Box;

/// Which end of the connection we are.
///
/// ```
/// assert_eq!(hearken_proto::Role::Server.peer(), hearken_proto::Role::Client);
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

/// Where we are in the body that goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    None,
    Length { left: u64 },
    Chunked,
    UntilClose,
}

/// What the current request asked for; the response depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) head: bool,
    pub(crate) connect: bool,
    pub(crate) upgrade: bool,
    pub(crate) http10: bool,
    /// Interim responses sent to it.
    pub(crate) interims: u8,
}

/// One HTTP/1.1 connection without I/O: bytes in, events out; orders in, bytes out.
///
/// Four groups of methods: getters; `receive*`, what the peer did; `send_*`, what we say; and [`Connection::must_close`]
/// for the end. Bytes that `receive` does not consume are to be offered again, with more behind them if there are more.
/// While an exchange is not over, the next pipelined request stays unconsumed: exchanges follow one another.
///
/// ```
/// use hearken_proto::{Connection, Event, Fields, Length, Limits, Response, Role};
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
/// # Ok::<(), hearken_proto::Error>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(crate) role: Role,
    pub(crate) recv: Half,
    pub(crate) send: Half,
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) asked: Asked,
    /// Neither side has said that this exchange is the last.
    pub(crate) persistent: bool,
    pub(crate) report_lines: bool,
    /// What a client expects is judged by whoever drives this.
    pub(crate) pass_expectations: bool,
    /// For how long the peer may count on the connection after a response, in seconds.
    pub(crate) keep_alive: Option<u32>,
    /// `head` holds a finished head; the next byte of a head clears it.
    pub(crate) head_done: bool,
    pub(crate) decoder: HeadDecoder,
    pub(crate) head: Head,
    pub(crate) host_line: HostLine,
    pub(crate) trailers: Option<Box<Head>>,
    pub(crate) limits: Bounds,
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
            asked: Asked::default(),
            persistent: true,
            report_lines: false,
            pass_expectations: false,
            keep_alive: None,
            head_done: false,
            decoder: HeadDecoder::new(kind(role), false),
            head: Head::default(),
            host_line: HostLine::NONE,
            trailers: None,
            limits: bounds(limits),
            body_limits: limits.body,
            offset: 0,
            error: None,
        }
    }

    /// Back to the state of a new connection with the same role and limits, at byte `offset` of its transport. Keeps the
    /// memory; for pools.
    pub fn reset(&mut self, offset: u64) {
        self.recv = Half::Idle;
        self.send = Half::Idle;
        self.incoming = Incoming::Head;
        self.outgoing = Outgoing::None;
        self.asked = Asked::default();
        self.persistent = true;
        self.report_lines = false;
        self.head_done = false;
        self.decoder = HeadDecoder::new(kind(self.role), self.report_lines);
        self.head.clear();
        self.trailers = None;
        self.offset = offset;
        self.error = None;
    }

    /// Other limits from here on; to be called between two messages. A chunked body that has begun keeps those it began with.
    ///
    /// ```
    /// use hearken_proto::{Connection, Limits, Role};
    /// let mut limits = Limits::default();
    /// let mut server = Connection::new(Role::Server, &limits);
    /// limits.head.target_bytes_max = 3;
    /// server.set_limits(&limits);
    /// let error = server.receive(b"GET /abc HTTP/1.1\r\n\r\n").unwrap_err();
    /// assert_eq!(error.code(), "LIMIT_TARGET_BYTES");
    /// ```
    pub const fn set_limits(&mut self, limits: &Limits) {
        self.limits = bounds(limits);
        self.body_limits = limits.body;
    }

    /// Whether `receive` reports [`Event::Line`](crate::Event::Line). Off at first, because most have no use for it.
    pub const fn report_lines(&mut self, report: bool) {
        self.report_lines = report;
        self.decoder.stop_at_line(report);
    }

    /// Whether a request that expects something else than `100-continue` is passed on, with
    /// [`Head::expectation`], to whoever knows what it means (RFC 9110 §10.1.1). Off at first: it is refused with 417.
    pub const fn pass_expectations(&mut self, pass: bool) {
        self.pass_expectations = pass;
    }

    /// For how many seconds the peer may count on the connection after a response, if it lives on. Responses then say so by
    /// `Keep-Alive: timeout`: advice, which no standard defines any more, but clients read. Off at first.
    pub const fn tell_keep_alive(&mut self, seconds: Option<u32>) {
        self.keep_alive = seconds;
    }

    /// Which end this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Both directions: receiving and sending.
    #[must_use]
    pub const fn halves(&self) -> (Half, Half) {
        (self.recv, self.send)
    }

    /// The head that was received last. Empty before the first.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Exchanges the head that was received last for `other`, whose memory is used for the next. To be called between
    /// the event of a whole head and the next `receive`; in the middle of a head it does nothing.
    pub const fn swap_head(&mut self, other: &mut Head) {
        if !self.decoder.started() {
            core::mem::swap(&mut self.head, other);
            self.head_done = true; // what `other` held is cleared before it is used
        }
    }

    /// The trailers of the message that ended last, without those that must not be there (RFC 9110 §6.5.1).
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

    /// Whether the transport can carry another exchange after this one, as far as is known by now.
    #[must_use]
    pub const fn persistent(&self) -> bool {
        self.persistent
    }

    /// Whether a part of a head has come. The timer for a head runs from here.
    #[must_use]
    pub const fn in_head(&self) -> bool {
        matches!(self.recv, Half::Idle) && self.decoder.begun()
    }

    /// How many bytes of the body are still to come, if it said so.
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

    /// Whether everything that will ever be sent has been sent, so that the transport is to be closed.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.send, Half::MustClose | Half::Closed | Half::Failed)
    }

    /// No further exchange after this one, for a reason of our own: the next head that is sent says `close`, or the
    /// transport closes after the message that is under way.
    pub fn must_close(&mut self) {
        self.persistent = false;
        self.settle();
    }

    /// A response that no request asked for can only say that there will be none: what the peer sends is not read.
    #[cold]
    pub(crate) fn refuse(&mut self) {
        self.recv = self.moved(self.recv, Step::Last);
    }

    /// Both directions belong to another protocol from here on (RFC 9110 §7.8, §9.3.6).
    pub(crate) fn switch(&mut self) {
        self.recv = self.moved(self.recv, Step::Switch);
        self.send = self.moved(self.send, Step::Switch);
        self.persistent = false;
    }

    /// Gives the transport to another protocol without a word of this one: what was sent and taken in stays, nothing
    /// more is. Bytes that `receive` has not consumed belong to that protocol. The second call changes nothing.
    ///
    /// # Errors
    /// [`Misuse::OutOfOrder`](crate::Misuse::OutOfOrder) when a direction is broken or is to be closed.
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
            self.recv = self.moved(Half::Done, Step::Next);
            self.send = self.moved(Half::Done, Step::Next);
            self.asked = Asked::default();
        }
    }

    /// [`settle`](Self::settle) for a connection that will carry no further exchange.
    fn settle_end(&mut self) {
        use Half as H;
        match (self.recv, self.send) {
            // RFC 9112 §9.6: a server that said or heard `close` closes after its response, whatever still comes in; a
            // client first reads the response.
            (recv, H::Done)
                if !self.persistent
                    && (self.role == Role::Server || !matches!(recv, H::Idle | H::Body)) =>
            {
                self.send = self.moved(self.send, Step::Last);
                if recv == H::Done {
                    self.recv = self.moved(recv, Step::Last);
                }
            }
            (H::Done, H::MustClose) => self.recv = self.moved(self.recv, Step::Last),
            (H::Failed, H::Idle | H::Body | H::Done) if self.role == Role::Client => {
                self.send = self.moved(self.send, Step::Last);
            }
            (H::Idle, H::Idle) if !self.persistent && !self.decoder.begun() => {
                self.recv = self.moved(self.recv, Step::Last);
                self.send = self.moved(self.send, Step::Last);
            }
            _ => {}
        }
    }

    /// A step that the code above has made sure is in the table; anything else is a bug here and fails the half.
    #[inline]
    pub(crate) fn moved(&self, half: Half, step: Step) -> Half {
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
