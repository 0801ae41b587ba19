//! Bytes that TLS has buffered are sent, however small the buffers of the socket and however slow the reader.

use super::authority::Authority;
use crate::listen::ListenOptions;
use crate::tls::{ClientTls, ServerTls};
use crate::{Server, event};
use std::sync::mpsc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const LARGE: usize = 10 * 1024 * 1024;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 7 + at) as u8).collect()
}

fn secure() -> (ServerTls, ClientTls) {
    let authority = Authority::new("Test Root");
    let pair = authority.issue(&["127.0.0.1"]);
    let server = ServerTls::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
    let client = ClientTls::new().system_roots(false);
    (
        server,
        client.root_pem(authority.root().as_bytes()).unwrap(),
    )
}

/// A socket with a small window, so that the send buffer of the server is full most of the time.
async fn narrow(address: std::net::SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}

/// Ten MiB to a client that yields after each read, on a connection that closes and on one that persists.
#[tokio::test]
async fn a_slow_reader_receives_all_of_a_large_response() {
    let (tls, client) = secure();
    let server = Server::new(async |_req, res| res.end(pattern(LARGE)));
    let handle = server
        .workers(1)
        .listen_options(ListenOptions::new().send_buffer_bytes(4096))
        .tls(&tls)
        .listen("127.0.0.1:0")
        .unwrap()
        .start()
        .unwrap();
    let address = handle.address().socket_addr().unwrap();
    for close in [true, false] {
        let (mut stream, _) = client
            .connect("127.0.0.1", narrow(address).await)
            .await
            .unwrap();
        let ending = if close { "close" } else { "keep-alive" };
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {ending}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        let mut piece = vec![0; 32 * 1024];
        let mut head = 0;
        while head == 0 || received.len() < head + LARGE {
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "cut after {} bytes", received.len());
            received.extend_from_slice(&piece[..count]);
            if head == 0 {
                let end = received.windows(4).position(|window| window == b"\r\n\r\n");
                head = end.map_or(0, |end| end + 4);
            }
            tokio::task::yield_now().await;
        }
        assert!(
            received[head..] == pattern(LARGE),
            "the bytes are those of the handler"
        );
        if close {
            assert_eq!(
                stream.read(&mut piece).await.unwrap(),
                0,
                "and a close_notify ends it"
            );
        }
    }
    handle.close_now();
}

/// The whole response fits into the buffers of TLS and of the socket, so the handler has ended when it is read.
#[tokio::test]
async fn the_last_bytes_do_not_wait_for_another_request() {
    let (tls, client) = secure();
    let (done, is_done) = mpsc::channel();
    let mut server = Server::new(async |_req, res| res.end(pattern(300_000)));
    server.on(event::Request, move |_| done.send(()).unwrap());
    let handle = server
        .workers(1)
        .listen_options(ListenOptions::new().send_buffer_bytes(4096))
        .tls(&tls)
        .listen("127.0.0.1:0")
        .unwrap()
        .start()
        .unwrap();
    let address = handle.address().socket_addr().unwrap();
    let (mut stream, _) = client
        .connect("127.0.0.1", narrow(address).await)
        .await
        .unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    is_done.recv_timeout(Duration::from_secs(10)).unwrap();
    let mut received = 0;
    let mut piece = vec![0; 1000];
    while received < 300_000 {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut piece));
        received += read.await.expect("the rest stays in the server").unwrap();
    }
    handle.close_now();
}

/// The client closes TCP without a close_notify.
#[tokio::test]
async fn an_eof_without_close_notify_between_requests_ends_the_connection() {
    let (tls, client) = secure();
    let (sender, closed) = mpsc::channel();
    let mut server = Server::new(async |_req, res| res.end("hi"));
    server.on(event::Disconnected, move |(_, why)| {
        sender.send(why).unwrap()
    });
    let handle = server
        .workers(1)
        .listen_options(ListenOptions::new().send_buffer_bytes(4096))
        .tls(&tls)
        .listen("127.0.0.1:0")
        .unwrap()
        .start()
        .unwrap();
    let address = handle.address().socket_addr().unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut stream, _) = client.connect("127.0.0.1", socket).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).await.unwrap();
    let (mut socket, _) = stream.into_inner();
    socket.shutdown().await.unwrap(); // of TCP: no close_notify
    let why = closed.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(
        why,
        crate::Closed::Done,
        "between two requests no message is truncated"
    );
    handle.close_now();
}
