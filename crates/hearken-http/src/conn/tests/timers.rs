//! The deadline of every phase: when it passes, the response, and the error that the handler gets.

use super::harness::{
    CHUNKED, Gate, Guard, Log, get, ok, post, post_head, refusal, serve, serve_gated,
    serve_with_gate, spawn,
};
use crate::conn::Ending;
use crate::{Error, event};
use std::time::Duration;

const SLOW_HEAD: &str = "expected the whole head of the request in time\n";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_silent_connection_is_closed_without_a_response() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    assert_eq!(link.deadline_in(), Some(secs(10)));
    link.secs(10);
    assert_eq!(link.heard(), "");
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn the_first_head_counts_from_accept() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.secs(6).send("GET / HT").secs(3).send("TP/1.1\r\n");
    assert_eq!(link.deadline_in(), Some(secs(1)), "dripping does not help");
    link.secs(1);
    assert_eq!(link.heard(), refusal("408 Request Timeout", SLOW_HEAD));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn later_heads_count_from_their_first_byte() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(get("/")).secs(14).send("G");
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(link.deadline_in(), Some(secs(10)));
    link.secs(9).send("E").secs(1);
    assert_eq!(link.heard(), refusal("408 Request Timeout", SLOW_HEAD));
}

#[test]
fn a_head_that_waits_behind_an_exchange_counts_from_its_end() {
    let (server, gate) = serve_gated(async |_req, res| res.end("x"));
    let mut link = server.connect();
    link.send(get("/") + "GET / HT").secs(60);
    assert_eq!(link.deadline_in(), None, "a handler has no deadline");
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(link.deadline_in(), Some(secs(10)));
    link.send("TP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(link.heard(), ok("x"));
}

#[test]
fn between_exchanges_a_connection_is_kept_for_a_while() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(get("/")).secs(14).send(get("/")).secs(14);
    assert!(link.is_open());
    link.heard();
    link.secs(1);
    assert_eq!(link.heard(), "");
    assert_eq!(link.ended(), Some(Ending::Now));
}

/// An exchange ends with the later of both messages.
#[test]
fn keep_alive_begins_when_both_messages_are_complete() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(4));
    assert_eq!(link.heard(), ok("x"));
    link.secs(9).send("abcd");
    assert_eq!(link.deadline_in(), Some(secs(15)));
}

/// Body bytes received after the head do not count as the beginning of the next head.
#[test]
fn after_a_body_the_connection_is_idle() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?))).connect();
    link.send(post_head(4)).send("ab").send("cd");
    assert_eq!(link.heard(), ok("abcd"));
    assert_eq!(link.deadline_in(), Some(secs(15)));
    assert_eq!(link.env.pooled().len(), 1, "its memory is given back");
    link.secs(15);
    assert_eq!(link.heard(), "");
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_body_that_stalls_is_408_and_an_error_for_its_reader() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        let _guard = Guard(seen.clone(), "dropped");
        let body = req.bytes().await;
        seen.add(format!("{:?}", body.as_ref().map_err(Error::is_timeout)));
        body?;
        Ok(res.end("x"))
    })
    .limits(|limits| limits.time.body_rate_min = 0)
    .connect();
    link.send(post_head(100) + "abc").secs(29).send("d");
    assert_eq!(
        link.deadline_in(),
        Some(secs(30)),
        "a byte restarts the deadline"
    );
    link.secs(30);
    assert_eq!(log.take(), ["Err(true)", "dropped"]);
    assert_eq!(
        link.heard(),
        refusal("408 Request Timeout", "Request Timeout\n")
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_body_that_drips_is_cut_off() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?))).connect();
    link.send(post_head(100_000));
    for _ in 0..9 {
        link.secs(1).send(".");
        assert!(link.is_open());
    }
    link.secs(1);
    assert_eq!(
        link.heard(),
        refusal("408 Request Timeout", "Request Timeout\n")
    );
}

#[test]
fn a_body_at_the_minimum_rate_continues() {
    let mut link =
        serve(async |mut req, res| Ok(res.end(req.bytes().await?.len().to_string()))).connect();
    link.send(post_head(300 * 40));
    for _ in 0..40 {
        link.secs(1).send([b'.'; 300]);
    }
    assert_eq!(link.heard(), ok("12000"));
}

/// After a fast beginning, one byte a second: the average over the whole body counts.
#[test]
fn the_average_rate_counts() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?))).connect();
    link.send(post_head(100_000)).send([b'.'; 256 * 20]);
    for _ in 0..19 {
        link.secs(1).send(".");
        assert!(link.is_open());
    }
    link.secs(2);
    assert!(link.heard().starts_with("HTTP/1.1 408"));
}

#[test]
fn an_unread_body_has_no_deadline() {
    let (server, gate) = serve_gated(async |mut req, res| Ok(res.end(req.bytes().await?)));
    let mut link = server.connect();
    link.send(post_head(4));
    assert_eq!(link.deadline_in(), None);
    link.secs(3600);
    gate.open();
    link.go();
    assert_eq!(
        link.deadline_in(),
        Some(secs(10)),
        "its deadline starts now"
    );
    link.send("abcd");
    assert_eq!(link.heard(), ok("abcd"));
}

#[test]
fn a_reader_that_processes_a_piece_has_no_deadline() {
    let mut link = serve(async |mut req, res| {
        req.data().await?;
        Gate::default().wait().await;
        Ok(res.end(""))
    })
    .connect();
    link.send(post_head(4));
    assert_eq!(link.deadline_in(), Some(secs(10)));
    link.send("ab");
    assert_eq!(link.deadline_in(), None);
    link.secs(3600);
    assert!(link.is_open());
}

/// A handler that drops its request and runs on must not be cut because the client holds back the body, for example while
/// it waits for 100.
#[test]
fn the_body_of_a_dropped_request_does_not_end_the_handler() {
    let (server, gate) = serve_with_gate(async |req, res, gate| {
        drop(req);
        gate.wait().await;
        res.end("x")
    });
    let mut link = server.connect();
    link.send(post_head(4)).secs(600);
    assert!(link.is_open());
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(
        link.deadline_in(),
        Some(secs(10)),
        "now only the body is missing"
    );
    link.secs(10);
    assert_eq!(link.ended(), Some(Ending::Linger));
    assert_eq!(link.heard(), "", "the response was sent before");
}

#[test]
fn a_body_that_stalls_cuts_a_response_in_progress() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            res.write(piece);
        }
        Ok(res.end(""))
    })
    .connect();
    link.send(CHUNKED.to_owned() + "3\r\nabc\r\n").secs(30);
    let heard = link.heard();
    assert!(
        heard.ends_with("\r\n3\r\nabc\r\n"),
        "never complete: {heard}"
    );
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_body_read_by_a_task_has_a_deadline() {
    let mut link = serve(async |mut req, res| {
        let (sent, answer) = res.defer();
        spawn(async move {
            let text = req.text().await;
            answer.end(format!("{}", text.is_err()));
        });
        sent
    })
    .connect();
    link.send(post_head(4)).secs(10);
    assert!(link.heard().starts_with("HTTP/1.1 408"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_body_read_by_events_has_a_deadline() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let (sent, answer) = res.defer();
        let seen = seen.clone();
        req.on(event::Failed, move |error| {
            seen.add(format!("failed {}", error.is_timeout()))
        });
        req.on(event::Ready, move |_| answer.end(""));
        sent
    })
    .connect();
    link.send(post_head(4)).secs(10);
    assert_eq!(log.take(), ["failed true"]);
    assert!(link.heard().starts_with("HTTP/1.1 408"));
}

#[test]
fn a_missed_deadline_emits_client_error() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async |_req, res| res.end("x"))
        .on(event::ClientError, move |failure| {
            seen.add(format!("{} {:?}", failure.error().status(), failure.raw()));
        })
        .connect();
    link.send("GET").secs(10);
    assert_eq!(log.take(), ["408 Request Timeout []"]);
}

#[test]
fn disconnected_has_the_reason() {
    let log = Log::default();
    let close = |log: &Log| {
        let seen = log.clone();
        serve(async |mut req, res| Ok(res.end(req.bytes().await?)))
            .on(event::Disconnected, move |(_, why)| {
                seen.add(format!("{why:?}"))
            })
            .connect()
    };
    close(&log).secs(10);
    assert_eq!(log.take(), ["Done"], "silent");
    close(&log).send("G").secs(10);
    assert_eq!(log.take(), ["ReadTimeout"], "head");
    close(&log).send(post_head(4)).secs(10);
    assert_eq!(log.take(), ["ReadTimeout"], "body");
    let mut link = close(&log);
    link.room = 0;
    link.send(get("/")).secs(30);
    assert_eq!(log.take(), ["WriteTimeout"]);
    close(&log).send("\0");
    assert_eq!(log.take(), ["BadMessage"]);
    close(&log).send(post("a")).secs(15);
    assert_eq!(log.take(), ["Done"], "idle");
}

/// A deadline passes once: an idle connection is not woken again and again.
#[test]
fn a_passed_deadline_does_not_repeat() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?))).connect();
    for _ in 0..100 {
        link.send(post("a")).secs(3);
    }
    assert_eq!(link.timeouts, 0);
    link.secs(100);
    assert_eq!(link.timeouts, 1);
}
