//! Sockets that the service manager has opened for this process: `LISTEN_FDS` of systemd (sd_listen_fds(3)).
//!
//! Here: taking one of them, once. The crate `listenfd` reads the environment (`LISTEN_PID`, number of the first descriptor).

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use listenfd::ListenFd;
use socket2::SockRef;

use crate::net::listen::{ListenError, ListenerParts};

/// The sockets of the process that were not taken yet. Reading the environment also removes the variables, so that child
/// processes do not use them; it happens once.
static INHERITED: OnceLock<Mutex<ListenFd>> = OnceLock::new();

pub(super) fn take(index: usize) -> Result<ListenerParts, ListenError> {
    let failed = |reason: String, source| ListenError::not_inherited(index, reason, source);
    let mut inherited = INHERITED
        .get_or_init(|| Mutex::new(ListenFd::from_env()))
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if inherited.len() == 0 {
        let reason = "no socket was handed over to this process (LISTEN_FDS is not set for it); start it from a \
                      socket unit, or name an address such as 127.0.0.1:3000";
        return Err(failed(reason.to_owned(), None));
    }
    if index >= inherited.len() {
        let reason = format!(
            "only {} socket(s) were handed over, counted from 0",
            inherited.len()
        );
        return Err(failed(reason, None));
    }
    match take_either(&mut inherited, index) {
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
fn take_either(inherited: &mut ListenFd, index: usize) -> io::Result<Option<ListenerParts>> {
    // Leaves a socket of another family in the list.
    if let Ok(socket) = inherited.take_tcp_listener(index) {
        return Ok(socket.map(ListenerParts::Tcp));
    }
    let socket = inherited.take_unix_listener(index)?;
    Ok(socket.map(|socket| ListenerParts::Unix(socket, super::SocketFile::not_owned())))
}

#[cfg(not(unix))]
fn take_either(inherited: &mut ListenFd, index: usize) -> io::Result<Option<ListenerParts>> {
    Ok(inherited.take_tcp_listener(index)?.map(ListenerParts::Tcp))
}

/// Rejects a connected socket (`Accept=yes`), on which every accept would fail.
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
