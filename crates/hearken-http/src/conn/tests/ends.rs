//! The end of a connection as the peer makes it: half-closed, gone, reset, in the middle of something.

use super::harness::{
    CHUNKED, Gate, Guard, Log, answer, get, ok, post_head, refusal, serve, spawn, tasks,
};
use crate::conn::Ending;
use crate::{Error, event};
use std::io::ErrorKind;
use std::time::Duration;

const PROBE: &str = "HTTP/1.1 ";

/// The answer to a request after which nothing can follow.
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
fn a_half_closed_client_gets_its_answer() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        wait.wait().await;
        res.end("x")
    })
    .connect();
    link.send(get("/")).end_input();
    assert!(link.is_open());
    gate.open();
    link.go();
    assert_eq!(link.heard(), last("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_half_closed_client_is_asked_byte_by_byte_and_gets_no_byte_twice() {
    let gate = Gate::default();
    let wait = gate.clone();
    for bytes in 0..=PROBE.len() {
        let (gate, wait) = (gate.clone(), Gate::default());
        let opened = wait.clone();
        let mut link = serve(async move |_req, res| {
            opened.wait().await;
            res.status(404).end("x")
        })
        .connect();
        link.send(get("/")).end_input();
        for sent in 0..bytes {
            assert_eq!(link.heard_len(), sent);
            let pause = link.deadline_in().unwrap();
            link.pass(pause);
        }
        assert_eq!(link.heard_len(), bytes);
        wait.open();
        link.go();
        let expected =
            answer("404 Not Found", "", "x").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        assert_eq!(link.heard(), expected, "after {bytes}");
        drop(gate);
    }
    drop(wait);
}

#[test]
fn the_questions_are_few() {
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
fn a_streaming_answer_goes_on_to_a_half_closed_client() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        res.write("one");
        wait.wait().await;
        res.end("two")
    })
    .connect();
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
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |req, res| {
        if req.url() == "/2" {
            wait.wait().await;
        }
        res.end(req.url().to_owned())
    })
    .connect();
    link.send(get("/1") + &get("/2") + &get("/3")).end_input();
    assert_eq!(link.heard(), ok("/1"));
    gate.open();
    link.go();
    let heard = link.heard();
    assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 2, "{heard}");
    assert!(heard.ends_with("/3"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

/// A client that has gone must be noticed although requests of it still wait.
#[test]
fn a_client_that_has_gone_is_asked_with_requests_pending_too() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |req, res| {
        wait.wait().await;
        res.end(req.url().to_owned())
    })
    .connect();
    link.send(get("/1") + &get("/2")).end_input().secs(1);
    assert!(link.heard_len() > 0, "nobody asked");
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
fn a_broken_head_behind_an_exchange_is_told_after_its_answer() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        wait.wait().await;
        res.end("x")
    })
    .connect();
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
                        return Err(error);
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
        let told = format!("{length} Some(\"H1_TRUNCATED_BODY\")");
        assert_eq!(log.take(), [&told, "dropped"]);
        assert!(link.heard().starts_with("HTTP/1.1 400 "));
        assert_eq!(link.ended(), Some(Ending::Linger));
    }
}

#[test]
fn an_end_instead_of_an_expected_body_is_answered() {
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?))).connect();
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
fn an_end_inside_a_body_that_nobody_reads_ends_the_connection() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(10) + "abc").end_input();
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn an_end_inside_a_body_cuts_an_answer_under_way() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            res.write(piece);
        }
        Ok::<_, Error>(res.end("never"))
    })
    .connect();
    link.send(post_head(10) + "abc").end_input();
    assert!(link.heard().ends_with("\r\n3\r\nabc\r\n"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_client_that_is_gone_is_told_with_its_reason_and_ends_the_handler() {
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
fn a_handler_that_does_not_ask_is_dropped_all_the_same() {
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
fn what_a_handler_says_to_nobody_does_no_harm() {
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
fn tasks_beside_the_handler_are_told_too() {
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
fn closed_tells_of_a_good_end_as_well() {
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
fn a_loss_in_any_phase_is_one_disconnect() {
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
