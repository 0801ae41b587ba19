//! `close`, `close_now`, and the grace period between them.

use crate::client::{Client, PATIENCE, eventually};
use crate::running::{Running, stop};
use hearken_http::{Limits, Server, ServerHandle, event};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server whose handler reports its start, and ends when the test lets it.
fn gated(
    limits: Limits,
) -> (
    ServerHandle,
    mpsc::Receiver<()>,
    tokio::sync::watch::Sender<bool>,
) {
    let (tell, told) = mpsc::channel();
    let (open, gate) = tokio::sync::watch::channel(false);
    let server = Server::new(async move |_req, res| {
        tell.send(()).unwrap();
        let _ = gate.clone().wait_for(|open| *open).await;
        res.end("done")
    })
    .limits(limits)
    .workers(2)
    .running();
    (server, told, open)
}

#[test]
fn close_lets_exchanges_finish_and_accepts_no_more() {
    let (server, told, gate) = gated(Limits::default());
    let mut running: Vec<_> = (0..4).map(|_| Client::connect(&server)).collect();
    for client in &mut running {
        client.send(GET.repeat(2));
        told.recv_timeout(PATIENCE).unwrap();
    }
    let address = crate::client::address(&server);
    let idle: Vec<_> = (0..4).map(|_| Client::connect(&server)).collect();
    eventually("accepted", || server.connections() == 8);
    server.close();
    server.close();
    for mut client in idle {
        assert!(
            client.rest().unwrap().is_empty(),
            "idle connections close at once"
        );
    }
    eventually("nothing new", || TcpStream::connect(address).is_err());
    gate.send(true).unwrap();
    for client in &mut running {
        assert!(!client.response().closes(), "another request was read");
        let last = client.response();
        assert_eq!((last.text(), last.closes()), ("done", true));
    }
    drop(running);
    server.wait();
    assert_eq!(server.connections(), 0);
}

#[test]
fn close_now_cuts_everything() {
    let (server, told, _gate) = gated(Limits::default());
    let mut client = Client::connect(&server);
    client.send(GET);
    told.recv_timeout(PATIENCE).unwrap();
    let began = Instant::now();
    server.close_now();
    assert!(client.try_response().is_err());
    server.wait();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn exchanges_are_cut_after_the_grace_period() {
    let mut limits = Limits::default();
    limits.time.grace = Duration::from_millis(300);
    let (server, told, _gate) = gated(limits);
    let mut client = Client::connect(&server);
    client.send(GET);
    told.recv_timeout(PATIENCE).unwrap();
    let began = Instant::now();
    stop(&server);
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(client.try_response().is_err());
}

#[test]
fn close_now_takes_effect_within_the_grace_period() {
    let (server, told, _gate) = gated(Limits::default());
    let mut client = Client::connect(&server);
    client.send(GET);
    told.recv_timeout(PATIENCE).unwrap();
    server.close();
    let began = Instant::now();
    server.close_now();
    server.wait();
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// Requests arrive without pause while the server stops: each response is complete, and the server ends in time.
#[test]
fn stopping_under_load_cuts_no_response() {
    let server = Server::new(async |_req, res| {
        tokio::task::yield_now().await;
        res.end("0123456789".repeat(100))
    })
    .workers(2)
    .running();
    let address = crate::client::address(&server);
    let (tell, told) = mpsc::channel();
    for _ in 0..8 {
        let tell = tell.clone();
        std::thread::spawn(move || {
            let (mut whole, mut client) = (0, Client::to(address));
            loop {
                use std::io::Write;
                if client.stream.write_all(GET.as_bytes()).is_err() {
                    break;
                }
                let Ok(response) = client.try_response() else {
                    break;
                };
                assert_eq!(response.body.len(), 1000);
                whole += 1;
                if whole == 20 {
                    tell.send(0).unwrap();
                }
                if response.closes() {
                    break;
                }
            }
            tell.send(whole).unwrap();
        });
    }
    for _ in 0..8 {
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), 0, "all are at work");
    }
    let began = Instant::now();
    stop(&server);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    for _ in 0..8 {
        assert!(told.recv_timeout(PATIENCE).unwrap() >= 20);
    }
}

#[test]
fn listen_can_be_called_repeatedly() {
    for _ in 0..20 {
        let server = Server::new(async |_req, res| res.end("x"))
            .workers(2)
            .running();
        assert_eq!(Client::connect(&server).get("/").text(), "x");
        server.close_now();
        server.wait();
    }
}

#[test]
fn a_worker_whose_thread_is_blocked_is_left_behind_and_named() {
    let (tell, told) = mpsc::channel();
    let mut limits = Limits::default();
    limits.time.grace = Duration::from_millis(200);
    let mut server = Server::new(async move |_req, res| {
        tell.send(()).unwrap();
        std::thread::sleep(Duration::from_secs(5));
        res.end("done")
    });
    let (events, log) = mpsc::channel();
    let also = events.clone();
    server.on(event::Error, move |error| {
        events.send(error.to_string()).unwrap()
    });
    server.on(event::Close, move |()| {
        also.send("closed".to_owned()).unwrap()
    });
    let server = server.limits(limits).workers(2).running();
    let mut client = Client::connect(&server);
    client.send(GET);
    told.recv_timeout(PATIENCE).unwrap();
    let began = Instant::now();
    stop(&server);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let error = log.recv_timeout(PATIENCE).unwrap();
    assert!(error.contains("hearken-"), "{error}");
    assert_eq!(log.recv_timeout(PATIENCE).unwrap(), "closed");
}

#[test]
fn handlers_and_handles_hear_that_the_server_stops() {
    let (tell, told) = mpsc::channel();
    let server = Server::new(async move |req, res| {
        tell.send("begun").unwrap();
        let closing = req.closing();
        let elsewhere = tell.clone();
        let task = req.closing();
        tokio::task::spawn_local(async move {
            task.await;
            elsewhere.send("a task").unwrap();
        });
        closing.await;
        req.closing().await; // at once
        res.end("bye")
    })
    .workers(1)
    .running();
    let mut client = Client::connect(&server);
    client.send(GET);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "begun");
    let closing = server.closing();
    let began = Instant::now();
    server.close();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(closing);
    runtime.block_on(server.closing());
    let response = client.response();
    assert_eq!((response.text(), response.closes()), ("bye", true));
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "a task");
    drop(client);
    server.wait();
    runtime.block_on(server.closing());
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_server_that_cannot_get_its_descriptors_does_not_start() {
    const NAME: &str = "stopping::a_server_that_cannot_get_its_descriptors_does_not_start";
    if !crate::child::is_child() {
        return crate::child::run(NAME, "ulimit -n 40;");
    }
    let server = Server::new(async |_req, res| res.end("x")).workers(16);
    let listening = server.listen("127.0.0.1:0").unwrap();
    let error = listening.start().unwrap_err();
    let source = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<std::io::Error>());
    assert_eq!(
        source.and_then(std::io::Error::raw_os_error),
        Some(24),
        "{error}"
    );
}
