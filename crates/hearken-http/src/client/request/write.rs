//! Writing the content of a request.
//!
//! Here: [`ExchangeState::write`], [`ExchangeState::end`], and how much of it waits. Not here: its encoding
//! (`conn/client/orders.rs`), readers and streams (`pipe.rs`).

use crate::client::request::parts::no_fields;
use crate::client::request::state::{ExchangeState, Stage};
use crate::error::Error;
use crate::error::client::{Cause, ExchangeError, Phase};
use bytes::Bytes;
use hearken_proto::{Fields, Misuse};
use std::task::Context;

impl ExchangeState {
    /// Queues a piece of content. Returns whether there is room for more.
    pub(crate) fn write(&mut self, piece: Bytes) -> bool {
        if matches!(self.stage, Stage::Over) || self.has_ended() {
            return true; // the piece is dropped, and `drain` has nothing to wait for
        }
        if piece.is_empty() {
            return self.has_room(); // any wait sends the head
        }
        self.release_head();
        if self.parts.hold.bare {
            self.fail_late_content();
            return true;
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
        self.release_head();
        if self.parts.hold.bare && !(content.is_empty() && no_fields(trailers.as_deref())) {
            return self.fail_late_content();
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

    /// Content for a head that was sent without any.
    #[cold]
    fn fail_late_content(&mut self) {
        let method = &self.parts.method;
        self.fail(Error::new(
            500,
            format!(
                "expected no content after the head of this {method} was sent without any; write it before the first \
                 wait, or set `Transfer-Encoding: chunked` before ({})",
                Misuse::BodyNotAllowed.code()
            ),
        ));
    }

    /// Whether the head has to wait: neither content nor the end is there, and nothing else says how to frame it.
    pub(crate) fn holds_head(&mut self, cx: &Context<'_>) -> bool {
        let parts = &mut self.parts;
        if parts.end.is_some() || !parts.pieces.is_empty() || parts.announces_content() {
            return false;
        }
        if parts.hold.source && parts.lacks_content() {
            return true; // content or the end of the source wakes the task
        }
        if !parts.hold.yielded {
            parts.hold.yielded = true;
            cx.waker().wake_by_ref();
            return true;
        }
        false
    }

    /// Starts the time of a request whose head waits for a source. True if there is a deadline.
    pub(crate) fn time_held_head(&mut self) -> bool {
        self.start_deadline();
        let Some((at, whole)) = self.plan.until.filter(|_| self.parts.hold.source) else {
            return false;
        };
        let peer = self.plan.target.name().into();
        let error = ExchangeError::before(Phase::Write, &peer, Cause::Deadline(whole));
        self.parts.hold.timed = true;
        self.stage = Stage::Connecting(Box::pin(async move {
            tokio::time::sleep_until(at.into()).await;
            Err(error)
        }));
        true
    }

    /// The next wait opens a connection.
    pub(crate) fn release_head(&mut self) {
        if std::mem::take(&mut self.parts.hold.timed)
            && matches!(self.stage, Stage::Connecting(_) | Stage::Polling)
        {
            self.stage = Stage::Unsent;
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
