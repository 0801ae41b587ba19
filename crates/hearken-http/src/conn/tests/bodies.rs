//! Bodies that come in: pull, Expect (RFC 9110 §10.1.1), early answers, backpressure of the reader.

use super::harness::{
    CHUNKED, Gate, Log, answer, either, get, ok, post, post_head, refusal, serve, spawn, tasks,
};
use crate::conn::{Drive, Ending};
use crate::{Closed, Error, event};
use std::cell::RefCell;
use std::rc::Rc;

/// `POST` with `Expect: 100-continue` and this Content-Length.
fn expecting(length: usize) -> String {
    post_head(length).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// The answer to a request whose body will not be read.
fn ok_close(body: &str) -> String {
    ok(body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
}

#[test]
fn pieces_come_as_they_come() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        while let Some(piece) = req.data().await? {
            seen.add(String::from_utf8_lossy(&piece));
        }
        assert!(req.data().await?.is_none(), "the end stays the end");
        Ok::<_, Error>(res.end("x"))
    })
    .connect();
    link.send(post_head(7) + "ab").send("cde");
    assert_eq!(log.take(), ["ab", "cde"]);
    link.send("fg".to_owned() + &get("/"));
    assert_eq!(log.take(), ["fg"]);
    assert_eq!(link.heard(), ok("x") + &ok("x"));
}

#[test]
fn a_chunked_body_is_one_body_and_has_trailers() {
    let mut link = serve(async |mut req, res| {
        let text = req.text().await?;
        let sum = req.trailers().view().get("x-sum").map(<[u8]>::to_vec);
        let names = req.trailers().view().len();
        Ok::<_, Error>(res.end(format!("{text} {sum:?} {names}")))
    })
    .connect();
    link.send(
        CHUNKED.to_owned()
            + "2;a=b\r\nab\r\n3\r\ncde\r\n0\r\nX-Sum: 7\r\nHost: evil\r\n\r\n"
            + &get("/"),
    );
    assert_eq!(link.heard(), ok("abcde Some([55]) 1") + &ok(" None 0"));
}

#[test]
fn continue_is_sent_when_the_body_is_first_wanted() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |mut req, res| {
        wait.wait().await;
        Ok::<_, Error>(res.end(req.bytes().await?))
    })
    .connect();
    link.send(expecting(2));
    assert_eq!(link.heard(), "", "nobody wants the body yet");
    gate.open();
    link.go();
    assert_eq!(link.heard(), CONTINUE);
    link.send("h");
    assert_eq!(link.heard(), "", "once");
    link.send("i");
    assert_eq!(link.heard(), ok("hi"));
    assert!(link.is_open());
}

#[test]
fn continue_is_not_sent_when_the_body_is_there_or_empty_or_of_http_1_0() {
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?))).connect();
    link.send(expecting(2) + "hi");
    assert_eq!(link.heard(), ok("hi"));
    link.send(expecting(0));
    assert_eq!(link.heard(), ok(""));
    link.send("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(link.heard(), "");
    link.send("hi");
    assert!(link.heard().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn listeners_want_the_body_too() {
    let mut link = serve(async |req, res| {
        let (sent, answer) = res.defer();
        req.on(event::Ready, move |whole| answer.end(whole.body.clone()));
        sent
    })
    .connect();
    link.send(expecting(2));
    assert_eq!(link.heard(), CONTINUE);
    link.send("hi");
    assert_eq!(link.heard(), ok("hi"));
}

#[test]
fn an_answer_instead_of_continue_closes() {
    let mut link = serve(async |_req, res| res.status(413).end("no")).connect();
    link.send(expecting(2));
    let refused = answer("413 Content Too Large", "", "no");
    let refused = refused.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    assert_eq!(link.heard(), refused);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

/// RFC 9110 §10.1.1: a client may send its body without waiting; then nothing is unsure.
#[test]
fn an_expected_body_that_has_come_unasked_is_an_ordinary_one() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        wait.wait().await;
        res.end("x")
    })
    .connect();
    link.send(expecting(2)).send("hi");
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("x"));
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
}

#[test]
fn another_expectation_is_417() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n".to_owned() + &get("/"));
    let heard = link.heard();
    assert!(
        heard.starts_with("HTTP/1.1 417 Expectation Failed\r\n"),
        "{heard}"
    );
    assert!(heard.contains("\r\nConnection: close\r\n"), "{heard}");
    assert_eq!(heard.matches("HTTP/1.1").count(), 1);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_small_body_that_nobody_reads_is_drained() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(256 * 1024));
    assert_eq!(link.heard(), ok("x"));
    for _ in 0..256 {
        link.send([b'.'; 1024]);
    }
    assert!(link.is_open());
    link.send(get("/"));
    assert_eq!(
        link.heard(),
        ok("x"),
        "and the next request is found behind it"
    );
}

#[test]
fn a_large_body_that_nobody_reads_closes() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(256 * 1024 + 1));
    assert_eq!(link.heard(), ok_close("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

/// What was received and not read counts as well, or the response would promise what the connection does not keep.
#[test]
fn what_lies_in_the_queue_counts_as_unread() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        wait.wait().await;
        res.end("x")
    })
    .connect();
    link.send(post_head(300 * 1024)).send(vec![b'.'; 60 * 1024]);
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok_close("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_chunked_body_that_nobody_reads_is_drained_up_to_the_limit() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    let chunk = format!("{:x}\r\n{}\r\n", 1024, ".".repeat(1024));
    link.send(CHUNKED);
    assert_eq!(link.heard(), ok("x"));
    for _ in 0..256 {
        link.send(&chunk);
    }
    assert!(link.is_open());
    link.send("0\r\n\r\n".to_owned() + &get("/"));
    assert_eq!(link.heard(), ok("x"));
    link.send(CHUNKED);
    for _ in 0..257 {
        link.send(&chunk);
    }
    assert_eq!(link.ended(), Some(Ending::Linger));
}

/// A handler that lets go of its request and works on: the body is dropped, but not without bound.
#[test]
fn a_body_that_was_let_go_is_not_drained_without_end() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |req, res| {
        drop(req);
        wait.wait().await;
        res.end("x")
    })
    .connect();
    link.send(post_head(10 << 20)).send(vec![b'.'; 10 << 20]);
    assert!(link.unread() > 9 << 20, "only {} left", link.unread());
    assert!(link.is_open());
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok_close("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_body_that_nobody_reads_yet_stops_the_transport() {
    let (gate, wait) = (Gate::default(), Gate::default());
    let (opened, opened_too) = (gate.clone(), wait.clone());
    let mut link = serve(async move |mut req, res| {
        opened.wait().await;
        let first = req.data().await?.map_or(0, |piece| piece.len());
        opened_too.wait().await;
        let rest = req.bytes_up_to(u64::MAX).await?.len();
        Ok::<_, Error>(res.end(format!("{}", first + rest)))
    })
    .connect();
    link.cut = 16 * 1024;
    let body = vec![b'.'; 1 << 20];
    link.send(post_head(body.len())).send(&body);
    let queue = body.len() - link.unread();
    assert!((64 * 1024..=80 * 1024).contains(&queue), "{queue}");
    assert!(!link.drive.wants_read());
    gate.open();
    link.go();
    assert!(link.unread() > 900 * 1024, "one piece makes room for one");
    wait.open();
    link.go();
    assert_eq!(link.heard(), ok("1048576"));
}

#[test]
fn a_buffer_of_its_own_is_handed_on_without_a_copy() {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&kept);
    let mut link = serve(async move |mut req, res| {
        while let Some(piece) = req.data().await? {
            seen.borrow_mut().push(piece);
        }
        Ok::<_, Error>(res.end("x"))
    })
    .connect();
    link.owned = true;
    link.send(post_head(20_000)).send(vec![b'.'; 20_000]);
    assert_eq!(
        kept.borrow().iter().map(bytes::Bytes::len).sum::<usize>(),
        20_000
    );
    assert_eq!(kept.borrow().len(), 1);
}

#[test]
fn a_body_over_the_limit_is_413() {
    let mut link = serve(async |mut req, res| {
        let body = req.bytes_up_to(4).await?;
        Ok::<_, Error>(res.end(body))
    })
    .connect();
    link.send(post("four") + &post("fiver"));
    let text = "expected a body of at most 4 bytes, more came\n";
    let plain = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
    assert_eq!(
        link.heard(),
        ok("four") + &answer("413 Content Too Large", plain, text)
    );
    link.send(CHUNKED.to_owned() + "3\r\nabc\r\n")
        .send("2\r\nde\r\n0\r\n\r\n");
    assert!(link.heard().starts_with("HTTP/1.1 413 "));
    link.send(post("four"));
    assert_eq!(link.heard(), ok("four"), "the connection goes on");
}

#[test]
fn a_collected_body_over_the_limit_is_413_by_events_too() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let (sent, answer) = res.defer();
        let failed = seen.clone();
        req.on(event::Failed, move |error| failed.add(error.to_string()));
        req.on(event::Ready, move |whole| answer.end(whole.body.clone()));
        sent
    })
    .limits(|limits| limits.body.buffered_bytes_max = 4)
    .connect();
    link.send(post("four"));
    assert_eq!(link.heard(), ok("four"));
    link.send(post("fiver"));
    let text = "expected a body of at most 4 bytes, more came\n";
    let plain = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
    assert_eq!(link.heard(), answer("413 Content Too Large", plain, text));
    assert_eq!(log.take(), [text.trim_end()]);
    link.send(CHUNKED.to_owned() + "5\r\nfiver\r\n");
    assert_eq!(link.heard(), refusal("413 Content Too Large", text));
    assert_eq!(log.take(), [text.trim_end()]);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

/// An echo reads while it writes; that its first piece came with the head changes nothing.
#[test]
fn an_echo_of_a_large_body_keeps_the_connection() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            if !res.write(piece) {
                res.drain().await?;
            }
        }
        Ok::<_, Error>(res.end(""))
    })
    .connect();
    link.cut = 10_000;
    link.send(post_head(1 << 20) + &".".repeat(1 << 20));
    let heard = link.heard();
    assert!(!heard.contains("Connection: close"), "{}", &heard[..200]);
    assert!(heard.ends_with("\r\n0\r\n\r\n"));
    assert_eq!(heard.matches('.').count(), (1 << 20) + 1);
    assert!(link.is_open());
}

/// The answer is out, and a task reads on: what it reads must be the body, to its end.
#[test]
fn a_body_is_read_on_after_the_answer() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        let seen = seen.clone();
        spawn(async move {
            let body = req.text().await;
            seen.add(format!("{body:?}"));
        });
        res.end("x")
    })
    .connect();
    link.send(post_head(6)).send("abc").send("def");
    assert_eq!(log.take(), [r#"Ok("abcdef")"#]);
    assert_eq!(link.heard(), ok("x"));
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(tasks(), 0);
}

#[test]
fn events_of_a_body_come_after_the_answer_too() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let seen = seen.clone();
        req.on(event::Ready, move |whole| {
            seen.add(format!("{:?}", whole.body))
        });
        res.end("x")
    })
    .connect();
    link.send(post_head(6)).send("abc").send("def");
    assert_eq!(log.take(), [r#"b"abcdef""#]);
    assert_eq!(link.heard(), ok("x"));
    assert!(link.is_open());
}

/// As long as somebody holds the request, its body waits; a part must never look like the whole.
#[test]
fn a_reader_may_come_late() {
    let (log, gate) = (Log::default(), Gate::default());
    let (seen, wait) = (log.clone(), gate.clone());
    let mut link = serve(async move |mut req, res| {
        let (seen, wait) = (seen.clone(), wait.clone());
        spawn(async move {
            wait.wait().await;
            seen.add(format!("{:?}", req.text().await));
        });
        res.end("x")
    })
    .connect();
    link.send(post_head(6) + "abc").send("def");
    gate.open();
    link.go();
    assert_eq!(log.take(), [r#"Ok("abcdef")"#]);
    link.send(post("")).go();
    assert_eq!(link.heard(), ok("x") + &ok("x"));
}

/// The request of an exchange that is over belongs to that exchange, whatever the connection does by now.
#[test]
fn a_stale_request_does_not_touch_the_next_exchange() {
    let (log, gate) = (Log::default(), Gate::default());
    let (seen, wait) = (log.clone(), gate.clone());
    let mut link = serve(async move |mut req, res| {
        if req.url() == "/stale" {
            let (seen, wait) = (seen.clone(), wait.clone());
            spawn(async move {
                seen.add(format!("closed {:?}", req.closed().await));
                wait.wait().await;
                let body = req.text().await;
                seen.add(format!("{} {body:?}", req.url()));
                drop(req);
            });
            return Ok(res.end("x"));
        }
        Ok::<_, Error>(res.end(req.text().await?))
    })
    .connect();
    link.send("POST /stale HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(log.take(), ["closed Done"]);
    link.send(post_head(4) + "ab");
    gate.open();
    link.go();
    assert_eq!(log.take(), [r#"/stale Ok("")"#]);
    link.send("cd");
    assert_eq!(link.heard(), ok("x") + &ok("abcd"));
}

#[test]
fn a_reader_that_gave_up_waits_no_more() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |mut req, res| {
        let never = Gate::default();
        either(async { drop(req.data().await) }, wait.wait()).await;
        never.wait().await;
        res.end("x")
    })
    .connect();
    link.send(post_head(4));
    assert!(link.deadline_in().is_some(), "somebody waits for the body");
    gate.open();
    link.go();
    assert_eq!(link.deadline_in(), None, "nobody does");
}

/// One wake-up of the connection's own task for each read would double its work.
#[test]
fn a_handler_in_place_is_not_woken_by_what_it_is_given() {
    let mut link = serve(async |mut req, res| {
        while req.data().await?.is_some() {}
        Ok::<_, Error>(res.end("x"))
    })
    .connect();
    link.send(post_head(5));
    let before = link.wakes();
    for _ in 0..5 {
        link.send(".");
    }
    assert_eq!(link.heard(), ok("x"));
    assert_eq!(link.wakes(), before);
}

#[test]
fn a_reader_in_another_task_is_woken() {
    let mut link = serve(async |mut req, res| {
        let (sent, answer) = res.defer();
        spawn(async move {
            let text = req.text().await.unwrap();
            answer.end(text);
        });
        sent
    })
    .connect();
    link.send(post_head(6)).send("abc").send("def");
    assert_eq!(link.heard(), ok("abcdef"));
    assert_eq!(tasks(), 0);
}

/// Listeners and a reader in another task share a body as they can; nobody waits for ever.
#[test]
fn a_reader_beside_listeners_is_woken_at_the_end() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        let (seen, all) = (seen.clone(), seen.clone());
        req.on(event::DataReady, move |piece| all.add(format!("{piece:?}")));
        spawn(async move {
            while let Ok(Some(piece)) = req.data().await {
                seen.add(format!("{piece:?}"));
            }
            seen.add("end");
            drop(req);
        });
        let _ = res;
        "x"
    })
    .connect();
    link.send(post_head(6)).send("abc").send("def");
    let mut seen = log.take();
    seen.sort();
    assert_eq!(seen, [r#"b"abc""#, r#"b"def""#, "end"]);
    assert_eq!(tasks(), 0);
}

#[test]
fn closed_tells_a_body_that_was_cut_off() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        let seen = seen.clone();
        let closed = req.closed();
        spawn(async move { seen.add(format!("{:?}", closed.await)) });
        let body = req.text().await?;
        Ok::<_, Error>(res.end(body))
    })
    .connect();
    link.send(post_head(6) + "abc").end_input();
    assert_eq!(log.take(), [format!("{:?}", Closed::BadMessage)]);
}
