//! Handlers that panic, answer later, keep what they should not, or listen: what remains whole.

use super::harness::{
    CHUNKED, Gate, Guard, Log, answer, get, ok, post, post_head, serve, spawn, tasks,
};
use crate::conn::Ending;
use crate::{Deferred, Error, IncomingMessage, OutgoingMessage, ServerResponse, event};
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
fn a_panic_is_a_500_and_the_connection_goes_on() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async |mut req, res| {
        let body = req.text().await?;
        assert!(body != "bad", "told to");
        Ok::<_, Error>(res.set("X-A", "1").end("x"))
    })
    .on(event::Error, move |error| seen.add(error.to_string()))
    .connect();
    let good = answer("200 OK", "X-A: 1\r\n", "x");
    link.send(post("good") + &post("bad") + &post("good"));
    assert_eq!(link.heard(), good.clone() + &failed() + &good);
    assert_eq!(log.take(), ["a handler panicked: told to"]);
    assert!(link.is_open());
}

#[test]
fn a_panic_with_a_body_under_way_finds_the_next_request() {
    let mut link = serve(async |req, res| {
        assert!(req.url() != "/", "told to");
        res.end("x")
    })
    .connect();
    link.send(post_head(5) + "ab")
        .send("cde".to_owned() + &get("/fine"));
    assert_eq!(link.heard(), failed() + &ok("x"));
}

#[test]
fn a_panic_after_the_head_cuts_the_answer() {
    let mut link = serve(async |req, res| {
        res.write("part");
        assert!(req.url() != "/", "told to");
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
        assert!(req.url() != "/", "told to");
        sent
    })
    .connect();
    link.send(get("/") + &get("/fine"));
    assert_eq!(link.heard(), ok("x") + &ok("x"));
}

#[test]
fn a_panic_while_a_handler_is_dropped_is_contained() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "told to");
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
        "the answer was given before"
    );
}

#[test]
fn a_panic_in_a_listener_of_a_message_is_one_of_its_handler() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async |req, res| {
        let (sent, answer) = res.defer();
        let bad = req.url() == "/";
        req.on(event::DataReady, move |_| assert!(!bad, "told to"));
        req.on(event::Ready, move |_| answer.end("x"));
        sent
    })
    .on(event::Error, move |error| seen.add(error.to_string()))
    .connect();
    link.send(post("abc") + &get("/fine"));
    assert_eq!(link.heard(), failed() + &ok("x"));
    assert_eq!(log.take(), ["a handler panicked: told to"]);
}

#[test]
fn a_panic_in_a_listener_for_what_goes_out_is_contained() {
    let mut link = serve(async |req, res| {
        req.on(event::HeaderDone, move |()| panic!("told to"));
        res.write("x");
        Gate::default().wait().await;
        res.end("")
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().ends_with("1\r\nx\r\n"));
    assert_eq!(link.ended(), Some(Ending::Now), "a part is out");
}

#[test]
fn a_panic_in_a_listener_of_the_server_is_contained() {
    let mut link = serve(async |_req, res| res.end("x"))
        .on(event::Connection, |_| panic!("told to"))
        .on(event::Request, |_| panic!("told to"))
        .on(event::ClientError, |_| panic!("told to"))
        .on(event::Error, |_| panic!("told to"))
        .on(event::Disconnected, |_| panic!("told to"))
        .connect();
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
    link.send("\0");
    assert!(link.heard().starts_with("HTTP/1.1 400 "));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn an_answer_can_come_later() {
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
fn a_deferred_answer_from_a_task_streams() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        let (sent, answer) = res.defer();
        let wait = wait.clone();
        spawn(async move {
            let res = answer.take();
            res.write("one");
            wait.wait().await;
            let _ = res.end("two");
        });
        sent
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().ends_with("\r\n\r\n3\r\none\r\n"));
    gate.open();
    link.go();
    assert_eq!(link.heard(), "3\r\ntwo\r\n0\r\n\r\n");
}

#[test]
fn a_deferred_answer_that_is_dropped_is_a_500() {
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

/// Taking the duty out of its wrapper and then losing it, by an early return say, is the same.
#[test]
fn a_response_that_was_taken_and_dropped_is_a_500() {
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
fn a_response_that_was_begun_and_dropped_is_cut() {
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
fn a_handler_of_listeners_may_answer_from_any_of_them() {
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
fn listeners_may_listen_and_write_and_ask() {
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
fn dropping_handles_inside_a_listener_is_fine() {
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

/// Listeners hold handles, handles hold the exchange, the exchange holds its listeners: the ring must be cut.
#[test]
fn nothing_is_left_of_an_exchange_whose_listeners_held_it() {
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
    assert_eq!(log.take(), ["freed"], "when its client is gone");
    let mut link = server.connect();
    link.send(post_head(3));
    drop(link);
    assert_eq!(
        log.take(),
        ["freed"],
        "when its connection is dropped where it stands"
    );
}

/// A task that is late listens to an exchange that is over: it is told nothing, and nothing is kept for it.
#[test]
fn listening_to_an_exchange_that_is_over_keeps_nothing() {
    let (log, gate) = (Log::default(), Gate::default());
    let (seen, wait) = (log.clone(), gate.clone());
    let mut link = serve(async move |req, res| {
        let (sent, answer) = res.defer();
        let guard = Guard(seen.clone(), "freed");
        let wait = wait.clone();
        spawn(async move {
            wait.wait().await;
            req.on(event::Ready, move |_| {
                let _ = &guard;
                answer.end("x");
            });
        });
        sent
    })
    .connect();
    link.send(post_head(3)).lose(ErrorKind::ConnectionReset);
    gate.open();
    link.go();
    assert_eq!(tasks(), 0);
    assert_eq!(log.take(), ["freed"]);
}

/// A response that outlives its exchange speaks to nobody, least of all to the next client of its memory.
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

/// A handler that stays until its exchange is over must not be what keeps it from being over.
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
fn a_task_that_waits_for_the_end_is_told_when_the_last_of_the_body_has_come() {
    let (log, gate) = (Log::default(), Gate::default());
    let (seen, wait) = (log.clone(), gate.clone());
    let mut link = serve(async move |mut req, res| {
        let sent = res.end("x");
        let (closed, seen) = (req.closed(), seen.clone());
        spawn(async move { seen.add(format!("{:?}", closed.await)) });
        let _ = req.bytes().await;
        wait.wait().await;
        sent
    })
    .connect();
    link.send(post_head(3) + "a");
    assert!(log.take().is_empty());
    link.send("bc");
    assert_eq!(log.take(), ["Done"]);
    gate.open();
    link.go();
    assert_eq!(tasks(), 0);
}

#[test]
fn a_task_that_waits_for_the_end_is_told_when_the_answer_is_given() {
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
