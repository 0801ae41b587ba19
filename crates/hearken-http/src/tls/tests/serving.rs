//! https over real sockets: a server, its workers, its events, and clients that do not speak TLS.

use super::authority::Authority;
use crate::tls::{ClientTls, ServerTls, TlsErrorKind};
use crate::{Closed, Limits, Server, ServerHandle, event};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running server, a client that trusts it, and the events of the server.
struct Scene {
    handle: ServerHandle,
    client: ClientTls,
    root: String,
    events: Receiver<String>,
}

impl Scene {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let authority = Authority::new("Test Root");
        let pair = authority.issue(&["127.0.0.1", "localhost"]);
        let tls = ServerTls::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
        let client = ClientTls::new().system_roots(false);
        let client = client.root_pem(authority.root().as_bytes()).unwrap();
        let (sender, events) = mpsc::channel();
        let mut server = Server::new(async |req, res| {
            let tls = req.peer().tls().map(|tls| tls.version());
            res.end(format!("{} {}", req.url(), tls.unwrap_or("plain")))
        });
        let mut limits = Limits::default();
        change(&mut limits);
        let (a, b, c, d) = (sender.clone(), sender.clone(), sender.clone(), sender);
        server
            .on(event::Connection, move |peer| {
                assert!(peer.tls().is_none());
                a.send("connection".to_owned()).unwrap();
            })
            .on(event::SecureConnection, move |peer| {
                b.send(format!("secure {}", peer.tls().unwrap().version()))
                    .unwrap();
            })
            .on(event::TlsClientError, move |failure| {
                assert!(failure.peer().remote_address().is_some());
                c.send(format!("failed {:?}", failure.error().kind()))
                    .unwrap();
            })
            .on(event::Disconnected, move |(_, why)| {
                d.send(format!("{why:?}")).unwrap()
            });
        let server = server.limits(limits).workers(1).tls(&tls);
        let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
        Self {
            handle,
            client,
            root: authority.root(),
            events,
        }
    }

    fn address(&self) -> SocketAddr {
        self.handle.address().socket_addr().unwrap()
    }

    /// Every connection slot is free: the server stops at once.
    async fn empties(&self) {
        self.handle.close();
        self.handle.closed().await;
        assert_eq!(self.handle.connections(), 0);
    }

    fn expect(&self, expected: &[&str]) {
        for line in expected {
            let event = self.events.recv_timeout(Duration::from_secs(10)).unwrap();
            assert_eq!(&event, line);
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.handle.close_now();
    }
}

#[tokio::test]
async fn requests_are_served_and_events_come_in_order() {
    let scene = Scene::new(|_| {});
    assert!(
        scene
            .handle
            .address()
            .to_string()
            .starts_with("https://127.0.0.1:")
    );
    let socket = TcpStream::connect(scene.address()).await.unwrap();
    let (mut stream, _) = scene.client.connect("localhost", socket).await.unwrap();
    stream
        .write_all(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(
        text.contains("/a TLSv1.3") && text.ends_with("/b TLSv1.3"),
        "{text}"
    );
    stream.shutdown().await.unwrap();
    drop(stream);
    scene.expect(&["connection", "secure TLSv1.3", "Done"]);
    scene.empties().await;
}

#[tokio::test]
async fn plain_http_gets_a_plain_response_that_names_https() {
    let scene = Scene::new(|_| {});
    for (request, body) in [
        ("GET /secret HTTP/1.1\r\nHost: a\r\nCookie: x\r\n\r\n", true),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        ("p", true),
    ] {
        let mut socket = TcpStream::connect(scene.address()).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(
            text.contains("\r\nConnection: close\r\n") && text.contains("\r\nDate: "),
            "{text}"
        );
        assert_eq!(
            text.ends_with("use https:// in its address\n"),
            body,
            "{text}"
        );
        assert!(!text.contains("secret"), "the request is not echoed");
        drop(socket);
        scene.expect(&["connection", "failed Protocol", "BadMessage"]);
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_ends_at_its_deadline() {
    let scene = Scene::new(|limits| limits.time.tls_handshake = Duration::from_millis(60));
    let mut silent = TcpStream::connect(scene.address()).await.unwrap();
    let mut byte = [0];
    assert_eq!(silent.read(&mut byte).await.unwrap_or(0), 0);
    scene.expect(&["connection", "failed Timeout", "ReadTimeout"]);
    // A hello, and then nothing: the server waits for the client.
    let mut half = TcpStream::connect(scene.address()).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc])
        .await
        .unwrap();
    assert_eq!(half.read(&mut byte).await.unwrap_or(0), 0);
    scene.expect(&["connection", "failed Timeout", "ReadTimeout"]);
    scene.empties().await;
}

#[tokio::test]
async fn a_client_that_closes_without_a_byte_is_no_tls_error() {
    let scene = Scene::new(|_| {});
    drop(TcpStream::connect(scene.address()).await.unwrap());
    scene.expect(&["connection", "PeerGone"]);
}

#[tokio::test]
async fn slow_hellos_do_not_delay_other_handshakes() {
    let scene = Scene::new(|_| {});
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut socket = TcpStream::connect(scene.address()).await.unwrap();
        socket.write_all(&[0x16, 3, 1]).await.unwrap();
        slow.push(socket);
    }
    let socket = TcpStream::connect(scene.address()).await.unwrap();
    let connected = scene.client.connect("localhost", socket);
    let connected = tokio::time::timeout(Duration::from_secs(5), connected).await;
    let _connected = connected.expect("it waits for the slow ones").unwrap();
    assert_eq!(scene.handle.connections(), 41);
}

#[tokio::test]
async fn many_handshakes_at_once_all_succeed() {
    let scene = Scene::new(|_| {});
    let client = scene.client.clone().sessions_max(0);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let (client, address) = (client.clone(), scene.address());
        tasks.spawn(async move {
            let socket = TcpStream::connect(address).await.unwrap();
            let (mut stream, _) = client.connect("localhost", socket).await.unwrap();
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .await
                .unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert!(text.ends_with("/ TLSv1.3"), "{text}");
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_handshakes() {
    let scene = Scene::new(|_| {});
    let mut half = TcpStream::connect(scene.address()).await.unwrap();
    half.write_all(&[0x16, 3, 1]).await.unwrap();
    scene.expect(&["connection"]);
    scene.handle.close();
    let closed = tokio::time::timeout(Duration::from_secs(5), scene.handle.closed()).await;
    assert!(closed.is_ok(), "a second is enough");
    scene.expect(&["failed Timeout", "ReadTimeout"]);
}

#[tokio::test]
async fn a_server_that_is_cut_cuts_handshakes() {
    let scene = Scene::new(|_| {});
    let mut half = TcpStream::connect(scene.address()).await.unwrap();
    half.write_all(&[0x16, 3, 1]).await.unwrap();
    scene.expect(&["connection"]);
    scene.handle.close_now();
    scene.handle.closed().await;
    scene.expect(&[&format!("{:?}", Closed::Stopped)]);
}

#[tokio::test]
async fn the_alert_of_a_client_that_does_not_trust_the_server_is_emitted() {
    let scene = Scene::new(|_| {});
    let stranger = ClientTls::new().system_roots(false);
    let stranger = stranger
        .root_pem(Authority::new("Other").root().as_bytes())
        .unwrap();
    let socket = TcpStream::connect(scene.address()).await.unwrap();
    let error = stranger.connect("localhost", socket).await.unwrap_err();
    assert_eq!(error.kind(), TlsErrorKind::Certificate);
    scene.expect(&["connection", "failed Alert", "PeerGone"]);
}

#[expect(
    clippy::print_stderr,
    reason = "the log of the tests shows that the check was skipped"
)]
fn skip(program: &str) {
    eprintln!("skipped: {program} is not installed");
}

/// Other clients accept the server: curl and OpenSSL, where they are installed.
#[test]
fn curl_and_openssl_agree() {
    let scene = Scene::new(|_| {});
    let directory = std::env::temp_dir();
    let root = directory.join(format!("hearken-root-{}.pem", std::process::id()));
    std::fs::write(&root, &scene.root).unwrap();
    let url = format!("https://localhost:{}/curl", scene.address().port());
    let resolve = format!("localhost:{}:127.0.0.1", scene.address().port());
    for version in ["1.2", "1.3"] {
        let max = format!("--tls-max={version}").replace('=', " ");
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "--noproxy",
            "*",
            "--max-time",
            "10",
            "--resolve",
            &resolve,
        ]);
        curl.args(max.split(' '))
            .arg("--cacert")
            .arg(&root)
            .arg(&url);
        match curl.output() {
            Err(_) => skip("curl"),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                assert_eq!(text, format!("/curl TLSv{version}"), "{output:?}");
            }
        }
    }
    let connect = scene.address().to_string();
    for (version, accepted) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "s_client",
            "-connect",
            &connect,
            "-verify_return_error",
            version,
        ]);
        openssl
            .args(["-cipher", "ALL:@SECLEVEL=0", "-alpn", "http/1.1", "-CAfile"])
            .arg(&root);
        match openssl.stdin(Stdio::null()).output() {
            Err(_) => skip("openssl"),
            Ok(output) => assert_eq!(output.status.success(), accepted, "{version} {output:?}"),
        }
    }
    let _ = std::fs::remove_file(&root);
}

#[tokio::test]
async fn a_client_of_an_old_version_gets_the_alert_protocol_version() {
    let scene = Scene::new(|_| {});
    let mut socket = TcpStream::connect(scene.address()).await.unwrap();
    let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    socket.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, [0x15, 3, 2, 0, 2, 2, 70], "protocol_version");
    drop(socket);
    scene.expect(&["connection", "failed Incompatible", "BadMessage"]);
}

/// The kernel cannot send a file over TLS: it is read in another thread.
#[tokio::test]
async fn whole_files_and_ranges_are_sent() {
    let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    let file = std::sync::Arc::new(crate::conn::tests::harness::file(&content));
    let authority = Authority::new("Test Root");
    let pair = authority.issue(&["127.0.0.1"]);
    let tls = ServerTls::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
    let server = Server::new(async move |_req, res| {
        let file = crate::message::SendFile::from(file.try_clone()?).conditional();
        res.send_file(file).await
    });
    let server = server.workers(1).tls(&tls);
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    let address = handle.address().to_string();
    let authority_of = address.split("://").last().unwrap().trim_end_matches('/');
    let client = ClientTls::new().system_roots(false);
    let client = client.root_pem(authority.root().as_bytes()).unwrap();
    let stream = TcpStream::connect(authority_of).await.unwrap();
    let (mut stream, _) = client.connect("127.0.0.1", stream).await.unwrap();
    for (range, part) in [
        ("", 0..1_000_000),
        ("Range: bytes=10-600000\r\n", 10..600_001),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{range}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head_bytes = Vec::new();
        while !head_bytes.ends_with(b"\r\n\r\n") {
            head_bytes.push(stream.read_u8().await.unwrap());
        }
        let mut body = vec![0; part.len()];
        stream.read_exact(&mut body).await.unwrap();
        assert!(body == content[part]);
    }
    handle.close();
}
