//! Who is at the other end of a connection.

use std::cell::Cell;
use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// The two ends of a connection and its number. Shared by all exchanges of the connection.
///
/// ```
/// use hearken_http::Server;
/// let server = Server::new(async |req, res| {
///     let who = req.peer().address().map(|address| address.ip().to_string());
///     res.end(who.unwrap_or_default())
/// });
/// ```
#[derive(Clone)]
pub struct Peer {
    id: u64,
    remote: Option<End>,
    local: Option<End>,
    bytes_read: Cell<u64>,
    bytes_written: Cell<u64>,
    #[cfg(feature = "tls")]
    tls: std::cell::OnceCell<std::sync::Arc<crate::TlsInfo>>,
}

/// A socket address without the flow label, which nobody asks for: a third smaller, for it is kept by every idle
/// connection.
#[derive(Clone, Copy, PartialEq, Eq)]
struct End {
    ip: IpAddr,
    port: u16,
    scope: u32,
}

impl End {
    fn new(address: SocketAddr) -> Self {
        let scope = if let SocketAddr::V6(v6) = address {
            v6.scope_id()
        } else {
            0
        };
        Self {
            ip: address.ip(),
            port: address.port(),
            scope,
        }
    }

    fn address(self) -> SocketAddr {
        match self.ip {
            IpAddr::V4(ip) => (ip, self.port).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, self.port, 0, self.scope).into(),
        }
    }
}

impl Peer {
    pub(crate) fn new(id: u64, remote: Option<SocketAddr>, local: Option<SocketAddr>) -> Self {
        Self {
            id,
            remote: remote.map(End::new),
            local: local.map(End::new),
            bytes_read: Cell::new(0),
            bytes_written: Cell::new(0),
            #[cfg(feature = "tls")]
            tls: std::cell::OnceCell::new(),
        }
    }

    /// The handshake is complete. Once.
    #[cfg(feature = "tls")]
    pub(crate) fn secured(&self, info: crate::TlsInfo) {
        let _ = self.tls.set(info.into());
    }

    /// What the handshake of TLS agreed on, the certificate of the client included; `None` without TLS, and before its
    /// handshake is complete.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&crate::TlsInfo> {
        self.tls.get().map(AsRef::as_ref)
    }

    /// Bytes have come.
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_read.set(self.bytes_read.get() + bytes as u64);
    }

    /// All bytes that went out by the end of the last exchange.
    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes_written.set(bytes);
    }

    /// Bytes received on the connection by now.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// Bytes sent on the connection, without those of the exchange that is under way.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.get()
    }

    /// Number of the connection in this process, from 1 on; never used twice.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Address of the peer. `None` for what has none: Unix sockets, memory.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.remote.map(End::address)
    }

    /// Our own address of this connection.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.local.map(End::address)
    }
}

/// Equal if they are of one connection, whatever it has carried by now.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Peer {}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} ", self.id)?;
        match self.address() {
            Some(remote) => remote.fmt(f),
            None => f.write_str("local peer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_stays_equal_to_itself() {
        let peer = Peer::new(1, None, None);
        let before = peer.clone();
        peer.received(10);
        peer.sent(10);
        assert_eq!(peer, before);
        assert_ne!(peer, Peer::new(2, None, None));
    }
}
