//! Queued output: `write` and `drain`, and its bound whatever a client does.

use super::harness::{Gate, Log, get, ok, serve, spawn, tasks};
use crate::Closed;
use crate::conn::Ending;
use bytes::Bytes;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

const KIB: usize = 1024;

#[test]
fn write_returns_false_when_full_and_drain_waits_for_room() {
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
        Ok(res.end(""))
    })
    .limits(|limits| limits.body.queue_bytes = 8 * 1024)
    .connect();
    link.room = 0;
    link.send(get("/"));
    assert_eq!(log.take(), ["0: 8"], "chunk heads count as well");
    link.give_room(3 * KIB);
    assert!(log.take().is_empty(), "more than half is still queued");
    link.give_room(2 * KIB);
    assert_eq!(log.take(), ["1: 5"]);
    link.give_room(usize::MAX / 2);
    assert_eq!(log.take(), ["2: 8"]);
    assert!(link.heard().ends_with("\r\n0\r\n\r\n"));
}

/// A client that reads nothing costs little; one that reads gets large writes.
#[test]
fn what_may_wait_grows_with_what_the_client_has_taken() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        loop {
            let mark = res.high_water_mark() as usize / KIB;
            while res.write(vec![b'.'; KIB]) {}
            seen.add(format!("{mark} {}", res.queued_bytes() / KIB));
            res.drain().await?;
            if mark == 64 {
                return Ok(res.end(""));
            }
        }
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    assert_eq!(log.take(), ["16 16"]);
    link.give_room(200 * KIB);
    assert!(
        log.take().iter().all(|line| line == "16 16"),
        "a sixteenth of 200 KiB is less"
    );
    link.give_room(300 * KIB);
    assert!(log.take().last().unwrap().starts_with("31 "));
    link.give_room(600 * KIB);
    assert_eq!(log.take().last().unwrap(), "64 64");
}

#[test]
fn drain_is_ready_at_once_when_there_is_room() {
    let mut link = serve(async |_req, res| {
        res.drain().await?;
        res.write("x");
        res.drain().await?;
        Ok(res.end(""))
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    link.give_room(KIB);
    assert!(link.heard().ends_with("1\r\nx\r\n0\r\n\r\n"));
}

/// A client that does not read must not make the server keep the bytes.
#[test]
fn a_handler_that_writes_without_waiting_loses_the_connection_and_its_memory() {
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
fn one_large_piece_is_accepted() {
    let mut link = serve(async |_req, res| res.end(vec![b'.'; 20 << 20])).connect();
    link.room = 1000;
    link.send(get("/"));
    assert!(link.is_open());
    link.give_room(30 << 20);
    assert!(link.heard_len() > 20 << 20);
    assert!(link.is_open());
}

/// 64 KiB of small requests must not queue hundreds of megabytes of responses.
#[test]
fn pipelined_responses_wait_for_room() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        seen.add("");
        res.end(vec![b'.'; 10 * KIB])
    })
    .connect();
    link.room = 0;
    link.send(get("/").repeat(1000));
    assert_eq!(log.take().len(), 2);
    for _ in 0..1001 {
        link.give_room(11 * KIB);
    }
    assert_eq!(log.take().len(), 1000 - 2);
    assert_eq!(link.heard().matches("HTTP/1.1 200").count(), 1000);
    assert!(link.is_open());
    link.send(get("/"));
    assert!(link.heard().ends_with('.'));
}

/// As above, but all output is taken at once: requests that waited for room must continue.
#[test]
fn pipelined_requests_continue_when_all_output_is_taken() {
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
        Ok("")
    })
    .connect();
    link.room = 0;
    link.send(get("/"));
    link.give_room(5 * KIB);
    assert!(log.take().is_empty(), "more than half is still queued");
    link.give_room(5 * KIB);
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, ["handler", "one Ok(())", "two Ok(())"]);
    assert_eq!(tasks(), 0);
}

#[test]
fn a_task_in_drain_gets_an_error_when_the_client_disconnects() {
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

/// A panic is answered 500; a task that waits for room must be woken.
#[test]
fn a_task_in_drain_gets_an_error_when_a_panic_is_answered() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        if req.url() == "/big" {
            return res.end(vec![b'.'; 15 * KIB]);
        }
        let res = Rc::new(res);
        let (waiter, seen) = (Rc::clone(&res), seen.clone());
        spawn(async move {
            let _ = waiter.drain().await;
            seen.add("woken");
        });
        Gate::default().wait().await;
        unreachable!()
    })
    .connect();
    link.room = 0;
    link.send(get("/big") + "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(log.take().is_empty());
    link.send("not a chunk");
    assert_eq!(log.take(), ["woken"]);
    assert_eq!(tasks(), 0);
}

/// `keep_alive` runs from the last byte of the response, not from its end in the queue.
#[test]
fn a_client_that_reads_a_response_slowly_keeps_the_connection() {
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
fn a_client_that_reads_nothing_is_cut() {
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
    assert!(link.is_open(), "it has taken some bytes");
    link.secs(1);
    assert_eq!(log.take(), ["WriteTimeout"]);
    assert_eq!(link.ended(), Some(Ending::Cut));
}

/// The pool keeps a bounded number of exchanges, and none with large buffers.
#[test]
fn the_pool_is_bounded_after_many_connections() {
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
fn a_small_response_is_one_write() {
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
