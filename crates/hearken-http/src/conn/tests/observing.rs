//! What an observer of a server sees: the steps in their order, each with its facts.

use super::harness::{Gate, Link, Log, Setup, get, post, serve};
use crate::event::observe::{HandlerKind, Observation, Observer, Side, Step};
use crate::{Failure, event};
use std::io::ErrorKind;
use std::sync::Arc;

/// Writes each step with its facts into a log.
struct Facts(Log);

impl Observer for Facts {
    fn observe(&self, seen: &Observation<'_>) {
        assert_eq!(seen.side, Side::Server);
        let step = match seen.step {
            Step::Head { head } => format!("Head {} {}", head.method(), head.url()),
            Step::HandlerStart { kind } => format!("HandlerStart {kind:?}"),
            Step::HandlerEnd {
                failure: Some(failure),
            } => format!("HandlerEnd {failure}"),
            Step::HandlerEnd { failure: None } => "HandlerEnd".to_owned(),
            Step::ResponseHead {
                status,
                reason,
                fields,
                length,
            } => {
                let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
                let names = names.join(&b' ');
                let names = String::from_utf8_lossy(&names).into_owned();
                format!("ResponseHead {status} {reason:?} [{names}] {length:?}")
            }
            step => format!("{step:?}"),
        };
        let facts = seen.facts.map(|facts| {
            assert_eq!((facts.number(), facts.route()), (seen.exchange, seen.route));
            let line = (facts.method().unwrap_or("-"), facts.url().unwrap_or("-"));
            let (bytes, status) = (facts.content_out(), facts.status().unwrap_or(0));
            let route = facts.route().map(|route| format!(" on {route}"));
            let route = route.unwrap_or_default();
            let input = facts.content_in();
            format!(
                " | {} {} {input} -> {status} {bytes}{route}",
                line.0, line.1
            )
        });
        let facts = facts.unwrap_or_default();
        self.0.add(format!("{} {step}{facts}", seen.exchange));
    }
}

fn observed(setup: Setup) -> (Link, Log) {
    let log = Log::default();
    let link = setup.observe_with(Arc::new(Facts(log.clone()))).connect();
    (link, log)
}

#[test]
fn a_plain_exchange() {
    let (mut link, log) = observed(serve(async |_req, res| {
        res.set_route("/users/:id");
        res.status(201).reason("Made").set("X-A", "1").end("hello")
    }));
    link.send(get("/users/5")).end_input();
    let wire = link.heard_len();
    let (line, sent) = ("GET /users/5 0", "-> 201 5 on /users/:id");
    assert_eq!(
        log.take(),
        [
            "0 Accepted".to_owned(),
            "1 FirstByte | - - 0 -> 0 0".to_owned(),
            "1 Line | - - 0 -> 0 0".to_owned(),
            format!("1 Head GET /users/5 | {line} -> 0 0"),
            format!("1 BodyEnd {{ bytes: 0 }} | {line} -> 0 0"),
            format!("1 HandlerStart Request | {line} -> 0 0"),
            format!(
                "1 ResponseHead 201 Some(\"Made\") [X-A] Some(5) | {line} -> 201 0 on /users/:id"
            ),
            format!("1 HandlerEnd | {line} {sent}"),
            format!("1 FirstWrite | {line} {sent}"),
            format!("1 HeadFlushed | {line} {sent}"),
            format!("1 LastByteFlushed {{ content: 5, wire: {wire} }} | {line} {sent}"),
            format!("1 Ended {{ why: Done }} | {line} {sent}"),
            format!(
                "0 Closed {{ why: Done, bytes_in: {}, bytes_out: {wire} }}",
                get("/users/5").len()
            ),
        ]
    );
}

#[test]
fn an_upload_and_a_streamed_response() {
    let (mut link, log) = observed(serve(async |mut req, res| {
        let body = req.bytes().await?;
        res.write(body);
        res.write("!");
        Ok(res.end("?"))
    }));
    link.send(post("abc"));
    let log = log.take();
    assert_eq!(log[4], "1 FirstBodyByte | POST / 3 -> 0 0");
    assert_eq!(log[5], "1 BodyEnd { bytes: 3 } | POST / 3 -> 0 0");
    assert_eq!(
        log[7],
        "1 ResponseHead 200 None [] None | POST / 3 -> 200 0"
    );
    assert_eq!(log[8], "1 HandlerEnd | POST / 3 -> 200 5");
    assert!(log[11].starts_with("1 LastByteFlushed { content: 5, wire: "));
    assert_eq!(log[12], "1 Ended { why: Done } | POST / 3 -> 200 5");
}

#[test]
fn content_that_is_not_sent_does_not_count() {
    let (mut link, log) = observed(serve(async |_req, res| res.end("hello")));
    link.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let last = log.take().pop().expect("a step");
    assert_eq!(last, "1 Ended { why: Done } | HEAD / 0 -> 200 0");
}

/// The second exchange begins before the response of the first is taken: each step has the facts of its own exchange.
#[test]
fn pipelined_exchanges_keep_their_facts() {
    let (mut link, log) = observed(serve(async |req, res| {
        res.set_route(req.url());
        res.end(req.url().to_owned())
    }));
    link.room = 0;
    link.send(get("/1") + &get("/twice"));
    let before = log.take();
    assert!(!before.iter().any(|line| line.contains("Ended")));
    link.give_room(usize::MAX);
    let ended: Vec<_> = log.take();
    let ended: Vec<_> = ended.iter().filter(|line| line.contains("Ended")).collect();
    assert_eq!(
        ended,
        [
            "1 Ended { why: Done } | GET /1 0 -> 200 2 on /1",
            "2 Ended { why: Done } | GET /twice 0 -> 200 6 on /twice",
        ]
    );
}

/// A connection that breaks ends all exchanges whose responses are not taken, in their order.
#[test]
fn exchanges_end_with_their_connection() {
    let (mut link, log) = observed(serve(async |req, res| res.end(req.url().to_owned())));
    link.room = 0;
    link.send(get("/1") + &get("/2") + "GET /3");
    log.take();
    link.lose(ErrorKind::ConnectionReset);
    let lines = log.take();
    assert_eq!(
        lines[..4],
        [
            "3 Failed { error: the peer reset the connection } | - - 0 -> 0 0",
            "1 Ended { why: Reset } | GET /1 0 -> 200 2",
            "2 Ended { why: Reset } | GET /2 0 -> 200 2",
            "3 Ended { why: Reset } | - - 0 -> 0 0",
        ]
    );
    assert!(lines[4].starts_with("0 Closed { why: Reset"), "{lines:?}");
    assert_eq!(lines.len(), 5);
}

#[test]
fn interim_responses() {
    let (mut link, log) = observed(serve(async |mut req, res| {
        res.write_early_hints(["</a.css>; rel=preload"])?;
        let body = req.bytes().await?;
        Ok(res.end(body))
    }));
    link.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .send("ab");
    let lines = log.take();
    let interim: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("Interim"))
        .collect();
    assert_eq!(
        interim,
        [
            "1 Interim { status: 103 } | POST / 0 -> 0 0",
            "1 Interim { status: 100 } | POST / 0 -> 0 0",
        ]
    );
    assert_eq!(
        lines.last().unwrap(),
        "1 Ended { why: Done } | POST / 2 -> 200 2"
    );
}

#[test]
fn a_handler_that_fails() {
    let (mut link, log) = observed(serve(async |req, res| {
        let _held = req.url().to_owned();
        drop(res);
        Err::<crate::Sent, _>(Failure::new(404, "expected another path"))
    }));
    link.send(get("/a"));
    let lines = log.take();
    assert!(
        lines.contains(&"1 HandlerEnd expected another path | GET /a 0 -> 404 22".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_handler_that_panics() {
    let errors = Log::default();
    let seen = errors.clone();
    let setup = serve(async |_req, res| {
        res.set_route("/broken");
        assert!(res.headers_sent(), "told to");
        res.end("")
    })
    .on(event::HandlerFailed, move |error| {
        let request = error.request().map(ToString::to_string);
        seen.add(request.unwrap_or_default());
    });
    let (mut link, log) = observed(setup);
    link.send(get("/a?b"));
    assert_eq!(errors.take(), ["GET /a?b on connection 1 (route /broken)"]);
    let lines = log.take();
    let end = "1 HandlerEnd a handler panicked: told to | GET /a?b 0 -> 500 22 on /broken";
    assert!(lines.contains(&end.to_owned()), "{lines:?}");
}

/// Without an observer, too: the request comes back from the handler that has failed.
#[test]
fn an_error_names_its_request_without_an_observer() {
    let errors = Log::default();
    let seen = errors.clone();
    let mut link = serve(async |_req, res| {
        assert!(res.headers_sent(), "told to");
        res.end("")
    })
    .on(event::HandlerFailed, move |error| {
        let request = error.request().expect("a request");
        seen.add(format!("{:?} {:?}", request.method(), request.url()));
    })
    .connect();
    link.send(get("/first")).send(get("/second"));
    assert_eq!(
        errors.take(),
        [
            "Some(\"GET\") Some(\"/first\")",
            "Some(\"GET\") Some(\"/second\")"
        ]
    );
}

#[test]
fn a_fault_before_the_handler() {
    let (mut link, log) = observed(serve(async |_req, res| res.end("")));
    link.send("GET / HTTP/9.9\r\n");
    let lines = log.take();
    assert!(lines[2].starts_with("1 Failed { error: "), "{lines:?}");
    assert!(lines[3].starts_with("1 ResponseHead 505 "), "{lines:?}");
    let ended = lines.iter().find(|line| line.starts_with("1 Ended"));
    assert!(
        ended.is_some_and(|line| line.starts_with("1 Ended { why: BadMessage } | - - 0 -> 505 ")),
        "{lines:?}"
    );
}

/// A fault of the peer is no failure of the handler that ends because of it.
#[test]
fn a_fault_in_the_body_is_not_the_error_of_the_handler() {
    let (mut link, log) = observed(serve(async |mut req, res| {
        let whole = req.bytes().await.is_ok();
        res.end(whole.to_string())
    }));
    link.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .send("zz\r\n");
    let lines = log.take();
    let failed = lines.iter().position(|line| line.starts_with("1 Failed"));
    let end = "1 HandlerEnd | POST / 0 -> 200 5".to_owned();
    let ended = lines.iter().position(|line| *line == end);
    assert!(failed.is_some() && failed < ended, "{lines:?}");
}

#[test]
fn an_upgrade() {
    let setup = serve(async |_req, res| res.end("")).handle(event::Upgrade, async |_req, res| {
        let (sent, _upgrading) = res.upgrade("chat")?;
        Ok(sent)
    });
    let (mut link, log) = observed(setup);
    link.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n");
    let tunnel = link.drive.into_tunnel();
    assert!(tunnel.is_some());
    drop(tunnel);
    let lines = log.take();
    let kind = HandlerKind::Upgrade;
    assert_eq!(
        lines[5],
        format!("1 HandlerStart {kind:?} | GET / 0 -> 0 0")
    );
    assert_eq!(
        lines[6],
        "1 ResponseHead 101 None [Upgrade] Some(0) | GET / 0 -> 101 0"
    );
    let from = lines.iter().position(|line| line.contains("Upgraded"));
    let from = from.expect("an upgrade");
    assert_eq!(
        lines[from..from + 2],
        [
            "1 Upgraded { protocol: Some(\"chat\") } | GET / 0 -> 101 0",
            "1 Ended { why: Done } | GET / 0 -> 101 0"
        ]
    );
    assert!(lines[from + 2].starts_with("0 Closed"));
}

/// A response by a task that is not the handler's belongs to its exchange too.
#[test]
fn a_deferred_response() {
    let gate = Gate::default();
    let wait = gate.clone();
    let (mut link, log) = observed(serve(async move |_req, res| {
        let (sent, answer) = res.defer();
        let wait = wait.clone();
        super::harness::spawn(async move {
            wait.wait().await;
            answer.end("late");
        });
        sent
    }));
    link.send(get("/"));
    let before = log.take();
    assert!(
        before.last().unwrap().starts_with("1 HandlerEnd"),
        "{before:?}"
    );
    gate.open();
    link.go();
    let lines = log.take();
    assert_eq!(
        lines[0],
        "1 ResponseHead 200 None [] Some(4) | GET / 0 -> 200 0"
    );
    assert_eq!(
        lines.last().unwrap(),
        "1 Ended { why: Done } | GET / 0 -> 200 4"
    );
}

/// An observer that panics changes nothing.
#[test]
fn an_observer_that_panics() {
    struct Panics;
    impl Observer for Panics {
        fn observe(&self, _: &Observation<'_>) {
            panic!("told to");
        }
    }
    let setup = serve(async |_req, res| res.end("x")).observe_with(Arc::new(Panics));
    let mut link = setup.connect();
    link.send(get("/"));
    assert_eq!(link.heard(), super::harness::ok("x"));
}
