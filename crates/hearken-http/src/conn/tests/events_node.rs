//! The order of events in the scenarios that were observed with Node, each as a log in docs/events.md.

use super::events::{check, log_all, log_incoming, log_outgoing, logged};
use super::harness::{Gate, Link, Log, Setup, get, post, post_head, serve};
use crate::conn::Ending;
use crate::event;
use std::io::ErrorKind;

/// A server that logs all events and responds at once, without reading the body.
fn quick(log: &Log) -> Setup {
    let seen = log.clone();
    serve(async move |req, res| {
        seen.add("handler");
        log_incoming_end(&req, &seen);
        log_outgoing(&res, &seen);
        res.end("ok")
    })
}

/// As `log_all`, without listeners that read the body.
fn log_incoming_end(req: &crate::IncomingMessage, log: &Log) {
    let failed = log.clone();
    req.on(event::Failed, move |_| failed.add("req Failed"));
}

/// A server that logs all events and whose handler waits at a gate.
fn waiting(log: &Log) -> (Link, Gate) {
    let (seen, gate) = (log.clone(), Gate::default());
    let wait = gate.clone();
    let setup = serve(async move |req, res| {
        seen.add("handler");
        log_incoming(&req, &seen);
        log_outgoing(&res, &seen);
        wait.wait().await;
        seen.add("handler end");
        res.end("ok")
    });
    (log_all(setup, log).connect(), gate)
}

#[test]
fn an_early_response() {
    let log = Log::default();
    let mut link = log_all(quick(&log), &log).connect();
    link.send(post_head(6)).send("abc").send("def");
    assert!(link.is_open());
    check(&log, "An answer before the body");
}

#[test]
fn a_client_that_disconnects_while_its_handler_waits() {
    let log = Log::default();
    let (mut link, _gate) = waiting(&log);
    link.send(get("/")).lose(ErrorKind::ConnectionReset);
    check(&log, "A client that goes away while its handler waits");
}

#[test]
fn a_client_that_ends_its_side_while_its_handler_waits() {
    let log = Log::default();
    let (mut link, gate) = waiting(&log);
    link.send(get("/")).end_input();
    gate.open();
    link.go();
    assert!(link.heard().starts_with("HTTP/1.1 200 OK\r\n"));
    check(&log, "A client that ends its side while its handler waits");
}

#[test]
fn two_pipelined_requests_of_which_the_first_is_slow() {
    let log = Log::default();
    let (mut link, gate) = waiting(&log);
    link.send(get("/1") + &get("/2"));
    log.add("the first is answered");
    gate.open();
    link.go();
    check(&log, "Two pipelined requests, the first of which is slow");
}

#[test]
fn more_content_than_room() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async move |_req, res| {
        log_outgoing(&res, &seen);
        let again = seen.clone();
        seen.add(format!("write {}", res.write(vec![b'x'; 100_000])));
        let (sent, answer) = res.defer();
        let res = answer.take();
        let slot = std::rc::Rc::new(std::cell::RefCell::new(None));
        let place = std::rc::Rc::clone(&slot);
        res.on(event::Drain, move |()| {
            again.add("handler end");
            let res: Option<crate::ServerResponse> = place.borrow_mut().take();
            let _ = res.map(|res| res.end(""));
        });
        *slot.borrow_mut() = Some(res);
        sent
    });
    let mut link = log_all(setup, &log).connect();
    link.room = 0;
    link.send(get("/"));
    for room in [50_000, 45_000, 1_000_000] {
        log.add(format!("transport takes {room}"));
        link.give_room(room);
    }
    assert!(link.is_open());
    check(&log, "More than there is room for");
}

const WAITS: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";

#[test]
fn a_client_that_waits_to_continue() {
    let log = Log::default();
    logged(&log).send(WAITS).send("hi");
    check(&log, "A client that waits to continue");
}

#[test]
fn a_client_that_must_not_continue() {
    let log = Log::default();
    let seen = log.clone();
    let setup = quick(&log).handle(event::CheckContinue, async move |_req, res| {
        seen.add("handler of CheckContinue");
        log_outgoing(&res, &seen);
        res.status(413).end("no")
    });
    let mut link = log_all(setup, &log).connect();
    link.send(WAITS);
    assert_eq!(link.ended(), Some(Ending::Linger));
    check(&log, "A client that must not continue");
}

#[test]
fn an_unknown_expectation() {
    let log = Log::default();
    let request = "GET / HTTP/1.1\r\nHost: a\r\nExpect: fame\r\n\r\n";
    log_all(quick(&log), &log).connect().send(request);
    check(&log, "An unknown expectation");
    let seen = log.clone();
    let setup = quick(&log).handle(event::CheckExpectation, async move |_req, res| {
        seen.add("handler of CheckExpectation");
        res.end("ok")
    });
    log_all(setup, &log).connect().send(request);
    check(&log, "A known expectation");
}

#[test]
fn rejected_heads() {
    let log = Log::default();
    for (heading, bytes) in [
        ("A request without Host", "GET / HTTP/1.1\r\n\r\n"),
        (
            "A request of two lengths",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            "Something that is not HTTP",
            "\u{16}\u{3}\u{1} hello\r\n\r\n",
        ),
    ] {
        log_all(quick(&log), &log).connect().send(bytes);
        check(&log, heading);
    }
}

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

#[test]
fn an_upgrade() {
    let log = Log::default();
    log_all(quick(&log), &log).connect().send(UPGRADE);
    check(&log, "An upgrade without a handler");
    let seen = log.clone();
    let setup = quick(&log).handle(event::Upgrade, async move |_req, res| {
        seen.add("handler of Upgrade");
        log_outgoing(&res, &seen);
        let (sent, upgrading) = res.upgrade("echo")?;
        seen.add("handler waits for the transport");
        drop(upgrading);
        Ok(sent)
    });
    let mut link = log_all(setup, &log).connect();
    link.send(UPGRADE.to_owned() + "raw");
    assert_eq!(link.ended(), Some(Ending::HandOver));
    drop(link.drive.into_tunnel());
    check(&log, "An upgrade");
}

#[test]
fn a_tunnel_without_a_handler() {
    let log = Log::default();
    log_all(quick(&log), &log)
        .connect()
        .send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    check(&log, "A tunnel without a handler");
}

#[test]
fn more_requests_than_a_connection_may_have() {
    let log = Log::default();
    let setup = quick(&log).limits(|limits| limits.connection.requests_max = 1);
    log_all(setup, &log).connect().send(get("/1") + &get("/2"));
    check(&log, "More requests than a connection may have");
}

#[test]
fn a_deadline() {
    let log = Log::default();
    let mut link = logged(&log);
    link.send(post_head(6)).send("abc").secs(60);
    check(&log, "A body that stalls");
    let mut link = logged(&log);
    link.send(post("hi")).secs(60);
    check(&log, "A connection that is left idle");
}
