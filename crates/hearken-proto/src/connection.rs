//! One HTTP/1.1 connection, seen from one end: which message comes when, and what both directions mean together.
//!
//! Here: [`Connection`], its receiving side, and `settle`, the one function that looks at both halves (RFC 9112 §9.3 to
//! §9.6; RFC 9110 §7.8, §9.3.6). It serves both roles. Not here: its sending side (`encoder.rs`), the grammar
//! (`head_decoder.rs`, `chunked.rs`), sockets, clocks, buffers for bodies.

use crate::body_length::{self, BodyLength};
use crate::chunked::{Chunk, ChunkError, ChunkedDecoder};
use crate::half::{Half, Step};
use crate::head::{Head, Version};
use crate::head_decoder::{Bounds, HeadDecoder, Kind, Progress, Stop};
use crate::{Error, Fault, FieldsRef, Limits, Misuse, semantics};
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

/// What was received. For one message the order is: `Line` if asked for, `Interim` any number of times (client), `Head`
/// or `Switched`, `Content` any number of times, `End`.
///
/// ```
/// use hearken_proto::{Connection, Event, Limits, Role};
/// let mut connection = Connection::new(Role::Server, &Limits::default());
/// let mut input = &b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"[..];
/// let mut events = 0;
/// while let (consumed, Some(event)) = connection.receive(input)? {
///     input = &input[consumed..];
///     events += 1;
///     if let Event::Content(content) = event {
///         assert_eq!(content, b"hi");
///     }
/// }
/// assert_eq!(events, 3); // head, content, end
/// # Ok::<(), hearken_proto::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The start line is complete; [`Connection::head`] shows it. Only after [`Connection::report_lines`].
    Line,
    /// The head of an interim response (1xx but 101) is complete; [`Connection::head`] shows it.
    Interim,
    /// The head is complete; [`Connection::head`] shows it.
    Head {
        /// How long the body is.
        body: BodyLength,
    },
    /// Bytes of the body, without framing. Never empty.
    Content(&'a [u8]),
    /// The message is complete; [`Connection::trailers`] shows its trailers.
    End,
    /// The server switched: 101, or 2xx to CONNECT. Bytes not consumed belong to the new protocol.
    Switched,
}

/// Where we are in the message that comes in.
#[derive(Clone, Copy, Debug)]
enum Incoming {
    Head,
    Length {
        left: u64,
    },
    Chunked(ChunkedDecoder),
    Trailers(HeadDecoder),
    UntilClose,
    /// The last byte was taken; the event is still owed.
    Ended,
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
    role: Role,
    recv: Half,
    pub(crate) send: Half,
    incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) asked: Asked,
    /// Neither side has said that this exchange is the last.
    pub(crate) persistent: bool,
    report_lines: bool,
    /// `head` holds a finished head; the next byte of a head clears it.
    head_done: bool,
    decoder: HeadDecoder,
    head: Head,
    trailers: Option<Box<Head>>,
    limits: Bounds,
    body_limits: crate::BodyLimits,
    /// Bytes consumed since the connection began; the origin of every `at`.
    offset: u64,
    error: Option<Error>,
}

impl Connection {
    /// A new connection, nothing received, nothing sent.
    #[must_use]
    pub fn new(role: Role, limits: &Limits) -> Self {
        let head = &limits.head;
        Self {
            role,
            recv: Half::Idle,
            send: Half::Idle,
            incoming: Incoming::Head,
            outgoing: Outgoing::None,
            asked: Asked::default(),
            persistent: true,
            report_lines: false,
            head_done: false,
            decoder: HeadDecoder::new(kind(role), false),
            head: Head::default(),
            trailers: None,
            limits: Bounds {
                bytes: head.bytes_max,
                fields: head.fields_max,
                target: head.target_bytes_max,
                method: head.method_bytes_max,
            },
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

    /// Whether `receive` reports [`Event::Line`]. Off at first, because most have no use for it.
    pub const fn report_lines(&mut self, report: bool) {
        self.report_lines = report;
        self.decoder.stop_at_line(report);
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

    /// Takes in bytes from the peer. Returns how many of them were used and what they were. To be repeated with the rest
    /// until there is no event.
    ///
    /// Once the connection is over for this direction, all bytes are used and nothing comes of them: after a fault or
    /// `Connection: close` no byte is parsed (RFC 9112 §9.6).
    ///
    /// # Errors
    /// On the first byte that breaks the protocol or passes a limit. Each later call returns the same error.
    #[inline]
    pub fn receive<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), Error> {
        match self.recv {
            Half::Idle => self.receive_head(input),
            Half::Body => self.receive_body(input),
            Half::Done | Half::Switched => Ok((0, None)),
            Half::MustClose | Half::Closed => {
                self.offset += input.len() as u64;
                Ok((input.len(), None))
            }
            Half::Failed => Err(self.error.unwrap_or(Error::Misuse(Misuse::OutOfOrder))),
        }
    }

    /// The peer will send no more bytes. Bytes that `receive` has not consumed by now are lost: offer them first, and
    /// answer what they ask. The second call changes nothing.
    ///
    /// # Errors
    /// When it stopped in the middle of a message.
    pub fn receive_eof(&mut self) -> Result<Option<Event<'static>>, Error> {
        let waiting = self.role == Role::Client && self.send != Half::Idle;
        match (self.recv, self.incoming) {
            (Half::Failed, _) => {
                return Err(self.error.unwrap_or(Error::Misuse(Misuse::OutOfOrder)));
            }
            (Half::Idle, _) if self.decoder.begun() || waiting => {
                return Err(self.fail_at(Fault::TruncatedHead, 0));
            }
            (Half::Body, Incoming::UntilClose) => {
                self.recv = self.moved(self.recv, Step::End);
                self.persistent = false;
                self.settle();
                return Ok(Some(Event::End));
            }
            (Half::Body, Incoming::Ended) => {}
            (Half::Body, _) => return Err(self.fail_at(Fault::TruncatedBody, 0)),
            (Half::Idle, _) if self.send == Half::Idle => {
                self.recv = self.moved(self.recv, Step::Eof);
                self.send = self.moved(self.send, Step::Last);
            }
            _ => self.recv = self.moved(self.recv, Step::Eof),
        }
        self.persistent = false;
        self.settle();
        Ok(None)
    }

    #[inline]
    fn receive_head<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), Error> {
        if input.is_empty() {
            return Ok((0, None));
        }
        if self.role == Role::Client && self.send == Half::Idle {
            return Err(self.fail_at(Fault::Unsolicited, 0));
        }
        if self.head_done {
            self.head.clear();
            self.head_done = false;
        }
        let before = self.head.bytes.len();
        match advance(&mut self.decoder, &mut self.head, input, &self.limits) {
            Err(stop) => Err(self.stop(stop, before)),
            Ok((consumed, progress)) => {
                self.offset += consumed as u64;
                let event = match progress {
                    Progress::More => None,
                    Progress::Line => Some(Event::Line),
                    Progress::Done => Some(self.head_event()?),
                };
                Ok((consumed, event))
            }
        }
    }

    /// A head is complete: judge it, decide how long the body is, and move.
    #[inline]
    fn head_event(&mut self) -> Result<Event<'static>, Error> {
        self.head_done = true;
        self.decoder = HeadDecoder::new(kind(self.role), self.report_lines);
        self.trailers = None;
        let body = match self.role {
            Role::Server => {
                // The fault is the head as a whole; it points at the empty line.
                semantics::judge_request(&self.head).map_err(|fault| self.fail_before(fault, 2))?;
                self.note_request();
                body_length::of_request(&self.head)
            }
            Role::Client => match self.response_event()? {
                Some(event) => return Ok(event),
                None => body_length::of_response(&self.head, self.asked.head, self.asked.connect),
            },
        };
        self.persistent &= self.head.persistent() && body != BodyLength::UntilClose;
        self.recv = self.moved(self.recv, Step::Head);
        self.incoming = match body {
            BodyLength::None | BodyLength::Length(0) => Incoming::Ended,
            BodyLength::Length(left) => Incoming::Length { left },
            BodyLength::Chunked => Incoming::Chunked(ChunkedDecoder::new(
                self.body_limits.chunk_ext_bytes_max,
                self.body_limits.chunk_ext_total_max,
            )),
            BodyLength::UntilClose => Incoming::UntilClose,
        };
        Ok(Event::Head { body })
    }

    fn note_request(&mut self) {
        let method = self.head.method_bytes();
        self.asked = Asked {
            head: method == b"HEAD",
            connect: method == b"CONNECT",
            upgrade: self.head.upgrade().is_some(),
            http10: self.head.version() == Version::Http10,
        };
    }

    /// Responses that are not the final one, or are no message at all.
    fn response_event(&mut self) -> Result<Option<Event<'static>>, Error> {
        let facts = &self.head.facts;
        if facts.chunked && self.head.version == Version::Http10 {
            return Err(self.fail_before(Fault::TransferEncodingVersion, 2));
        }
        let status = self.head.status;
        let switches = status == 101 || (self.asked.connect && (200..300).contains(&status));
        // Nor can it switch in the middle of our own content: we could not end the request (RFC 9110 §7.8).
        if switches && ((status == 101 && !self.asked.upgrade) || self.can_send_content()) {
            return Err(self.fail_before(Fault::StatusUnexpected, 2));
        }
        if switches {
            self.switch();
            return Ok(Some(Event::Switched));
        }
        if status < 200 {
            self.recv = self.moved(self.recv, Step::Interim);
            return Ok(Some(Event::Interim));
        }
        Ok(None)
    }

    fn receive_body<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), Error> {
        match &mut self.incoming {
            Incoming::Ended => {
                self.recv = self.moved(self.recv, Step::End);
                self.incoming = Incoming::Head;
                self.settle();
                Ok((0, Some(Event::End)))
            }
            _ if input.is_empty() => Ok((0, None)),
            Incoming::Length { left } => {
                let most = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                *left -= most as u64;
                if *left == 0 {
                    self.incoming = Incoming::Ended;
                }
                self.offset += most as u64;
                Ok((most, Some(Event::Content(&input[..most]))))
            }
            Incoming::UntilClose => {
                self.offset += input.len() as u64;
                Ok((input.len(), Some(Event::Content(input))))
            }
            Incoming::Chunked(decoder) => match decoder.decode(input) {
                Err(ChunkError(stop)) => Err(self.stop(stop, 0)),
                Ok((consumed, chunk)) => {
                    self.offset += consumed as u64;
                    match chunk {
                        Chunk::More => Ok((consumed, None)),
                        Chunk::Data(data) => Ok((consumed, Some(Event::Content(data)))),
                        Chunk::Last => {
                            self.incoming =
                                Incoming::Trailers(HeadDecoder::new(Kind::Trailers, false));
                            let (more, event) = self.receive_body(&input[consumed..])?;
                            Ok((consumed + more, event))
                        }
                    }
                }
            },
            Incoming::Trailers(decoder) => {
                let mut decoder = *decoder;
                let bounds = Bounds {
                    bytes: self.body_limits.trailer_bytes_max,
                    fields: self.body_limits.trailer_fields_max,
                    ..self.limits
                };
                let trailers = self.trailers.get_or_insert_default();
                let before = trailers.bytes.len();
                let advanced = advance(&mut decoder, trailers, input, &bounds);
                let (consumed, progress) = advanced.map_err(|stop| self.stop(stop, before))?;
                self.offset += consumed as u64;
                if progress == Progress::More {
                    self.incoming = Incoming::Trailers(decoder);
                    return Ok((consumed, None));
                }
                if let Some(trailers) = &mut self.trailers {
                    trailers.drop_forbidden();
                }
                self.incoming = Incoming::Ended;
                self.receive_body(&[]).map(|(_, event)| (consumed, event))
            }
            Incoming::Head => Err(Error::Misuse(Misuse::OutOfOrder)),
        }
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

    /// The rules that need both halves. Called after every move of one of them.
    pub(crate) fn settle(&mut self) {
        use Half as H;
        match (self.recv, self.send) {
            (H::Done, H::Done) if self.persistent => {
                self.recv = self.moved(self.recv, Step::Next);
                self.send = self.moved(self.send, Step::Next);
                self.asked = Asked::default();
            }
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

    fn stop(&mut self, stop: Stop, before: usize) -> Error {
        let origin = self.offset - before as u64;
        let error = match stop {
            Stop::Fault(fault, at) => Error::Peer {
                fault,
                at: origin + at as u64,
            },
            Stop::Limit(limit, max, at) => Error::Limit {
                limit,
                max: u64::from(max),
                at: origin + at as u64,
            },
        };
        self.fail(error)
    }

    fn fail_at(&mut self, fault: Fault, ahead: u64) -> Error {
        self.fail(Error::Peer {
            fault,
            at: self.offset + ahead,
        })
    }

    fn fail_before(&mut self, fault: Fault, back: u64) -> Error {
        self.fail(Error::Peer {
            fault,
            at: self.offset - back,
        })
    }

    fn fail(&mut self, error: Error) -> Error {
        if self.role == Role::Server && self.recv == Half::Idle {
            // The answer to a broken head still obeys what its request line said.
            self.asked.head = self.head.method() == "HEAD";
            self.asked.http10 = self.head.version() == Version::Http10;
        }
        self.recv = self.moved(self.recv, Step::Fail);
        self.persistent = false;
        self.error = Some(error);
        self.settle();
        error
    }
}

const fn kind(role: Role) -> Kind {
    match role {
        Role::Server => Kind::Request,
        Role::Client => Kind::Response,
    }
}

/// Feeds `input` to a decoder whose bytes so far are in `head.bytes`. On return `head.bytes` holds all bytes of the
/// section that were used; after an error, those that were looked at. The common case, a head that is whole in one input, is decoded where it lies.
#[inline]
fn advance(
    decoder: &mut HeadDecoder,
    head: &mut Head,
    input: &[u8],
    bounds: &Bounds,
) -> Result<(usize, Progress), Stop> {
    if !decoder.started() {
        let result = decoder.decode(input, head, bounds);
        let used = decoder.used(input.len(), result);
        head.bytes.extend_from_slice(&input[..used]);
        return result.map(|progress| (used, progress));
    }
    resume(decoder, head, input, bounds)
}

/// Goes on with a head that came in parts: joined piece by piece, so that little is copied beyond its end.
fn resume(
    decoder: &mut HeadDecoder,
    head: &mut Head,
    input: &[u8],
    bounds: &Bounds,
) -> Result<(usize, Progress), Stop> {
    const PIECE: usize = 512;
    let mut bytes = core::mem::take(&mut head.bytes);
    let mut used = 0;
    loop {
        let piece = &input[used..];
        let piece = &piece[..piece.len().min(PIECE)];
        let before = bytes.len();
        bytes.extend_from_slice(piece);
        let result = decoder.decode(&bytes, head, bounds);
        bytes.truncate(decoder.used(bytes.len(), result));
        used += bytes.len() - before;
        if result == Ok(Progress::More) && used < input.len() {
            continue;
        }
        head.bytes = bytes;
        return result.map(|progress| (used, progress));
    }
}
