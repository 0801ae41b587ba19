//! What an agent may do and how long it waits: Node's `new Agent(options)`.
//!
//! Here: [`AgentOptions`], [`Scheduling`], [`Family`], and the two parts that users may replace: [`Resolve`] and
//! [`Connect`]. Not here: who obeys them (`agent.rs`, `connect.rs`).

use crate::client::agent::proxies::Proxies;
use crate::net::transport::{BoxIo, Io};
use hearken_proto::Limits;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Which idle connection is used first.
///
/// ```
/// assert_eq!(hearken_http::client::Scheduling::default(), hearken_http::client::Scheduling::Lifo);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheduling {
    /// The one that lives longest, mostly the one used last: the others grow old and are closed, so that there are no more
    /// than needed, and the race with a server that closes is rarer.
    #[default]
    Lifo,
    /// The one that lives shortest, mostly the one used longest ago: all are used alike.
    Fifo,
}

/// Which addresses of a host are used. Node's `family`: 4 or 6.
///
/// ```
/// assert_ne!(hearken_http::client::Family::V4, hearken_http::client::Family::V6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "IP has two families")]
pub enum Family {
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

/// A future in a box, as [`Resolve`] and [`Connect`] give it.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Looks up names, in the place of the system. Node's `lookup`. Any closure of host and port that gives a future
/// is one; as an `async` closure it must not capture anything, else write `move |host, port| async move { … }`.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of a host, the best first.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>>;
}

impl<F, R> Resolve for F
where
    F: Fn(String, u16) -> R + Send + Sync + 'static,
    R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        Box::pin(self(host.to_owned(), port))
    }
}

/// Whom a connection is to lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destination {
    /// The host of the URL: a name in ASCII, or an address without brackets.
    pub host: String,
    /// The port of the URL, or that of its scheme.
    pub port: u16,
    /// Whether TLS will be spoken on it. The agent does that itself.
    pub https: bool,
}

/// Makes connections, in the place of TCP. Node's `createConnection`. Any closure of a [`Destination`] that gives the
/// future of a duplex stream is one.
pub trait Connect: Send + Sync + 'static {
    #[doc(hidden)]
    fn connect(&self, to: Destination) -> BoxFuture<io::Result<Transport>>;
}

/// A transport of any type.
#[doc(hidden)]
pub struct Transport(pub(crate) BoxIo);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl<F, R, T> Connect for F
where
    F: Fn(Destination) -> R + Send + Sync + 'static,
    R: Future<Output = io::Result<T>> + Send + 'static,
    T: Io + 'static,
{
    fn connect(&self, to: Destination) -> BoxFuture<io::Result<Transport>> {
        let connecting = self(to);
        Box::pin(async move { Ok(Transport(Box::new(connecting.await?))) })
    }
}

/// What is unusual about the way to a host; requests share connections only if they agree in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) unix: Option<PathBuf>,
    pub(crate) local: Option<IpAddr>,
    pub(crate) family: Option<Family>,
}

/// What an [`Agent`](crate::Agent) may do and how long it waits. Start from the default and change what must differ; there is a
/// number for everything, and none means "unlimited". The names in parentheses are Node's.
///
/// ```
/// use hearken_http::Agent;
/// use hearken_http::client::AgentOptions;
/// use std::time::Duration;
/// let mut options = AgentOptions::default();
/// options.max_sockets = 8;
/// options.connect_timeout = Duration::from_secs(3);
/// let agent = Agent::new(options);
/// assert_eq!(agent.stats().open, 0);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct AgentOptions {
    /// Whether connections are used again (`keepAlive`). Default true, as Node's global agent has it. False: every request says
    /// `Connection: close`.
    pub keep_alive: bool,
    /// Connections to one host, idle ones included (`maxSockets`; there: no bound). Default 256: one that answers in 10 ms
    /// serves 25,000 requests a second over them. More requests wait for their turn.
    pub max_sockets: usize,
    /// Connections of the whole agent (`maxTotalSockets`; there: no bound). Default 512: half of the descriptors that a process
    /// has by default on most systems. When it is reached, an idle connection to another host is closed to make room.
    pub max_total_sockets: usize,
    /// Idle connections to one host (`maxFreeSockets`). Default 256, as Node has it: what a burst has opened serves the next.
    pub max_free_sockets: usize,
    /// Which idle connection is used first (`scheduling`). Default [`Scheduling::Lifo`].
    pub scheduling: Scheduling,
    /// How long an idle connection is kept, unless the server announces less by `Keep-Alive: timeout` (`timeout`, 5 s there).
    /// Default 30 s. One that has been idle for longer is closed and never used.
    pub idle_timeout: Duration,
    /// How much earlier than the server announces an idle connection is given up (`agentKeepAliveTimeoutBuffer`), so that no
    /// request meets a server that closes. Default 1 s.
    pub timeout_buffer: Duration,
    /// How long a request waits for its turn when a bound is reached. Default 30 s.
    pub queue_timeout: Duration,
    /// Looking up a name. Default 10 s.
    pub resolve_timeout: Duration,
    /// Connecting, all addresses of the host together; also getting a tunnel from a proxy. Default 10 s.
    pub connect_timeout: Duration,
    /// The TLS handshake. Default 10 s.
    pub tls_timeout: Duration,
    /// From the last byte of a request to the end of the head of its response. Default 60 s.
    pub response_timeout: Duration,
    /// How long the body of a request with `Expect: 100-continue` waits before it is sent anyway. Default 1 s.
    pub continue_timeout: Duration,
    /// Small writes are sent at once (`noDelay`). Default true.
    pub no_delay: bool,
    /// When the system begins to ask an idle TCP peer whether it is still there (`keepAliveMsecs`, 1 s there). Default
    /// 15 s. `None`: never.
    pub tcp_keep_alive: Option<Duration>,
    /// Bounds on responses: head, body, and what may wait of them; and on time. `keep_alive`, `head`, `connection_age`,
    /// `linger` and `grace` of the times are a server's.
    pub limits: Limits,
    /// Which proxy serves which host (`proxyEnv`). Default: what the environment says.
    pub proxies: Proxies,
    /// What a client trusts and says in TLS.
    #[cfg(feature = "tls")]
    pub tls: crate::tls::ClientTls,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
    pub(crate) connector: Option<Arc<dyn Connect>>,
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            keep_alive: true,
            max_sockets: 256,
            max_total_sockets: 512,
            max_free_sockets: 256,
            scheduling: Scheduling::Lifo,
            idle_timeout: Duration::from_secs(30),
            timeout_buffer: Duration::from_secs(1),
            queue_timeout: Duration::from_secs(30),
            resolve_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(60),
            continue_timeout: Duration::from_secs(1),
            no_delay: true,
            tcp_keep_alive: Some(Duration::from_secs(15)),
            limits: Limits::default(),
            proxies: Proxies::from_env(),
            #[cfg(feature = "tls")]
            tls: crate::tls::ClientTls::new(),
            resolver: None,
            connector: None,
        }
    }
}

impl AgentOptions {
    /// Looks up names by this instead of by the system (`lookup`). The second call replaces the first.
    ///
    /// ```
    /// use hearken_http::Agent;
    /// use hearken_http::client::AgentOptions;
    /// let mut options = AgentOptions::default();
    /// options.resolver(async |_host: String, port: u16| Ok(vec![([127, 0, 0, 1], port).into()]));
    /// let agent = Agent::new(options);
    /// ```
    pub fn resolver(&mut self, resolver: impl Resolve) {
        self.resolver = Some(Arc::new(resolver));
    }

    /// Makes connections by this instead of by TCP (`createConnection`); they are pooled like others. Proxies,
    /// `resolver` and what concerns TCP have no effect then. The second call replaces the first.
    pub fn connector(&mut self, connector: impl Connect) {
        self.connector = Some(Arc::new(connector));
    }
}

impl fmt::Debug for AgentOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentOptions")
            .field("keep_alive", &self.keep_alive)
            .field("max_sockets", &self.max_sockets)
            .field("max_total_sockets", &self.max_total_sockets)
            .field("max_free_sockets", &self.max_free_sockets)
            .field("scheduling", &self.scheduling)
            .field("idle_timeout", &self.idle_timeout)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
