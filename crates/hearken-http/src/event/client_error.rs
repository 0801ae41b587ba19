//! The argument of [`event::ClientError`](crate::event::ClientError).

use crate::error::Error;
use crate::event::peer::Peer;
use bytes::Bytes;
use std::cell::RefCell;

/// A peer broke the protocol, or passed a limit or a deadline, before it got a response.
///
/// ```
/// use hearken::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::ClientError, |failure| {
///     eprintln!("{:?} sent {} bytes: {}", failure.peer(), failure.raw().len(), failure.error());
/// });
/// ```
#[derive(Debug)]
pub struct ClientError<'a> {
    peer: &'a Peer,
    error: &'a Error,
    raw: &'a [u8],
    answer: RefCell<Option<Bytes>>,
}

impl<'a> ClientError<'a> {
    pub(crate) const fn new(peer: &'a Peer, error: &'a Error, raw: &'a [u8]) -> Self {
        Self {
            peer,
            error,
            raw,
            answer: RefCell::new(None),
        }
    }

    /// The client.
    #[must_use]
    pub const fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// The error, with the status of the default response. [`Error::protocol`] has the code and the offset of a fault.
    #[must_use]
    pub const fn error(&self) -> &'a Error {
        self.error
    }

    /// The bytes that arrived last, with the offending one among them. Empty for a deadline.
    #[doc(alias = "rawPacket")]
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Sends these bytes, unchanged, instead of the default response; the connection closes afterwards. No bytes: no response.
    /// The last call counts.
    pub fn answer(&self, bytes: impl Into<Bytes>) {
        *self.answer.borrow_mut() = Some(bytes.into());
    }

    pub(crate) fn into_answer(self) -> Option<Bytes> {
        self.answer.into_inner()
    }
}
