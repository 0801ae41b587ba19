//! What is written and not yet taken: `write` and `drain`, and that no client can make it grow without bound.

use super::harness::{Gate, Log, get, ok, serve, spawn, tasks};
use crate::conn::Ending;
use crate::{Closed, Error};
use bytes::Bytes;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

const KIB: usize = 1024;

#[test]
fn write_says_stop_and_drain_says_go_on() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        for round in 0..3 {
            let mut written = 0;
            loop {
                written += 1;
                if !res.write(vec![b'.'; KIB]) {
                    break;
                }
            }
            seen.add(format!("{round}: {written}"));
            res.drain().await?;
        }
        Ok::<_, Error>(res.end(""))
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    assert_eq!(log.take(), ["0: 64"], "chunk heads count as well");
    link.give_room(30 * KIB);
    assert!(log.take().is_empty(), "more than half is still queued");
    link.give_room(4 * KIB);
    assert_eq!(log.take(), ["1: 34"]);
    link.give_room(usize::MAX / 2);
    assert_eq!(log.take(), ["2: 64"]);
    assert!(link.heard().ends_with("\r\n0\r\n\r\n"));
}

#[test]
fn drain_is_ready_at_once_when_there_is_room() {
    let mut link = serve(async |_req, res| {
        res.drain().await?;
        res.write("x");
        res.drain().await?;
        Ok::<_, Error>(res.end(""))
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    link.give_room(KIB);
    assert!(link.heard().ends_with("1\r\nx\r\n0\r\n\r\n"));
}

/// The bytes are the last thing that a client which does not read should make us keep.
#[test]
fn who_goes_on_writing_loses_the_connection_and_its_memory() {
    let mut link = serve(async |_req, res| {
        let mut pieces = 0;
        while pieces < 20_000 {
            res.write(vec![b'.'; KIB]);
            pieces += 1;
        }
        res.end("")
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    assert_eq!(link.ended(), Some(Ending::Now));
    assert_eq!(link.heard(), "");
}

#[test]
fn one_large_piece_is_no_offence() {
    let mut link = serve(async |_req, res| res.end(vec![b'.'; 20 << 20])).connect();
    link.room = 1000;
    link.send(get("/"));
    assert!(link.is_open());
    link.give_room(30 << 20);
    assert!(link.heard_len() > 20 << 20);
    assert!(link.is_open());
}

/// 64 KiB of small requests must not become hundreds of megabytes of answers.
#[test]
fn pipelined_answers_wait_for_room() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        seen.add("");
        res.end(vec![b'.'; 10 * KIB])
    })
    .connect();
    link.room = 0;
    link.send(get("/").repeat(1000));
    assert_eq!(log.take().len(), 7);
    for _ in 0..1001 {
        link.give_room(11 * KIB);
    }
    assert_eq!(log.take().len(), 1000 - 7);
    assert_eq!(link.heard().matches("HTTP/1.1 200").count(), 1000);
    assert!(link.is_open());
    link.send(get("/"));
    assert!(link.heard().ends_with('.'));
}

/// As above, all of it taken at once: what waited behind the full output must not be forgotten.
#[test]
fn pipelined_requests_go_on_when_all_is_taken() {
    let mut link = serve(async |_req, res| res.end(vec![b'.'; 100 * KIB])).connect();
    link.room = 0;
    link.send(get("/").repeat(3));
    link.give_room(usize::MAX / 2);
    assert_eq!(link.heard().matches("HTTP/1.1 200").count(), 3);
}

#[test]
fn every_task_that_waits_for_room_is_woken() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        let res = Rc::new(res);
        while res.write(vec![b'.'; KIB]) {}
        for name in ["one", "two"] {
            let (res, seen) = (Rc::clone(&res), seen.clone());
            spawn(async move {
                seen.add(format!("{name} {:?}", res.drain().await));
            });
        }
        res.drain().await?;
        seen.add("handler");
        Gate::default().wait().await;
        Ok::<_, Error>("")
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    link.give_room(20 * KIB);
    assert!(log.take().is_empty(), "more than half is still queued");
    link.give_room(20 * KIB);
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, ["handler", "one Ok(())", "two Ok(())"]);
    assert_eq!(tasks(), 0);
}

#[test]
fn who_waits_for_room_is_told_when_there_will_be_none() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        let (sent, answer) = res.defer();
        let seen = seen.clone();
        spawn(async move {
            let res = answer.take();
            while res.write(vec![b'.'; KIB]) {}
            seen.add(format!(
                "{:?}",
                res.drain().await.map_err(|error| error.to_string())
            ));
            let _ = res.end("");
        });
        sent
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    link.lose(ErrorKind::ConnectionReset);
    assert_eq!(
        log.take(),
        [format!("Err({:?})", Closed::Reset.to_string())]
    );
    assert_eq!(tasks(), 0);
}

/// A panic answers in the handler's place; a task that waits for room must not wait for ever.
#[test]
fn who_waits_for_room_is_told_when_somebody_else_answers() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        if req.url() == "/big" {
            return res.end(vec![b'.'; 63 * KIB]);
        }
        let res = Rc::new(res);
        let (waiter, seen) = (Rc::clone(&res), seen.clone());
        spawn(async move {
            let _ = waiter.drain().await;
            seen.add("told");
        });
        Gate::default().wait().await;
        unreachable!()
    })
    .connect();
    link.room = 0;
    link.send(get("/big") + "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(log.take().is_empty());
    link.send("not a chunk");
    assert_eq!(log.take(), ["told"]);
    assert_eq!(tasks(), 0);
}

/// Reading an answer slowly is no idling: the time between two exchanges begins when the answer has left.
#[test]
fn an_answer_that_is_taken_slowly_does_not_cost_the_connection() {
    let mut link = serve(async |_req, res| res.end(vec![b'.'; 100 * KIB])).connect();
    link.room = 0;
    link.send(get("/"));
    for _ in 0..11 {
        link.secs(5).give_room(10 * KIB);
    }
    assert!(link.heard_len() > 100 * KIB);
    link.secs(10);
    assert!(link.is_open(), "10 s of 15 since the last byte");
    link.send(get("/"));
    assert!(link.is_open());
}

#[test]
fn a_peer_that_takes_nothing_is_dropped() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        while res.write(vec![b'.'; KIB]) {}
        seen.add(format!("{:?}", req.closed().await));
        res.end("")
    })
    .connect();
    link.room = 10;
    link.send(get("/"));
    assert_eq!(link.deadline_in(), Some(Duration::from_secs(30)));
    link.secs(29).give_room(10).secs(29);
    assert!(link.is_open(), "it has taken a little");
    link.secs(1);
    assert_eq!(log.take(), ["WriteTimeout"]);
    assert_eq!(link.ended(), Some(Ending::Cut));
}

/// The pool keeps the memory of ordinary exchanges, not that of the largest crowd or answer there ever was.
#[test]
fn the_pool_does_not_grow_with_the_crowd() {
    let server = serve(async |_req, res| {
        for _ in 0..200 {
            res.write(Bytes::from(vec![b'.'; KIB]));
        }
        res.end("")
    })
    .open();
    let mut links: Vec<_> = (0..300).map(|_| server.connect()).collect();
    for link in &mut links {
        link.room = 1;
        link.send(get("/"));
    }
    for link in &mut links {
        link.give_room(usize::MAX / 2);
        assert!(link.heard_len() > 200 * KIB);
    }
    assert!(server.env.pooled().len() <= 256);
    let kept: usize = server.env.pooled().iter().sum();
    assert!(kept <= 256 * 64 * KIB, "{kept}");
    let mut link = server.connect();
    link.send(get("/"));
    assert!(link.is_open());
}

#[test]
fn a_small_answer_is_one_write() {
    let mut link = serve(async |_req, res| {
        res.write("a");
        res.write("b");
        res.end("c")
    })
    .connect();
    link.send(get("/"));
    assert!(
        link.heard()
            .ends_with("\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")
    );
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
}
