//! Unix sockets and their files.
//!
//! Here: binding, replacing the stale file of a killed process, removing the file: [`SocketFile`]. Not here: TCP (`mod.rs`).

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::net::listen::{ListenError, ListenOptions};

/// Guards the file of a Unix socket. Dropping the last clone removes the file, if this process has created it and no other
/// process has replaced it since.
///
/// [`Listener`](super::Listener) holds one. After [`into_parts`](super::Listener::into_parts), keep it as long as connections
/// are accepted.
#[derive(Clone, Debug)]
#[must_use = "dropping it removes the socket's file"]
pub struct SocketFile {
    /// `None` for an inherited socket, whose file belongs to the service manager.
    _created: Option<Arc<Created>>,
}

impl SocketFile {
    pub(super) fn not_owned() -> Self {
        Self { _created: None }
    }
}

/// Identifies the file by its inode, not by its path: after a restart without downtime the path belongs to the successor.
#[derive(Debug)]
struct Created {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for Created {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _gone_already = fs::remove_file(&self.path);
        }
    }
}

/// Device and inode. Does not follow links.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

pub(super) fn bind(
    options: &ListenOptions,
    path: &Path,
) -> Result<(UnixListener, SocketFile), ListenError> {
    let failed = |error| ListenError::unix(path, error);
    let addr = SockAddr::unix(path).map_err(failed)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
    if let Err(error) = socket.bind(&addr) {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(failed(error));
        }
        make_room(options, path, &addr)?;
        socket.bind(&addr).map_err(failed)?;
    }
    let file = created(path).map_err(failed)?;
    // No client can connect before `listen`, so the permissions are set in time.
    if let Some(mode) = options.unix_mode {
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    }
    options.apply_buffers(&socket).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    socket
        .listen(options.backlog_for_system())
        .map_err(failed)?;
    Ok((socket.into(), file))
}

fn created(path: &Path) -> io::Result<SocketFile> {
    // Absolute: the process may change its directory before it removes the file.
    let created = Created {
        path: std::path::absolute(path)?,
        identity: identity(path)?,
    };
    Ok(SocketFile {
        _created: Some(Arc::new(created)),
    })
}

/// Removes a stale socket file. Two processes that find the same stale file at the same time may both succeed, and the path
/// belongs to the later one: start only one, or use socket activation.
fn make_room(options: &ListenOptions, path: &Path, addr: &SockAddr) -> Result<(), ListenError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        // Removed in between.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ListenError::unix(path, error)),
    };
    if !found.file_type().is_socket() {
        let reason =
            "a file that is not a socket is at that path; remove it or choose another path";
        return Err(ListenError::path_in_use(path, reason.to_owned()));
    }
    if !is_stale(addr).map_err(|error| ListenError::unix(path, error))? {
        let reason = "a process listens at that path already; stop it, or choose another path";
        return Err(ListenError::path_in_use(path, reason.to_owned()));
    }
    if !options.replace_stale_socket {
        let reason = "a stale socket is at that path; remove it, or allow replacing it";
        return Err(ListenError::path_in_use(path, reason.to_owned()));
    }
    fs::remove_file(path).map_err(|error| ListenError::unix(path, error))
}

/// Only "connection refused" proves that no process listens. Does not wait: a full queue means a live server.
fn is_stale(addr: &SockAddr) -> io::Result<bool> {
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    Ok(
        matches!(probe.connect(addr), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused),
    )
}
