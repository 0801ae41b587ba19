//! The receiving side of a connection: bytes in, events out.
//!
//! Here: [`Event`], and receiving heads and bodies from input that is cut anywhere. Not here: the grammar
//! (`fast_path.rs`, `head_decoder.rs`, `chunked.rs`), rules over both directions (`connection.rs`).

use crate::body_length::{self, BodyLength};
use crate::chunked::{Chunk, ChunkError, ChunkedDecoder};
use crate::connection::{Connection, RequestInfo, Role, kind};
use crate::fast_path::{self, Reached};
use crate::half::{Half, Step};
use crate::head::Version;
use crate::head_decoder::{Bounds, HeadDecoder, Progress, Stop};
use crate::head_input::{advance, decode};
use crate::limits::Limit;
use crate::semantics::framing_fault;
use crate::{Error, Fault, Misuse, semantics};

/// A part of a message that was received. The order within a message: `Line` if enabled, `Interim` any number of times
/// (client), `Head` or `Switched`, `Content` any number of times, `End`.
///
/// ```
/// use hearken::proto::{Connection, Event, Limits, Role};
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
/// # Ok::<(), hearken::proto::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The start line is complete; [`Connection::head`] returns it. Only after [`Connection::report_lines`].
    Line,
    /// The head of an interim response (1xx but 101) is complete; [`Connection::head`] returns it.
    Interim,
    /// The head is complete; [`Connection::head`] returns it.
    Head {
        /// How the body is framed.
        body: BodyLength,
    },
    /// Bytes of the body, without framing. Never empty.
    Content(&'a [u8]),
    /// The message is complete; [`Connection::trailers`] returns its trailers.
    End,
    /// The server switched protocols: 101, or 2xx to CONNECT. Unconsumed bytes belong to the new protocol.
    Switched,
}

/// The part of a message that is expected next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Incoming {
    Head,
    Length {
        left: u64,
    },
    Chunked(ChunkedDecoder),
    Trailers(HeadDecoder),
    UntilClose,
    /// The last byte was consumed; `Event::End` follows.
    Ended,
}

impl Connection {
    /// Receives bytes from the peer. Returns how many were consumed, and an event if they complete one. Repeat the call with
    /// the unconsumed bytes until it returns no event.
    ///
    /// Once no further message may follow in this direction, all bytes are consumed and ignored (RFC 9112 §9.6).
    ///
    /// # Errors
    /// On the first byte that breaks the protocol or passes a limit. Each later call returns the same error.
    #[inline]
    pub fn receive<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), Error> {
        match (self.recv, self.incoming) {
            (Half::Idle, _) if self.takes_fast_path() => self.receive_request(input),
            (Half::Body, Incoming::Ended) => Ok((0, Some(self.receive_end()))),
            _ => self.receive_any(input),
        }
    }

    /// [`receive`](Self::receive) in every state.
    #[inline(never)]
    fn receive_any<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), Error> {
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

    /// Ends a message without body right after its head: the same as a call of [`receive`](Self::receive) that returns
    /// [`Event::End`]. Returns false and does nothing if the body has not ended.
    ///
    /// ```
    /// use hearken::proto::{Connection, Limits, Role};
    /// let mut server = Connection::new(Role::Server, &Limits::default());
    /// server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    /// assert!(server.end_if_complete());
    /// # Ok::<(), hearken::proto::Error>(())
    /// ```
    #[inline]
    pub fn end_if_complete(&mut self) -> bool {
        let complete = self.recv == Half::Body && matches!(self.incoming, Incoming::Ended);
        if complete {
            self.receive_end();
        }
        complete
    }

    /// Ends a message whose last byte was consumed.
    #[inline]
    fn receive_end(&mut self) -> Event<'static> {
        self.recv = self.transition(Half::Body, Step::End);
        self.incoming = Incoming::Head;
        self.settle();
        Event::End
    }

    /// The peer has closed its direction. Bytes that `receive` has not consumed are lost: offer them first, and respond to
    /// the requests among them. The second call changes nothing.
    ///
    /// # Errors
    /// When the peer closed in the middle of a message.
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
                self.recv = self.transition(self.recv, Step::End);
                self.persistent = false;
                self.settle();
                return Ok(Some(Event::End));
            }
            (Half::Body, Incoming::Ended) => {}
            (Half::Body, _) => return Err(self.fail_at(Fault::TruncatedBody, 0)),
            (Half::Idle, _) if self.send == Half::Idle => {
                self.recv = self.transition(self.recv, Step::Eof);
                self.send = self.transition(self.send, Step::Last);
            }
            _ => self.recv = self.transition(self.recv, Step::Eof),
        }
        self.persistent = false;
        self.settle();
        Ok(None)
    }

    /// Whether the next byte is the first of a request that the fast path may decode.
    #[inline]
    fn takes_fast_path(&self) -> bool {
        self.role == Role::Server && !self.report_lines && !self.decoder.started()
    }

    /// [`receive_head`](Self::receive_head) from the first byte of a request on.
    #[inline(never)]
    fn receive_request<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<(usize, Option<Event<'a>>), Error> {
        if self.head_done {
            self.head.clear();
            self.head_done = false;
        }
        let seen = &input[..input.len().min(self.limits.bytes as usize)];
        let (head, host_line) = (&mut self.head, &mut self.host_line);
        let (pos, plain) = match fast_path::request_head(seen, head, host_line, &self.limits) {
            Reached::End { pos, plain } => (pos, plain),
            Reached::Line(pos) => return self.receive_rest_of_head(input, pos),
        };
        self.head.bytes.extend_from_slice(&input[..pos]);
        self.offset += pos as u64;
        if !plain {
            return Ok((pos, Some(self.head_event()?)));
        }
        self.head_done = true;
        self.trailers = None;
        self.request = RequestInfo {
            head: input.starts_with(b"HEAD "),
            ..RequestInfo::default()
        };
        self.recv = self.transition(Half::Idle, Step::Head);
        self.incoming = Incoming::Ended;
        let body = BodyLength::None;
        Ok((pos, Some(Event::Head { body })))
    }

    /// Decodes the head from `pos` on, where the fast path stopped.
    #[inline(never)]
    fn receive_rest_of_head<'a>(
        &mut self,
        input: &'a [u8],
        pos: usize,
    ) -> Result<(usize, Option<Event<'a>>), Error> {
        if input.is_empty() {
            return Ok((0, None));
        }
        self.decoder.resume_at(pos);
        let decoded = decode(&mut self.decoder, &mut self.head, input, &self.limits);
        self.head_progress(decoded, 0)
    }

    #[inline(never)]
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
        let advanced = advance(&mut self.decoder, &mut self.head, input, &self.limits);
        self.head_progress(advanced, before)
    }

    fn head_progress<'a>(
        &mut self,
        advanced: Result<(usize, Progress), Stop>,
        before: usize,
    ) -> Result<(usize, Option<Event<'a>>), Error> {
        let (consumed, progress) = advanced.map_err(|stop| self.stop(stop, before))?;
        self.offset += consumed as u64;
        let event = match progress {
            Progress::More => None,
            Progress::Line => Some(Event::Line),
            Progress::Done => Some(self.head_event()?),
        };
        Ok((consumed, event))
    }

    /// Applies the rules for a complete head and decides how the body is framed.
    #[inline(never)]
    fn head_event(&mut self) -> Result<Event<'static>, Error> {
        self.head_done = true;
        if self.decoder.started() {
            self.decoder = HeadDecoder::new(kind(self.role), self.report_lines);
        }
        self.trailers = None;
        let body = match self.role {
            Role::Server => {
                // The fault concerns the whole head; its position is the empty line.
                semantics::judge_request(&self.head, self.pass_expectations)
                    .map_err(|fault| self.fail_before(fault, 2))?;
                self.note_request();
                body_length::of_request(&self.head)
            }
            Role::Client => match self.response_event()? {
                Some(event) => return Ok(event),
                None => self.response_body()?,
            },
        };
        self.persistent &= self.head.persistent() && body != BodyLength::UntilClose;
        self.recv = self.transition(self.recv, Step::Head);
        self.incoming = match body {
            BodyLength::None | BodyLength::Length(0) => Incoming::Ended,
            BodyLength::Length(left) => Incoming::Length { left },
            BodyLength::Chunked => Incoming::Chunked(ChunkedDecoder::new(&self.body_limits)),
            BodyLength::UntilClose => Incoming::UntilClose,
        };
        Ok(Event::Head { body })
    }

    fn note_request(&mut self) {
        let method = self.head.method_bytes();
        self.request = RequestInfo {
            head: method == b"HEAD",
            connect: method == b"CONNECT",
            upgrade: self.head.upgrade().is_some(),
            http10: self.head.version() == Version::Http10,
            interims: 0,
        };
    }

    /// Handles interim responses and switches of protocol.
    fn response_event(&mut self) -> Result<Option<Event<'static>>, Error> {
        let status = self.head.status;
        let switches = status == 101 || (self.request.connect && (200..300).contains(&status));
        // A switch in the middle of the request's content would leave no way to end the request (RFC 9110 §7.8).
        if switches && ((status == 101 && !self.request.upgrade) || self.can_send_content()) {
            return Err(self.fail_before(Fault::StatusUnexpected, 2));
        }
        if switches {
            self.switch();
            return Ok(Some(Event::Switched));
        }
        if status < 200 {
            self.count_interim()?;
            self.recv = self.transition(self.recv, Step::Interim);
            return Ok(Some(Event::Interim));
        }
        Ok(None)
    }

    fn count_interim(&mut self) -> Result<(), Error> {
        self.request.interims += 1;
        let max = self.interims_max;
        if self.request.interims <= max {
            return Ok(());
        }
        Err(self.fail(Error::Limit {
            limit: Limit::Interims,
            max: u64::from(max),
            at: self.head_start(),
        }))
    }

    /// How the body of a final response is framed. Its fields are judged only if there can be a body.
    fn response_body(&mut self) -> Result<BodyLength, Error> {
        let info = self.request;
        let body = body_length::of_response(&self.head, info.head, info.connect);
        if body == BodyLength::None {
            self.ignore_framing();
            return Ok(body);
        }
        if let Some((fault, line)) = framing_fault(&self.head) {
            let at = self.head_start() + u64::from(line);
            return Err(self.fail(Error::Peer { fault, at }));
        }
        if self.head.chunked_in_http10() {
            return Err(self.fail_before(Fault::TransferEncodingVersion, 2));
        }
        Ok(body)
    }

    /// The message ends with its head, whatever its fields declare (RFC 9112 §6.3, rule 1). Fields that contradict that, or
    /// each other, come from a sender that may send a body all the same: no exchange follows this one.
    fn ignore_framing(&mut self) {
        let head = &mut *self.head;
        let contradicts = head.status == 204 && head.facts.has_body();
        if head.facts.odd_framing || contradicts || head.chunked_in_http10() {
            self.persistent = false;
        }
        if head.facts.odd_framing {
            head.facts.content_length = None;
            head.facts.chunked = false;
        }
    }

    /// The offset of the first byte of the head that is complete now.
    fn head_start(&self) -> u64 {
        self.offset - self.head.bytes.len() as u64
    }

    fn receive_body<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), Error> {
        match &mut self.incoming {
            Incoming::Ended => Ok((0, Some(self.receive_end()))),
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
                                Incoming::Trailers(HeadDecoder::trailers(kind(self.role)));
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
            // The response to a malformed head still depends on its request line.
            self.request.head = self.head.method() == "HEAD";
            self.request.http10 = self.head.version() == Version::Http10;
        }
        self.recv = self.transition(self.recv, Step::Fail);
        self.persistent = false;
        self.error = Some(error);
        self.settle();
        error
    }
}
