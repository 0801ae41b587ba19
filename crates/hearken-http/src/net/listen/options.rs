//! Options of a listening socket, each with its default.
//!
//! Here: [`ListenOptions`], and setting those of accepted connections. Not here: binding (`mod.rs`).

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Options of a listening socket. Start with [`ListenOptions::new`] and set what differs from the default.
///
/// The last call of a setter counts. [`bind`](ListenOptions::bind) checks the options and opens the socket.
///
/// ```
/// use std::time::Duration;
/// use hearken_http::listen::{ListenOptions, ToListenAddr};
///
/// let options = ListenOptions::new().backlog(1024).keep_alive(Duration::from_secs(15));
/// let listener = options.bind(&"127.0.0.1:0".to_listen_addr()?)?;
/// assert_ne!(listener.local_addr().port(), Some(0));
/// # Ok::<(), hearken_http::listen::ListenError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListenOptions {
    pub(super) reuse_address: bool,
    pub(super) reuse_port: bool,
    pub(super) backlog: u32,
    pub(super) ipv6_only: bool,
    #[cfg(unix)]
    pub(super) unix_mode: Option<u32>,
    #[cfg(unix)]
    pub(super) replace_stale_socket: bool,
    receive_buffer_bytes: Option<usize>,
    send_buffer_bytes: Option<usize>,
    unsent_bytes_max: u32,
    no_delay: bool,
    keep_alive: Option<Duration>,
    keep_alive_interval: Option<Duration>,
    keep_alive_retries: Option<u32>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            reuse_address: cfg!(unix),
            reuse_port: false,
            backlog: BACKLOG,
            ipv6_only: false,
            #[cfg(unix)]
            unix_mode: None,
            #[cfg(unix)]
            replace_stale_socket: true,
            receive_buffer_bytes: None,
            send_buffer_bytes: None,
            unsent_bytes_max: UNSENT_BYTES_MAX,
            no_delay: true,
            keep_alive: None,
            keep_alive_interval: None,
            keep_alive_retries: None,
        }
    }
}

impl ListenOptions {
    /// The defaults, for a server on a public network.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `SO_REUSEADDR`: bind although connections of an earlier process are in `TIME_WAIT`. Default: true on Unix; false on other
    /// systems, because on Windows the option lets any program take over the port.
    #[must_use]
    pub fn reuse_address(mut self, yes: bool) -> Self {
        self.reuse_address = yes;
        self
    }

    /// `SO_REUSEPORT`: share the port with *other programs* of the same user that set this option too, as for a restart without
    /// downtime. Default: false, so that a port in use is an error. Has no effect on systems without the option and on Unix
    /// sockets.
    ///
    /// The workers of one server do not need it: [`Listener::bind_more`](super::Listener::bind_more) opens a socket for each in
    /// any case.
    #[doc(alias = "reusePort")]
    #[must_use]
    pub fn reuse_port(mut self, yes: bool) -> Self {
        self.reuse_port = yes;
        self
    }

    /// The most connections that wait to be accepted. Default: 511, as in Node and nginx. The system caps it (Linux:
    /// `net.core.somaxconn`); beyond it the system delays or rejects new connections. The limit is for each listening socket,
    /// so for each worker with a socket of its own.
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// `IPV6_V6ONLY`: an IPv6 socket accepts no IPv4 connections. Default: false on every system, as in Node: `[::]` and
    /// `:3000` accept both families. With true, `:3000` is IPv6 only.
    #[doc(alias = "ipv6Only")]
    #[must_use]
    pub fn ipv6_only(mut self, yes: bool) -> Self {
        self.ipv6_only = yes;
        self
    }

    /// `TCP_NODELAY` on accepted connections: small writes are sent at once. Default: true, since a response is one write and
    /// must not wait for the acknowledgement of the peer.
    #[doc(alias = "noDelay")]
    #[must_use]
    pub fn no_delay(mut self, yes: bool) -> Self {
        self.no_delay = yes;
        self
    }

    /// Enables TCP keep-alive probes on accepted connections: the first after `idle` without traffic, in whole seconds, at least
    /// one. Default: off. HTTP has its own timers, so probes are useful for long silent exchanges, such as upgraded
    /// connections.
    #[doc(alias = "keepAliveInitialDelay")]
    #[must_use]
    pub fn keep_alive(mut self, idle: Duration) -> Self {
        self.keep_alive = Some(idle);
        self
    }

    /// The time between two unanswered probes, in whole seconds, at least one. Default: that of the system (Linux: 75 s). Used
    /// only with [`keep_alive`](Self::keep_alive).
    #[must_use]
    pub fn keep_alive_interval(mut self, interval: Duration) -> Self {
        self.keep_alive_interval = Some(interval);
        self
    }

    /// The number of unanswered probes after which the system closes the connection. Default: that of the system (Linux: 9).
    /// Used only with [`keep_alive`](Self::keep_alive).
    #[must_use]
    pub fn keep_alive_retries(mut self, probes: u32) -> Self {
        self.keep_alive_retries = Some(probes);
        self
    }

    /// `SO_RCVBUF` of the listening socket, in bytes; accepted connections inherit it. Default: that of the system, which grows
    /// with the connection; a fixed size disables the growth. Linux doubles the number for its own bookkeeping.
    #[must_use]
    pub fn receive_buffer_bytes(mut self, bytes: usize) -> Self {
        self.receive_buffer_bytes = Some(bytes);
        self
    }

    /// `SO_SNDBUF`: [`receive_buffer_bytes`](Self::receive_buffer_bytes) for the other direction.
    #[must_use]
    pub fn send_buffer_bytes(mut self, bytes: usize) -> Self {
        self.send_buffer_bytes = Some(bytes);
        self
    }

    /// `TCP_NOTSENT_LOWAT` of the listening socket, in bytes; accepted connections inherit it: what the system takes beyond
    /// the bytes that are in transit to the peer. Default: 64 KiB, so that a peer that does not read costs the memory of a
    /// window or two instead of megabytes. The throughput of a fast peer does not depend on it. `u32::MAX` is the default of
    /// the system. Has no effect on systems other than Linux and on Unix sockets.
    #[doc(alias = "TCP_NOTSENT_LOWAT")]
    #[must_use]
    pub fn unsent_bytes_max(mut self, bytes: u32) -> Self {
        self.unsent_bytes_max = bytes;
        self
    }

    /// The permissions of the file of a Unix socket, such as `0o660`, set before the first connection is possible. Default: all,
    /// less the umask of the process.
    #[cfg(unix)]
    #[must_use]
    pub fn unix_mode(mut self, mode: u32) -> Self {
        self.unix_mode = Some(mode);
        self
    }

    /// Replaces a stale file of a Unix socket, as a killed process leaves it. Default: true. A socket on which a process listens,
    /// and any other file, is never replaced.
    #[cfg(unix)]
    #[must_use]
    pub fn replace_stale_socket(mut self, yes: bool) -> Self {
        self.replace_stale_socket = yes;
        self
    }

    /// Sets the options of an accepted TCP connection: [`no_delay`](Self::no_delay) and the keep-alive probes. Fails on a Unix
    /// socket. A second call has no effect.
    ///
    /// # Errors
    /// Those of the system, in practice when the peer has closed the connection: treat it as closed.
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use hearken_http::listen::ListenOptions;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let _client = TcpStream::connect(listener.local_addr()?)?;
    /// let (accepted, _peer) = listener.accept()?;
    /// ListenOptions::new().apply_to_accepted(&socket2::SockRef::from(&accepted))?;
    /// assert!(accepted.nodelay()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn apply_to_accepted(&self, socket: &SockRef<'_>) -> io::Result<()> {
        if self.no_delay {
            socket.set_tcp_nodelay(true)?;
        }
        if let Some(idle) = self.keep_alive {
            socket.set_tcp_keepalive(&self.probes(idle))?;
        }
        Ok(())
    }

    fn probes(&self, idle: Duration) -> TcpKeepalive {
        let mut probes = TcpKeepalive::new().with_time(whole_seconds(idle));
        if let Some(interval) = self.keep_alive_interval {
            probes = probes.with_interval(whole_seconds(interval));
        }
        if let Some(retries) = self.keep_alive_retries {
            probes = probes.with_retries(retries);
        }
        probes
    }

    /// Must be called before `listen`: the system derives the window scale of connections from the sizes.
    pub(super) fn apply_buffers(&self, socket: &socket2::Socket) -> io::Result<()> {
        if let Some(bytes) = self.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer_bytes {
            socket.set_send_buffer_size(bytes)?;
        }
        Ok(())
    }

    /// Best effort: an emulated Linux may lack the option, and then has its own bound.
    pub(super) fn apply_to_listening(&self, socket: &SockRef<'_>) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = socket.set_tcp_notsent_lowat(self.unsent_bytes_max);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = socket;
    }

    /// The argument of `listen`, saturated at `i32::MAX`: the system caps it in any case.
    pub(super) fn backlog_for_system(&self) -> i32 {
        i32::try_from(self.backlog).unwrap_or(i32::MAX)
    }
}

/// The system counts in seconds and rejects 0, so a fraction is rounded up.
fn whole_seconds(time: Duration) -> Duration {
    let up = u64::from(time.subsec_nanos() > 0);
    Duration::from_secs(time.as_secs().saturating_add(up).max(1))
}

const BACKLOG: u32 = 511;

const UNSENT_BYTES_MAX: u32 = 64 * 1024;
