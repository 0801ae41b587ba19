//! The order of events. Each log in docs/events.md is compared with the one that the code emits.

use super::harness::{
    CHUNKED, Gate, Link, Log, Setup, get, ok, post_head, serve, serve_gated, spawn, tasks,
};
use crate::{IncomingMessage, ServerResponse, event};
use std::io::ErrorKind;

const PAGE: &str = include_str!("../../../../../docs/events.md");

/// The log in docs/events.md under this heading.
fn documented(heading: &str) -> Vec<&'static str> {
    let section = PAGE
        .split_once(&format!("### {heading}\n"))
        .unwrap_or_else(|| panic!("docs/events.md has no section {heading:?}"))
        .1;
    let (_, block) = section.split_once("```text\n").expect("a log");
    let (block, _) = block.split_once("```").expect("the end of the log");
    block.lines().collect()
}

/// Compares the log since the last call with the page.
#[track_caller]
pub(super) fn check(log: &Log, heading: &str) {
    assert_eq!(log.take(), documented(heading), "{heading}");
}

/// Writes all events into one log.
pub(super) fn log_all(setup: Setup, log: &Log) -> Setup {
    let [connection, request, failed, gone] = [(); 4].map(|()| log.clone());
    log_special_events(setup, log)
        .observe(log)
        .on(event::Connection, move |_| {
            connection.add("server Connection")
        })
        .on(event::Request, move |head| {
            request.add(format!("server Request {}", head.url()));
        })
        .on(event::ClientError, move |failure| {
            failed.add(format!(
                "server ClientError {}",
                failure.error().status().as_u16()
            ));
        })
        .on(event::Disconnected, move |(_, why)| {
            gone.add(format!("server Disconnected {why:?}"))
        })
}

/// Logs the events of special requests, of dropped requests, and of deadlines.
fn log_special_events(setup: Setup, log: &Log) -> Setup {
    let [upgrade, connect, go_on, other, drop, late] = [(); 6].map(|()| log.clone());
    setup
        .on(event::Upgrade, move |head| {
            upgrade.add(format!("server Upgrade {}", head.url()))
        })
        .on(event::Connect, move |head| {
            connect.add(format!("server Connect {}", head.url()))
        })
        .on(event::CheckContinue, move |head| {
            go_on.add(format!("server CheckContinue {}", head.url()))
        })
        .on(event::CheckExpectation, move |head| {
            other.add(format!("server CheckExpectation {}", head.url()))
        })
        .on(event::DropRequest, move |(_, head)| {
            drop.add(format!("server DropRequest {}", head.url()))
        })
        .on(event::Timeout, move |timeout| {
            late.add(format!("server Timeout {:?}", timeout.deadline()))
        })
}

pub(super) fn log_incoming(req: &IncomingMessage, log: &Log) {
    let [line, head, data, ready, failed] = [(); 5].map(|()| log.clone());
    req.on(event::LineReady, move |head| {
        line.add(format!("req LineReady {}", head.method()))
    });
    req.on(event::HeaderReady, move |_| head.add("req HeaderReady"));
    req.on(event::DataReady, move |piece| {
        data.add(format!("req DataReady {}", piece.len()))
    });
    req.on(event::Ready, move |_| ready.add("req Ready"));
    req.on(event::Failed, move |_| failed.add("req Failed"));
}

pub(super) fn log_outgoing(res: &ServerResponse, log: &Log) {
    let [head, data, done, room, end] = [(); 5].map(|()| log.clone());
    res.on(event::Drain, move |()| room.add("res Drain"));
    res.on(event::Closed, move |why| {
        end.add(format!("message Closed {why:?}"))
    });
    res.on(event::HeaderDone, move |()| head.add("res HeaderDone"));
    res.on(event::DataDone, move |bytes| {
        data.add(format!("res DataDone {bytes}"))
    });
    res.on(event::Done, move |()| done.add("res Done"));
}

/// Logs all events, and responds `ok` after the whole body was read.
pub(super) fn logged(log: &Log) -> Link {
    let seen = log.clone();
    let setup = serve(async move |req, res| {
        seen.add("handler");
        log_outgoing(&res, &seen);
        let (sent, answer) = res.defer();
        log_incoming(&req, &seen);
        let seen = seen.clone();
        req.on(event::Ready, move |_| {
            seen.add("handler end");
            answer.end("ok");
        });
        sent
    });
    log_all(setup, log).connect()
}

#[test]
fn a_request_without_a_body() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async move |_req, res| {
        seen.add("handler");
        res.end("ok")
    });
    let mut link = log_all(setup, &log).connect();
    link.send(get("/")).end_input();
    check(&log, "A request without a body");
}

#[test]
fn a_request_with_a_body_that_comes_later() {
    let log = Log::default();
    let mut link = logged(&log);
    link.send(post_head(6)).send("abc").send("def").end_input();
    check(&log, "A request whose body comes later, by events");
}

#[test]
fn a_response_that_is_taken_in_parts() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async move |_req, res| {
        seen.add("handler");
        log_outgoing(&res, &seen);
        res.write("one");
        res.write("three");
        res.end("")
    });
    let mut link = log_all(setup, &log).connect();
    link.room = 0;
    link.send(get("/"));
    for room in [1, 1, 200, 1000] {
        log.add(format!("transport takes {room}"));
        link.give_room(room);
    }
    let head = link.heard().find("\r\n\r\n");
    assert!(head.is_some());
    let seen: Vec<_> = log.take();
    let from = seen.iter().position(|line| line == "handler").unwrap();
    assert_eq!(
        seen[from..],
        documented("An answer that the transport takes in parts")
    );
}

#[test]
fn two_pipelined_requests() {
    let log = Log::default();
    let mut link = logged(&log);
    link.send(get("/1") + &get("/2"));
    assert_eq!(link.heard(), ok("ok") + &ok("ok"));
    check(&log, "Two pipelined requests");
}

#[test]
fn a_client_that_breaks_the_protocol() {
    let log = Log::default();
    log_all(serve(async |_req, res| res.end("ok")), &log)
        .connect()
        .send("GET / HTTP/9.9\r\n");
    check(&log, "A client that breaks the protocol");
    logged(&log).send(CHUNKED).send("3\r\nabc\r\n").send("x");
    check(&log, "A client that breaks the protocol in its body");
}

#[test]
fn a_client_that_disconnects() {
    let log = Log::default();
    logged(&log)
        .send(post_head(6))
        .send("abc")
        .lose(ErrorKind::ConnectionReset);
    check(&log, "A client that goes away");
}

#[test]
fn a_panic() {
    let log = Log::default();
    let error = log.clone();
    let setup = serve(async |_req, res| {
        assert!(res.headers_sent(), "on purpose");
        res.end("")
    })
    .on(event::HandlerFailed, move |_| {
        error.add("server HandlerFailed")
    });
    log_all(setup, &log).connect().send(get("/"));
    check(&log, "A handler that panics");
}

#[test]
fn the_first_bytes_of_a_body_are_observed_once() {
    for body in ["3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", "1\r\na\r\n0\r\n\r\n"] {
        for cut in [usize::MAX, 1, 5] {
            let log = Log::default();
            let setup = serve(async |mut req, res| Ok(res.end(req.bytes().await?)));
            let mut link = setup.observe(&log).connect();
            link.cut = cut;
            link.send(CHUNKED.to_owned() + body);
            let firsts = log
                .take()
                .iter()
                .filter(|line| *line == "1 FirstBodyByte")
                .count();
            assert_eq!(firsts, 1, "{body:?} {cut}");
        }
    }
}

#[test]
fn all_bytes_are_counted() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async move |req, res| {
        let peer = req.peer();
        seen.add(format!("{} {}", peer.bytes_read(), peer.bytes_written()));
        res.end("x")
    });
    let mut link = setup.observe(&log).connect();
    link.send(get("/"))
        .send(get("/"))
        .send("BAD\n and some more");
    let (bytes_in, bytes_out) = (2 * get("/").len() + 18, link.heard_len());
    let last = log.take().pop().unwrap();
    assert_eq!(
        last,
        format!("0 closed: BadMessage, {bytes_in} in, {bytes_out} out")
    );
}

/// A late listener gets what was received before, first.
#[test]
fn a_late_listener_gets_what_was_received_before() {
    let log = Log::default();
    let seen = log.clone();
    let (server, gate) = serve_gated(async move |req, res| {
        log_incoming(&req, &seen);
        seen.add("listening");
        let (sent, answer) = res.defer();
        req.on(event::Ready, move |_| answer.end("x"));
        sent
    });
    let mut link = server.connect();
    link.send(post_head(6)).send("abc");
    gate.open();
    link.go();
    let first = [
        "req LineReady POST",
        "req HeaderReady",
        "listening",
        "req DataReady 3",
    ];
    assert_eq!(log.take(), first);
    link.send("def");
    assert_eq!(log.take(), ["req DataReady 3", "req Ready"]);
    assert_eq!(link.heard(), ok("x"));
}

/// `Ready` has the whole body, however it was cut into pieces.
#[test]
fn ready_has_the_whole_body() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let (sent, answer) = res.defer();
        let seen = seen.clone();
        req.on(event::Ready, move |whole| {
            seen.add(format!("{:?} {:?}", whole.body, whole.trailers.get("x-t")));
            answer.end("x");
        });
        sent
    })
    .connect();
    link.cut = 1;
    link.send(CHUNKED.to_owned() + "2\r\nab\r\n1\r\nc\r\n0\r\nX-T: 1\r\n\r\n");
    assert_eq!(log.take(), [r#"b"abc" Some([49])"#]);
    link.send(get("/"));
    assert_eq!(log.take(), [r#"b"" None"#]);
}

/// Listeners of a response are called even if the transport takes the bytes after the end of the exchange.
#[test]
fn listeners_of_a_response_stay_until_its_last_byte_is_taken() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let (name, seen) = (req.url().to_owned(), seen.clone());
        let guard = super::harness::Guard(seen.clone(), "freed");
        let held = std::rc::Rc::new(req); // keeps the exchange from being reused
        res.on(event::Done, move |()| {
            let _ = (&guard, &held);
            seen.add(format!("done {name}"));
        });
        res.end("x")
    })
    .connect();
    link.room = 0;
    link.send(get("/1") + &get("/2"));
    assert!(log.take().is_empty());
    link.give_room(ok("x").len() + 28);
    assert_eq!(log.take(), ["done /1", "freed"]);
    link.give_room(1000);
    assert_eq!(log.take(), ["done /2", "freed"]);
    link.room = 0;
    link.send(get("/3")).lose(ErrorKind::ConnectionReset);
    assert_eq!(log.take(), ["freed"], "not done, and freed");
}

#[test]
fn a_listener_may_write_the_next_piece() {
    let mut link = serve(async |_req, res| {
        let (sent, answer) = res.defer();
        let res = answer.take();
        let next = std::rc::Rc::new(std::cell::RefCell::new(Vec::from(["three", "two"])));
        res.write("one");
        let res = std::rc::Rc::new(std::cell::RefCell::new(Some(res)));
        let writer = std::rc::Rc::clone(&res);
        if let Some(res) = &*res.borrow() {
            res.on(event::DataDone, move |_| match next.borrow_mut().pop() {
                Some(piece) => drop(writer.borrow().as_ref().map(|res| res.write(piece))),
                None => drop(writer.borrow_mut().take().map(|res| res.end(""))),
            });
            res.write("zero");
        }
        sent
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().contains("4\r\nzero\r\n"));
    link.send(get("/"));
    assert!(link.is_open());
}

/// Without listeners nothing is queued for them.
#[test]
fn without_listeners_the_flush_queue_stays_empty() {
    let mut link = serve(async |_req, res| {
        res.write("a");
        res.end("b")
    })
    .connect();
    link.room = 0;
    link.send(get("/").repeat(10));
    let served = &link.drive.served;
    let none = served.with_line(|line| line.flush.is_empty());
    assert_eq!(none, Some(true));
}

#[test]
fn tasks_are_woken_after_the_listeners_of_the_end() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let (failed, closed, seen) = (seen.clone(), req.closed(), seen.clone());
        req.on(event::Failed, move |_| failed.add("Failed"));
        spawn(async move { seen.add(format!("closed {:?}", closed.await)) });
        Gate::default().wait().await;
        res.end("")
    })
    .connect();
    link.send(get("/")).lose(ErrorKind::ConnectionReset);
    assert_eq!(log.take(), ["Failed", "closed Reset"]);
    assert_eq!(tasks(), 0);
}
