//! The orders of a request: its head, its content, its end.
//!
//! Here: the `send_*` orders of [`ClientConnection`], and the body that waits for `100 Continue` (RFC 9110 §10.1.1). They encode
//! into the output of the connection. Not here: what comes back (`mod.rs`).

use crate::conn::client::ClientConnection;
use crate::conn::outgoing::Stage;
use bytes::Bytes;
use hearken_proto::{BodyLength, Fields, Misuse, Request};
use std::time::Instant;

/// What waits for `100 Continue`.
#[derive(Debug)]
pub(super) enum Held {
    Content(Bytes),
    End(Option<Box<Fields>>),
}

impl ClientConnection {
    /// Sends the head.
    ///
    /// # Errors
    /// When it cannot be sent; nothing was then, and the connection is as before.
    pub(crate) fn send_head(&mut self, request: &Request<'_>, now: Instant) -> Result<(), Misuse> {
        let line = &mut self.line;
        let from = line.out.position();
        let body = line.proto.send_request(request, &mut line.out.tail)?;
        if let Some(observed) = &mut self.observed {
            observed.sent_head(request, (from, line.out.position()), now);
        }
        self.turn.stage = Stage::Body;
        let empty = matches!(body, BodyLength::None | BodyLength::Length(0));
        self.turn.hold = self
            .turn
            .terms
            .hold
            .filter(|_| !empty)
            .map(|time| now + time);
        Ok(())
    }

    /// Sends a piece of content. Nothing happens when the peer wants no more.
    ///
    /// # Errors
    /// When it is more than was declared.
    pub(crate) fn send_content(&mut self, piece: Bytes) -> Result<(), Misuse> {
        if self.turn.stopped || piece.is_empty() {
            return Ok(());
        }
        if self.turn.hold.is_some() {
            self.turn.held_bytes += piece.len();
            self.turn.held.push_back(Held::Content(piece));
            return Ok(());
        }
        if let Some(observed) = &mut self.observed {
            observed.count_content(piece.len());
        }
        self.line.send_content(piece, None)
    }

    /// Ends the request.
    ///
    /// # Errors
    /// When it has less content than was declared, or trailers where none can be.
    pub(crate) fn send_end(&mut self, trailers: Option<Box<Fields>>) -> Result<(), Misuse> {
        if self.turn.stage == Stage::Ended {
            return Ok(());
        }
        if self.turn.stopped {
            self.turn.stage = Stage::Ended;
            return Ok(());
        }
        if self.turn.hold.is_some() {
            self.turn.held.push_back(Held::End(trailers));
            return Ok(());
        }
        self.line.send_end(trailers.as_deref(), None)?;
        self.turn.stage = Stage::Ended;
        Ok(())
    }

    /// The body need not wait any longer. What cannot be sent now could not have been sent before either: it fails the
    /// exchange.
    pub(super) fn go_on(&mut self) {
        if self.turn.hold.take().is_none() {
            return;
        }
        self.turn.held_bytes = 0;
        while let Some(held) = self.turn.held.pop_front() {
            let sent = match held {
                Held::Content(piece) => self.send_content(piece),
                Held::End(trailers) => self.send_end(trailers),
            };
            if let Err(misuse) = sent {
                return self.fail(super::Cause::Protocol(misuse.into()));
            }
        }
    }

    /// Bytes that were written and wait for the transport, or for `100 Continue`.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.line.out.len() + self.turn.held_bytes
    }
}
