//! The receiving side of a connection: bytes in, events out.
//!
//! Here: [`Event`], and how a head and a body are taken in, wherever the input was cut. Not here: the grammar
//! (`head_decoder.rs`, `chunked.rs`), what both directions mean together (`connection.rs`).

use crate::body_length::{self, BodyLength};
use crate::chunked::{Chunk, ChunkError, ChunkedDecoder};
use crate::connection::{Asked, Connection, Role, kind};
use crate::fast_path::{self, Reached};
use crate::half::{Half, Step};
use crate::head::{Head, Version};
use crate::head_decoder::{Bounds, HeadDecoder, Kind, Progress, Stop};
use crate::{Error, Fault, Misuse, semantics};

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
pub(crate) enum Incoming {
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

impl Connection {
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

    /// The last byte of the message has come.
    #[inline]
    fn receive_end(&mut self) -> Event<'static> {
        self.recv = self.moved(Half::Body, Step::End);
        self.incoming = Incoming::Head;
        self.settle();
        Event::End
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

    /// Whether a request is expected and none of its bytes has come.
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
        self.asked = Asked {
            head: input.starts_with(b"HEAD "),
            ..Asked::default()
        };
        self.recv = self.moved(Half::Idle, Step::Head);
        self.incoming = Incoming::Ended;
        let body = BodyLength::None;
        Ok((pos, Some(Event::Head { body })))
    }

    /// What the fast path leaves to the decoder: the head from `pos` on.
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

    /// A head is complete: judge it, decide how long the body is, and move.
    #[inline(never)]
    fn head_event(&mut self) -> Result<Event<'static>, Error> {
        self.head_done = true;
        if self.decoder.started() {
            self.decoder = HeadDecoder::new(kind(self.role), self.report_lines);
        }
        self.trailers = None;
        let body = match self.role {
            Role::Server => {
                // The fault is the head as a whole; it points at the empty line.
                semantics::judge_request(&self.head, self.pass_expectations)
                    .map_err(|fault| self.fail_before(fault, 2))?;
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
            interims: 0,
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

/// Feeds `input` to a decoder whose bytes so far are in `head.bytes`. On return `head.bytes` holds all bytes of the
/// section that were used; after an error, those that were looked at. The common case, a head that is whole in one
/// input, is decoded where it lies.
#[inline]
fn advance(
    decoder: &mut HeadDecoder,
    head: &mut Head,
    input: &[u8],
    bounds: &Bounds,
) -> Result<(usize, Progress), Stop> {
    if decoder.started() {
        resume(decoder, head, input, bounds)
    } else {
        decode(decoder, head, input, bounds)
    }
}

/// Decodes a head where it lies, in the input, as far as it has come.
#[inline(never)]
fn decode(
    decoder: &mut HeadDecoder,
    head: &mut Head,
    input: &[u8],
    bounds: &Bounds,
) -> Result<(usize, Progress), Stop> {
    let result = decoder.decode(input, head, bounds);
    let used = decoder.used(input.len(), result);
    head.bytes.extend_from_slice(&input[..used]);
    result.map(|progress| (used, progress))
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
