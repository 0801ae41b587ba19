//! Why a socket cannot listen: the address, the error of the system, the remedy.
//!
//! Here: [`ListenError`], [`ListenErrorKind`] and the texts.

use std::net::SocketAddr;
use std::{fmt, io};

use crate::net::listen::addr::ListenAddr;

/// Why a [`Listener`](super::Listener) could not be made.
///
/// Its text is one line: the address, what happened, the remedy. [`source`](std::error::Error::source) returns the error of the
/// system, if there is one.
///
/// ```
/// use hearken_http::listen::{ListenOptions, ToListenAddr};
///
/// let first = ListenOptions::new().bind(&"127.0.0.1:0".to_listen_addr()?)?;
/// let taken = first.local_addr().socket_addr().unwrap();
/// let error = ListenOptions::new().bind(&taken.into()).unwrap_err();
/// assert!(error.is_address_in_use());
/// assert!(error.to_string().contains("another port"));
/// # Ok::<(), hearken_http::listen::ListenError>(())
/// ```
#[derive(Debug)]
pub struct ListenError {
    kind: ListenErrorKind,
    addr: String,
    reason: String,
    source: Option<io::Error>,
}

/// The kinds of [`ListenError`], sorted by remedy.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListenErrorKind {
    /// Another socket has the address (`EADDRINUSE`), or another file has the path of a Unix socket.
    AddressInUse,
    /// The process lacks a right: for a port below 1024, or to write to a directory (`EACCES`, `EPERM`).
    PermissionDenied,
    /// No interface of this machine has the address (`EADDRNOTAVAIL`), or its address family is disabled.
    AddressNotLocal,
    /// The text is not an address, or the path is too long for a Unix socket.
    InvalidAddress,
    /// The host name has no address.
    HostNotFound,
    /// The service manager has not passed such a socket, or it is not a listening one.
    NotInherited,
    /// The process or the machine has no file descriptor left (`EMFILE`, `ENFILE`).
    TooManyDescriptors,
    /// Any other error of the system.
    Other,
}

impl ListenError {
    /// The kind of error.
    #[must_use]
    pub fn kind(&self) -> ListenErrorKind {
        self.kind
    }

    /// The address as the caller wrote it, followed by the looked-up address in parentheses if there is one: `127.0.0.1:80`,
    /// `localhost:80 (127.0.0.1:80)`, `unix:/run/app.sock`, `fd:0`. Text that is not an address is quoted.
    #[must_use]
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// Whether another socket or file has the address.
    #[must_use]
    pub fn is_address_in_use(&self) -> bool {
        self.kind == ListenErrorKind::AddressInUse
    }

    /// Whether the process lacks a right, as for ports below 1024.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        self.kind == ListenErrorKind::PermissionDenied
    }

    /// Whether no interface of this machine has the address.
    #[must_use]
    pub fn is_address_not_local(&self) -> bool {
        self.kind == ListenErrorKind::AddressNotLocal
    }

    /// Whether the text is not an address.
    #[must_use]
    pub fn is_invalid_address(&self) -> bool {
        self.kind == ListenErrorKind::InvalidAddress
    }

    /// Whether the host name has no address.
    #[must_use]
    pub fn is_host_not_found(&self) -> bool {
        self.kind == ListenErrorKind::HostNotFound
    }

    /// Whether the service manager has not passed a suitable socket.
    #[must_use]
    pub fn is_not_inherited(&self) -> bool {
        self.kind == ListenErrorKind::NotInherited
    }

    /// Whether the process or the machine has no file descriptor left.
    #[must_use]
    pub fn is_too_many_descriptors(&self) -> bool {
        self.kind == ListenErrorKind::TooManyDescriptors
    }

    pub(super) fn invalid(text: &str, reason: String) -> Self {
        // Quoted and escaped: the text may contain anything.
        let addr = format!("{text:?}");
        Self {
            kind: ListenErrorKind::InvalidAddress,
            addr,
            reason,
            source: None,
        }
    }

    pub(super) fn host_not_found(asked: &ListenAddr, source: Option<io::Error>) -> Self {
        let reason =
            "this host name has no address; check its spelling, or write the IP address itself"
                .to_owned();
        Self {
            kind: ListenErrorKind::HostNotFound,
            addr: asked.to_string(),
            reason,
            source,
        }
    }

    pub(super) fn not_inherited(index: usize, reason: String, source: Option<io::Error>) -> Self {
        let addr = ListenAddr::Inherited { index }.to_string();
        Self {
            kind: ListenErrorKind::NotInherited,
            addr,
            reason,
            source,
        }
    }

    #[cfg(unix)]
    pub(super) fn path_in_use(path: &std::path::Path, reason: String) -> Self {
        let addr = format!("unix:{}", path.display());
        Self {
            kind: ListenErrorKind::AddressInUse,
            addr,
            reason,
            source: None,
        }
    }

    /// The system has rejected a TCP socket at `at`, an address of `asked`.
    pub(super) fn tcp(asked: &ListenAddr, at: SocketAddr, source: io::Error) -> Self {
        let kind = kind_of(&source);
        let reason = match kind {
            ListenErrorKind::AddressInUse => PORT_IN_USE.to_owned(),
            ListenErrorKind::PermissionDenied => PORT_NOT_ALLOWED.to_owned(),
            ListenErrorKind::AddressNotLocal => not_local(at),
            ListenErrorKind::TooManyDescriptors => NO_DESCRIPTOR_LEFT.to_owned(),
            _ => source.to_string(),
        };
        let addr = match asked {
            ListenAddr::Socket(_) => at.to_string(),
            _ => format!("{asked} ({at})"),
        };
        Self {
            kind,
            addr,
            reason,
            source: Some(source),
        }
    }

    /// The system has rejected a Unix socket at `path`.
    #[cfg(unix)]
    pub(super) fn unix(path: &std::path::Path, source: io::Error) -> Self {
        let kind = match source.kind() {
            // std rejects a path that does not fit in a socket address.
            io::ErrorKind::InvalidInput => ListenErrorKind::InvalidAddress,
            _ => kind_of(&source),
        };
        let reason = match (kind, source.kind()) {
            (ListenErrorKind::AddressInUse, _) => "something is at that path already; choose another path".to_owned(),
            (ListenErrorKind::PermissionDenied, _) => {
                "this user may not create files in that directory; choose another directory or change its owner"
                    .to_owned()
            }
            (ListenErrorKind::InvalidAddress, _) => {
                "the path does not fit in a socket address (about 100 bytes); choose a shorter one".to_owned()
            }
            (ListenErrorKind::TooManyDescriptors, _) => NO_DESCRIPTOR_LEFT.to_owned(),
            (_, io::ErrorKind::NotFound) => "the directory does not exist; create it first".to_owned(),
            _ => source.to_string(),
        };
        Self {
            kind,
            addr: format!("unix:{}", path.display()),
            reason,
            source: Some(source),
        }
    }

    /// A later step on an open socket has failed.
    pub(super) fn other(addr: String, source: io::Error) -> Self {
        let kind = kind_of(&source);
        let reason = match kind {
            ListenErrorKind::TooManyDescriptors => NO_DESCRIPTOR_LEFT.to_owned(),
            _ => source.to_string(),
        };
        Self {
            kind,
            addr,
            reason,
            source: Some(source),
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.addr, self.reason)
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}

fn kind_of(error: &io::Error) -> ListenErrorKind {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE) => return ListenErrorKind::TooManyDescriptors,
            Some(Errno::AFNOSUPPORT) => return ListenErrorKind::AddressNotLocal,
            _ => {}
        }
    }
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenErrorKind::AddressInUse,
        io::ErrorKind::PermissionDenied => ListenErrorKind::PermissionDenied,
        io::ErrorKind::AddrNotAvailable => ListenErrorKind::AddressNotLocal,
        _ => ListenErrorKind::Other,
    }
}

fn not_local(at: SocketAddr) -> String {
    let (ip, this_machine, all) = match at {
        SocketAddr::V4(at) => (at.ip().to_string(), "127.0.0.1", "0.0.0.0"),
        SocketAddr::V6(at) => (at.ip().to_string(), "[::1]", "[::]"),
    };
    format!(
        "no interface of this machine has the address {ip}; use {this_machine} to serve this machine alone, {all} for \
         all its interfaces, or one of its own addresses"
    )
}

const PORT_IN_USE: &str = "the port is in use; stop the program that listens there, or choose another port (0 takes any free one)";
const PORT_NOT_ALLOWED: &str = "this process lacks the right to listen there; ports below 1024 need one: choose a higher port, or let \
     the service manager open the socket (fd:0)";
const NO_DESCRIPTOR_LEFT: &str = "no file descriptor is left; raise the limit of this process";

crate::error::from_others!(ListenError);
