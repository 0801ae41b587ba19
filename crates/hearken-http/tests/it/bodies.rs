//! Large bodies in both directions, and connections that break in their middle.

use crate::child::{self, resident_bytes};
use crate::client::{Client, PATIENCE};
use crate::running::{Running, stop};
use hearken_http::{Closed, Failure, Server};
use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

const MIB: usize = 1 << 20;

fn start(server: Server) -> hearken_http::ServerHandle {
    server.workers(1).running()
}

/// 64 MiB up to a reader slower than the client: memory stays within the queue.
#[test]
fn a_large_upload_needs_little_memory() {
    const NAME: &str = "bodies::a_large_upload_needs_little_memory";
    if !child::is_child() {
        return child::run(NAME, "");
    }
    let server = start(Server::new(async |mut req, res| {
        let (mut total, mut pieces) = (0, 0);
        while let Some(piece) = req.data().await? {
            total += piece.len();
            pieces += 1;
            if pieces % 100 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(res.end(total.to_string()))
    }));
    let mut client = Client::connect(&server);
    let piece = vec![b'.'; MIB];
    let before = resident_bytes();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        64 * MIB
    ));
    let mut most = 0;
    for _ in 0..64 {
        client.send(&piece);
        most = most.max(resident_bytes().saturating_sub(before));
    }
    assert_eq!(client.response().text(), (64 * MIB).to_string());
    assert!(most < 8 * MIB, "{most}");
    for chunk in [10, 5000, 100_000] {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        let piece = format!("{chunk:x}\r\n{}\r\n", ".".repeat(chunk)).repeat(MIB / chunk);
        for _ in 0..8 {
            client.send(&piece);
            most = most.max(resident_bytes().saturating_sub(before));
        }
        client.send("0\r\n\r\n");
        assert_eq!(
            client.response().text(),
            (8 * (MIB / chunk) * chunk).to_string()
        );
    }
    assert!(most < 12 * MIB, "{most}");
    stop(&server);
}

/// 64 MiB down to a client that reads in small pieces.
#[test]
fn a_large_download_needs_little_memory() {
    const NAME: &str = "bodies::a_large_download_needs_little_memory";
    if !child::is_child() {
        return child::run(NAME, "");
    }
    let server = start(Server::new(async |_req, res| {
        let piece = vec![b'.'; 60_000];
        let mut left = 64 * MIB;
        while left > 0 {
            let count = left.min(piece.len());
            left -= count;
            if !res.write(piece[..count].to_vec()) {
                res.drain().await?;
            }
        }
        Ok(res.end(""))
    }));
    let mut client = Client::connect(&server);
    let before = resident_bytes();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let (mut total, mut most) = (0, 0);
    let mut buffer = vec![0; 10_000];
    loop {
        let count = client.stream.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        total += buffer[..count].iter().filter(|byte| **byte == b'.').count();
        if total % 50 == 0 {
            std::thread::yield_now();
        }
        most = most.max(resident_bytes().saturating_sub(before));
    }
    assert_eq!(total, 64 * MIB + 1, "and the point in the version");
    assert!(most < 8 * MIB, "{most}");
    stop(&server);
}

#[test]
fn an_echo_returns_a_large_body_unchanged() {
    let server = start(Server::new(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            if !res.write(piece) {
                res.drain().await?;
            }
        }
        Ok(res.end(""))
    }));
    let mut client = Client::connect(&server);
    let body: Vec<u8> = (0..16 * MIB).map(|at| (at % 251) as u8).collect();
    for chunked in [false, true] {
        let mut sender = client.stream.try_clone().unwrap();
        let sent = body.clone();
        let thread = std::thread::spawn(move || {
            use std::io::Write;
            if chunked {
                sender
                    .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .unwrap();
                for piece in sent.chunks(77_777) {
                    write!(sender, "{:x}\r\n", piece.len()).unwrap();
                    sender.write_all(piece).unwrap();
                    sender.write_all(b"\r\n").unwrap();
                }
                sender.write_all(b"0\r\n\r\n").unwrap();
            } else {
                write!(
                    sender,
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                    sent.len()
                )
                .unwrap();
                sender.write_all(&sent).unwrap();
            }
        });
        let response = client.response();
        thread.join().unwrap();
        assert_eq!(response.body.len(), body.len());
        assert!(response.body == body, "the bytes differ");
        assert!(!response.closes());
    }
    stop(&server);
}

/// The handler reads after the client has filled all buffers in between.
#[test]
fn a_late_reader_gets_the_whole_body() {
    let server = start(Server::new(async |mut req, res| {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let length = req.bytes_up_to(u64::MAX).await?.len();
        Ok(res.end(length.to_string()))
    }));
    let mut client = Client::connect(&server);
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        20 * MIB
    ));
    client.send(vec![b'.'; 20 * MIB]);
    assert_eq!(client.response().text(), (20 * MIB).to_string());
    stop(&server);
}

#[test]
fn a_cut_upload_is_an_error_for_the_handler() {
    let (tell, told) = mpsc::channel();
    let server = start(Server::new(async move |mut req, res| {
        let closed = req.closed();
        let body = req.bytes_up_to(u64::MAX).await;
        tell.send((
            body.is_err(),
            tokio::time::timeout(PATIENCE, closed).await.ok(),
        ))
        .unwrap();
        body?;
        Ok(res.end("never"))
    }));
    let mut client = Client::connect(&server);
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MIB}\r\n\r\nabc"
    ));
    client.finish();
    assert_eq!(client.response().status(), 400);
    drop(client);
    drop(told);
    stop(&server);
}

#[test]
fn a_reset_upload_is_reported_as_reset() {
    let (tell, told) = mpsc::channel();
    let server = start(Server::new(async move |mut req, res| {
        let closed = req.closed();
        let failed = req
            .bytes_up_to(u64::MAX)
            .await
            .is_err_and(|error| error.is_closed());
        tell.send((failed, closed.await)).unwrap();
        res.end("never")
    }));
    let mut client = Client::connect(&server);
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MIB}\r\n\r\nabc"
    ));
    let socket = socket2::SockRef::from(&client.stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (true, Closed::Reset));
    stop(&server);
}

#[test]
fn an_aborted_download_never_looks_complete() {
    let server = start(Server::new(async |req, res| {
        let res = if req.url() == "/length" {
            res.set("Content-Length", "100")
        } else {
            res
        };
        res.write("part");
        res.drain().await?;
        Err::<&str, _>(Failure::new(500, "no more"))
    }));
    for target in ["/length", "/chunked"] {
        let mut client = Client::connect(&server);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(client.try_response().is_err(), "{target}");
    }
    let mut client = Client::connect(&server);
    client.send("GET /until-close HTTP/1.0\r\n\r\n");
    let error = client.rest().expect_err("an end that looks like none");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    stop(&server);
}

/// A response that rejects a large upload at once must reach a client that is still sending.
#[test]
fn an_early_rejection_is_not_lost_in_a_reset() {
    let server = start(Server::new(async |_req, res| {
        res.status(413).end("too much")
    }));
    for _ in 0..20 {
        let mut client = Client::connect(&server);
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            400 * 1024
        ));
        client.send(vec![b'.'; 200 * 1024]);
        let response = client.response();
        assert_eq!((response.status(), response.text()), (413, "too much"));
        assert!(response.closes());
    }
    stop(&server);
}
