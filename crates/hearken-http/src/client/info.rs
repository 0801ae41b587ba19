//! Facts about a client's connection, and how long each step of an exchange took.
//!
//! Here: [`ConnectionInfo`] and [`Timings`], which users see; [`ConnectionFacts`], which all exchanges of a connection share.

use crate::error::client::Via;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What all exchanges of one connection share.
#[derive(Debug, Default)]
pub(crate) struct ConnectionFacts {
    pub(crate) id: u64,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
    /// A proxy forwards the requests: their target is in absolute-form (RFC 9112 §3.2.2).
    pub(crate) proxied: bool,
    /// The value of Proxy-Authorization for that proxy.
    pub(crate) proxy_auth: Option<String>,
    pub(crate) tls: Option<Tls>,
    /// The proxy on the way to the server.
    pub(crate) via: Option<Arc<Via>>,
    pub(crate) timings: Timings,
}

#[cfg(feature = "tls")]
pub(crate) type Tls = crate::tls::TlsInfo;
#[cfg(not(feature = "tls"))]
pub(crate) type Tls = ();

/// How long the steps of an exchange took. A step that did not happen is zero: a connection that was used before is not
/// resolved, connected and secured again.
///
/// ```no_run
/// # async fn example() -> Result<(), hearken_http::Error> {
/// let response = hearken_http::request("GET", "https://example.com/")?.end("").await?;
/// let timings = response.timings();
/// println!("first byte after {:?}", timings.queue + timings.send + timings.wait);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// From the first wait until the request had a connection: the queue of the agent and the four steps below.
    pub queue: Duration,
    /// Resolving the name.
    pub resolve: Duration,
    /// Connecting.
    pub connect: Duration,
    /// Opening a tunnel through a proxy.
    pub proxy: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From having a connection until the transport took the last byte of the request.
    pub send: Duration,
    /// From there to the first byte of the response.
    pub wait: Duration,
}

/// The connection of an exchange: the argument of [`Socket`](crate::client::event::Socket), returned by
/// [`connection`](crate::Response::connection). Cheap to clone; it does not keep the connection open.
#[derive(Clone, Default)]
pub struct ConnectionInfo {
    pub(crate) facts: Arc<ConnectionFacts>,
    pub(crate) reused: bool,
}

impl ConnectionInfo {
    /// Number of the connection in this process, from 1; never used twice.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.facts.id
    }

    /// Address of the server, or of the proxy. `None` for transports without one: Unix sockets, memory.
    #[must_use]
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.facts.remote
    }

    /// Our own address.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.facts.local
    }

    /// The result of the TLS handshake; `None` for http.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&crate::tls::TlsInfo> {
        self.facts.tls.as_ref()
    }

    /// Whether it had carried an exchange before this one.
    #[doc(alias = "reusedSocket")]
    #[must_use]
    pub const fn reused(&self) -> bool {
        self.reused
    }
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.facts.id)?;
        if let Some(remote) = self.facts.remote {
            write!(f, " {remote}")?;
        }
        f.write_str(if self.reused { " reused" } else { "" })
    }
}
