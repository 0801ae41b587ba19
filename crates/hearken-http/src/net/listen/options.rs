//! How to listen: every option of a listening socket by name, with its default and where it comes from.
//!
//! Here: [`ListenOptions`] and what of it belongs to accepted connections. Not here: binding (`mod.rs`).

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How to listen. Start with [`ListenOptions::new`] and name what differs from the default.
///
/// A setter that is called twice: the last call counts. Nothing is checked or opened before
/// [`bind`](ListenOptions::bind).
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
            no_delay: true,
            keep_alive: None,
            keep_alive_interval: None,
            keep_alive_retries: None,
        }
    }
}

impl ListenOptions {
    /// The defaults, which suit a server on the open network.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `SO_REUSEADDR`: bind although connections of an earlier run are still in `TIME_WAIT`. Default: true on Unix;
    /// false elsewhere, because on Windows the same name lets any program take the port away.
    #[must_use]
    pub fn reuse_address(mut self, yes: bool) -> Self {
        self.reuse_address = yes;
        self
    }

    /// `SO_REUSEPORT`: let *other programs* of the same user that ask for it too listen on this port at the same
    /// time, as for a restart without a gap. Default: false, so that a port in use is an error and not a surprise.
    /// Has no effect where the system does not have it, nor on Unix sockets.
    ///
    /// The workers of one server do not need it: [`Listener::bind_more`](super::Listener::bind_more) gives each its own
    /// socket on the port either way.
    #[must_use]
    pub fn reuse_port(mut self, yes: bool) -> Self {
        self.reuse_port = yes;
        self
    }

    /// How many connections may wait to be accepted. Default: 511, as in Node and nginx. The system caps it (Linux:
    /// `net.core.somaxconn`); beyond it new connections wait or are refused by the system. Per listening socket, so
    /// workers with a socket each have as many times more.
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// `IPV6_V6ONLY`: an IPv6 socket takes no IPv4 connections. Default: false on every system, as in Node: `[::]` and
    /// `:3000` hear both families. With true, `:3000` is IPv6 alone.
    #[must_use]
    pub fn ipv6_only(mut self, yes: bool) -> Self {
        self.ipv6_only = yes;
        self
    }

    /// `TCP_NODELAY` on accepted connections: small writes leave at once. Default: true, since whole answers are
    /// written in one go and must not wait for the peer's acknowledgement.
    #[must_use]
    pub fn no_delay(mut self, yes: bool) -> Self {
        self.no_delay = yes;
        self
    }

    /// Switches TCP keep-alive probes on accepted connections on: the first after `idle` without traffic, in whole
    /// seconds, at least one. Default: off; HTTP has its own timers, so probes only serve long silent exchanges such
    /// as upgraded connections.
    #[must_use]
    pub fn keep_alive(mut self, idle: Duration) -> Self {
        self.keep_alive = Some(idle);
        self
    }

    /// The time between two unanswered probes, in whole seconds, at least one. Default: the system's (Linux: 75 s). Only used
    /// with [`keep_alive`](Self::keep_alive).
    #[must_use]
    pub fn keep_alive_interval(mut self, interval: Duration) -> Self {
        self.keep_alive_interval = Some(interval);
        self
    }

    /// How many probes may stay unanswered before the connection is given up. Default: the system's (Linux: 9). Only
    /// used with [`keep_alive`](Self::keep_alive).
    #[must_use]
    pub fn keep_alive_retries(mut self, probes: u32) -> Self {
        self.keep_alive_retries = Some(probes);
        self
    }

    /// `SO_RCVBUF` of the listening socket, which accepted connections inherit, in bytes. Default: the system's, which
    /// grows with the connection; a fixed size switches that off. Linux doubles the number for its own book-keeping.
    #[must_use]
    pub fn receive_buffer_bytes(mut self, bytes: usize) -> Self {
        self.receive_buffer_bytes = Some(bytes);
        self
    }

    /// `SO_SNDBUF`, as [`receive_buffer_bytes`](Self::receive_buffer_bytes) for the other direction.
    #[must_use]
    pub fn send_buffer_bytes(mut self, bytes: usize) -> Self {
        self.send_buffer_bytes = Some(bytes);
        self
    }

    /// The permissions of the file of a Unix socket, such as `0o660`. They are in force before the first connection
    /// can come in. Default: what the process's umask leaves.
    #[cfg(unix)]
    #[must_use]
    pub fn unix_mode(mut self, mode: u32) -> Self {
        self.unix_mode = Some(mode);
        self
    }

    /// Replace the file of a Unix socket on which nobody listens any more, left by a process that was killed.
    /// Default: true. A socket that answers, and a file of any other kind, is never touched.
    #[cfg(unix)]
    #[must_use]
    pub fn replace_stale_socket(mut self, yes: bool) -> Self {
        self.replace_stale_socket = yes;
        self
    }

    /// Sets what belongs to each accepted TCP connection: [`no_delay`](Self::no_delay) and the keep-alive probes.
    /// Meant for TCP only; on a Unix socket it fails. A second call changes nothing.
    ///
    /// # Errors
    /// The system's own, in practice when the peer has gone already: treat it as a closed connection.
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

    /// The sizes must stand before `listen`: the window scale that a connection offers is derived from them.
    pub(super) fn apply_buffers(&self, socket: &socket2::Socket) -> io::Result<()> {
        if let Some(bytes) = self.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer_bytes {
            socket.set_send_buffer_size(bytes)?;
        }
        Ok(())
    }

    /// What `listen` takes: more than an `i32` holds is as many as the system allows.
    pub(super) fn backlog_for_system(&self) -> i32 {
        i32::try_from(self.backlog).unwrap_or(i32::MAX)
    }
}

/// The system counts in seconds and refuses 0; a fraction is rounded up rather than lost.
fn whole_seconds(time: Duration) -> Duration {
    let up = u64::from(time.subsec_nanos() > 0);
    Duration::from_secs(time.as_secs().saturating_add(up).max(1))
}

const BACKLOG: u32 = 511;
