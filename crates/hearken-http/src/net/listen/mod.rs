//! Listening sockets: from an address to sockets on which the workers accept connections.

// Here: [`Listener`], binding, one socket per worker; addresses (`addr.rs`), options (`options.rs`), Unix sockets (`unix.rs`),
// sockets of the service manager (`inherited.rs`), errors (`error.rs`). The results are sockets of std, non-blocking and
// close-on-exec.
//
// May know: the system.
//
// Must not know: any runtime, accepting, workers.

pub(crate) mod addr;
mod error;
mod inherited;
mod options;
#[cfg(unix)]
mod unix;

#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixListener;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

pub use self::addr::{ListenAddr, LocalAddr, ToListenAddr};
pub use self::error::{ListenError, ListenErrorKind};
pub use self::options::ListenOptions;
#[cfg(unix)]
pub use self::unix::SocketFile;

/// A listening socket: bound, non-blocking, close-on-exec.
///
/// The system queues connections as soon as it exists, up to the [`backlog`](ListenOptions::backlog). Dropping it closes it and
/// resets the connections in its queue. The file of a Unix socket that this process has created is removed with the last
/// listener on it.
///
/// ```
/// use hearken::listen::{ListenOptions, ListenerParts, ToListenAddr};
///
/// let first = ListenOptions::new().bind(&"127.0.0.1:0".to_listen_addr()?)?;
/// let url = first.local_addr().to_string();
/// assert!(url.starts_with("http://127.0.0.1:"));
///
/// // Three more workers, on the same port.
/// for worker in first.bind_more(3)? {
///     assert_eq!(worker.local_addr(), first.local_addr());
///     if let ListenerParts::Tcp(socket) = worker.into_parts() {
///         assert_eq!(socket.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
///     }
/// }
/// # Ok::<(), hearken::listen::ListenError>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: ListenerParts,
    local_addr: LocalAddr,
    options: ListenOptions,
    origin: Origin,
}

/// The socket of a [`Listener`], for a reactor: [`Listener::into_parts`].
#[non_exhaustive]
#[derive(Debug)]
pub enum ListenerParts {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket, and the guard that removes its file when it is dropped.
    #[cfg(unix)]
    Unix(UnixListener, SocketFile),
}

/// Where a socket comes from: only a port that this process has bound can be bound by siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Bound,
    Inherited,
}

impl ListenOptions {
    /// Listens on `addr`.
    ///
    /// Looks up a host name, which blocks as long as the resolver of the system does, and tries its addresses in order until
    /// one can be bound. An address in use ends the search: otherwise a second server on `localhost:3000` would bind the
    /// other address family, and half of the clients would reach the first server.
    ///
    /// # Errors
    /// See [`ListenErrorKind`].
    pub fn bind(&self, addr: &ListenAddr) -> Result<Listener, ListenError> {
        match addr {
            ListenAddr::Socket(at) => self.bind_first(addr, [*at]),
            ListenAddr::AllInterfaces { port } => self.bind_first(addr, self.all_interfaces(*port)),
            ListenAddr::Host { name, port } => {
                let found = (name.as_str(), *port).to_socket_addrs();
                let found =
                    found.map_err(|error| ListenError::host_not_found(addr, Some(error)))?;
                self.bind_first(addr, found)
            }
            #[cfg(unix)]
            ListenAddr::Unix(path) => {
                let (socket, file) = unix::bind(self, path)?;
                Listener::new(ListenerParts::Unix(socket, file), self, Origin::Bound, addr)
            }
            ListenAddr::Inherited { index } => {
                Listener::new(inherited::take(*index)?, self, Origin::Inherited, addr)
            }
        }
    }

    /// Both families on one IPv6 socket; IPv4 alone on a machine without IPv6.
    fn all_interfaces(&self, port: u16) -> impl Iterator<Item = SocketAddr> {
        let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        [both, ipv4]
            .into_iter()
            .take(if self.ipv6_only { 1 } else { 2 })
    }

    fn bind_first(
        &self,
        asked: &ListenAddr,
        candidates: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Listener, ListenError> {
        let mut first_error = None;
        for at in candidates {
            match self.bind_tcp(at, self.reuse_port) {
                Ok(socket) => {
                    return Listener::new(ListenerParts::Tcp(socket), self, Origin::Bound, asked);
                }
                Err(error) => {
                    let error = ListenError::tcp(asked, at, error);
                    if error.is_address_in_use() {
                        return Err(error);
                    }
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| ListenError::host_not_found(asked, None)))
    }

    fn bind_tcp(&self, at: SocketAddr, share_port: bool) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
        if at.is_ipv6() {
            // OpenBSD has IPv6-only sockets and rejects the option.
            socket
                .set_only_v6(self.ipv6_only)
                .or_else(|error| if self.ipv6_only { Err(error) } else { Ok(()) })?;
        }
        if self.reuse_address {
            socket.set_reuse_address(true)?;
        }
        if share_port {
            set_reuse_port(&SockRef::from(&socket))?;
        }
        self.apply_buffers(&socket)?;
        socket.set_nonblocking(true)?;
        socket.bind(&at.into())?;
        socket.listen(self.backlog_for_system())?;
        Ok(socket.into())
    }
}

impl Listener {
    fn new(
        socket: ListenerParts,
        options: &ListenOptions,
        origin: Origin,
        asked: &ListenAddr,
    ) -> Result<Self, ListenError> {
        let local_addr = socket
            .local_addr()
            .map_err(|error| ListenError::other(asked.to_string(), error))?;
        if let ListenerParts::Tcp(socket) = &socket {
            options.apply_to_listening(&SockRef::from(socket));
        }
        Ok(Self {
            socket,
            local_addr,
            options: options.clone(),
            origin,
        })
    }

    /// Its address, with the port that the system has chosen for port 0.
    #[must_use]
    pub fn local_addr(&self) -> LocalAddr {
        self.local_addr.clone()
    }

    /// The options that it was bound with, for [`ListenOptions::apply_to_accepted`].
    #[must_use]
    pub fn options(&self) -> &ListenOptions {
        &self.options
    }

    /// A second handle to the same socket: both take connections from one queue.
    ///
    /// # Errors
    /// [`TooManyDescriptors`](ListenErrorKind::TooManyDescriptors), when no file descriptor is left.
    pub fn try_clone(&self) -> Result<Self, ListenError> {
        let socket = self
            .socket
            .try_clone()
            .map_err(|error| self.failed(error))?;
        Ok(Self {
            socket,
            local_addr: self.local_addr.clone(),
            options: self.options.clone(),
            origin: self.origin,
        })
    }

    /// `more` further listeners on the same address, so that each worker has one. 0 returns none; a second call returns further
    /// ones.
    ///
    /// On Linux each is a socket of its own on the same port, with its own queue, and the system distributes new connections
    /// among them (`SO_REUSEPORT`), also when the system has chosen the port. On other systems, and for Unix and inherited
    /// sockets, they are further handles to the same socket.
    ///
    /// Close all at the same time: closing one resets the connections in its queue.
    ///
    /// # Errors
    /// [`TooManyDescriptors`](ListenErrorKind::TooManyDescriptors) in practice. The listeners opened by this call are closed.
    pub fn bind_more(&self, more: usize) -> Result<Vec<Self>, ListenError> {
        // Not `with_capacity(more)`: the number may come from a configuration file.
        let mut listeners = Vec::new();
        for _ in 0..more {
            listeners.push(match self.bind_sibling()? {
                Some(sibling) => sibling,
                None => self.try_clone()?,
            });
        }
        Ok(listeners)
    }

    /// One more socket on the same port, or `None` where only a second handle is possible.
    ///
    /// The first socket was bound without `SO_REUSEPORT`, which proved that the port was free; the option is set now. Bound with
    /// the option, a second server of the same user would share the port silently instead of getting "port in use". Linux
    /// checks the option when a sibling binds, so it can be set this late; a program that binds without it still fails.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn bind_sibling(&self) -> Result<Option<Self>, ListenError> {
        let (Origin::Bound, ListenerParts::Tcp(first), LocalAddr::Tcp(at)) =
            (self.origin, &self.socket, &self.local_addr)
        else {
            return Ok(None);
        };
        set_reuse_port(&SockRef::from(first)).map_err(|error| self.failed(error))?;
        match self.options.bind_tcp(*at, true) {
            Ok(sibling) => {
                let socket = ListenerParts::Tcp(sibling);
                Self::new(socket, &self.options, self.origin, &ListenAddr::Socket(*at)).map(Some)
            }
            // A system that reports itself as Linux and ignores the late option: all listeners share the queue.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Other systems lack the option or do not distribute connections with it.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn bind_sibling(&self) -> Result<Option<Self>, ListenError> {
        Ok(None)
    }

    /// The socket itself, for a reactor: non-blocking and close-on-exec.
    #[must_use]
    pub fn into_parts(self) -> ListenerParts {
        self.socket
    }

    fn failed(&self, error: io::Error) -> ListenError {
        ListenError::other(self.local_addr.to_string(), error)
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Listener {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match &self.socket {
            ListenerParts::Tcp(socket) => socket.as_fd(),
            ListenerParts::Unix(socket, _) => socket.as_fd(),
        }
    }
}

impl ListenerParts {
    fn local_addr(&self) -> io::Result<LocalAddr> {
        Ok(match self {
            Self::Tcp(socket) => LocalAddr::Tcp(socket.local_addr()?),
            #[cfg(unix)]
            Self::Unix(socket, _) => LocalAddr::Unix(
                socket
                    .local_addr()?
                    .as_pathname()
                    .map(Into::into)
                    .unwrap_or_default(),
            ),
        })
    }

    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(socket) => Self::Tcp(socket.try_clone()?),
            #[cfg(unix)]
            Self::Unix(socket, file) => Self::Unix(socket.try_clone()?, file.clone()),
        })
    }
}

#[cfg(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
))]
fn set_reuse_port(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
)))]
fn set_reuse_port(_: &SockRef<'_>) -> io::Result<()> {
    Ok(())
}
