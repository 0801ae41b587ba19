//! A session on a transport: the order of all its events, and its handles after its end.

use super::*;
use crate::event;
use crate::event::observe::{Observation, Step};
use std::cell::RefCell;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

type Log = Rc<RefCell<Vec<String>>>;

fn logger(log: &Log, entry: &'static str) -> impl Fn() + use<> {
    let log = Rc::clone(log);
    move || log.borrow_mut().push(entry.to_owned())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn a_response_sent_by_a_listener_emits_its_events() {
    let log = Log::default();
    let session = Session::server();
    let (line, header, data) = (
        logger(&log, "line"),
        logger(&log, "header"),
        logger(&log, "data"),
    );
    session.req().on(event::LineReady, move |_| line());
    session.req().on(event::HeaderReady, move |_| header());
    session.req().on(event::DataReady, move |_| data());
    let (ready, resp) = (logger(&log, "ready"), session.resp());
    session.req().on(event::Ready, move |_| {
        ready();
        resp.send("pong");
    });
    let (head, piece, done) = (
        logger(&log, "header done"),
        logger(&log, "data done"),
        logger(&log, "done"),
    );
    session.resp().on(event::HeaderDone, move |()| head());
    session.resp().on(event::DataDone, move |_| piece());
    session.resp().on(event::Done, move |()| done());
    block_on(async {
        let (here, mut there) = tokio::io::duplex(64);
        let asked = async {
            there
                .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping")
                .await?;
            let mut answer = [0; 15];
            there.read_exact(&mut answer).await?;
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
            let mut rest = [0; 256];
            while there.read(&mut rest).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        let served = async { drop(session.attach(here).await.expect("a whole exchange")) };
        let ((), asked) = tokio::join!(served, asked);
        asked.expect("an answer");
    });
    let expected = [
        "line",
        "header",
        "data",
        "ready",
        "header done",
        "data done",
        "done",
    ];
    assert_eq!(*log.borrow(), expected);
}

#[test]
fn a_received_body_can_be_read_after_the_end() {
    let session = Session::server();
    let (req, resp) = (session.req(), session.resp());
    resp.send("thanks");
    block_on(async {
        let (here, mut there) = tokio::io::duplex(1024);
        there
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping")
            .await
            .expect("room");
        session.attach(here).await.expect("a whole exchange");
        assert_eq!(
            req.data().await.expect("a piece").as_deref(),
            Some(&b"ping"[..])
        );
        assert_eq!(req.data().await.expect("its end"), None);
    });
}

#[test]
fn a_body_that_was_cut_never_looks_complete() {
    let session = Session::server();
    let req = session.req();
    block_on(async {
        let (here, mut there) = tokio::io::duplex(1024);
        there
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nping")
            .await
            .expect("room");
        drop(there);
        session.attach(here).await.expect_err("half a body");
        assert_eq!(
            req.data().await.expect("a piece").as_deref(),
            Some(&b"ping"[..])
        );
        req.data().await.expect_err("it was cut");
        req.data().await.expect_err("and stays cut");
    });
    let dropped = Session::server();
    let req = dropped.req();
    drop(dropped);
    block_on(async { req.data().await.expect_err("there was no session") });
}

/// The response of a server session on which `before` was called before its request arrived.
fn response_after(before: impl FnOnce(&SessionOutgoing)) -> String {
    let session = Session::server();
    let resp = session.resp();
    before(&resp);
    block_on(async {
        let (here, mut there) = tokio::io::duplex(1024);
        let asked = async {
            there
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .await?;
            let mut heard = String::new();
            there.read_to_string(&mut heard).await?;
            Ok::<_, std::io::Error>(heard)
        };
        let served = async { drop(session.attach(here).await.expect("a whole exchange")) };
        crate::conn::tests::harness::without_dates(&tokio::join!(asked, served).0.unwrap())
    })
}

#[test]
fn a_response_sent_before_the_request_waits_for_it() {
    let whole =
        "HTTP/1.1 404 Nothing\r\nX: 1\r\nX: 2\r\nDate: now\r\nContent-Length: 6\r\n\r\nonetwo";
    let pieces = response_after(|resp| {
        resp.set_status(404);
        resp.set_reason("Nothing");
        resp.append("X", "1");
        resp.append("X", "2");
        assert!(resp.write("one"));
        resp.send("two");
        resp.send("three"); // it has ended
        assert!(!resp.write("four"));
    });
    assert_eq!(pieces, whole);
    let mut trailers = hearken_proto::Fields::new();
    trailers.append("X-Sum", "6").unwrap();
    let with_trailers = response_after(|resp| {
        resp.write("one");
        resp.add_trailers(&trailers);
        resp.write("two");
        resp.end(&trailers);
    });
    assert_eq!(
        with_trailers,
        "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nonetwo\r\n0\r\nX-Sum: 6\r\nX-Sum: 6\r\n\r\n"
    );
}

#[test]
fn a_response_begun_before_the_request_continues_after_it() {
    let session = Session::server();
    let resp = session.resp();
    assert!(resp.write("one"));
    assert!(!resp.write("x".repeat(100_000)), "a queue is full");
    let (here, mut there) = tokio::io::duplex(1024);
    let body = block_on(async {
        let writer = async {
            resp.drain().await.expect("room");
            resp.write("last");
            resp.end(&hearken_proto::Fields::new());
        };
        let asked = async {
            there
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .await
                .unwrap();
            let mut heard = String::new();
            there.read_to_string(&mut heard).await.unwrap();
            heard
        };
        let served = async { drop(session.attach(here).await.expect("a whole exchange")) };
        tokio::join!(asked, served, writer).0
    });
    let (_, chunks) = body.split_once("\r\n\r\n").unwrap();
    assert!(
        chunks.starts_with("3\r\none\r\n186a0\r\nxxx"),
        "{}",
        &chunks[..20]
    );
    assert!(chunks.ends_with("xxx\r\n4\r\nlast\r\n0\r\n\r\n"));
}

#[test]
fn a_response_before_the_request_is_bounded() {
    let session = Session::server();
    let resp = session.resp();
    for _ in 0..17 {
        resp.write(vec![b'x'; 1 << 20]);
    }
    let error = block_on(resp.drain()).unwrap_err();
    assert_eq!(error.to_string(), "the exchange was given up here");
}

/// Writes each step into a log.
struct Seen(Arc<std::sync::Mutex<Vec<String>>>);

impl Observer for Seen {
    fn observe(&self, seen: &Observation<'_>) {
        assert_eq!(seen.side, Side::Session);
        let name = seen.step.name();
        let step = match seen.step {
            Step::RequestHead { method, target, .. } => format!("{name} {method} {target}"),
            Step::ResponseHead { status, .. } => format!("{name} {status}"),
            Step::LastByteFlushed { content, .. } => format!("{name} {content} bytes of content"),
            Step::Head { head } if head.status() == 0 => format!("{name} {}", head.method()),
            Step::Head { head } => format!("{name} {}", head.status()),
            Step::BodyEnd { bytes } => format!("{name} {bytes} bytes"),
            Step::Ended { why } => {
                let facts = seen.facts.expect("an exchange");
                let (method, target) = (facts.method().unwrap(), facts.url().unwrap());
                format!(
                    "{name} {why:?}: {method} {target} {}",
                    facts.status().unwrap_or(0)
                )
            }
            Step::Closed {
                why,
                bytes_in,
                bytes_out,
            } => {
                assert!(bytes_in > 0 && bytes_out > 0);
                format!("{name} {why:?}")
            }
            _ => name.to_owned(),
        };
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {step}", seen.exchange));
    }
}

/// The log under this heading of docs/events.md.
fn documented(heading: &str) -> Vec<&'static str> {
    let page = include_str!("../../../../docs/events.md");
    let (_, section) = page.split_once(&format!("### {heading}\n")).expect(heading);
    let (_, block) = section.split_once("```text\n").expect("a log");
    block
        .split_once("```")
        .expect("its end")
        .0
        .lines()
        .collect()
}

#[test]
fn observers_see_both_sides() {
    let [asked, served] = [(); 2].map(|()| Arc::new(std::sync::Mutex::new(Vec::new())));
    let (client, server) = (Session::client(), Session::server());
    client.observer(Seen(Arc::clone(&asked)));
    server.observer(Seen(Arc::clone(&served)));
    let resp = server.resp();
    server.req().on(event::Ready, move |_| resp.send("hello"));
    client.req().set_method("POST");
    client.req().send("abc");
    client.resp().on(event::Ready, |_| ());
    block_on(async {
        let (here, there) = tokio::io::duplex(1024);
        let (one, other) = tokio::join!(client.attach(here), server.attach(there));
        assert!(one.is_ok() && other.is_ok());
    });
    let heading = "A session on the side of the client, as its observer sees it";
    assert_eq!(*asked.lock().unwrap(), documented(heading));
    let heading = "A session on the side of the server, as its observer sees it";
    assert_eq!(*served.lock().unwrap(), documented(heading));
}

#[test]
fn an_observer_sees_why_a_session_fails() {
    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    let session = Session::server();
    session.observer(Names(Arc::clone(&log)));
    block_on(async {
        let (here, mut there) = tokio::io::duplex(1024);
        there.write_all(b"GET / HTTP/9.9\r\n\r\n").await.unwrap();
        assert!(session.attach(here).await.is_err());
    });
    let names = log.lock().unwrap();
    let expected = [
        "Accepted",
        "FirstByte",
        "Failed 505",
        "ResponseHead",
        "FirstWrite",
        "HeadFlushed",
        "LastByteFlushed",
        "Ended BadMessage",
        "Closed BadMessage",
    ];
    assert_eq!(*names, expected);
}

/// Writes the names of steps into a log, and why an exchange is over.
struct Names(Arc<std::sync::Mutex<Vec<String>>>);

impl Observer for Names {
    fn observe(&self, seen: &Observation<'_>) {
        let name = seen.step.name();
        self.0.lock().unwrap().push(match seen.step {
            Step::Failed { error } => format!("{name} {}", error.status().as_u16()),
            Step::Ended { why } | Step::Closed { why, .. } => format!("{name} {why:?}"),
            _ => name.to_owned(),
        });
    }
}
