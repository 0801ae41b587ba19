//! Real sockets on the loopback addresses, every kind of error provoked, options read back from the system.

mod addresses;
mod child;
mod errors;
mod files;
mod options;
mod siblings;

use std::net::SocketAddr;

use super::{ListenError, ListenOptions, Listener, ListenerParts, ToListenAddr};

fn listen(on: impl ToListenAddr) -> Result<Listener, ListenError> {
    ListenOptions::new().bind(&on.to_listen_addr()?)
}

fn port_of(listener: &Listener) -> SocketAddr {
    listener.local_addr().socket_addr().expect("a TCP listener")
}

fn tcp(listener: Listener) -> std::net::TcpListener {
    match listener.into_parts() {
        ListenerParts::Tcp(socket) => socket,
        other => panic!("expected TCP, found {other:?}"),
    }
}

/// The same socket in blocking mode, for a test that waits for a connection.
fn waiting(listener: Listener) -> std::net::TcpListener {
    let socket = tcp(listener);
    socket.set_nonblocking(false).expect("a live socket");
    socket
}

/// Written to stderr directly: the test harness hides the output of a test that passes.
fn skipped(why: &str) {
    use std::io::Write;
    let _ignored = writeln!(std::io::stderr(), "skipped: {why}");
}
