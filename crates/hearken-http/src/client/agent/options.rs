//! Bounds and time-outs of an agent: Node's `new Agent(options)`.
//!
//! Here: [`AgentOptions`], [`Scheduling`], [`Family`], and the two parts that users may replace: [`Resolve`] and
//! [`Connect`]. Not here: the code that follows them (`pool.rs`, `client/connect/`).

use crate::client::agent::proxies::Proxies;
use crate::event::observe::Observer;
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
/// assert_eq!(hearken::client::Scheduling::default(), hearken::client::Scheduling::Lifo);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheduling {
    /// The one with the most time left, mostly the one used last. The others expire, so that no more stay open than needed, and
    /// the race with a server that closes is rarer.
    #[default]
    Lifo,
    /// The one with the least time left, mostly the one used longest ago: all are used alike.
    Fifo,
}

/// Which addresses of a host are used.
///
/// ```
/// use hearken::client::Family;
/// let request = hearken::request("GET", "http://localhost:3000/")?.family(Family::V4);
/// # Ok::<(), hearken::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "IP has two families")]
pub enum Family {
    /// Only IPv4.
    V4,
    /// Only IPv6.
    V6,
}

/// The future of [`Resolve`] and [`Connect`].
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Resolves names instead of the system. Implemented for closures of host and port that return a future; an `async`
/// closure must not capture anything, else write `move |host, port| async move { … }`.
#[doc(alias = "lookup")]
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of a host, the preferred one first.
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

/// The server to connect to, for a [`Connect`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destination {
    /// The host of the URL: a name in ASCII, or an address without brackets.
    pub host: String,
    /// The port of the URL, or that of its scheme.
    pub port: u16,
    /// Whether the agent will do a TLS handshake on the transport.
    pub https: bool,
}

/// Opens transports instead of TCP. Implemented for closures of a [`Destination`] that return the future of a duplex stream.
#[doc(alias = "createConnection")]
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

/// Deviations from the usual way of connecting. Requests share connections only if they agree in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) unix: Option<PathBuf>,
    pub(crate) local: Option<IpAddr>,
    pub(crate) family: Option<Family>,
}

/// Bounds and time-outs of an [`Agent`](crate::Agent). Start from the default and change what must differ. Every bound has a
/// number; none means "unlimited".
///
/// ```
/// use hearken::Agent;
/// use hearken::client::AgentOptions;
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
    /// Whether connections are used again. Default true, as in Node's global agent. False: every request carries
    /// `Connection: close`.
    #[doc(alias = "keepAlive")]
    pub keep_alive: bool,
    /// Connections to one host, idle ones included, over all runtimes of the process together. Default 256 (Node: no bound): a
    /// server that answers in 10 ms serves 25,000 requests a second over them. Further requests wait in a queue. When it
    /// is reached, an idle connection of another runtime is closed to make room.
    #[doc(alias = "maxSockets")]
    pub max_sockets: usize,
    /// Connections of the whole agent, over all runtimes. Default 512 (Node: no bound): half of the descriptors that a process has by default on
    /// most systems. When it is reached, an idle connection to another host is closed to make room.
    #[doc(alias = "maxTotalSockets")]
    pub max_total_sockets: usize,
    /// Idle connections to one host. Default 256, as in Node: the connections of one burst serve the next.
    #[doc(alias = "maxFreeSockets")]
    pub max_free_sockets: usize,
    /// Which idle connection is used first. Default [`Scheduling::Lifo`].
    pub scheduling: Scheduling,
    /// How long an idle connection is kept, unless the server announces less by `Keep-Alive: timeout`. Default 30 s (Node's
    /// `timeout`: 5 s). A connection that has been idle for longer is closed, never used.
    pub idle_timeout: Duration,
    /// How much earlier than the server announces an idle connection is closed, so that no request meets a server that closes.
    /// Default 1 s.
    #[doc(alias = "agentKeepAliveTimeoutBuffer")]
    pub timeout_buffer: Duration,
    /// How long a request waits in the queue when a bound is reached. Default 30 s.
    pub queue_timeout: Duration,
    /// Resolving a name. Default 10 s.
    pub resolve_timeout: Duration,
    /// Connecting, all addresses of the host together; also opening a tunnel through a proxy. Default 10 s.
    pub connect_timeout: Duration,
    /// The TLS handshake. Default 10 s.
    pub tls_timeout: Duration,
    /// From the last byte of a request to the end of the head of its response. Default 60 s.
    pub response_timeout: Duration,
    /// How long a request with `Expect: 100-continue` waits before it sends the content anyway. Default 1 s.
    pub continue_timeout: Duration,
    /// Whether small writes are sent at once (TCP_NODELAY). Default true.
    #[doc(alias = "noDelay")]
    pub no_delay: bool,
    /// After which silence the system sends TCP keep-alive probes. Default 15 s (Node: 1 s). `None`: never.
    #[doc(alias = "keepAliveMsecs")]
    pub tcp_keep_alive: Option<Duration>,
    /// Bounds on the size, the queues and the time of responses. Default [`Limits::client`]: heads of 256 KiB and 2,000
    /// field lines, 128 interim responses. Of the times, `keep_alive`, `head`, `connection_age`, `linger`,
    /// `linger_idle` and `grace` concern servers only.
    ///
    /// ```
    /// use hearken::Agent;
    /// use hearken::client::AgentOptions;
    /// let mut options = AgentOptions::default();
    /// options.limits.head.bytes_max = 1024 * 1024;
    /// options.limits.head.fields_max = 10_000;
    /// let agent = Agent::new(options);
    /// ```
    #[doc(alias = "maxHeaderSize")]
    pub limits: Limits,
    /// Which proxy serves which host. Default: from the environment.
    #[doc(alias = "proxyEnv")]
    pub proxies: Proxies,
    /// Trust and identity in TLS.
    #[cfg(feature = "tls")]
    pub tls: crate::tls::ClientTls,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
    pub(crate) connector: Option<Arc<dyn Connect>>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
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
            limits: Limits::client(),
            proxies: Proxies::from_env(),
            #[cfg(feature = "tls")]
            tls: crate::tls::ClientTls::new(),
            resolver: None,
            connector: None,
            observer: None,
        }
    }
}

impl AgentOptions {
    /// Resolves names by this instead of by the system. The second call replaces the first.
    ///
    /// ```
    /// use hearken::Agent;
    /// use hearken::client::AgentOptions;
    /// let mut options = AgentOptions::default();
    /// options.resolver(async |_host: String, port: u16| Ok(vec![([127, 0, 0, 1], port).into()]));
    /// let agent = Agent::new(options);
    /// ```
    #[doc(alias = "lookup")]
    pub fn resolver(&mut self, resolver: impl Resolve) {
        self.resolver = Some(Arc::new(resolver));
    }

    /// Opens transports by this instead of by TCP; the pool treats them like others. Proxies, `resolver` and the TCP options
    /// have no effect then. The second call replaces the first.
    #[doc(alias = "createConnection")]
    pub fn connector(&mut self, connector: impl Connect) {
        self.connector = Some(Arc::new(connector));
    }

    /// Shows every step of every connection and exchange of the agent to `observer`. The second call replaces the first.
    ///
    /// ```
    /// use hearken::Agent;
    /// use hearken::client::AgentOptions;
    /// use hearken::observe::{Observation, Observer};
    /// struct Print;
    /// impl Observer for Print {
    ///     fn observe(&self, seen: &Observation<'_>) {
    ///         eprintln!("{:?} exchange {} {}", seen.peer, seen.exchange, seen.step.name());
    ///     }
    /// }
    /// let mut options = AgentOptions::default();
    /// options.observer(Print);
    /// let agent = Agent::new(options);
    /// ```
    pub fn observer(&mut self, observer: impl Observer) {
        self.observer = Some(Arc::new(observer));
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
