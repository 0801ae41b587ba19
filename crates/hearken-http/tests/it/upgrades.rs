//! Upgrades and tunnels over real sockets, and their end with the server.

use crate::client::{Client, PATIENCE, eventually};
use crate::running::{Running, stop};
use hearken_http::{
    Failure, IncomingMessage, Limits, Sent, Server, ServerHandle, ServerResponse, Upgraded, event,
};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

fn start(server: Server) -> ServerHandle {
    server.workers(2).running()
}

/// A server that only upgrades.
fn upgrading<R: hearken_http::Answer + 'static>(
    handler: impl hearken_http::server::HandlerFn<R> + Send + Sync + 'static,
) -> Server {
    let mut server = Server::new(async |_req, res| res.end("plain"));
    server.handle(event::Upgrade, handler);
    server
}

async fn echo(mut stream: Upgraded) -> std::io::Result<()> {
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

async fn echo_here(_req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let (sent, upgrading) = res.upgrade("echo")?;
    echo(upgrading.await?).await?;
    Ok(sent)
}

/// Upgrades a connection, with these bytes sent right after the request.
fn switched(server: &ServerHandle, behind: &str) -> TcpStream {
    let mut client = Client::connect(server);
    client.send(UPGRADE.to_owned() + behind);
    assert_eq!(
        read_head(&mut client.stream).lines().next(),
        Some("HTTP/1.1 101 Switching Protocols")
    );
    client.stream
}

/// Reads byte by byte, so that nothing after the head is consumed.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

fn hear(stream: &mut TcpStream, expected: &str) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).expect("an echo");
    assert_eq!(heard, expected.as_bytes());
}

#[test]
fn a_handler_can_use_the_transport() {
    let server = start(upgrading(echo_here));
    let mut stream = switched(&server, "first");
    hear(&mut stream, "first");
    stream.write_all(b"second").unwrap();
    hear(&mut stream, "second");
    assert_eq!(server.connections(), 1, "it still counts as a connection");
    drop(stream);
    eventually("closed", || server.connections() == 0);
    stop(&server);
}

/// On any thread: the transport is `Send`.
#[test]
fn a_task_can_use_the_transport() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let elsewhere = runtime.handle().clone();
    let (tell, told) = mpsc::channel();
    let mut server = upgrading(async move |_req, res: ServerResponse| {
        let (sent, upgrading) = res.upgrade("echo")?;
        let tell = tell.clone();
        elsewhere.spawn(async move {
            let ended = match upgrading.await {
                Ok(stream) => echo(stream).await.is_ok(),
                Err(_) => false,
            };
            tell.send(ended).unwrap();
        });
        Ok(sent)
    });
    let (bye, gone) = mpsc::channel();
    server.on(event::Disconnected, move |(_, why)| {
        bye.send(why.to_string()).unwrap()
    });
    let server = start(server);
    let mut stream = switched(&server, "");
    stream.write_all(b"hello").unwrap();
    hear(&mut stream, "hello");
    assert!(
        gone.try_recv().is_err(),
        "it stays open after its handler has ended"
    );
    drop(stream);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(true));
    assert_eq!(
        gone.recv_timeout(PATIENCE).unwrap(),
        "the exchange is complete"
    );
    stop(&server);
}

#[test]
fn tunnels_and_raw_sockets() {
    let mut server = Server::new(async |_req, res| res.end("plain"));
    server.handle(
        event::Connect,
        async |req: IncomingMessage, res: ServerResponse| {
            let raw = req.url() == "raw:1";
            let (sent, upgrading) = if raw {
                res.into_socket()
            } else {
                res.accept_tunnel()?
            };
            let mut stream = upgrading.await?;
            assert_eq!(stream.read_ahead(), b"ping");
            if raw {
                stream.write_all(b"HTTP/1.1 299 Own Words\r\n\r\n").await?;
            }
            echo(stream).await?;
            Ok(sent)
        },
    );
    let server = start(server);
    for (to, status) in [
        ("tunnel:1", "HTTP/1.1 200 OK"),
        ("raw:1", "HTTP/1.1 299 Own Words"),
    ] {
        let mut client = Client::connect(&server);
        client.send(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\nping"));
        let head = read_head(&mut client.stream);
        assert_eq!(head.lines().next(), Some(status), "{head}");
        assert!(!head.to_lowercase().contains("content-length"), "{head}");
        hear(&mut client.stream, "ping");
    }
    server.close_now();
    server.wait();
}

/// `close_all_connections` includes upgraded ones (in Node it does not: nodejs/node#53536).
#[test]
fn close_all_connections_closes_upgraded_ones_too() {
    let (tell, told) = mpsc::channel();
    let server = upgrading(async move |_req, res: ServerResponse| {
        let (sent, upgrading) = res.upgrade("echo")?;
        let mut stream = upgrading.await?;
        let error = stream.read_u8().await.unwrap_err();
        tell.send(error.kind()).unwrap();
        let error = stream.write_all(b"x").await.unwrap_err();
        tell.send(error.kind()).unwrap();
        Ok(sent)
    });
    let server = start(server);
    let mut streams: Vec<_> = (0..3).map(|_| switched(&server, "")).collect();
    let mut idle = Client::connect(&server);
    idle.get("/");
    server.close_idle_connections();
    assert!(idle.rest().unwrap().is_empty());
    eventually("the others are not idle", || server.connections() == 3);
    server.close_all_connections();
    for stream in &mut streams {
        let read = stream.read(&mut [0]);
        assert!(
            matches!(&read, Ok(0))
                || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
        );
        for _ in 0..2 {
            assert_eq!(
                told.recv_timeout(PATIENCE),
                Ok(ErrorKind::ConnectionAborted)
            );
        }
    }
    eventually("gone", || server.connections() == 0);
    assert_eq!(
        Client::connect(&server).get("/").text(),
        "plain",
        "the server keeps running"
    );
    hear_nothing_more(&switched(&server, ""));
    server.close_now();
    server.wait();
}

fn hear_nothing_more(stream: &TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let mut stream = stream;
    assert_eq!(
        stream.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn the_owner_of_a_transport_is_notified_when_the_server_stops() {
    let server = start(upgrading(async |_req, res: ServerResponse| {
        let (sent, upgrading) = res.upgrade("echo")?;
        let mut stream = upgrading.await?;
        stream.closing().await;
        stream.write_all(b"bye").await?;
        Ok(sent)
    }));
    let mut stream = switched(&server, "");
    hear_nothing_more(&stream);
    stream.set_nonblocking(false).unwrap();
    server.close();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "bye");
    server.wait();
}

/// Upgraded connections that ignore the notice are cut after the grace period.
#[test]
fn a_server_stops_whatever_its_upgraded_connections_do() {
    let mut limits = Limits::default();
    limits.time.grace = Duration::from_millis(300);
    let (keep, kept) = mpsc::channel();
    let server = upgrading(async move |_req, res: ServerResponse| {
        let (sent, upgrading) = res.upgrade("echo")?;
        keep.send(upgrading.await?).unwrap(); // kept by a task that never reads it
        Ok(sent)
    });
    let server = start(server.limits(limits));
    let mut streams: Vec<_> = (0..2).map(|_| switched(&server, "")).collect();
    let held: Vec<Upgraded> = (0..2)
        .map(|_| kept.recv_timeout(PATIENCE).unwrap())
        .collect();
    let began = Instant::now();
    stop(&server);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(300) && took < PATIENCE,
        "{took:?}"
    );
    for stream in &mut streams {
        let read = stream.read(&mut [0]);
        assert!(
            matches!(&read, Ok(0))
                || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
        );
    }
    drop(held);
}

#[test]
fn a_busy_connection_is_not_idle() {
    let (tell, told) = mpsc::channel();
    let (open, gate) = tokio::sync::watch::channel(false);
    let server = start(Server::new(async move |_req, res| {
        tell.send(()).unwrap();
        let _ = gate.clone().wait_for(|open| *open).await;
        res.end("done")
    }));
    let mut busy = Client::connect(&server);
    busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    told.recv_timeout(PATIENCE).unwrap();
    let mut fresh = Client::connect(&server);
    eventually("accepted", || server.connections() == 2);
    server.close_idle_connections();
    assert!(fresh.rest().unwrap().is_empty());
    open.send(true).unwrap();
    let answer = busy.response();
    assert_eq!((answer.text(), answer.closes()), ("done", false));
    assert_eq!(busy.get("/").text(), "done", "it stays open");
    stop(&server);
}

/// Injected transports are spread over the workers; none is served once the server is stopping.
#[test]
fn injected_transports_are_served() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let server = upgrading(echo_here);
    let server = start(server.connections_max(4));
    let mut ends = Vec::new();
    for _ in 0..4 {
        let (client, end) = tokio::io::duplex(1024);
        server.inject(end).unwrap();
        ends.push(client);
    }
    assert_eq!(server.connections(), 4);
    let full = server.inject(tokio::io::duplex(16).1).unwrap_err();
    assert_eq!(full.status().as_u16(), 503);
    runtime.block_on(async {
        for client in &mut ends {
            let request = UPGRADE.to_owned() + "first";
            client.write_all(request.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"\r\n\r\nfirst") {
                assert_ne!(client.read_buf(&mut heard).await.unwrap(), 0);
            }
        }
    });
    drop(ends);
    eventually("closed", || server.connections() == 0);
    server.close();
    assert!(server.inject(tokio::io::duplex(16).1).is_err());
    server.wait();
    assert!(server.inject(tokio::io::duplex(16).1).is_err());
    assert_eq!(server.connections(), 0);
}
