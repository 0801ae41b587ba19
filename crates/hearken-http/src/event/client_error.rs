//! What a listener for [`event::ClientError`](crate::event::ClientError) is given.

use crate::{Error, Peer};
use bytes::Bytes;
use std::cell::RefCell;

/// A peer broke the protocol, passed a limit or a deadline before it had an answer.
///
/// ```
/// use hearken_http::{Server, event};
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

    /// Who it was.
    #[must_use]
    pub const fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// What was wrong, with the status that would be answered. [`Error::protocol`] has code and offset.
    #[must_use]
    pub const fn error(&self) -> &'a Error {
        self.error
    }

    /// The bytes that came last, the offending one among them; empty for a deadline.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Sends these bytes in place of the default answer. They are written as they are; the connection is closed after
    /// them. Of several calls the last counts; no bytes means no answer.
    pub fn answer(&self, bytes: impl Into<Bytes>) {
        *self.answer.borrow_mut() = Some(bytes.into());
    }

    pub(crate) fn into_answer(self) -> Option<Bytes> {
        self.answer.into_inner()
    }
}
