//! The end of a connection by the peer: half-closed, lost, reset, in every phase.

use super::harness::{
    CHUNKED, Gate, Guard, Log, answer, get, ok, post_head, refusal, serve, serve_gated,
    serve_with_gate, spawn, tasks,
};
use crate::conn::Ending;
use crate::event;
use std::io::ErrorKind;
use std::time::Duration;

const PROBE: &str = "HTTP/1.1 ";

/// The last response of a connection.
fn last(body: &str) -> String {
    ok(body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
}

#[test]
fn an_end_between_requests_ends_the_connection() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.end_input();
    assert_eq!(link.ended(), Some(Ending::Now));
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(get("/")).end_input();
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_half_closed_client_gets_its_response() {
    let (server, gate) = serve_gated(async |_req, res| res.end("x"));
    let mut link = server.connect();
    link.send(get("/")).end_input();
    assert!(link.is_open());
    gate.open();
    link.go();
    assert_eq!(link.heard(), last("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_half_closed_client_is_probed_byte_by_byte_and_gets_no_byte_twice() {
    for bytes in 0..=PROBE.len() {
        let (server, gate) = serve_gated(async |_req, res| res.status(404).end("x"));
        let mut link = server.connect();
        link.send(get("/")).end_input();
        for sent in 0..bytes {
            assert_eq!(link.heard_len(), sent);
            let pause = link.deadline_in().unwrap();
            link.pass(pause);
        }
        assert_eq!(link.heard_len(), bytes);
        gate.open();
        link.go();
        let expected =
            answer("404 Not Found", "", "x").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        assert_eq!(link.heard(), expected, "after {bytes}");
    }
}

#[test]
fn the_probes_are_few() {
    let mut link = serve(async |_req, res| {
        Gate::default().wait().await;
        res.end("x")
    })
    .connect();
    link.send(get("/")).end_input();
    assert_eq!(link.deadline_in(), Some(Duration::from_millis(50)));
    link.secs(3600);
    assert_eq!(link.heard(), PROBE);
    assert!(link.timeouts <= 10, "{}", link.timeouts);
    assert!(link.is_open());
    assert_eq!(link.deadline_in(), None);
}

#[test]
fn a_streaming_response_continues_to_a_half_closed_client() {
    let (server, gate) = serve_with_gate(async |_req, res, gate| {
        res.write("one");
        gate.wait().await;
        res.end("two")
    });
    let mut link = server.connect();
    link.send(get("/")).end_input().secs(100);
    gate.open();
    link.go();
    assert!(
        link.heard()
            .ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn all_pipelined_requests_before_the_end_are_answered() {
    let (server, gate) = serve_with_gate(async |req, res, gate| {
        if req.url() == "/2" {
            gate.wait().await;
        }
        res.end(req.url().to_owned())
    });
    let mut link = server.connect();
    link.send(get("/1") + &get("/2") + &get("/3")).end_input();
    assert_eq!(link.heard(), ok("/1"));
    gate.open();
    link.go();
    let heard = link.heard();
    assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 2, "{heard}");
    assert!(heard.ends_with("/3"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

/// A client that has disconnected is detected although more of its requests are pending.
#[test]
fn a_half_closed_client_with_pending_requests_is_probed_too() {
    let (server, gate) = serve_gated(async |req, res| res.end(req.url().to_owned()));
    let mut link = server.connect();
    link.send(get("/1") + &get("/2")).end_input().secs(1);
    assert!(link.heard_len() > 0, "a probe was sent");
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("/1") + &ok("/2"));
}

#[test]
fn an_end_inside_a_head_is_answered() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send("GET / HTTP/1.1\r\nHo").end_input();
    let heard = link.heard();
    assert!(heard.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{heard}");
    assert!(heard.contains("H1_TRUNCATED_HEAD"), "{heard}");
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_broken_head_behind_an_exchange_is_answered_after_it() {
    let (server, gate) = serve_gated(async |_req, res| res.end("x"));
    let mut link = server.connect();
    link.send(get("/") + "GET /").end_input();
    assert_eq!(link.heard(), "");
    gate.open();
    link.go();
    let heard = link.heard();
    let rest = heard.strip_prefix(&ok("x")).expect("first the answer");
    assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
}

#[test]
fn an_end_inside_a_body_is_an_error_for_its_reader() {
    for begin in [
        post_head(10) + "abc",
        CHUNKED.to_owned() + "3\r\nabc\r\n",
        CHUNKED.to_owned(),
    ] {
        let log = Log::default();
        let seen = log.clone();
        let mut link = serve(async move |mut req, res| {
            let _guard = Guard(seen.clone(), "dropped");
            let mut body = Vec::new();
            loop {
                match req.data().await {
                    Ok(Some(piece)) => body.extend_from_slice(&piece),
                    Ok(None) => seen.add("complete"),
                    Err(error) => {
                        let code = error.protocol().map(hearken_proto::Error::code);
                        seen.add(format!("{} {code:?}", body.len()));
                        return Err(error.into());
                    }
                }
                if body.len() > 3 {
                    return Ok(res.end("never"));
                }
            }
        })
        .connect();
        let length = if begin.contains("abc") { 3 } else { 0 };
        link.send(&begin).end_input();
        let expected = format!("{length} Some(\"H1_TRUNCATED_BODY\")");
        assert_eq!(log.take(), [&expected, "dropped"]);
        assert!(link.heard().starts_with("HTTP/1.1 400 "));
        assert_eq!(link.ended(), Some(Ending::Linger));
    }
}

#[test]
fn an_end_instead_of_an_expected_body_is_answered() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?))).connect();
    link.send(post_head(3).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"))
        .end_input();
    let heard = link.heard();
    let rest = heard
        .strip_prefix("HTTP/1.1 100 Continue\r\n\r\n")
        .expect("100 first");
    assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn an_end_inside_an_unread_body_ends_the_connection() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(10) + "abc").end_input();
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn an_end_inside_a_body_cuts_a_response_in_progress() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            res.write(piece);
        }
        Ok(res.end("never"))
    })
    .connect();
    link.send(post_head(10) + "abc").end_input();
    assert!(link.heard().ends_with("\r\n3\r\nabc\r\n"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_lost_connection_is_reported_with_its_reason_and_ends_the_handler() {
    for (kind, why) in [
        (ErrorKind::ConnectionReset, "Reset"),
        (ErrorKind::BrokenPipe, "PeerGone"),
        (ErrorKind::TimedOut, "PeerGone"),
    ] {
        let log = Log::default();
        let (seen, gone) = (log.clone(), log.clone());
        let mut link = serve(async move |req, res| {
            let _guard = Guard(seen.clone(), "dropped");
            seen.add(format!("closed {:?}", req.closed().await));
            Gate::default().wait().await;
            seen.add("never");
            res.end("x")
        })
        .on(event::Disconnected, move |(_, why)| {
            gone.add(format!("gone {why:?}"))
        })
        .connect();
        link.send(get("/") + &get("/2")).lose(kind);
        assert_eq!(
            log.take(),
            [
                format!("closed {why}"),
                "dropped".to_owned(),
                format!("gone {why}")
            ]
        );
        assert_eq!(link.heard(), "");
        assert_eq!(link.ended(), Some(Ending::Now));
    }
}

#[test]
fn a_handler_that_does_not_await_closed_is_dropped_too() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        let _guard = Guard(seen.clone(), "dropped");
        Gate::default().wait().await;
        res.end("x")
    })
    .connect();
    link.send(get("/")).lose(ErrorKind::ConnectionReset);
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn writing_to_a_lost_connection_is_harmless() {
    let mut link = serve(async move |req, res| {
        let why = req.closed().await;
        assert!(!res.write("into the void"));
        assert!(res.drain().await.is_err());
        assert_eq!(res.queued_bytes(), 0);
        res.end(format!("{why:?}"))
    })
    .connect();
    link.send(get("/")).lose(ErrorKind::ConnectionReset);
    assert_eq!(link.heard(), "");
}

#[test]
fn tasks_beside_the_handler_are_woken_by_a_lost_connection() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        let (sent, answer) = res.defer();
        let (seen, read) = (seen.clone(), seen.clone());
        let closed = req.closed();
        spawn(async move { seen.add(format!("closed {:?}", closed.await)) });
        spawn(async move {
            read.add(format!(
                "read {}",
                req.bytes().await.is_err_and(|error| error.is_closed())
            ));
            answer.end("");
        });
        sent
    })
    .connect();
    link.send(post_head(5)).lose(ErrorKind::ConnectionReset);
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, ["closed Reset", "read true"]);
    assert_eq!(tasks(), 0);
}

#[test]
fn closed_resolves_after_a_complete_exchange() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let seen = seen.clone();
        let closed = req.closed();
        spawn(async move { seen.add(format!("{:?}", closed.await)) });
        res.end("x")
    })
    .connect();
    link.send(get("/"));
    assert_eq!(log.take(), ["Done"]);
    link.send(get("/")).end_input();
    assert_eq!(log.take(), ["Done"]);
    assert_eq!(tasks(), 0);
}

#[test]
fn a_lost_connection_emits_one_disconnected_in_any_phase() {
    let steps = ["", "GET", &get("/"), &(post_head(3) + "a"), "\0"];
    for sent in steps {
        let log = Log::default();
        let (came, gone) = (log.clone(), log.clone());
        let mut link = serve(async move |mut req, res| {
            let _ = req.bytes().await;
            res.end("")
        })
        .on(event::Connection, move |_| came.add("came"))
        .on(event::Disconnected, move |_| gone.add("gone"))
        .connect();
        link.room = 0;
        link.send(sent);
        link.lose(ErrorKind::ConnectionReset);
        assert_eq!(log.take(), ["came", "gone"], "{sent:?}");
        assert_eq!(link.ended(), Some(Ending::Now));
    }
}

#[test]
fn a_refusal_is_flushed_to_a_half_closed_client() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.room = 0;
    link.send(post_head(3)).send("a").end_input();
    link.give_room(10_000);
    assert_eq!(link.heard(), ok("x"));
    let mut link = serve(async |_req, res| res.status(500).end("x")).connect();
    link.room = 0;
    link.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
        .end_input();
    link.give_room(10_000);
    assert_eq!(
        link.heard(),
        refusal("501 Not Implemented", "Not Implemented\n")
    );
}
