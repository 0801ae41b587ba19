//! Orders for content in several pieces: writes that are kept back to go as one chunk, and parts of files.
//!
//! Here: corking, [`State::end_with_pieces`]. Not here: the orders of every response (`orders.rs`), the queue
//! (`output.rs`).

use super::context::WorkerContext;
use super::exchange::{Early, State};
use super::outgoing::{Cork, FlushEvent, Stage};
use super::output::{Output, Piece};
use bytes::Bytes;
use hearken_proto::{Length, Misuse};

impl State {
    /// Content that waits for the transport, or is kept back.
    pub(crate) fn queued_bytes(&self) -> usize {
        let kept = self.outgoing.extras.as_ref();
        self.out.len() + kept.map_or(0, |extras| extras.cork.bytes)
    }

    /// How often the response is corked.
    pub(crate) fn corks(&self) -> u32 {
        let extras = self.outgoing.extras.as_ref();
        extras.map_or(0, |extras| extras.cork.depth)
    }

    /// Writes are kept back from here on.
    pub(crate) fn cork(&mut self) {
        let cork = &mut self.outgoing.extras().cork;
        cork.depth = cork.depth.saturating_add(1);
    }

    /// Takes one cork away; with the last one what was kept back goes out.
    pub(crate) fn uncork(&mut self, env: &WorkerContext) {
        if let Some(extras) = &mut self.outgoing.extras {
            extras.cork.depth = extras.cork.depth.saturating_sub(1);
            if extras.cork.depth == 0 {
                self.release_kept(env);
            }
        }
    }

    /// A piece goes out, or is kept back while the response is corked.
    pub(super) fn encode_or_keep(
        &mut self,
        env: &WorkerContext,
        piece: Bytes,
    ) -> Result<(), Misuse> {
        match &mut self.outgoing.extras {
            Some(extras) if extras.cork.depth > 0 => {
                extras.cork.push(piece);
                if extras.cork.bytes as u64 >= self.limits(env).body.queue_bytes {
                    return self.encode_kept(env); // a chunk need not be larger than what may wait
                }
                Ok(())
            }
            _ => self.encode_content(env, piece),
        }
    }

    /// The last piece goes out, in one chunk with those that were kept back.
    pub(super) fn encode_last(&mut self, env: &WorkerContext, piece: Bytes) -> Result<(), Misuse> {
        match &mut self.outgoing.extras {
            Some(extras) if !extras.cork.pieces.is_empty() => {
                extras.cork.push(piece);
                self.encode_kept(env)
            }
            _ => self.encode_content(env, piece),
        }
    }

    /// What was kept back goes out.
    pub(super) fn release_kept(&mut self, env: &WorkerContext) {
        let kept = self.outgoing.extras.as_ref();
        if kept.is_some_and(|extras| extras.cork.bytes > 0)
            && !self.is_over()
            && let Err(misuse) = self.encode_kept(env)
        {
            self.give_up(misuse);
        }
    }

    fn encode_kept(&mut self, env: &WorkerContext) -> Result<(), Misuse> {
        let Some(extras) = &mut self.outgoing.extras else {
            return Ok(());
        };
        let depth = extras.cork.depth;
        let kept = std::mem::take(&mut extras.cork);
        extras.cork.depth = depth;
        let Cork { pieces, bytes, .. } = kept;
        self.encode_pieces(env, pieces.into_iter().map(Piece::Bytes), bytes)
    }

    /// Pieces in one frame. `len` is the sum of their lengths.
    fn encode_pieces(
        &mut self,
        env: &WorkerContext,
        pieces: impl Iterator<Item = Piece>,
        len: usize,
    ) -> Result<(), Misuse> {
        if len == 0 || !self.proto.can_send_content() {
            return Ok(());
        }
        let after = self.proto.frame_content(len, &mut self.out.tail)?;
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) if Output::copies(bytes.len()) => {
                    self.out.tail.extend_from_slice(&bytes);
                }
                Piece::Bytes(bytes) => self.out.push(bytes),
                Piece::File(file) => self.out.push_file(file),
            }
        }
        self.out.tail.extend_from_slice(after);
        if self.is_marked(env) {
            self.marks
                .push(self.out.position(), self.number, FlushEvent::Data(len));
        }
        Ok(())
    }

    /// Says what was said before its time. Whole, it is sent with its length.
    pub(crate) fn say(&mut self, env: &WorkerContext, early: Early) {
        if early.ended {
            let pieces = early.pieces.into_iter().map(Piece::Bytes).collect();
            return self.end_with_pieces(env, pieces);
        }
        for piece in early.pieces {
            self.write(env, piece);
        }
        self.wake_writers(env);
    }

    /// Ends a message with content in pieces. After the end, or when the peer is gone, nothing happens.
    pub(crate) fn end_with_pieces(&mut self, env: &WorkerContext, pieces: Vec<Piece>) {
        if self.is_over() {
            return;
        }
        let len = pieces.iter().map(Piece::len).sum();
        let trailers = self.outgoing.extras.as_ref();
        let trailers = trailers.is_some_and(|extras| !extras.trailers.view().is_empty());
        let length = if trailers {
            Length::Unknown
        } else {
            Length::Known(len as u64)
        };
        if self.outgoing.stage == Stage::Head
            && let Err(misuse) = self.encode_head(env, length)
        {
            return self.replace_by_500(env, misuse);
        }
        self.release_kept(env);
        let sent = self
            .encode_pieces(env, pieces.into_iter(), len)
            .and_then(|()| self.encode_end(env));
        if let Err(misuse) = sent {
            self.give_up(misuse);
        }
    }
}
