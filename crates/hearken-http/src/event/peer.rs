//! The two ends of a connection.
//!
//! Here: [`Peer`], as plain data with counters.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// The two ends of a connection and its number. Shared by all exchanges of the connection.
///
/// ```
/// use hearken::Server;
/// let server = Server::new(async |req, res| {
///     let who = req.peer().remote_address().map(|address| address.ip().to_string());
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
    /// Boxed because few connections have it.
    rare: OnceCell<Box<Rare>>,
}

#[derive(Clone, Default)]
struct Rare {
    /// The zone of both ends, if they are link-local IPv6 addresses: a connection stays on one link.
    scope: u32,
    #[cfg(feature = "tls")]
    tls: OnceCell<std::sync::Arc<crate::tls::info::TlsInfo>>,
}

/// A socket address without zone and flow label. A third smaller, because every idle connection holds two.
#[derive(Clone, Copy, PartialEq, Eq)]
struct End {
    ip: IpAddr,
    port: u16,
}

impl End {
    fn new(address: SocketAddr) -> Self {
        Self {
            ip: address.ip(),
            port: address.port(),
        }
    }

    fn address(self, scope: u32) -> SocketAddr {
        match self.ip {
            IpAddr::V6(ip) if scope != 0 => SocketAddrV6::new(ip, self.port, 0, scope).into(),
            ip => (ip, self.port).into(),
        }
    }
}

fn scope_of(address: SocketAddr) -> u32 {
    if let SocketAddr::V6(v6) = address {
        v6.scope_id()
    } else {
        0
    }
}

impl Peer {
    pub(crate) fn new(id: u64, remote: Option<SocketAddr>, local: Option<SocketAddr>) -> Self {
        let peer = Self {
            id,
            remote: remote.map(End::new),
            local: local.map(End::new),
            bytes_read: Cell::new(0),
            bytes_written: Cell::new(0),
            rare: OnceCell::new(),
        };
        let scope = remote.map_or(0, scope_of);
        if scope != 0 {
            let mut rare = Box::<Rare>::default();
            rare.scope = scope;
            let _ = peer.rare.set(rare);
        }
        peer
    }

    fn scope(&self) -> u32 {
        self.rare.get().map_or(0, |rare| rare.scope)
    }

    /// Sets the result of the TLS handshake. Once.
    #[cfg(feature = "tls")]
    pub(crate) fn secured(&self, info: crate::tls::info::TlsInfo) {
        let _ = self.rare.get_or_init(Box::default).tls.set(info.into());
    }

    /// What the TLS handshake has agreed on, with the certificate of the client. `None` without TLS, and until the handshake is
    /// complete.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&crate::tls::info::TlsInfo> {
        self.rare.get()?.tls.get().map(AsRef::as_ref)
    }

    /// Adds received bytes.
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_read.set(self.bytes_read.get() + bytes as u64);
    }

    /// Sets the bytes sent by the end of the last exchange.
    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes_written.set(bytes);
    }

    /// Bytes received on the connection so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// Bytes sent on the connection up to the end of the last exchange.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.get()
    }

    /// Number of the connection in this process, from 1 on. No other connection gets it.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Address of the peer. `None` for transports without one: Unix sockets, memory.
    #[doc(alias = "address")]
    #[doc(alias = "remoteAddress")]
    #[doc(alias = "remotePort")]
    #[must_use]
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.remote.map(|end| end.address(self.scope()))
    }

    /// Address of this side. `None` as for [`remote_address`](Self::remote_address).
    #[doc(alias = "localAddress")]
    #[doc(alias = "localPort")]
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.local.map(|end| end.address(self.scope()))
    }
}

/// Equal if they are the ends of the same connection; counters do not matter.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Peer {}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} ", self.id)?;
        match self.remote_address() {
            Some(remote) => remote.fmt(f),
            None => f.write_str("local peer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_returned_unchanged() {
        for address in ["127.0.0.1:80", "[::1]:80", "[fe80::1%3]:80"] {
            let address: SocketAddr = address.parse().expect("an address");
            let peer = Peer::new(1, Some(address), Some(address));
            assert_eq!(peer.remote_address(), Some(address));
            assert_eq!(peer.local_address(), Some(address));
        }
    }

    #[test]
    fn a_peer_is_small() {
        assert!(size_of::<Peer>() <= 72, "{}", size_of::<Peer>());
    }

    #[test]
    fn counters_do_not_change_equality() {
        let peer = Peer::new(1, None, None);
        let before = peer.clone();
        peer.received(10);
        peer.sent(10);
        assert_eq!(peer, before);
        assert_ne!(peer, Peer::new(2, None, None));
    }
}
