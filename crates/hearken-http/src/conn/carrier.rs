//! What carries an exchange: an HTTP/1.1 connection today, an HTTP/2 stream next.
//!
//! Here: [`Carrier`], all that an exchange asks of what is below it. A new kind is a new variant, and changes no handle,
//! no event and no order. Not here: the HTTP/1.1 connection (`line.rs`), the orders of a handler (`orders.rs`).

use super::line::Line;
use super::output::Piece;
use bytes::Bytes;
use hearken_proto::{Fields, Misuse, Request, Response, Role};

/// See the module.
pub(crate) enum Carrier {
    /// The exchange is over, and its connection goes on without it.
    Gone,
    /// The line of an HTTP/1.1 connection, lent to the exchange in progress.
    H1(Box<Line>),
    /// A stream of a connection in memory that carries several exchanges at the same time.
    #[cfg(test)]
    Memory(super::tests::memory::Stream),
}

/// Calls the same method of whatever carries the exchange. An exchange that is over sends nothing.
macro_rules! forward {
    ($carrier:expr, $line:ident => $call:expr, else $gone:expr) => {
        match $carrier {
            Carrier::H1($line) => $call,
            #[cfg(test)]
            Carrier::Memory($line) => $call,
            Carrier::Gone => $gone,
        }
    };
}

impl Carrier {
    /// The line of an HTTP/1.1 connection.
    #[inline]
    pub(crate) fn line(&mut self) -> Option<&mut Line> {
        match self {
            Self::H1(line) => Some(line),
            #[cfg(test)]
            Self::Memory(_) => None,
            Self::Gone => None,
        }
    }

    pub(crate) fn send_interim(&mut self, response: &Response<'_>) -> Result<(), Misuse> {
        forward!(self, line => line.send_interim(response), else Ok(()))
    }

    /// Sends the head of a final response. `flush` is the number of the exchange if it wants to know when the transport
    /// has taken the bytes; so in the methods below.
    #[inline]
    pub(crate) fn send_response(
        &mut self,
        response: &Response<'_>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        forward!(self, line => line.send_response(response, flush), else Ok(()))
    }

    pub(crate) fn send_request(
        &mut self,
        request: &Request<'_>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        forward!(self, line => line.send_request(request, flush), else Ok(()))
    }

    pub(crate) fn send_switch(
        &mut self,
        response: &Response<'_>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        forward!(self, line => line.send_switch(response, flush), else Ok(()))
    }

    #[inline]
    pub(crate) fn send_content(&mut self, piece: Bytes, flush: Option<u32>) -> Result<(), Misuse> {
        forward!(self, line => line.send_content(piece, flush), else Ok(()))
    }

    /// Sends pieces that belong together. `len` is the sum of their lengths.
    pub(crate) fn send_pieces(
        &mut self,
        pieces: impl Iterator<Item = Piece>,
        len: usize,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        forward!(self, line => line.send_pieces(pieces, len, flush), else Ok(()))
    }

    #[inline]
    pub(crate) fn send_end(
        &mut self,
        trailers: Option<&Fields>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        forward!(self, line => line.send_end(trailers, flush), else Ok(()))
    }

    /// Whether the message that goes out may have content: not to HEAD, not with 204 or 304.
    #[inline]
    pub(crate) fn can_send_content(&self) -> bool {
        forward!(self, line => line.can_send_content(), else false)
    }

    /// Bytes that wait for the transport, in memory or in files.
    #[inline]
    pub(crate) fn queued_bytes(&self) -> usize {
        forward!(self, line => line.queued_bytes(), else 0)
    }

    /// Bytes that the transport has taken so far.
    #[inline]
    pub(crate) fn taken_bytes(&self) -> u64 {
        forward!(self, line => line.taken_bytes(), else 0)
    }

    /// Bytes that wait for the transport in memory.
    #[inline]
    pub(crate) fn bytes_in_memory(&self) -> usize {
        forward!(self, line => line.bytes_in_memory(), else 0)
    }

    /// Emits `Drain` of the exchange once all but the last `left` queued bytes have been taken.
    pub(crate) fn notify_room(&mut self, left: u64, exchange: u32) {
        forward!(self, line => line.notify_room(left, exchange), else ());
    }

    /// Drops what waits for the transport.
    pub(crate) fn discard(&mut self) {
        forward!(self, line => line.discard(), else ());
    }

    /// Carries no further exchange after this one.
    pub(crate) fn must_close(&mut self) {
        forward!(self, line => line.must_close(), else ());
    }

    /// Whether this exchange may be the last that is carried, so that its response says so. HTTP/1.1 alone asks.
    #[inline]
    pub(crate) fn is_last(&self, draining: bool) -> bool {
        forward!(self, line => line.is_last(draining), else false)
    }

    /// Bytes of the incoming body that are known to be missing.
    #[inline]
    pub(crate) fn body_left(&self) -> Option<u64> {
        forward!(self, line => line.body_left(), else None)
    }

    pub(crate) fn role(&self) -> Role {
        forward!(self, line => line.role(), else Role::Server)
    }

    /// Gives the transport away with nothing sent. False if it is too late for that.
    pub(crate) fn detach(&mut self) -> bool {
        forward!(self, line => line.detach(), else false)
    }
}
