//! Options by name, read back from the system.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_getfd};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::super::{ListenOptions, ToListenAddr};
use super::{Listener, listen, port_of, tcp, waiting};

fn bind(options: &ListenOptions) -> Listener {
    options
        .bind(&"127.0.0.1:0".to_listen_addr().unwrap())
        .unwrap()
}

#[test]
fn the_defaults_are_those_documented() {
    let listener = listen("127.0.0.1:0").unwrap();
    let socket = SockRef::from(&listener);
    assert!(socket.reuse_address().unwrap());
    assert!(!socket.reuse_port().unwrap());
    assert!(socket.is_listener().unwrap());
    assert!(fcntl_getfd(&listener).unwrap().contains(FdFlags::CLOEXEC));
    assert_eq!(
        tcp(listener).accept().unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}

/// A peer that does not read must not fill the send buffer of the system.
#[cfg(target_os = "linux")]
#[test]
fn accepted_connections_inherit_the_bound_on_unsent_bytes() {
    for (options, bytes) in [
        (ListenOptions::new(), 64 * 1024),
        (ListenOptions::new().unsent_bytes_max(9_000), 9_000),
    ] {
        let first = bind(&options);
        let sibling = first.bind_more(1).unwrap().remove(0);
        assert_eq!(SockRef::from(&sibling).tcp_notsent_lowat().unwrap(), bytes);
        drop(sibling);
        let _client = TcpStream::connect(port_of(&first)).unwrap();
        let (accepted, _) = waiting(first).accept().unwrap();
        assert_eq!(SockRef::from(&accepted).tcp_notsent_lowat().unwrap(), bytes);
    }
}

#[test]
fn each_option_reaches_the_socket() {
    let listener = bind(&ListenOptions::new().reuse_address(false).reuse_port(true));
    let socket = SockRef::from(&listener);
    assert!(!socket.reuse_address().unwrap());
    assert!(socket.reuse_port().unwrap());

    // The system doubles the size for its own bookkeeping (socket(7)).
    let listener = bind(
        &ListenOptions::new()
            .receive_buffer_bytes(20_000)
            .send_buffer_bytes(30_000),
    );
    let socket = SockRef::from(&listener);
    assert_eq!(
        (
            socket.recv_buffer_size().unwrap(),
            socket.send_buffer_size().unwrap()
        ),
        (40_000, 60_000)
    );

    for only in [false, true] {
        let any = "[::]:0".to_listen_addr().unwrap();
        match ListenOptions::new().ipv6_only(only).bind(&any) {
            Ok(listener) => assert_eq!(SockRef::from(&listener).only_v6().unwrap(), only),
            Err(error) => assert!(error.is_address_not_local(), "{error}"),
        }
    }
}

fn accepted(listener: Listener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(port_of(&listener)).unwrap();
    let (server, _) = waiting(listener).accept().unwrap();
    (server, client)
}

#[test]
fn accepted_connections_get_their_options() {
    let options = ListenOptions::new();
    let (server, _client) = accepted(bind(&options));
    let socket = SockRef::from(&server);
    options.apply_to_accepted(&socket).unwrap();
    assert!(socket.tcp_nodelay().unwrap());
    assert!(!socket.keepalive().unwrap());

    let options = ListenOptions::new()
        .no_delay(false)
        .keep_alive(Duration::from_millis(14_200))
        .keep_alive_interval(Duration::ZERO)
        .keep_alive_retries(7);
    let (server, _client) = accepted(bind(&options));
    let socket = SockRef::from(&server);
    options.apply_to_accepted(&socket).unwrap();
    assert!(!socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(
        socket.tcp_keepalive_time().unwrap(),
        Duration::from_secs(15),
        "rounded up"
    );
    assert_eq!(
        socket.tcp_keepalive_interval().unwrap(),
        Duration::from_secs(1),
        "at least one"
    );
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 7);
}

#[test]
fn siblings_have_the_options_of_the_first_listener() {
    let listener = bind(&ListenOptions::new().keep_alive(Duration::from_secs(20)));
    let (server, _client) = accepted(listener.try_clone().unwrap());
    let sibling = listener.bind_more(1).unwrap().remove(0);
    sibling
        .options()
        .apply_to_accepted(&SockRef::from(&server))
        .unwrap();
    let idle = SockRef::from(&server).tcp_keepalive_time().unwrap();
    assert_eq!(idle, Duration::from_secs(20));
}

/// A connection that is there when `connect` returns: on the loopback the handshake needs no waiting, unless the queue
/// has no room for it.
fn connects_at_once(at: SocketAddr) -> Result<Socket, Socket> {
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    client.set_nonblocking(true).unwrap();
    let _in_progress = client.connect(&at.into());
    if client.peer_addr().is_ok() {
        Ok(client)
    } else {
        Err(client)
    }
}

#[test]
fn the_backlog_bounds_the_queue() {
    // Linux queues one more than the backlog.
    let small = bind(&ListenOptions::new().backlog(1));
    let _queued: Vec<_> = (0..2)
        .map(|_| TcpStream::connect(port_of(&small)).unwrap())
        .collect();
    let waits: Vec<_> = (0..3).map(|_| connects_at_once(port_of(&small))).collect();
    assert!(waits.iter().all(Result::is_err), "{waits:?}");

    let default = bind(&ListenOptions::new());
    let limit = Duration::from_secs(10);
    let queued = |_| TcpStream::connect_timeout(&port_of(&default), limit).unwrap();
    let _queued: Vec<_> = (0..100).map(queued).collect();
}

#[test]
fn the_backlog_bounds_the_queue_of_a_unix_socket() {
    let dir = super::files::Dir::new("backlog");
    let path = dir.path("a.sock");
    let _listener = ListenOptions::new()
        .backlog(3)
        .bind(&path.to_listen_addr().unwrap())
        .unwrap();
    let _queued: Vec<_> = (0..4)
        .map(|_| UnixStream::connect(&path).unwrap())
        .collect();
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    probe.set_nonblocking(true).unwrap();
    assert_eq!(
        probe
            .connect(&SockAddr::unix(&path).unwrap())
            .unwrap_err()
            .kind(),
        ErrorKind::WouldBlock
    );
}
