//! The argument of [`event::TlsClientError`](crate::event::TlsClientError).

use crate::event::peer::Peer;
use crate::tls::error::TlsError;

/// A failed TLS handshake on a server; the connection closes.
///
/// ```
/// use hearken::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::TlsClientError, |failure| eprintln!("{:?}: {}", failure.peer(), failure.error()));
/// ```
#[derive(Debug)]
pub struct TlsClientError<'a> {
    peer: &'a Peer,
    error: &'a TlsError,
}

impl<'a> TlsClientError<'a> {
    pub(crate) const fn new(peer: &'a Peer, error: &'a TlsError) -> Self {
        Self { peer, error }
    }

    /// The client.
    #[must_use]
    pub const fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// Why the handshake failed.
    #[must_use]
    pub const fn error(&self) -> &'a TlsError {
        self.error
    }
}
