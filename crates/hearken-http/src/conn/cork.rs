//! Orders for content in several pieces: writes that are kept back to go as one chunk, and parts of files.
//!
//! Here: corking, [`State::end_with_pieces`]. Not here: the orders of every response (`orders.rs`), the queue
//! (`output.rs`).

use super::context::Surroundings;
use super::exchange::{Early, State};
use super::outgoing::{Cork, Stage};
use super::output::Piece;
use bytes::Bytes;
use hearken_proto::{Length, Misuse};

impl State {
    /// Content that waits for the transport, or is kept back.
    pub(crate) fn queued_bytes(&self) -> usize {
        let kept = self.outgoing.extras.as_ref();
        self.carrier.queued_bytes() + kept.map_or(0, |extras| extras.cork.bytes)
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
    pub(crate) fn uncork(&mut self, env: &Surroundings) {
        if let Some(extras) = &mut self.outgoing.extras {
            extras.cork.depth = extras.cork.depth.saturating_sub(1);
            if extras.cork.depth == 0 {
                self.release_kept(env);
            }
        }
    }

    /// A piece goes out, or is kept back while the response is corked.
    pub(super) fn send_or_keep(&mut self, env: &Surroundings, piece: Bytes) -> Result<(), Misuse> {
        match &mut self.outgoing.extras {
            Some(extras) if extras.cork.depth > 0 => {
                extras.cork.push(piece);
                if extras.cork.bytes as u64 >= self.limits(env).body.queue_bytes {
                    return self.send_kept(env); // a chunk need not be larger than what may wait
                }
                Ok(())
            }
            _ => self.send_content(env, piece),
        }
    }

    /// The last piece goes out, in one chunk with those that were kept back.
    pub(super) fn send_last(&mut self, env: &Surroundings, piece: Bytes) -> Result<(), Misuse> {
        match &mut self.outgoing.extras {
            Some(extras) if !extras.cork.pieces.is_empty() => {
                extras.cork.push(piece);
                self.send_kept(env)
            }
            _ => self.send_content(env, piece),
        }
    }

    /// What was kept back goes out.
    pub(crate) fn release_kept(&mut self, env: &Surroundings) {
        let kept = self.outgoing.extras.as_ref();
        if kept.is_some_and(|extras| extras.cork.bytes > 0)
            && !self.is_over()
            && let Err(misuse) = self.send_kept(env)
        {
            self.abort(env, misuse);
        }
    }

    fn send_kept(&mut self, env: &Surroundings) -> Result<(), Misuse> {
        let Some(extras) = &mut self.outgoing.extras else {
            return Ok(());
        };
        let depth = extras.cork.depth;
        let kept = std::mem::take(&mut extras.cork);
        extras.cork.depth = depth;
        let Cork { pieces, bytes, .. } = kept;
        self.send_pieces(env, pieces.into_iter().map(Piece::Bytes), bytes)
    }

    /// Pieces in one frame. `len` is the sum of their lengths.
    fn send_pieces(
        &mut self,
        env: &Surroundings,
        pieces: impl Iterator<Item = Piece>,
        len: usize,
    ) -> Result<(), Misuse> {
        if len == 0 || !self.carrier.can_send_content() {
            return Ok(());
        }
        let flush = self.flush_tag(env);
        if env.observed.get() {
            self.count_content(len);
        }
        self.carrier.send_pieces(pieces, len, flush)
    }

    /// Sends response content that was queued before the request arrived. A whole one is sent with its length.
    pub(crate) fn send_early(&mut self, env: &Surroundings, early: Early) {
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
    pub(crate) fn end_with_pieces(&mut self, env: &Surroundings, pieces: Vec<Piece>) {
        if self.is_over() {
            return;
        }
        let len = pieces.iter().map(Piece::len).sum();
        let length = if self.has_trailers() {
            Length::Unknown
        } else {
            Length::Known(len as u64)
        };
        if self.outgoing.stage == Stage::Head
            && let Err(misuse) = self.send_head(env, length)
        {
            return self.replace_by_500(env, misuse);
        }
        self.release_kept(env);
        let sent = self
            .send_pieces(env, pieces.into_iter(), len)
            .and_then(|()| self.send_end(env));
        self.abort_on(env, sent);
    }
}
