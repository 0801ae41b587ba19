//! Writing the content of a request.
//!
//! Here: [`ExchangeState::write`], [`ExchangeState::end`], and how much of it waits. Not here: its encoding
//! (`conn/client/orders.rs`), readers and streams (`pipe.rs`).

use crate::client::request::state::{ExchangeState, Stage};
use crate::error::Error;
use crate::error::client::{Cause, ExchangeError, Phase};
use bytes::Bytes;
use hearken_proto::Fields;

impl ExchangeState {
    /// Queues a piece of content. Returns whether there is room for more.
    pub(crate) fn write(&mut self, piece: Bytes) -> bool {
        if matches!(self.stage, Stage::Over) || self.has_ended() {
            return true; // the piece is dropped, and `drain` has nothing to wait for
        }
        self.parts.streamed = true;
        match &mut self.stage {
            Stage::Live(connection) => {
                if let Err(misuse) = connection.http().send_content(piece) {
                    self.fail(hearken_proto::Error::from(misuse).into());
                }
            }
            _ => {
                self.parts.pieces_bytes += piece.len();
                self.parts.pieces.push_back(piece);
            }
        }
        let max = self.parts.limits.body.write_queue_bytes_max;
        if self.pending_bytes() as u64 > max {
            self.fail(Error::client(ExchangeError {
                phase: Phase::Write,
                peer: self.plan.target.name().into(),
                cause: Cause::Unwaited(max),
                retry_safe: false,
            }));
        }
        let room = self.has_room();
        self.flags.full |= !room;
        room
    }

    /// Ends the request. Does nothing on the second call.
    pub(crate) fn end(&mut self, content: Bytes, trailers: Option<Box<Fields>>) {
        if self.has_ended() {
            return;
        }
        let Stage::Live(connection) = &mut self.stage else {
            self.parts.end = Some((content, trailers));
            return;
        };
        self.flags.ended = true;
        let http = connection.http();
        let sent = http
            .send_content(content)
            .and_then(|()| http.send_end(trailers));
        if let Err(misuse) = sent {
            self.fail(hearken_proto::Error::from(misuse).into());
        }
    }

    /// Whether [`end`](Self::end) was called.
    pub(crate) const fn has_ended(&self) -> bool {
        self.flags.ended || self.parts.end.is_some()
    }

    /// Whether at most half of the queue is filled.
    pub(crate) fn is_drained(&mut self) -> bool {
        let max = self.parts.limits.body.queue_bytes;
        !self.is_before_connection() && self.pending_bytes() as u64 <= max / 2
    }

    /// Whether further content is pointless: the exchange has failed, or the server wants no more.
    pub(crate) fn unwanted(&mut self) -> Option<Result<(), Error>> {
        if let Some(error) = &self.failure {
            return Some(Err(error.clone()));
        }
        let over = match &mut self.stage {
            Stage::Live(connection) => connection.http().is_stopped(),
            stage => matches!(stage, Stage::Over),
        };
        over.then_some(Ok(()))
    }

    /// Whether the transport has taken the whole request, or the server wants no more of it.
    pub(crate) fn is_sent(&mut self) -> bool {
        match &mut self.stage {
            Stage::Live(connection) => {
                let http = connection.http();
                http.sent().is_some() || http.is_stopped()
            }
            stage => matches!(stage, Stage::Over),
        }
    }

    /// Written bytes that the transport has not taken.
    fn pending_bytes(&mut self) -> usize {
        match &mut self.stage {
            Stage::Live(connection) => connection.http().pending_bytes(),
            Stage::Over => 0,
            _ => self.parts.pieces_bytes,
        }
    }

    fn has_room(&mut self) -> bool {
        (self.pending_bytes() as u64) < self.parts.limits.body.queue_bytes
    }
}
