//! What clients can consume: connections, descriptors, time, processor and memory.

use crate::child::{self, cpu_time_of_rest, resident_bytes};
use crate::client::{Client, eventually};
use crate::running::{Running, count_errors, stop};
use hearken_http::observe::{Observation, Observer, Step};
use hearken_http::tls::ServerTls;
use hearken_http::{Limits, Server, event};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Also with more workers than permitted connections: idle workers must not hold permits.
#[test]
fn above_the_limit_connections_wait_for_their_turn() {
    for workers in [1, 4] {
        let server = Server::new(async |_req, res| res.end("x"))
            .workers(workers)
            .connections_max(2)
            .running();
        for _ in 0..3 {
            let (mut one, mut two) = (Client::connect(&server), Client::connect(&server));
            assert_eq!(one.get("/").text(), "x");
            assert_eq!(two.get("/").text(), "x");
            let mut third = Client::connect(&server);
            third.send(GET);
            third
                .stream
                .set_read_timeout(Some(Duration::from_millis(150)))
                .unwrap();
            let early = third.stream.read(&mut [0; 1]).unwrap_err();
            assert!(
                matches!(early.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                "{early}"
            );
            assert_eq!(server.connections(), 2);
            assert_eq!(
                one.get("/").text(),
                "x",
                "other connections are not affected"
            );
            drop(one);
            third
                .stream
                .set_read_timeout(Some(crate::client::PATIENCE))
                .unwrap();
            assert_eq!(third.response().text(), "x", "{workers} workers");
        }
        stop(&server);
    }
}

#[test]
fn without_descriptors_the_server_waits_and_recovers() {
    const NAME: &str = "limits::without_descriptors_the_server_waits_and_recovers";
    if !child::is_child() {
        return child::run(NAME, "ulimit -n 64;");
    }
    let mut server = Server::new(async |_req, res| res.end("x"));
    let errors = count_errors(&mut server);
    let server = server.workers(1).connections_max(1000).running();
    let address = crate::client::address(&server);
    let mut first = Client::to(address);
    assert_eq!(first.get("/").text(), "x");
    // Descriptors run out in the client, which is this process, or in the server, whichever is first.
    let mut crowd = Vec::new();
    while let Ok(stream) = TcpStream::connect(address) {
        crowd.push(stream);
    }
    eventually("accepting fails", || errors.load(Ordering::Relaxed) > 0);
    let began = Instant::now();
    let used = cpu_time_of_rest(Duration::from_millis(500));
    assert!(used <= Duration::from_millis(50), "{used:?}");
    assert_eq!(first.get("/").text(), "x", "an open connection is served");
    let reported = errors.load(Ordering::Relaxed) as u64;
    assert!(
        reported <= began.elapsed().as_secs() + 2,
        "at most once a second: {reported}"
    );
    drop(crowd);
    eventually("room again", || {
        let Ok(stream) = TcpStream::connect(address) else {
            return false;
        };
        stream
            .set_read_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        let mut client = Client::over(stream);
        client.stream.write_all(GET.as_bytes()).is_ok() && client.try_response().is_ok()
    });
    stop(&server);
}

/// The default bound counts what the server itself needs: 16 workers have some 90 descriptors of these 256. All clients are in this
/// process too, and so the server has room for half of what it believes; those beyond wait.
#[test]
fn more_clients_than_descriptors_wait_and_none_is_reset() {
    const NAME: &str = "limits::more_clients_than_descriptors_wait_and_none_is_reset";
    if !child::is_child() {
        return child::run(NAME, "ulimit -n 256;");
    }
    let mut server = Server::new(async |_req, res| res.end("x"));
    let errors = count_errors(&mut server);
    let server = server.workers(16).running();
    let address = crate::client::address(&server);
    let began = Instant::now();
    let mut crowd = Vec::new();
    while let Ok(stream) = TcpStream::connect(address) {
        crowd.push(stream);
    }
    assert!(crowd.len() > 50, "{}", crowd.len());
    // The last tenth of the clients leaves, so that the server has room again.
    crowd.truncate(crowd.len() - crowd.len() / 10);
    for stream in &mut crowd {
        stream.write_all(GET.as_bytes()).unwrap();
    }
    let waiting = crowd.len();
    let mut answered = 0;
    for mut stream in crowd {
        stream
            .set_read_timeout(Some(crate::client::PATIENCE))
            .unwrap();
        let mut answer = [0; 15];
        // Those that have an answer leave, and make room for those that wait.
        if stream.read_exact(&mut answer).is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
            answered += 1;
        }
    }
    assert_eq!(answered, waiting);
    let reported = errors.load(Ordering::Relaxed) as u64;
    assert!(
        reported <= began.elapsed().as_secs() + 1,
        "{reported} in {:?}",
        began.elapsed()
    );
    stop(&server);
}

#[test]
fn a_client_address_has_its_bound_if_there_is_one() {
    let (tell, dropped) = mpsc::channel();
    let (seen, steps) = mpsc::channel();
    let mut server = Server::new(async |_req, res| res.end("x"));
    server.on(event::DropConnection, move |peer| {
        tell.send(peer.remote_address().unwrap().ip()).unwrap();
    });
    server.observer(Dropped(seen));
    let server = server.connections_per_address_max(2).workers(4).running();
    let address = crate::client::address(&server);
    let from = |source: [u8; 4]| {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket
            .bind(&std::net::SocketAddr::from((source, 0)).into())
            .unwrap();
        socket.connect(&address.into()).unwrap();
        Client::over(TcpStream::from(socket))
    };
    let mut two = [from([127, 0, 0, 1]), from([127, 0, 0, 1])];
    for client in &mut two {
        assert_eq!(client.get("/").text(), "x");
    }
    let mut third = from([127, 0, 0, 1]);
    assert!(
        third.rest().is_ok_and(|rest| rest.is_empty()),
        "closed without a byte"
    );
    let patience = crate::client::PATIENCE;
    assert_eq!(
        dropped.recv_timeout(patience).unwrap().to_string(),
        "127.0.0.1"
    );
    assert_eq!(steps.recv_timeout(patience).unwrap(), 2);
    assert_eq!(from([127, 0, 0, 2]).get("/").text(), "x", "another address");
    drop(two);
    eventually("closed", || server.connections() == 0);
    assert_eq!(from([127, 0, 0, 1]).get("/").text(), "x");
    stop(&server);
}

/// Sends how many connections a client had when one more was dropped.
struct Dropped(mpsc::Sender<usize>);

impl Observer for Dropped {
    fn observe(&self, seen: &Observation<'_>) {
        if let Step::Dropped { open } = seen.step {
            self.0.send(open).unwrap();
        }
    }
}

#[test]
fn a_thousand_half_closed_clients_cost_nothing() {
    const NAME: &str = "limits::a_thousand_half_closed_clients_cost_nothing";
    if !child::is_child() {
        return child::run(NAME, "ulimit -n 4096 || exit 0;");
    }
    let waiting = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&waiting);
    let server = Server::new(async move |_req, res| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>().await;
        res.end("")
    })
    .workers(1)
    .running();
    let clients: Vec<_> = (0..1000)
        .map(|_| {
            let mut client = Client::connect(&server);
            client.send(GET);
            client.finish();
            client
        })
        .collect();
    eventually("all handlers wait", || {
        waiting.load(Ordering::Relaxed) == 1000
    });
    // The first probes follow each other quickly; afterwards the server is idle.
    std::thread::sleep(Duration::from_secs(2));
    let used = cpu_time_of_rest(Duration::from_secs(1));
    assert!(used <= Duration::from_millis(50), "{used:?}");
    assert_eq!(server.connections(), 1000);
    drop(clients);
    eventually("noticed", || server.connections() == 0);
    stop(&server);
}

#[test]
fn idle_connections_cost_no_processor() {
    const NAME: &str = "limits::idle_connections_cost_no_processor";
    if !child::is_child() {
        return child::run(NAME, "ulimit -n 4096 || exit 0;");
    }
    let server = Server::new(async |_req, res| res.end("x"))
        .workers(2)
        .running();
    let mut clients: Vec<_> = (0..500).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "x");
    }
    let used = cpu_time_of_rest(Duration::from_secs(1));
    assert!(used <= Duration::from_millis(30), "{used:?}");
    stop(&server);
}

/// Clients that request much and read nothing cost no more than their queues, and do not delay others.
#[test]
fn peers_that_never_read_are_bounded_and_dropped() {
    const NAME: &str = "limits::peers_that_never_read_are_bounded_and_dropped";
    if !child::is_child() {
        return child::run(NAME, "");
    }
    let mut limits = Limits::default();
    limits.time.write_idle = Duration::from_secs(2);
    let (tell, told) = mpsc::channel();
    let mut server = Server::new(async |req, res| {
        if req.url() != "/much" {
            return Ok(res.end("x"));
        }
        for _ in 0..100_000 {
            if !res.write(vec![b'.'; 16 * 1024]) {
                res.drain().await?;
            }
        }
        Ok(res.end(""))
    });
    server.on(event::Disconnected, move |(_, why)| tell.send(why).unwrap());
    let server = server.limits(limits).workers(1).running();
    let before = resident_bytes();
    let mut greedy: Vec<_> = (0..100).map(|_| Client::connect(&server)).collect();
    for client in &mut greedy {
        client.send("GET /much HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100));
    }
    let mut honest = Client::connect(&server);
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(honest.get("/").text(), "x");
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes for 100 clients");
    for _ in 0..100 {
        let why = told.recv_timeout(crate::client::PATIENCE).unwrap();
        assert_eq!(why, hearken_http::Closed::WriteTimeout);
    }
    assert_eq!(honest.get("/").text(), "x");
    stop(&server);
}

/// The bounds that SECURITY.md names: memory of the process, and what the system takes for a client that reads nothing.
#[test]
fn a_client_that_reads_nothing_costs_little() {
    const NAME: &str = "limits::a_client_that_reads_nothing_costs_little";
    const CLIENTS: usize = 200;
    if !child::is_child() {
        return child::run(NAME, "ulimit -n 1024 || exit 0;");
    }
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let server = Server::new(async move |_req, res| {
        for _ in 0..1_000_000 {
            count.fetch_add(16 * 1024, Ordering::Relaxed);
            if !res.write(vec![b'.'; 16 * 1024]) {
                res.drain().await?;
            }
        }
        Ok(res.end(""))
    })
    .workers(1)
    .running();
    let settled = || {
        let mut last = usize::MAX;
        while last != written.load(Ordering::Relaxed) {
            last = written.load(Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(300));
        }
    };
    let ask = || {
        let mut client = Client::connect(&server);
        client.send(GET);
        client
    };
    let _warm: Vec<_> = (0..20).map(|_| ask()).collect();
    settled();
    let (before, sent) = (resident_bytes(), written.load(Ordering::Relaxed));
    let _clients: Vec<_> = (0..CLIENTS).map(|_| ask()).collect();
    settled();
    let each = resident_bytes().saturating_sub(before) / CLIENTS;
    assert!(each <= 40 << 10, "{each} bytes of memory for each client");
    let taken = (written.load(Ordering::Relaxed) - sent) / CLIENTS;
    assert!(taken <= 512 << 10, "{taken} bytes written for each client");
    server.close_now();
    server.wait();
}

#[test]
fn a_client_that_says_nothing_on_a_port_with_tls_costs_little() {
    const NAME: &str = "limits::a_client_that_says_nothing_on_a_port_with_tls_costs_little";
    const CLIENTS: usize = 500;
    if !child::is_child() {
        return child::run(NAME, "ulimit -n 2048 || exit 0;");
    }
    let key = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let (chain, secret) = (key.cert.pem(), key.signing_key.serialize_pem());
    let tls = ServerTls::from_pem(chain.as_bytes(), secret.as_bytes()).unwrap();
    let server = Server::new(async |_req, res| res.end("x"));
    let server = server.tls(&tls).workers(1).running();
    let address = server.address().to_string();
    let address = address.trim_start_matches("https://").trim_end_matches('/');
    for first in ["", "\x16", "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03"] {
        let connect = |count: usize| -> Vec<_> {
            let connected = server.connections();
            let clients = (0..count).map(|_| {
                let mut client = TcpStream::connect(address).unwrap();
                client.write_all(first.as_bytes()).unwrap();
                client
            });
            let clients = clients.collect();
            eventually("all accepted", || server.connections() == connected + count);
            std::thread::sleep(Duration::from_millis(300));
            clients
        };
        let warm = connect(50);
        let before = resident_bytes();
        let clients = connect(CLIENTS);
        let each = resident_bytes().saturating_sub(before) / CLIENTS;
        assert!(
            each <= 4 << 10,
            "{each} bytes of memory for each client that sent {first:?}"
        );
        drop((warm, clients));
        eventually("all closed", || server.connections() == 0);
    }
    server.close_now();
    server.wait();
}

#[test]
fn slow_heads_are_cut_off_and_honest_clients_are_not() {
    let mut limits = Limits::default();
    limits.time.head = Duration::from_millis(300);
    let server = Server::new(async |_req, res| res.end("x"))
        .limits(limits)
        .workers(1)
        .running();
    let mut slow: Vec<_> = (0..50).map(|_| Client::connect(&server)).collect();
    let silent = Client::connect(&server);
    for client in &mut slow {
        client.send("G");
    }
    assert_eq!(Client::connect(&server).get("/").text(), "x");
    let began = Instant::now();
    for client in &mut slow {
        let response = client.response();
        assert_eq!(response.status(), 408);
        assert!(response.closes());
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    let mut silent = silent;
    assert!(
        silent.rest().unwrap().is_empty(),
        "closed without a response"
    );
    stop(&server);
}

/// Many deadlines on the real clock: none is missed.
#[test]
fn every_idle_connection_is_closed() {
    let mut limits = Limits::default();
    limits.time.keep_alive = Duration::from_millis(100);
    let server = Server::new(async |_req, res| res.end("x"))
        .limits(limits)
        .workers(2)
        .running();
    for _ in 0..5 {
        let mut clients: Vec<_> = (0..40).map(|_| Client::connect(&server)).collect();
        for client in &mut clients {
            assert_eq!(client.get("/").text(), "x");
            std::thread::sleep(Duration::from_micros(700));
        }
        for client in &mut clients {
            assert!(client.rest().unwrap().is_empty());
        }
    }
    eventually("all closed", || server.connections() == 0);
    stop(&server);
}

/// Many bad connections, one after the other: all memory is freed.
#[test]
fn thousands_of_bad_connections_leave_no_memory() {
    const NAME: &str = "limits::thousands_of_bad_connections_leave_no_memory";
    if !child::is_child() {
        return child::run(NAME, "");
    }
    let server = Server::new(async |mut req, res| Ok(res.end(req.bytes().await?)))
        .workers(1)
        .running();
    let bad = [
        "\0",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT",
        "",
    ];
    let round = |count: usize| {
        for number in 0..count {
            let mut client = Client::connect(&server);
            client.send(bad[number % bad.len()]);
        }
        eventually("all closed", || server.connections() == 0);
    };
    round(1000);
    let before = resident_bytes();
    round(5000);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 2 << 20, "{grown} bytes after 5,000 connections");
    stop(&server);
}

/// `Duration::MAX` is a valid limit.
#[test]
fn limits_of_time_can_be_the_maximum() {
    let mut limits = Limits::default();
    let time = &mut limits.time;
    for time in [
        &mut time.tls_handshake,
        &mut time.head,
        &mut time.request,
        &mut time.body_idle,
        &mut time.body_rate_after,
        &mut time.write_idle,
        &mut time.inactive,
        &mut time.keep_alive,
        &mut time.upgraded_idle,
        &mut time.connection_age,
        &mut time.linger,
        &mut time.linger_idle,
        &mut time.grace,
    ] {
        *time = Duration::MAX;
    }
    time.keep_alive_buffer = Some(Duration::MAX);
    let server = Server::new(async |mut req: hearken_http::IncomingMessage, res| {
        req.limits(|limits| limits.time.body_idle = Duration::MAX);
        let body = req.bytes().await?;
        Ok(res.end(body))
    });
    let server = server.limits(limits).running();
    let mut client = Client::connect(&server);
    for _ in 0..2 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
        client.send("dy");
        assert_eq!(client.response().text(), "body");
    }
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.response();
    assert!(client.rest().unwrap().is_empty());
    drop(client);
    stop(&server);
}
