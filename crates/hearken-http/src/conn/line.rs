//! What an HTTP/1.1 connection owns while an exchange is under way: protocol state, output, flush queue, moments.
//!
//! Here: [`Line`], the first kind of [`Carrier`](super::carrier::Carrier), and how it encodes what an exchange sends. The
//! line is lent to the exchange in progress, so that one borrow reaches both; between two exchanges it moves on, and an
//! idle connection has none. Not here: when exchanges begin and end (`server/mod.rs`, `session.rs`), what is sent
//! (`orders.rs`).

use super::outgoing::{FlushEvent, FlushQueue};
use super::output::{Output, Piece};
use bytes::Bytes;
use hearken_proto::{BodyLength, Connection, Fields, Misuse, Request, Response};
use std::time::Instant;

/// See the module.
pub(crate) struct Line {
    pub(crate) proto: Connection,
    pub(crate) out: Output,
    pub(crate) flush: FlushQueue,
    pub(crate) times: Times,
    /// Received behind the current exchange.
    pub(crate) pending: Vec<u8>,
    /// Memory for the head of the next response.
    #[cfg(feature = "client")]
    pub(crate) spare_head: Option<Box<hearken_proto::Head>>,
    /// How many bytes of `HTTP/1.1 ` have been sent ahead to a half-closed peer.
    pub(crate) probed: usize,
    /// More requests lie in the buffer, so the current response is not the last.
    pub(crate) more_input: bool,
    /// The connection has reached its age or its number of requests: the current exchange is the last.
    pub(crate) last: bool,
    /// The end of the connection is the end of the current response.
    pub(crate) until_close: bool,
}

/// Moments from which deadlines count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// The first byte of the current head.
    pub(crate) head_since: Option<Instant>,
    /// The first byte of the current request.
    pub(crate) began: Option<Instant>,
    /// The last byte in either direction.
    pub(crate) moved: Option<Instant>,
    /// Last progress in writing; `None` while no bytes wait to be written.
    pub(crate) write_since: Option<Instant>,
    /// When to send the next byte of the probe to a half-closed peer.
    pub(crate) probe_at: Option<Instant>,
}

/// What the end of input means for the message that comes in.
pub(crate) enum Eof {
    Complete,
    /// The peer went away without a word, or between two messages.
    Gone,
    Broken(hearken_proto::Error),
}

impl Line {
    pub(crate) fn new(proto: Connection) -> Self {
        Self {
            proto,
            out: Output::default(),
            flush: FlushQueue::default(),
            times: Times::default(),
            pending: Vec::new(),
            #[cfg(feature = "client")]
            spare_head: None,
            probed: 0,
            more_input: false,
            last: false,
            until_close: false,
        }
    }

    /// Prepares the line for a connection that has read and written so many bytes.
    pub(crate) fn attach(&mut self, bytes_read: u64, bytes_written: u64, report_lines: bool) {
        self.proto.reset(bytes_read);
        self.proto.report_lines(report_lines);
        self.out.reset(bytes_written);
        self.times = Times::default();
        self.pending.clear();
    }

    /// Forgets what belongs to the exchange that is over.
    #[inline]
    pub(crate) fn next(&mut self) {
        self.times.began = None;
        self.times.moved = None;
        self.times.probe_at = None;
        self.probed = 0;
        self.more_input = false;
        self.last = false;
        self.until_close = false;
    }

    pub(crate) fn send_interim(&mut self, response: &Response<'_>) -> Result<(), Misuse> {
        let from = self.out.tail.len();
        self.proto.send_response(response, &mut self.out.tail)?;
        self.strip_probe(from);
        Ok(())
    }

    #[inline]
    pub(crate) fn send_response(
        &mut self,
        response: &Response<'_>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        let (from, position) = (self.out.tail.len(), self.out.position());
        let body = self.proto.send_response(response, &mut self.out.tail)?;
        self.until_close = body == BodyLength::UntilClose;
        self.strip_probe(from);
        self.mark_head(position, flush);
        Ok(())
    }

    /// Sends head, content and end of a small response at once, with no flush events.
    #[inline]
    pub(crate) fn send_whole_response(
        &mut self,
        response: &Response<'_>,
        content: &[u8],
    ) -> Result<(), Misuse> {
        let from = self.out.tail.len();
        let body = (self.proto).send_whole_response(response, content, &mut self.out.tail)?;
        self.until_close = body == BodyLength::UntilClose;
        self.strip_probe(from);
        Ok(())
    }

    pub(crate) fn send_request(
        &mut self,
        request: &Request<'_>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        let position = self.out.position();
        self.proto.send_request(request, &mut self.out.tail)?;
        self.mark_head(position, flush);
        Ok(())
    }

    /// Sends the head after which the transport goes to another protocol.
    pub(crate) fn send_switch(
        &mut self,
        response: &Response<'_>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        self.send_response(response, flush)?;
        self.mark(flush, FlushEvent::End);
        Ok(())
    }

    /// Adds one piece of content in a frame of its own.
    #[inline]
    pub(crate) fn send_content(&mut self, piece: Bytes, flush: Option<u32>) -> Result<(), Misuse> {
        let len = piece.len();
        if Output::copies(len) {
            self.proto.send_content(&piece, &mut self.out.tail)?;
        } else {
            let after = self.proto.frame_content(len, &mut self.out.tail)?;
            self.out.push(piece);
            self.out.tail.extend_from_slice(after);
        }
        self.mark(flush, FlushEvent::Data(len));
        Ok(())
    }

    /// Adds pieces in one frame. `len` is the sum of their lengths.
    pub(crate) fn send_pieces(
        &mut self,
        pieces: impl Iterator<Item = Piece>,
        len: usize,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        let after = self.proto.frame_content(len, &mut self.out.tail)?;
        let from = self.out.position();
        let mut in_parts = false;
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) if Output::copies(bytes.len()) => {
                    self.out.tail.extend_from_slice(&bytes);
                }
                Piece::Bytes(bytes) => self.out.push(bytes),
                Piece::File(file) => {
                    in_parts = true;
                    self.out.push_file(file);
                }
            }
        }
        let end = self.out.position();
        self.out.tail.extend_from_slice(after);
        match flush {
            // A file takes time: its listeners see how it goes.
            Some(exchange) if in_parts => self.flush.push_parts(from, end, exchange),
            _ => self.mark(flush, FlushEvent::Data(len)),
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn send_end(
        &mut self,
        trailers: Option<&Fields>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        self.proto.send_end(trailers, &mut self.out.tail)?;
        self.mark(flush, FlushEvent::End);
        Ok(())
    }

    /// The transport has taken `count` bytes, 0 if it has no room.
    #[inline]
    pub(crate) fn handle_sent(&mut self, count: usize, now: Instant) {
        if count > 0 {
            self.out.wrote(count);
            self.times.write_since = None;
            self.times.moved = Some(now);
        }
        if !self.out.is_empty() {
            self.times.write_since.get_or_insert(now);
        }
    }

    /// The peer sends no more. `begun`: a byte of its message has come.
    pub(crate) fn receive_eof(&mut self, begun: bool) -> Eof {
        match self.proto.receive_eof() {
            Ok(Some(_)) if begun => Eof::Complete,
            Err(error) if begun => Eof::Broken(error),
            _ => Eof::Gone,
        }
    }

    /// The peer has the first bytes of the head already: they are cut from its beginning.
    #[inline]
    fn strip_probe(&mut self, from: usize) {
        if self.probed > 0 {
            let sent = self.probed.min(self.out.tail.len() - from);
            self.out.tail.drain(from..from + sent);
            self.probed = 0;
        }
    }

    #[inline]
    fn mark_head(&mut self, position: u64, flush: Option<u32>) {
        if let Some(exchange) = flush {
            self.flush.push(position + 1, exchange, FlushEvent::First);
            self.mark(flush, FlushEvent::Head);
        }
    }

    /// Notes an event for the moment at which the transport has taken all that is queued now.
    #[inline]
    fn mark(&mut self, flush: Option<u32>, event: FlushEvent) {
        if let Some(exchange) = flush {
            self.flush.push(self.out.position(), exchange, event);
        }
    }
}

/// What an exchange asks of its carrier.
impl Line {
    #[inline]
    pub(crate) fn can_send_content(&self) -> bool {
        self.proto.can_send_content()
    }

    #[inline]
    pub(crate) fn queued_bytes(&self) -> usize {
        self.out.len()
    }

    #[inline]
    pub(crate) fn taken_bytes(&self) -> u64 {
        self.out.written()
    }

    pub(crate) fn bytes_in_memory(&self) -> usize {
        self.out.in_memory()
    }

    pub(crate) fn notify_room(&mut self, left: u64, exchange: u32) {
        let position = self.out.position().saturating_sub(left);
        self.flush.insert(position, exchange, FlushEvent::Room);
    }

    pub(crate) fn discard(&mut self) {
        self.out.discard();
    }

    pub(crate) fn must_close(&mut self) {
        self.proto.must_close();
    }

    /// Requests that lie in the buffer already are still answered.
    #[inline]
    pub(crate) fn is_last(&self, draining: bool) -> bool {
        (draining || self.last) && !self.more_input
    }

    #[inline]
    pub(crate) fn body_left(&self) -> Option<u64> {
        self.proto.body_left()
    }

    pub(crate) fn role(&self) -> hearken_proto::Role {
        self.proto.role()
    }

    /// Bytes that were sent ahead to a half-closed peer cannot be taken back.
    pub(crate) fn detach(&mut self) -> bool {
        self.probed == 0 && self.proto.hand_over().is_ok()
    }
}
