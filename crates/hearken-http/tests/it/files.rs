//! Files over sockets: complete, slow, cut; and readers at both ends.

use crate::child::{self, resident_bytes};
use crate::client::{Client, PATIENCE, eventually};
use hearken_http::message::SendFile;
use hearken_http::{Error, Server, ServerHandle, event};
use std::fs::File;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MIB: usize = 1 << 20;

fn path(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("hearken-it-{}-{name}", std::process::id()))
}

/// An anonymous file.
fn file(name: &str, content: &[u8]) -> Arc<File> {
    let path = path(name);
    std::fs::write(&path, content).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    Arc::new(file)
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

/// A server of one worker that sends this file; `/small` is a short response.
fn serving(file: &Arc<File>) -> Server {
    let file = Arc::clone(file);
    let server = Server::new(async move |req, res| {
        if req.path() == "/small" {
            return Ok(res.end("small"));
        }
        let file = SendFile::from(tokio::fs::File::from_std(file.try_clone()?));
        res.send_file(file.conditional()).await
    });
    server.workers(1)
}

fn start(server: Server, address: &str) -> ServerHandle {
    server.listen(address).unwrap().start().unwrap()
}

#[test]
fn a_large_file_arrives_whole_over_tcp_and_unix() {
    let content = content(9 * MIB + 12_345);
    let file = file("large", &content);
    let handle = start(serving(&file), "127.0.0.1:0");
    let mut client = Client::connect(&handle);
    for _ in 0..2 {
        assert!(client.get("/").body == content);
    }
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes={}-{}\r\n\r\n",
        MIB,
        3 * MIB
    ));
    let part = client.response();
    assert_eq!(part.status(), 206);
    assert!(part.body == content[MIB..=3 * MIB]);
    handle.close();

    let socket = path("socket");
    let handle = start(serving(&file), &format!("unix:{}", socket.display()));
    let stream = UnixStream::connect(&socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client::over(stream);
    assert!(client.get("/").body == content);
    assert_eq!(client.get("/small").text(), "small");
    handle.close();
}

/// 64 MiB to a client that does not read: none of it is in memory, and the worker serves other clients.
#[test]
fn a_file_takes_no_memory_and_does_not_block_the_worker() {
    const NAME: &str = "files::a_file_takes_no_memory_and_does_not_block_the_worker";
    if !child::is_child() {
        return child::run(NAME, "");
    }
    let file = file("idle", &[]);
    file.set_len(64 * MIB as u64).unwrap();
    let handle = start(serving(&file), "127.0.0.1:0");
    let before = resident_bytes();
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut client = Client::connect(&handle);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        slow.push(client);
    }
    let mut other = Client::connect(&handle);
    for _ in 0..100 {
        assert_eq!(other.get("/small").text(), "small");
    }
    let most = resident_bytes().saturating_sub(before);
    assert!(most < 4 * MIB, "{most}");
    // Once the client reads, it gets the whole file.
    assert_eq!(slow[3].response().body.len(), 64 * MIB);
    handle.close_now();
}

#[test]
fn a_file_that_becomes_shorter_never_looks_whole() {
    let file = file("short", &content(32 * MIB));
    let gone = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&gone);
    let mut server = serving(&file);
    server.on(event::Disconnected, move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let handle = start(server, "127.0.0.1:0");
    let mut client = Client::connect(&handle);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.stream.read_exact(&mut [0; 1000]).unwrap();
    file.set_len(10).unwrap();
    let mut rest = Vec::new();
    let end = client.stream.read_to_end(&mut rest);
    assert!(end.is_err(), "{end:?}");
    assert!(rest.len() < 32 * MIB);
    eventually("the connection is closed", || {
        gone.load(Ordering::SeqCst) == 1
    });
    handle.close();
}

/// The server pipes the body back, and the client reads the response as `AsyncRead`.
#[tokio::test]
async fn readers_at_both_ends() {
    use tokio::io::AsyncReadExt;
    let server = Server::new(async |req, res| res.pipe_from(req).await);
    let handle = start(server.workers(1), "127.0.0.1:0");
    let url = handle.address().to_string();
    let content = content(MIB + 1);
    let request = hearken_http::request("POST", &url).unwrap();
    let mut response = request.end(content.clone()).await.unwrap();
    assert_eq!(response.version(), hearken_http::Version::HTTP_11);
    let mut first = [0; 10];
    response.read_exact(&mut first).await.unwrap();
    let piece = response.data().await.unwrap().unwrap();
    let mut rest = Vec::new();
    response.read_to_end(&mut rest).await.unwrap();
    assert!(response.complete());
    assert!([&first[..], &piece, &rest].concat() == content);

    let request = hearken_http::request("POST", &url).unwrap();
    let mut response = request.end(content).await.unwrap();
    response.destroy();
    let failed: Error = loop {
        match response.data().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("expected a cut body"),
            Err(error) => break error,
        }
    };
    assert!(failed.is_aborted(), "{failed}");
    handle.close();
}
