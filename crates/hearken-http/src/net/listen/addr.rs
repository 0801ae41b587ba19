//! The address that a caller asks for, and the address of a listener.
//!
//! Here: [`ListenAddr`] and its text form, [`ToListenAddr`], [`LocalAddr`]. Text is parsed strictly: ambiguous text is rejected
//! with the unambiguous forms. Not here: name lookup and binding (`mod.rs`). Events carry [`LocalAddr`], so this file names no
//! socket.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::net::host::unbracketed;
use crate::net::listen::error::ListenError;

/// The address that a server listens on. Functions take any [`ToListenAddr`], such as text.
///
/// | text | meaning |
/// |---|---|
/// | `127.0.0.1:3000`, `[::1]:3000` | one address of this machine |
/// | `localhost:3000` | a name, looked up when the socket is bound |
/// | `:3000` | every interface, IPv6 and IPv4 |
/// | `unix:/run/app.sock` | a Unix socket (only on Unix) |
/// | `fd:0`, `fd:` | the first socket of the service manager (`LISTEN_FDS`); `fd:1` is the second |
///
/// Port 0 lets the system choose a free port; [`Listener::local_addr`](super::Listener::local_addr) returns it.
///
/// ```
/// use hearken::listen::ListenAddr;
///
/// let addr: ListenAddr = "[::1]:3000".parse()?;
/// assert_eq!(addr, ListenAddr::Socket("[::1]:3000".parse().unwrap()));
/// assert_eq!(addr.to_string(), "[::1]:3000");
///
/// let error = "3000".parse::<ListenAddr>().unwrap_err();
/// assert!(error.to_string().contains("127.0.0.1:3000"), "it names the form to write: {error}");
/// # Ok::<(), hearken::listen::ListenError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddr {
    /// Exactly this address and port.
    Socket(SocketAddr),
    /// A name that is looked up when the socket is bound.
    Host {
        /// The name as written, without port.
        name: String,
        /// The port; 0 takes any free one.
        port: u16,
    },
    /// Every interface of the machine, with IPv6 and IPv4 on one socket if the machine has both.
    AllInterfaces {
        /// The port; 0 takes any free one.
        port: u16,
    },
    /// A Unix socket at this path.
    #[cfg(unix)]
    Unix(PathBuf),
    /// A socket that the service manager has opened and passed to this process (`LISTEN_FDS`, sd_listen_fds(3)).
    Inherited {
        /// Which of them, counted from 0 in the order the service manager lists them.
        index: usize,
    },
}

/// A value that names an address to listen on: text in the forms of [`ListenAddr`], `(host, port)`, a [`SocketAddr`], a path,
/// or a port number, which means every interface, as in Node.
///
/// ```
/// use hearken::listen::{ListenAddr, ToListenAddr};
///
/// assert_eq!(("127.0.0.1", 80).to_listen_addr()?, "127.0.0.1:80".to_listen_addr()?);
/// assert_eq!(80.to_listen_addr()?, ListenAddr::AllInterfaces { port: 80 });
/// # Ok::<(), hearken::listen::ListenError>(())
/// ```
pub trait ToListenAddr {
    /// The address meant. Fails with an [`InvalidAddress`](super::ListenErrorKind::InvalidAddress) error when the
    /// text is in none of the known forms; nothing is looked up or opened yet.
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError>;
}

impl FromStr for ListenAddr {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let invalid = |reason: String| ListenError::invalid(text, reason);
        if let Some(path) = text.strip_prefix("unix:") {
            return unix_path(path).map_err(invalid);
        }
        if let Some(index) = text.strip_prefix("fd:") {
            return inherited_index(index).map_err(invalid);
        }
        if let Ok(addr) = text.parse() {
            return Ok(Self::Socket(addr));
        }
        host_and_port(text).map_err(invalid)
    }
}

#[cfg(unix)]
fn unix_path(path: &str) -> Result<ListenAddr, String> {
    match path {
        "" => Err("a path is missing, as in unix:/run/app.sock".to_owned()),
        path if path.starts_with("//") => {
            Err("write unix:/path with one slash, it is not a URL".to_owned())
        }
        path => Ok(ListenAddr::Unix(path.into())),
    }
}

#[cfg(not(unix))]
fn unix_path(_: &str) -> Result<ListenAddr, String> {
    Err("Unix sockets are only there on Unix systems; use a port of 127.0.0.1".to_owned())
}

fn inherited_index(text: &str) -> Result<ListenAddr, String> {
    let index = if text.is_empty() { Ok(0) } else { text.parse() };
    index
        .map(|index| ListenAddr::Inherited { index })
        .map_err(|_| "after fd: comes a number, 0 for the first inherited socket".to_owned())
}

fn host_and_port(text: &str) -> Result<ListenAddr, String> {
    if text.contains("//") {
        return Err(
            "expected an address, not a URL: leave out http:// and everything behind the port"
                .to_owned(),
        );
    }
    if text.parse::<u16>().is_ok() {
        return Err(format!(
            "that is only a port: write 127.0.0.1:{text} for this machine alone, :{text} for all interfaces"
        ));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') && !host.starts_with('[') => {
            return Err(
                "an IPv6 address goes in brackets before its port, as in [::1]:3000".to_owned(),
            );
        }
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => return Err(format!("a port is missing, as in {text}:3000")),
    };
    // Only digits: `u16::from_str` alone would read "+80".
    let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(port) = port.and_then(|port| port.parse().ok()) else {
        return Err("the port is a number from 0 (any free one) to 65535".to_owned());
    };
    from_host(host, port)
}

/// A host in any form, apart from its port. An empty one means every interface.
fn from_host(host: &str, port: u16) -> Result<ListenAddr, String> {
    if host.is_empty() {
        return Ok(ListenAddr::AllInterfaces { port });
    }
    if let Ok(ip) = unbracketed(host).parse::<IpAddr>() {
        return Ok(ListenAddr::Socket(SocketAddr::new(ip, port)));
    }
    // Left to the resolver: letters outside ASCII. The characters here are in no name, and its error would not say so.
    if host.contains(|c: char| c.is_whitespace() || c.is_control() || "/\\:@[]?#%*".contains(c)) {
        let hint = "expected an IP address or a host name before the port; for all interfaces write none, as in :3000";
        return Err(hint.to_owned());
    }
    Ok(ListenAddr::Host {
        name: host.to_owned(),
        port,
    })
}

impl fmt::Display for ListenAddr {
    /// The text form; parsing it gives the same address again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(addr) => write!(f, "{addr}"),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
            Self::AllInterfaces { port } => write!(f, ":{port}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inherited { index } => write!(f, "fd:{index}"),
        }
    }
}

impl From<SocketAddr> for ListenAddr {
    fn from(addr: SocketAddr) -> Self {
        Self::Socket(addr)
    }
}

#[cfg(unix)]
impl From<PathBuf> for ListenAddr {
    fn from(path: PathBuf) -> Self {
        Self::Unix(path)
    }
}

impl ToListenAddr for ListenAddr {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        Ok(self.clone())
    }
}

impl ToListenAddr for str {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        self.parse()
    }
}

impl ToListenAddr for String {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        self.parse()
    }
}

impl ToListenAddr for SocketAddr {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        Ok(ListenAddr::Socket(*self))
    }
}

impl ToListenAddr for (&str, u16) {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        let (host, port) = *self;
        from_host(host, port)
            .map_err(|reason| ListenError::invalid(&format!("{host}:{port}"), reason))
    }
}

impl ToListenAddr for (IpAddr, u16) {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        Ok(ListenAddr::Socket((*self).into()))
    }
}

impl ToListenAddr for u16 {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        Ok(ListenAddr::AllInterfaces { port: *self })
    }
}

#[cfg(unix)]
impl ToListenAddr for Path {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        Ok(ListenAddr::Unix(self.to_owned()))
    }
}

#[cfg(unix)]
impl ToListenAddr for PathBuf {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        Ok(ListenAddr::Unix(self.clone()))
    }
}

impl<T: ToListenAddr + ?Sized> ToListenAddr for &T {
    fn to_listen_addr(&self) -> Result<ListenAddr, ListenError> {
        (**self).to_listen_addr()
    }
}

/// The address of a listener, with the port that the system has chosen.
///
/// Displayed as a URL for clients: `http://127.0.0.1:3000`, `https://[::1]:3000`, `unix:/run/app.sock`.
///
/// ```
/// let here = hearken::listen::LocalAddr::Tcp(([127, 0, 0, 1], 3000).into());
/// assert_eq!(here.to_string(), "http://127.0.0.1:3000");
/// assert_eq!(here.port(), Some(3000));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LocalAddr {
    /// An IP address and the port in use.
    Tcp(SocketAddr),
    /// An IP address and the port in use, with TLS.
    Tls(SocketAddr),
    /// The path of a Unix socket. Empty for an inherited socket without a path.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl LocalAddr {
    /// The same address with TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn secured(self) -> Self {
        match self {
            Self::Tcp(addr) => Self::Tls(addr),
            other => other,
        }
    }

    /// The port. `None` for a Unix socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.socket_addr().map(|addr| addr.port())
    }

    /// Address and port. `None` for a Unix socket.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) | Self::Tls(addr) => Some(*addr),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for LocalAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "http://{addr}"),
            Self::Tls(addr) => write!(f, "https://{addr}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
