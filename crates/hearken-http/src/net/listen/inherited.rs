//! Sockets that the service manager opened for us: systemd's `LISTEN_FDS` (sd_listen_fds(3)).
//!
//! Here: taking one of them, once. The rules of the environment (`LISTEN_PID`, which descriptor is the first) are the
//! `listenfd` crate's. Not here: how they are opened, that is a `.socket` unit's business.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use listenfd::ListenFd;
use socket2::SockRef;

use crate::net::listen::{ListenError, ListenerParts};

/// The sockets are the process's, so the list of those not yet taken is too. Reading the environment takes the
/// variables out of it, so that child processes do not mistake them for their own; hence only once.
static HANDED_OVER: OnceLock<Mutex<ListenFd>> = OnceLock::new();

pub(super) fn take(index: usize) -> Result<ListenerParts, ListenError> {
    let failed = |reason: String, source| ListenError::not_inherited(index, reason, source);
    let mut handed_over = HANDED_OVER
        .get_or_init(|| Mutex::new(ListenFd::from_env()))
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if handed_over.len() == 0 {
        let reason = "no socket was handed over to this process (LISTEN_FDS is not set for it); start it from a \
                      socket unit, or name an address such as 127.0.0.1:3000";
        return Err(failed(reason.to_owned(), None));
    }
    if index >= handed_over.len() {
        let reason = format!(
            "only {} socket(s) were handed over, counted from 0",
            handed_over.len()
        );
        return Err(failed(reason, None));
    }
    match take_either(&mut handed_over, index) {
        Ok(Some(socket)) => check(&socket).map_err(|error| {
            let reason = "the inherited socket is not a listening one (in a socket unit: ListenStream, Accept=no)";
            failed(reason.to_owned(), Some(error))
        }).map(|()| socket),
        Ok(None) => Err(failed("this socket has been taken already; it can be listened on once".to_owned(), None)),
        Err(error) => {
            let reason = "the inherited descriptor is no stream socket (in a socket unit: ListenStream)".to_owned();
            Err(failed(reason, Some(error)))
        }
    }
}

#[cfg(unix)]
fn take_either(handed_over: &mut ListenFd, index: usize) -> io::Result<Option<ListenerParts>> {
    // A socket of the wrong family stays in its place.
    if let Ok(socket) = handed_over.take_tcp_listener(index) {
        return Ok(socket.map(ListenerParts::Tcp));
    }
    let socket = handed_over.take_unix_listener(index)?;
    Ok(socket.map(|socket| ListenerParts::Unix(socket, super::SocketFile::of_somebody_else())))
}

#[cfg(not(unix))]
fn take_either(handed_over: &mut ListenFd, index: usize) -> io::Result<Option<ListenerParts>> {
    Ok(handed_over
        .take_tcp_listener(index)?
        .map(ListenerParts::Tcp))
}

/// A connected socket (`Accept=yes`) would only fail at the first accept, over and over.
fn check(socket: &ListenerParts) -> io::Result<()> {
    let socket = match socket {
        ListenerParts::Tcp(socket) => SockRef::from(socket),
        #[cfg(unix)]
        ListenerParts::Unix(socket, _) => SockRef::from(socket),
    };
    socket.set_nonblocking(true)?;
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    if !socket.is_listener()? {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(())
}
