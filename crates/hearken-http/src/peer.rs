//! Who is at the other end of a connection.

use std::fmt;
use std::net::SocketAddr;

/// The two ends of a connection and its number. Shared by all exchanges of the connection.
///
/// ```
/// use hearken_http::Server;
/// let server = Server::new(async |req, res| {
///     let who = req.peer().address().map(|address| address.ip().to_string());
///     res.end(who.unwrap_or_default())
/// });
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Peer {
    id: u64,
    remote: Option<SocketAddr>,
    local: Option<SocketAddr>,
}

impl Peer {
    pub(crate) const fn new(
        id: u64,
        remote: Option<SocketAddr>,
        local: Option<SocketAddr>,
    ) -> Self {
        Self { id, remote, local }
    }

    /// Number of the connection in this process, from 1 on; never used twice.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Address of the peer. `None` for what has none: Unix sockets, memory.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// Our own address of this connection.
    #[must_use]
    pub const fn local_address(&self) -> Option<SocketAddr> {
        self.local
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} ", self.id)?;
        match self.remote {
            Some(remote) => remote.fmt(f),
            None => f.write_str("local peer"),
        }
    }
}
