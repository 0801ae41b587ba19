//! What is known about a connection of a client, and how long each step of an exchange took.
//!
//! Here: [`Connected`], what users see of it; [`Timings`]; [`Origin`], what all exchanges of a connection share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What all exchanges of one connection share.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) id: u64,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
    /// The target has to be in absolute-form, because a proxy reads it; with what is to be said to the proxy.
    pub(crate) proxied: bool,
    pub(crate) proxy_auth: Option<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) timings: Timings,
}

#[cfg(feature = "tls")]
pub(crate) type Tls = crate::tls::TlsInfo;
#[cfg(not(feature = "tls"))]
pub(crate) type Tls = ();

/// How long the steps of an exchange took. What did not happen is zero: on a connection that was used before there is no
/// looking up, no connecting and no handshake.
///
/// ```
/// let timings = hearken_http::client::Timings::default();
/// assert!(timings.connect.is_zero());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// Waiting until the agent allowed the connection, together with all below that made it.
    pub queue: Duration,
    /// Looking up the name.
    pub resolve: Duration,
    /// Connecting.
    pub connect: Duration,
    /// Getting a tunnel from a proxy.
    pub proxy: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From having a connection until the transport took the last byte of the request.
    pub send: Duration,
    /// From there to the first byte of the response.
    pub wait: Duration,
}

/// The connection of an exchange: told by [`Socket`](crate::client::event::Socket) and by
/// [`connection`](crate::Response::connection). Cheap to clone; it does not hold the connection.
#[derive(Clone, Default)]
pub struct Connected {
    pub(crate) origin: Arc<Origin>,
    pub(crate) reused: bool,
}

impl Connected {
    /// Number of the connection in this process, from 1 on; never used twice.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.origin.id
    }

    /// Address of the server, or of the proxy. `None` for what has none: Unix sockets, memory.
    #[must_use]
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.origin.remote
    }

    /// Our own address.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.origin.local
    }

    /// What the TLS handshake agreed on; `None` for http.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&crate::tls::TlsInfo> {
        self.origin.tls.as_ref()
    }

    /// Whether it had carried an exchange before this one. Node's `reusedSocket`.
    #[must_use]
    pub const fn reused(&self) -> bool {
        self.reused
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.origin.id)?;
        if let Some(remote) = self.origin.remote {
            write!(f, " {remote}")?;
        }
        f.write_str(if self.reused { " reused" } else { "" })
    }
}
