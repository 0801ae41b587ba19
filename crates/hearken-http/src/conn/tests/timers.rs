//! Every phase has its deadline: when it comes, what the client hears, what the handler is told.

use super::harness::{CHUNKED, Gate, Guard, Log, get, ok, post, post_head, refusal, serve, spawn};
use crate::conn::Ending;
use crate::{Error, event};
use std::time::Duration;

const SLOW_HEAD: &str = "expected the whole head of the request in time\n";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_silent_connection_is_closed_without_a_word() {
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
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        wait.wait().await;
        res.end("x")
    })
    .connect();
    link.send(get("/") + "GET / HT").secs(60);
    assert_eq!(link.deadline_in(), None, "a handler has all its time");
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

/// An exchange ends with the last of both messages.
#[test]
fn idling_begins_when_both_messages_are_through() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(4));
    assert_eq!(link.heard(), ok("x"));
    link.secs(9).send("abcd");
    assert_eq!(link.deadline_in(), Some(secs(15)));
}

/// The bytes of a body that came later than its head are no beginning of a next head.
#[test]
fn after_a_body_the_connection_is_idle_like_any_other() {
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?))).connect();
    link.send(post_head(4)).send("ab").send("cd");
    assert_eq!(link.heard(), ok("abcd"));
    assert_eq!(link.deadline_in(), Some(secs(15)));
    assert_eq!(link.env.pooled().len(), 1, "its memory is given back");
    link.secs(15);
    assert_eq!(link.heard(), "");
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_body_that_stalls_is_408_and_its_reader_is_told() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        let _guard = Guard(seen.clone(), "dropped");
        let body = req.bytes().await;
        seen.add(format!("{:?}", body.as_ref().map_err(Error::is_timeout)));
        body?;
        Ok::<_, Error>(res.end("x"))
    })
    .limits(|limits| limits.time.body_rate_min = 0)
    .connect();
    link.send(post_head(100) + "abc").secs(29).send("d");
    assert_eq!(link.deadline_in(), Some(secs(30)), "it has come on");
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
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?))).connect();
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
fn a_body_at_the_least_rate_goes_on() {
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?.len().to_string())))
            .connect();
    link.send(post_head(300 * 40));
    for _ in 0..40 {
        link.secs(1).send([b'.'; 300]);
    }
    assert_eq!(link.heard(), ok("12000"));
}

/// Half a minute of one byte a second after a fast beginning: the average decides.
#[test]
fn a_fast_beginning_is_credit_for_a_slow_end() {
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?))).connect();
    link.send(post_head(100_000)).send([b'.'; 256 * 20]);
    for _ in 0..19 {
        link.secs(1).send(".");
        assert!(link.is_open());
    }
    link.secs(2);
    assert!(link.heard().starts_with("HTTP/1.1 408"));
}

#[test]
fn a_body_that_nobody_wants_has_all_time() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |mut req, res| {
        wait.wait().await;
        Ok::<_, Error>(res.end(req.bytes().await?))
    })
    .connect();
    link.send(post_head(4));
    assert_eq!(link.deadline_in(), None);
    link.secs(3600);
    gate.open();
    link.go();
    assert_eq!(link.deadline_in(), Some(secs(10)), "its time begins now");
    link.send("abcd");
    assert_eq!(link.heard(), ok("abcd"));
}

#[test]
fn a_reader_that_is_busy_with_a_piece_does_not_wait() {
    let mut link = serve(async |mut req, res| {
        req.data().await?;
        Gate::default().wait().await;
        Ok::<_, Error>(res.end(""))
    })
    .connect();
    link.send(post_head(4));
    assert_eq!(link.deadline_in(), Some(secs(10)));
    link.send("ab");
    assert_eq!(link.deadline_in(), None);
    link.secs(3600);
    assert!(link.is_open());
}

/// A handler that lets go of its request at once and then takes its time must not be cut off for a body that the client
/// holds back, say because it waits for 100.
#[test]
fn a_body_that_was_let_go_does_not_end_its_handler() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |req, res| {
        drop(req);
        wait.wait().await;
        res.end("x")
    })
    .connect();
    link.send(post_head(4)).secs(600);
    assert!(link.is_open());
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(
        link.deadline_in(),
        Some(secs(10)),
        "now only the body is waited for"
    );
    link.secs(10);
    assert_eq!(link.ended(), Some(Ending::Linger));
    assert_eq!(link.heard(), "", "the answer was given");
}

#[test]
fn a_body_that_stalls_in_the_middle_of_an_answer_cuts_it() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            res.write(piece);
        }
        Ok::<_, Error>(res.end(""))
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
fn a_body_read_by_a_task_has_its_deadline_too() {
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
fn a_body_by_events_has_its_deadline_too() {
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
fn a_deadline_is_an_error_of_the_client() {
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
fn why_it_closed_is_told() {
    let log = Log::default();
    let close = |log: &Log| {
        let seen = log.clone();
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?)))
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

/// Whatever the client does, one deadline is passed once: nothing keeps waking a connection that has nothing to do.
#[test]
fn deadlines_do_not_come_back_for_nothing() {
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?))).connect();
    for _ in 0..100 {
        link.send(post("a")).secs(3);
    }
    assert_eq!(link.timeouts, 0);
    link.secs(100);
    assert_eq!(link.timeouts, 1);
}
