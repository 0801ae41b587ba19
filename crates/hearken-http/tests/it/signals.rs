//! `run`: SIGINT and SIGTERM drain, a second one ends at once, and the process exits well.

use crate::child;
use crate::client::{Client, PATIENCE, eventually};
use hearken_http::Server;
use hearken_http::server::Listening;
use rustix::process::{Pid, Signal, kill_process};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Its handler takes half a second, or never ends.
fn listening() -> Listening {
    let listening = Server::new(async |req, res| {
        child::report(format!("begins {}", req.url()));
        if req.url() == "/ever" {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        res.end("done")
    })
    .workers(2)
    .listen("127.0.0.1:0")
    .unwrap();
    child::report(listening.address());
    listening
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    kill_process(pid, signal).expect("our own child");
}

fn address(told: &str) -> SocketAddr {
    told["http://".len()..].parse().expect("an address")
}

/// The child ends by itself, with success.
#[track_caller]
fn ends(mut child: Child, within: Duration) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            assert!(began.elapsed() < within, "{:?}", began.elapsed());
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("it has not ended");
}

#[test]
fn a_signal_drains() {
    if child::is_child() {
        return listening().run().unwrap();
    }
    for order in [Signal::TERM, Signal::INT] {
        let (child, mut told) = child::start("signals::a_signal_drains");
        let mut client = Client::to(address(&told.next().unwrap()));
        client.send(GET.repeat(2));
        assert_eq!(told.next().unwrap(), "begins /");
        signal(&child, order);
        assert_eq!(client.response().text(), "done");
        let last = client.response();
        assert_eq!((last.text(), last.closes()), ("done", true));
        drop(client);
        ends(child, Duration::from_secs(5));
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    if child::is_child() {
        return listening().run().unwrap();
    }
    let (child, mut told) = child::start("signals::a_second_signal_ends_at_once");
    let address = address(&told.next().unwrap());
    let mut client = Client::to(address);
    client.send("GET /ever HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(told.next().unwrap(), "begins /ever");
    signal(&child, Signal::TERM);
    eventually("nothing new", || TcpStream::connect(address).is_err());
    signal(&child, Signal::TERM);
    assert!(client.try_response().is_err());
    ends(child, Duration::from_secs(5));
}

#[test]
fn run_works_inside_a_runtime() {
    if child::is_child() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(async { listening().run().unwrap() });
    }
    let (child, mut told) = child::start("signals::run_works_inside_a_runtime");
    let mut client = Client::to(address(&told.next().unwrap()));
    assert_eq!(client.get("/").text(), "done");
    signal(&child, Signal::TERM);
    ends(child, Duration::from_secs(5));
}
