//! Reading bodies: pieces, limits, readers in tasks, listeners, backpressure.

use super::harness::{
    CHUNKED, Gate, Log, answer, either, get, ok, post, post_head, refusal, serve, serve_gated,
    serve_with_gate, spawn, tasks,
};
use crate::conn::{Drive, Ending};
use crate::{Closed, event};
use std::cell::RefCell;
use std::rc::Rc;

/// The response to a request whose body is not read.
fn ok_close(body: &str) -> String {
    ok(body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
}

#[test]
fn data_returns_pieces_as_they_arrive() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        while let Some(piece) = req.data().await? {
            seen.add(String::from_utf8_lossy(&piece));
        }
        assert!(req.data().await?.is_none(), "the end is returned again");
        Ok(res.end("x"))
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
        Ok(res.end(format!("{text} {sum:?} {names}")))
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
fn a_small_unread_body_is_drained() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(256 * 1024));
    assert_eq!(link.heard(), ok("x"));
    for _ in 0..256 {
        link.send([b'.'; 1024]);
    }
    assert!(link.is_open());
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"), "the next request is found after it");
}

#[test]
fn a_large_unread_body_closes() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(post_head(256 * 1024 + 1));
    assert_eq!(link.heard(), ok_close("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

/// Received bytes that were not read count too: otherwise the response announces keep-alive and the connection closes.
#[test]
fn queued_bytes_count_as_unread() {
    let (server, gate) = serve_gated(async |_req, res| res.end("x"));
    let mut link = server.connect();
    link.send(post_head(300 * 1024)).send(vec![b'.'; 60 * 1024]);
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok_close("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn an_unread_chunked_body_is_drained_up_to_the_limit() {
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

/// The handler drops its request and continues: the body is drained, up to the limit.
#[test]
fn the_body_of_a_dropped_request_is_drained_up_to_the_limit() {
    let (server, gate) = serve_with_gate(async |req, res, gate| {
        drop(req);
        gate.wait().await;
        res.end("x")
    });
    let mut link = server.connect();
    link.send(post_head(10 << 20)).send(vec![b'.'; 10 << 20]);
    assert!(link.unread() > 9 << 20, "only {} left", link.unread());
    assert!(link.is_open());
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok_close("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn an_unread_body_stops_reading_the_transport() {
    let (gate, wait) = (Gate::default(), Gate::default());
    let (opened, opened_too) = (gate.clone(), wait.clone());
    let mut link = serve(async move |mut req, res| {
        opened.wait().await;
        let first = req.data().await?.map_or(0, |piece| piece.len());
        opened_too.wait().await;
        let rest = req.bytes_up_to(u64::MAX).await?.len();
        Ok(res.end(format!("{}", first + rest)))
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
fn an_owned_buffer_is_passed_on_without_a_copy() {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&kept);
    let mut link = serve(async move |mut req, res| {
        while let Some(piece) = req.data().await? {
            seen.borrow_mut().push(piece);
        }
        Ok(res.end("x"))
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
        Ok(res.end(body))
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
    assert_eq!(link.heard(), ok("four"), "the connection stays open");
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

/// An echo reads while it writes, also when the first piece arrived with the head.
#[test]
fn an_echo_of_a_large_body_keeps_the_connection() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            if !res.write(piece) {
                res.drain().await?;
            }
        }
        Ok(res.end(""))
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

/// A task that reads after the response gets the whole body.
#[test]
fn a_task_can_read_the_body_after_the_response() {
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
fn events_of_the_body_are_emitted_after_the_response_too() {
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

/// While a handle of the request exists, its body is kept; a part must not look like the whole.
#[test]
fn a_body_waits_for_a_late_reader() {
    let log = Log::default();
    let seen = log.clone();
    let (server, gate) = serve_with_gate(async move |mut req, res, gate| {
        let seen = seen.clone();
        spawn(async move {
            gate.wait().await;
            seen.add(format!("{:?}", req.text().await));
        });
        res.end("x")
    });
    let mut link = server.connect();
    link.send(post_head(6) + "abc").send("def");
    gate.open();
    link.go();
    assert_eq!(log.take(), [r#"Ok("abcdef")"#]);
    link.send(post("")).go();
    assert_eq!(link.heard(), ok("x") + &ok("x"));
}

/// A request whose exchange is over reads its own body, not that of the next exchange.
#[test]
fn a_stale_request_does_not_touch_the_next_exchange() {
    let log = Log::default();
    let seen = log.clone();
    let (server, gate) = serve_with_gate(async move |mut req, res, gate| {
        if req.url() == "/stale" {
            let seen = seen.clone();
            spawn(async move {
                seen.add(format!("closed {:?}", req.closed().await));
                gate.wait().await;
                let body = req.text().await;
                seen.add(format!("{} {body:?}", req.url()));
                drop(req);
            });
            return Ok(res.end("x"));
        }
        Ok(res.end(req.text().await?))
    });
    let mut link = server.connect();
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
fn a_dropped_read_stops_the_body_deadline() {
    let (server, gate) = serve_with_gate(async |mut req, res, gate| {
        let never = Gate::default();
        either(async { drop(req.data().await) }, gate.wait()).await;
        never.wait().await;
        res.end("x")
    });
    let mut link = server.connect();
    link.send(post_head(4));
    assert!(link.deadline_in().is_some(), "a reader waits for the body");
    gate.open();
    link.go();
    assert_eq!(link.deadline_in(), None, "no reader waits");
}

/// Waking the connection's own task for each read would double its work.
#[test]
fn delivering_input_does_not_wake_the_connection_task() {
    let mut link = serve(async |mut req, res| {
        while req.data().await?.is_some() {}
        Ok(res.end("x"))
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

/// Listeners and a reader in another task share a body; both get its end.
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
fn closed_resolves_when_the_body_is_cut() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        let seen = seen.clone();
        let closed = req.closed();
        spawn(async move { seen.add(format!("{:?}", closed.await)) });
        let body = req.text().await?;
        Ok(res.end(body))
    })
    .connect();
    link.send(post_head(6) + "abc").end_input();
    assert_eq!(log.take(), [format!("{:?}", Closed::BadMessage)]);
}
