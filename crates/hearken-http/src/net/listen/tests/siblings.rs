//! One listener per worker.

use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use super::super::{ListenOptions, ListenerParts, ToListenAddr};
use super::{Listener, listen, port_of, tcp, waiting};

/// Connections taken from the queue without waiting.
fn take_all(socket: &std::net::TcpListener) -> usize {
    let mut taken = 0;
    loop {
        match socket.accept() {
            Ok((connection, _)) => {
                let _gone_already = connection.shutdown(Shutdown::Both);
                taken += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return taken;
            }
        }
    }
}

fn share_of_each(on: &str) {
    let first = listen(on).unwrap();
    let at = port_of(&first);
    let mut listeners = first.bind_more(2).unwrap();
    listeners.push(first);
    assert!(listeners.iter().all(|listener| port_of(listener) == at));
    let sockets: Vec<_> = listeners.into_iter().map(tcp).collect();

    // Which queue a connection lands in is the system's choice by a hash of its addresses; that one of three stays
    // empty over 300 of them happens once in 10^52 runs.
    let clients: Vec<_> = (0..300).map(|_| TcpStream::connect(at).unwrap()).collect();
    let mut taken = [0; 3];
    while taken.iter().sum::<usize>() < clients.len() {
        for (socket, taken) in sockets.iter().zip(&mut taken) {
            *taken += take_all(socket);
        }
    }
    assert!(taken.iter().all(|taken| *taken > 0), "{taken:?}");
}

#[test]
fn three_workers_share_a_port_that_the_system_chose() {
    share_of_each("127.0.0.1:0");
}

#[test]
fn three_workers_share_a_port_of_all_interfaces() {
    // Connecting to the unspecified address reaches this machine.
    share_of_each(":0");
}

#[test]
fn a_port_with_siblings_is_in_use_for_other_listeners() {
    let first = listen("127.0.0.1:0").unwrap();
    let _more = first.bind_more(2).unwrap();
    let error = listen(port_of(&first)).unwrap_err();
    assert!(error.is_address_in_use(), "{error:?}");
}

#[test]
fn another_server_joins_the_port_only_if_both_ask_for_it() {
    let shared = ListenOptions::new().reuse_port(true);
    let first = shared
        .bind(&"127.0.0.1:0".to_listen_addr().unwrap())
        .unwrap();
    let addr = port_of(&first).to_listen_addr().unwrap();
    let second = shared.bind(&addr).unwrap();
    assert_eq!(first.local_addr(), second.local_addr());
    assert!(
        ListenOptions::new()
            .bind(&addr)
            .unwrap_err()
            .is_address_in_use()
    );
}

#[test]
fn no_more_is_none_and_a_sibling_can_have_siblings() {
    let first = listen("127.0.0.1:0").unwrap();
    assert!(first.bind_more(0).unwrap().is_empty());
    let second = first.bind_more(1).unwrap().remove(0);
    drop(first);
    let third = second.bind_more(1).unwrap().remove(0);
    assert_eq!(second.local_addr(), third.local_addr());
}

#[test]
fn a_clone_takes_from_the_same_queue() {
    let first = listen("127.0.0.1:0").unwrap();
    let twin = first.try_clone().unwrap();
    let _clients: Vec<_> = (0..2)
        .map(|_| TcpStream::connect(port_of(&first)).unwrap())
        .collect();
    assert!(waiting(first).accept().is_ok() && waiting(twin).accept().is_ok());
}

#[test]
fn workers_on_a_unix_socket_share_its_queue() {
    let dir = super::files::Dir::new("workers");
    let path = dir.path("a.sock");
    let first = listen(path.clone()).unwrap();
    let second = first.bind_more(1).unwrap().remove(0);
    let _clients: Vec<_> = (0..2)
        .map(|_| UnixStream::connect(&path).unwrap())
        .collect();
    let take = |listener: Listener| match listener.into_parts() {
        ListenerParts::Unix(socket, _file) => socket.accept().is_ok(),
        other @ ListenerParts::Tcp(_) => panic!("expected a Unix socket, found {other:?}"),
    };
    assert!(take(first) && take(second));
}
