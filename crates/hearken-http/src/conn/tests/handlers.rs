//! Handlers that panic, defer the response, keep handles too long, or use listeners.

use super::harness::{
    CHUNKED, Gate, Guard, Log, answer, get, ok, post, post_head, serve, serve_with_gate, spawn,
    tasks,
};
use crate::conn::Ending;
use crate::{Deferred, IncomingMessage, OutgoingMessage, ServerResponse, event};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;

fn failed() -> String {
    let plain = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
    answer(
        "500 Internal Server Error",
        plain,
        "Internal Server Error\n",
    )
}

#[test]
fn a_panic_is_a_500_and_keeps_the_connection() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async |mut req, res| {
        let body = req.text().await?;
        assert!(body != "bad", "on purpose");
        Ok(res.set("X-A", "1").end("x"))
    })
    .on(event::HandlerFailed, move |error| {
        seen.add(error.to_string())
    })
    .connect();
    let good = answer("200 OK", "X-A: 1\r\n", "x");
    link.send(post("good") + &post("bad") + &post("good"));
    assert_eq!(link.heard(), good.clone() + &failed() + &good);
    assert_eq!(log.take(), ["a handler panicked: on purpose"]);
    assert!(link.is_open());
}

#[test]
fn after_a_panic_during_a_body_the_next_request_is_found() {
    let mut link = serve(async |req, res| {
        assert!(req.url() != "/", "on purpose");
        res.end("x")
    })
    .connect();
    link.send(post_head(5) + "ab")
        .send("cde".to_owned() + &get("/fine"));
    assert_eq!(link.heard(), failed() + &ok("x"));
}

#[test]
fn a_panic_after_the_head_cuts_the_response() {
    let mut link = serve(async |req, res| {
        res.write("part");
        assert!(req.url() != "/", "on purpose");
        res.end("")
    })
    .connect();
    link.send(get("/") + &get("/fine"));
    assert!(link.heard().ends_with("\r\n\r\n4\r\npart\r\n"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_panic_after_the_end_changes_nothing() {
    let mut link = serve(async |req, res| {
        let sent = res.end("x");
        assert!(req.url() != "/", "on purpose");
        sent
    })
    .connect();
    link.send(get("/") + &get("/fine"));
    assert_eq!(link.heard(), ok("x") + &ok("x"));
}

#[test]
fn a_panic_while_a_handler_is_dropped_is_caught() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "on purpose");
        }
    }
    let server = serve(async |req, res| {
        let _bomb = Bomb;
        if req.url() == "/wait" {
            Gate::default().wait().await;
        }
        res.end("x")
    })
    .open();
    let mut link = server.connect();
    link.send(get("/wait")).lose(ErrorKind::ConnectionReset);
    assert_eq!(link.ended(), Some(Ending::Now));
    let mut link = server.connect();
    link.send(get("/") + &get("/"));
    assert_eq!(
        link.heard(),
        ok("x") + &ok("x"),
        "the response was ended before"
    );
}

#[test]
fn a_panic_in_a_message_listener_counts_as_one_of_the_handler() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async |req, res| {
        let (sent, answer) = res.defer();
        let bad = req.url() == "/";
        req.on(event::DataReady, move |_| assert!(!bad, "on purpose"));
        req.on(event::Ready, move |_| answer.end("x"));
        sent
    })
    .on(event::HandlerFailed, move |error| {
        seen.add(error.to_string())
    })
    .connect();
    link.send(post("abc") + &get("/fine"));
    assert_eq!(link.heard(), failed() + &ok("x"));
    assert_eq!(log.take(), ["a handler panicked: on purpose"]);
}

#[test]
fn a_panic_in_a_listener_of_the_response_is_caught() {
    let mut link = serve(async |req, res| {
        req.on(event::HeaderDone, move |()| panic!("on purpose"));
        res.write("x");
        Gate::default().wait().await;
        res.end("")
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().ends_with("1\r\nx\r\n"));
    assert_eq!(
        link.ended(),
        Some(Ending::Now),
        "part of the response was sent"
    );
}

#[test]
fn a_panic_in_a_server_listener_is_caught() {
    let mut link = serve(async |_req, res| res.end("x"))
        .on(event::Connection, |_| panic!("on purpose"))
        .on(event::Request, |_| panic!("on purpose"))
        .on(event::ClientError, |_| panic!("on purpose"))
        .on(event::HandlerFailed, |_| panic!("on purpose"))
        .on(event::Disconnected, |_| panic!("on purpose"))
        .connect();
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
    link.send("\0");
    assert!(link.heard().starts_with("HTTP/1.1 400 "));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_deferred_response_can_be_ended_later() {
    let slot: Rc<RefCell<Option<Deferred>>> = Rc::default();
    let keep = Rc::clone(&slot);
    let mut link = serve(async move |_req, res| {
        let (sent, answer) = res.set("X-A", "1").defer();
        *keep.borrow_mut() = Some(answer);
        sent
    })
    .connect();
    link.send(get("/") + &get("/"));
    for _ in 0..2 {
        assert_eq!(link.heard(), "");
        let answer_later = slot.borrow_mut().take().expect("one at a time");
        let res = answer_later.take();
        assert!(answer_later.try_take().is_none());
        let _ = res.set("X-B", "2").end("x");
        link.go();
        assert_eq!(link.heard(), answer("200 OK", "X-A: 1\r\nX-B: 2\r\n", "x"));
    }
}

#[test]
fn a_deferred_response_can_stream_from_a_task() {
    let (server, gate) = serve_with_gate(async |_req, res, gate| {
        let (sent, answer) = res.defer();
        spawn(async move {
            let res = answer.take();
            res.write("one");
            gate.wait().await;
            let _ = res.end("two");
        });
        sent
    });
    let mut link = server.connect();
    link.send(get("/"));
    assert!(link.heard().ends_with("\r\n\r\n3\r\none\r\n"));
    gate.open();
    link.go();
    assert_eq!(link.heard(), "3\r\ntwo\r\n0\r\n\r\n");
}

#[test]
fn a_dropped_deferred_is_a_500() {
    let mut link = serve(async |_req, res| res.defer().0).connect();
    link.send(get("/"));
    assert_eq!(link.heard(), failed());
    let mut link = serve(async |_req, res| {
        let (sent, answer) = res.defer();
        spawn(async move { drop(answer) });
        sent
    })
    .connect();
    link.send(get("/"));
    assert_eq!(link.heard(), failed());
    assert!(link.is_open());
}

/// A response that was taken out and then dropped, by an early return for example, counts as a dropped `Deferred`.
#[test]
fn a_response_taken_from_a_deferred_and_dropped_is_a_500() {
    let mut link = serve(async |_req, res| {
        let (sent, answer) = res.defer();
        spawn(async move {
            let res = answer.take();
            if res.get_header("x").is_none() {
                return;
            }
            let _ = res.end("x");
        });
        sent
    })
    .connect();
    link.send(get("/"));
    assert_eq!(link.heard(), failed());
    assert!(link.is_open());
}

#[test]
fn a_deferred_response_that_was_begun_and_dropped_is_cut() {
    let mut link = serve(async |_req, res| {
        let (sent, answer) = res.defer();
        spawn(async move {
            answer.take().write("part");
        });
        sent
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().ends_with("4\r\npart\r\n"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn any_listener_can_end_a_deferred_response() {
    let mut link = serve(async |req, res| {
        let (sent, answer) = res.defer();
        let answer = Rc::new(answer);
        let early = Rc::clone(&answer);
        req.on(event::DataReady, move |piece| {
            if piece.starts_with(b"!") {
                early.end("early");
            }
        });
        req.on(event::Ready, move |_| answer.end("late"));
        sent
    })
    .connect();
    link.send(post("abc")).send(post("!abc"));
    assert_eq!(link.heard(), ok("late") + &ok("early"));
    link.send(CHUNKED.to_owned() + "1\r\n!\r\n")
        .send("1\r\na\r\n0\r\n\r\n".to_owned() + &get("/"));
    assert_eq!(link.heard(), ok("early") + &ok("late"));
}

#[test]
fn listeners_can_add_listeners_and_write_and_read_facts() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let (sent, answer) = res.defer();
        let req = Rc::new(req);
        let (inner, seen) = (Rc::clone(&req), seen.clone());
        let res = Rc::new(RefCell::new(Some(answer.take())));
        req.on(event::DataReady, move |piece| {
            seen.add(format!(
                "{} {piece:?} {}",
                inner.url(),
                inner.trailers().view().len()
            ));
            if let Some(res) = &*res.borrow() {
                assert!(res.write(piece.clone()));
                seen.add(format!("{:?}", res.queued_bytes() > 0));
            }
            let (again, res) = (seen.clone(), Rc::clone(&res));
            inner.on(event::Ready, move |_| {
                again.add("ready");
                if let Some(res) = res.borrow_mut().take() {
                    let _ = res.end("");
                }
            });
        });
        sent
    })
    .connect();
    link.send(post("abc"));
    assert_eq!(log.take(), [r#"/ b"abc" 0"#, "true", "ready"]);
    assert!(link.heard().ends_with("3\r\nabc\r\n0\r\n\r\n"));
    link.send(get("/"));
    assert!(link.is_open());
}

#[test]
fn a_listener_can_drop_the_handles_of_its_exchange() {
    let mut link = serve(async |req, res| {
        let (sent, answer) = res.defer();
        let held: Rc<RefCell<Option<IncomingMessage>>> = Rc::default();
        let inner = Rc::clone(&held);
        let mut answer = Some(answer);
        req.on(event::DataReady, move |_| {
            drop(inner.borrow_mut().take());
            drop(answer.take());
        });
        *held.borrow_mut() = Some(req);
        sent
    })
    .connect();
    link.send(post("abc")).send(get("/"));
    assert!(link.heard().starts_with(&failed()));
}

/// Listeners own handles, handles own the exchange, the exchange owns its listeners: the end breaks the cycle.
#[test]
fn listeners_that_own_handles_are_freed_with_their_exchange() {
    let log = Log::default();
    let seen = log.clone();
    let server = serve(async move |req, res| {
        let guard = Guard(seen.clone(), "freed");
        let (sent, answer) = res.defer();
        let req = Rc::new(req);
        let inner = Rc::clone(&req);
        req.on(event::Ready, move |_| {
            let _ = (&guard, &inner);
            answer.end("x");
        });
        sent
    })
    .open();
    let mut link = server.connect();
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(log.take(), ["freed"], "with its exchange");
    link.send(post_head(3)).lose(ErrorKind::ConnectionReset);
    assert_eq!(log.take(), ["freed"], "when its client has disconnected");
    let mut link = server.connect();
    link.send(post_head(3));
    drop(link);
    assert_eq!(log.take(), ["freed"], "when its connection is dropped");
}

/// A listener that a task adds after the end of the exchange is dropped, not called.
#[test]
fn a_listener_added_after_the_end_is_dropped() {
    let log = Log::default();
    let seen = log.clone();
    let (server, gate) = serve_with_gate(async move |req, res, gate| {
        let (sent, answer) = res.defer();
        let guard = Guard(seen.clone(), "freed");
        spawn(async move {
            gate.wait().await;
            req.on(event::Ready, move |_| {
                let _ = &guard;
                answer.end("x");
            });
        });
        sent
    });
    let mut link = server.connect();
    link.send(post_head(3)).lose(ErrorKind::ConnectionReset);
    gate.open();
    link.go();
    assert_eq!(tasks(), 0);
    assert_eq!(log.take(), ["freed"]);
}

/// A response that outlives its exchange writes nothing, in particular not to the next user of its memory.
#[test]
fn a_stale_response_does_not_touch_the_next_exchange() {
    let kept: Rc<RefCell<Vec<ServerResponse>>> = Rc::default();
    let keep = Rc::clone(&kept);
    let mut link = serve(async move |req, res| {
        if req.url() == "/stale" {
            keep.borrow_mut().push(res);
            return "answered by value";
        }
        Gate::default().wait().await;
        "never"
    })
    .connect();
    link.send(get("/stale"));
    assert!(link.heard().ends_with("answered by value"));
    link.send(get("/"));
    let stale = kept.borrow_mut().pop().unwrap();
    assert!(!stale.write("smuggled"));
    stale.set_status(500);
    stale.flush_headers();
    let _ = stale.end("smuggled");
    link.go();
    assert_eq!(link.heard(), "");
    assert!(link.is_open());
}

#[test]
fn a_handler_has_a_day_without_a_byte() {
    let mut link = serve(async |_req, res| {
        Gate::default().wait().await;
        res.end("x")
    })
    .connect();
    link.send(get("/")).secs(24 * 3600 - 1);
    assert!(link.is_open());
    assert_eq!(link.timeouts, 0);
    link.secs(1);
    assert_eq!(link.ended(), Some(Ending::Now));
    assert_eq!(link.heard(), "");
}

/// A handler that awaits the end of its exchange must not delay that end.
#[test]
fn a_handler_may_wait_for_the_end_of_its_own_exchange() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let sent = res.end("x");
        seen.add(format!("{:?}", req.closed().await));
        sent
    })
    .connect();
    link.send(get("/") + &post("abc") + &post_head(5));
    assert_eq!(link.heard(), ok("x") + &ok("x") + &ok("x"));
    assert_eq!(log.take(), ["Done", "Done", "Done"]);
    link.send("abcde".to_owned() + &get("/"));
    assert_eq!(link.heard(), ok("x"));
}

#[test]
fn closed_resolves_in_a_task_at_the_end_of_the_body() {
    let log = Log::default();
    let seen = log.clone();
    let (server, gate) = serve_with_gate(async move |mut req, res, gate| {
        let sent = res.end("x");
        let (closed, seen) = (req.closed(), seen.clone());
        spawn(async move { seen.add(format!("{:?}", closed.await)) });
        let _ = req.bytes().await;
        gate.wait().await;
        sent
    });
    let mut link = server.connect();
    link.send(post_head(3) + "a");
    assert!(log.take().is_empty());
    link.send("bc");
    assert_eq!(log.take(), ["Done"]);
    gate.open();
    link.go();
    assert_eq!(tasks(), 0);
}

#[test]
fn closed_resolves_in_a_task_when_the_response_ends() {
    let (log, first, second) = (Log::default(), Gate::default(), Gate::default());
    let (seen, one, two) = (log.clone(), first.clone(), second.clone());
    let mut link = serve(async move |req, res| {
        let (closed, seen) = (req.closed(), seen.clone());
        spawn(async move { seen.add(format!("{:?}", closed.await)) });
        one.wait().await;
        let sent = res.end("x");
        two.wait().await;
        sent
    })
    .connect();
    link.send(get("/"));
    assert!(log.take().is_empty());
    first.open();
    link.go();
    assert_eq!(
        log.take(),
        ["Done"],
        "while the handler has other things to do"
    );
    second.open();
    link.go();
    assert_eq!(link.heard(), ok("x"));
}
