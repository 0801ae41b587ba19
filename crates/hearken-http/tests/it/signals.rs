//! `run`: SIGINT and SIGTERM drain, a second one ends at once, and the process exits well.

use crate::child;
use crate::client::{Client, PATIENCE, eventually};
use hearken_http::server::Listening;
use hearken_http::{Limits, Server};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

/// Longer than every test.
const LONG: Duration = Duration::from_secs(300);

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Its handler takes half a second, or never ends, or blocks its thread.
fn listening() -> Listening {
    let mut limits = Limits::default();
    limits.time.grace = Duration::from_secs(2);
    let listening = Server::new(async |req, res| {
        child::report(format!("begins {}", req.url()));
        match req.url() {
            "/ever" => std::future::pending::<()>().await,
            "/block" => std::thread::sleep(LONG),
            "/blocking" => tokio::task::spawn_blocking(|| std::thread::sleep(LONG))
                .await
                .unwrap(),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        res.end("done")
    })
    .limits(limits)
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
        let error = listening().run().unwrap_err();
        assert_eq!(error.signal(), Some(15), "{error}");
        return;
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

/// Sends SIGTERM while a handler runs that nothing can interrupt. Returns the process, and its output, which must stay open.
fn stopped_while_blocked(
    test: &str,
    target: &str,
) -> (Child, impl Iterator<Item = String> + use<>) {
    let (child, mut told) = child::start(test);
    let mut client = Client::to(address(&told.next().unwrap()));
    client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(told.next().unwrap(), format!("begins {target}"));
    signal(&child, Signal::TERM);
    (child, told)
}

#[test]
fn a_handler_that_blocks_its_thread_does_not_keep_the_process() {
    const NAME: &str = "signals::a_handler_that_blocks_its_thread_does_not_keep_the_process";
    if child::is_child() {
        let error = listening().run().unwrap_err();
        assert!(error.to_string().contains("hearken-"), "{error}");
        assert_eq!(error.signal(), None);
        return;
    }
    let began = Instant::now();
    let (child, _told) = stopped_while_blocked(NAME, "/block");
    ends(child, Duration::from_secs(4));
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "the grace time is kept"
    );
}

#[test]
fn a_second_signal_ends_a_process_whose_handler_blocks_its_thread() {
    const NAME: &str = "signals::a_second_signal_ends_a_process_whose_handler_blocks_its_thread";
    if child::is_child() {
        assert_eq!(listening().run().unwrap_err().signal(), Some(2));
        return;
    }
    let (child, _told) = stopped_while_blocked(NAME, "/block");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, Signal::INT);
    ends(child, Duration::from_millis(800));
}

#[test]
fn a_blocking_task_of_a_handler_does_not_keep_the_process() {
    const NAME: &str = "signals::a_blocking_task_of_a_handler_does_not_keep_the_process";
    if child::is_child() {
        return listening().run().unwrap();
    }
    let (child, _told) = stopped_while_blocked(NAME, "/blocking");
    ends(child, Duration::from_secs(4));
}
