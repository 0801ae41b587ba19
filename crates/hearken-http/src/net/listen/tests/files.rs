//! The file of a Unix socket: who may replace it, what its permissions are, when it goes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::{Domain, SockAddr, Socket, Type};

use super::super::{ListenOptions, ListenerParts, LocalAddr, ToListenAddr};
use super::listen;

/// A directory of the test's own, gone at its end. Short, because a socket's path must be.
pub(super) struct Dir(PathBuf);

impl Dir {
    pub(super) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir =
            std::env::temp_dir().join(format!("hearken-{name}-{}-{count}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

/// A stale socket file, as a killed server leaves it. The socket never listened: a process that another test forks at this
/// moment holds a copy of it until it executes its program.
fn stale(path: &Path) {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
}

#[test]
fn a_stale_socket_is_replaced() {
    let dir = Dir::new("stale");
    let path = dir.path("a.sock");
    stale(&path);
    let listener = listen(format!("unix:{}", path.display())).unwrap();
    assert_eq!(listener.local_addr(), LocalAddr::Unix(path.clone()));
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_stale_socket_stays_if_the_caller_says_so() {
    let dir = Dir::new("keep");
    let path = dir.path("a.sock");
    stale(&path);
    let error = ListenOptions::new()
        .replace_stale_socket(false)
        .bind(&path.to_listen_addr().unwrap())
        .unwrap_err();
    assert!(
        error.is_address_in_use() && error.to_string().contains("stale socket"),
        "{error}"
    );
    assert!(path.exists());
}

#[test]
fn a_live_socket_is_refused_and_goes_on() {
    let dir = Dir::new("live");
    let path = dir.path("a.sock");
    let live = UnixListener::bind(&path).unwrap();
    let error = listen(path.clone()).unwrap_err();
    assert!(error.is_address_in_use(), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("a process listens at that path already"),
        "{error}"
    );
    UnixStream::connect(&path).unwrap();
    drop(live);
}

#[test]
fn a_live_socket_with_a_full_queue_is_not_mistaken_for_a_stale_one() {
    let dir = Dir::new("full");
    let path = dir.path("a.sock");
    let live = ListenOptions::new()
        .backlog(0)
        .bind(&path.to_listen_addr().unwrap())
        .unwrap();
    let _fills_the_queue = UnixStream::connect(&path).unwrap();
    let error = listen(path.clone()).unwrap_err();
    assert!(error.is_address_in_use() && path.exists(), "{error:?}");
    drop(live);
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    let dir = Dir::new("file");
    let path = dir.path("precious");
    fs::write(&path, "data").unwrap();
    let error = listen(path.clone()).unwrap_err();
    assert!(
        error.is_address_in_use() && error.to_string().contains("not a socket"),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"data");

    // A link to the stale socket of another program is not followed.
    let (link, target) = (dir.path("link"), dir.path("target.sock"));
    stale(&target);
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(listen(link).unwrap_err().is_address_in_use());
    assert!(target.exists());
}

#[test]
fn the_file_has_the_mode_asked_for() {
    let dir = Dir::new("mode");
    for mode in [0o600, 0o660, 0o777] {
        let path = dir.path(&format!("{mode:o}.sock"));
        let _listener = ListenOptions::new()
            .unix_mode(mode)
            .bind(&path.to_listen_addr().unwrap())
            .unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            mode
        );
    }
}

#[test]
fn the_file_goes_with_the_last_listener_on_it() {
    let dir = Dir::new("last");
    let path = dir.path("a.sock");
    let first = listen(path.clone()).unwrap();
    let more = first.bind_more(2).unwrap();
    drop(first);
    assert!(path.exists(), "two are left");
    let mut parts: Vec<_> = more.into_iter().map(super::Listener::into_parts).collect();
    UnixStream::connect(&path).unwrap();
    let Some(ListenerParts::Unix(socket, file)) = parts.pop() else {
        panic!("a Unix socket")
    };
    socket.accept().unwrap();
    drop((parts, socket));
    assert!(path.exists(), "the parts keep the file");
    drop(file);
    assert!(!path.exists());
}

#[test]
fn the_file_of_a_successor_is_not_removed() {
    let dir = Dir::new("next");
    let path = dir.path("a.sock");
    let old = listen(path.clone()).unwrap();
    fs::remove_file(&path).unwrap();
    let new = listen(path.clone()).unwrap();
    drop(old);
    UnixStream::connect(&path).expect("the successor still listens");
    drop(new);
    assert!(!path.exists());
}
