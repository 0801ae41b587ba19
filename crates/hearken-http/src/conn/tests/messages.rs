//! Requests beyond `data`: pausing, reading as a stream or as a reader, facts of the head.

use super::harness::{CHUNKED, Log, ok, post, post_head, serve};
use crate::conn::Ending;
use crate::message::Duplicates;
use crate::{Json, event};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

// ---- pausing ----

type Held = Rc<RefCell<Option<Rc<crate::IncomingMessage>>>>;

/// A server whose listener logs each piece and pauses after it; the test resumes the request.
fn pausing(log: &Log, held: &Held) -> super::harness::Setup {
    let (log, held) = (log.clone(), Rc::clone(held));
    serve(async move |req, res| {
        let req = Rc::new(req);
        *held.borrow_mut() = Some(Rc::clone(&req));
        let (data, ready, failed) = (log.clone(), log.clone(), log.clone());
        let slow = Rc::clone(&req);
        req.on(event::DataReady, move |piece| {
            data.add(format!("{} bytes", piece.len()));
            slow.pause();
        });
        let (sent, answer) = res.defer();
        req.on(event::Ready, move |_| {
            ready.add("ready");
            answer.end("thanks");
        });
        req.on(event::Failed, move |error| failed.add(error.to_string()));
        sent
    })
}

#[test]
fn a_paused_message_stops_reading_and_its_deadline() {
    let (log, held) = (Log::default(), Held::default());
    let mut link = pausing(&log, &held)
        .limits(|limits| limits.body.queue_bytes = 10_000)
        .connect();
    link.cut = 5000;
    link.send(post_head(30_000));
    link.send("x".repeat(30_000));
    assert_eq!(log.take(), ["5000 bytes"]);
    assert_eq!(
        link.unread(),
        15_000,
        "the queue is full, the rest is unread"
    );
    let req = held.borrow_mut().take().unwrap();
    assert!(req.is_paused() && !req.complete());
    assert_eq!(link.deadline_in(), None, "no reader waits");
    link.secs(3600);
    assert!(link.is_open());
    for left in [10_000, 5000, 0] {
        req.resume();
        link.go();
        assert_eq!(log.take(), ["5000 bytes"]);
        assert_eq!(link.unread(), left);
    }
    for _ in 0..2 {
        req.resume();
        link.go();
        assert_eq!(log.take(), ["5000 bytes"]);
    }
    assert!(req.complete());
    assert_eq!(
        link.heard(),
        "",
        "its end is not delivered before it is resumed"
    );
    req.resume();
    link.go();
    assert_eq!(
        (log.take(), link.heard()),
        (vec!["ready".to_owned()], ok("thanks"))
    );
}

#[test]
fn resuming_restarts_the_body_deadline() {
    let (log, held) = (Log::default(), Held::default());
    let mut link = pausing(&log, &held)
        .limits(|limits| limits.time.body_rate_min = 0)
        .connect();
    link.send(post_head(10)).send("abc");
    assert_eq!(link.deadline_in(), None);
    held.borrow().as_ref().unwrap().resume();
    link.go();
    let idle = link.env.exchange.limits.time.body_idle;
    assert_eq!(link.deadline_in(), Some(idle));
    link.pass(idle);
    assert!(!link.is_open());
    assert_eq!(log.take(), ["3 bytes", "the peer was too slow to send"]);
}

#[test]
fn dropping_a_paused_message_resumes_it() {
    let log = Log::default();
    let entries = log.clone();
    let mut link = serve(async move |req, res| {
        let entries = entries.clone();
        let (sent, answer) = res.defer();
        req.on(event::Ready, move |whole| {
            entries.add(format!("{} bytes", whole.body.len()));
            answer.end("thanks");
        });
        req.pause();
        sent
    })
    .connect();
    link.send(post("abc"));
    assert_eq!(log.take(), ["3 bytes"]);
    assert_eq!(link.heard(), ok("thanks"));
    link.send(post("abcd"));
    assert_eq!(log.take(), ["4 bytes"], "the next message is not paused");
}

#[test]
fn pausing_does_not_affect_data() {
    let mut link = serve(async |mut req, res| {
        req.pause();
        let text = req.text().await?;
        Ok(res.end(text))
    })
    .connect();
    link.send(post("abc")).send(post("defg"));
    assert_eq!(link.heard(), ok("abc") + &ok("defg"));
}

// ---- reading ----

#[test]
fn a_message_is_a_stream() {
    use futures_core::Stream;
    let mut link = serve(async |mut req, res| {
        let mut pieces = Vec::new();
        while let Some(piece) = poll_fn(|cx| Pin::new(&mut req).poll_next(cx)).await {
            pieces.push(piece?);
        }
        Ok(res.end(format!("{} {:?}", pieces.len(), pieces.concat())))
    })
    .connect();
    link.cut = 3;
    link.send(post("abcdefg"));
    let all = format!("{:?}", b"abcdefg");
    assert_eq!(link.heard(), ok(&format!("3 {all}")));
    link.cut = usize::MAX;
    link.send(post("xyz"));
    assert_eq!(link.heard(), ok(&format!("1 {:?}", b"xyz")));
}

#[test]
fn an_echo_pipes_the_same_bytes() {
    let mut link = serve(async |req, res| res.pipe_from(req).await).connect();
    let body = "0123456789".repeat(3000);
    link.send(CHUNKED);
    link.send(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    let heard = link.heard();
    let (_, sent) = heard.split_once("\r\n\r\n").unwrap();
    let content: String = sent.split("\r\n").filter(|line| line.len() > 8).collect();
    assert_eq!(content, body);
    assert!(link.is_open());
}

#[test]
fn a_message_is_a_reader_whatever_the_size_of_its_buffer() {
    let mut link = serve(async |mut req, res| {
        let mut three = [0; 3];
        req.read_exact(&mut three).await?;
        let none = req.read(&mut []).await?;
        let piece = req.data().await?.unwrap_or_default();
        let rest = req.read_u8().await.unwrap_err().kind();
        let end = req.read(&mut three).await?;
        Ok(res.end(format!("{three:?} {none} {piece:?} {rest:?} {end}")))
    })
    .connect();
    link.send(post("abcdefg"));
    assert_eq!(link.heard(), ok("[97, 98, 99] 0 b\"defg\" UnexpectedEof 0"));
}

#[test]
fn lines_can_be_read() {
    let mut link = serve(async |req, res| {
        let mut lines = BufReader::new(req).lines();
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().await? {
            all.push(line);
        }
        Ok(res.end(all.join("|")))
    })
    .connect();
    link.cut = 1;
    link.send(post("one\ntwo\r\nthree"));
    assert_eq!(link.heard(), ok("one|two|three"));
}

#[test]
fn a_reader_gets_the_error_of_the_body() {
    use std::io::ErrorKind;
    let log = Log::default();
    let entries = log.clone();
    let setup = || {
        let entries = entries.clone();
        serve(async move |mut req, res| {
            let error = req.read_to_end(&mut Vec::new()).await.unwrap_err();
            entries.add(format!("{:?}: {error}", error.kind()));
            res.end("")
        })
    };
    let mut link = setup().connect();
    link.send(post_head(3)).lose(ErrorKind::ConnectionReset);
    let mut link = setup().connect();
    link.send(post_head(3)).send("a").end_input();
    let mut link = setup().connect();
    link.send(CHUNKED).send("x\r\n");
    let mut link = setup().connect();
    link.send(post_head(3)).secs(3600);
    let kinds: Vec<_> = log
        .take()
        .iter()
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        ["ConnectionReset", "InvalidData", "InvalidData", "TimedOut"]
    );
}

#[test]
fn json_and_forms() {
    let mut link = serve(async |mut req, _res| {
        if req.path() == "/form" {
            let form: BTreeMap<String, Vec<String>> = req.form().await?;
            return Ok(Json(serde_json::json!(form)));
        }
        let numbers: Vec<i64> = req.json().await?;
        Ok(Json(serde_json::json!(numbers.iter().sum::<i64>())))
    })
    .connect();
    let mut say = |target: &str, body: &str| {
        link.send(post(body).replace("POST /", &format!("POST {target}")));
        let heard = link.heard();
        assert!(link.is_open());
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        (head[9..12].to_owned(), body.to_owned())
    };
    assert_eq!(say("/", "[1, 2]"), ("200".to_owned(), "3".to_owned()));
    let (status, text) = say("/", "[1, 2");
    assert_eq!(status, "400");
    assert!(text.starts_with("expected a body of JSON: EOF"), "{text}");
    assert_eq!(
        say("/form", "a=1&b=x+y%26&a=2"),
        (
            "200".to_owned(),
            r#"{"a":["1","2"],"b":["x y&"]}"#.to_owned()
        )
    );
    let (status, _) = say("/", "\"text\"");
    assert_eq!(status, "400");
}

// ---- facts ----

#[test]
fn the_facts_of_a_head() {
    let mut link = serve(async |req, res| {
        let distinct = req.headers_distinct();
        let joined = req.headers_joined(Duplicates::Drop);
        res.end(format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {}",
            req.version(),
            req.upgrade_protocols(),
            req.ranges(100),
            distinct.get("x-a"),
            joined.get("x-a"),
            joined.get("from"),
            req.complete(),
        ))
    })
    .connect();
    let mut facts = |head: &str| {
        link.send(format!("{head}\r\nHost: a\r\n\r\n"));
        let heard = link.heard();
        heard.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    assert_eq!(
        facts("GET / HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\nFrom: me\r\nfrom: you\r\nRange: bytes=0-9"),
        "HTTP/1.1 [] One(0..10) Some([\"1\", \"2\"]) Some(\"1, 2\") Some(\"me\") true"
    );
    assert_eq!(
        facts("GET / HTTP/1.1\r\nUpgrade: h2c , websocket\r\nConnection: upgrade"),
        "HTTP/1.1 [\"h2c\", \"websocket\"] Whole None None None true"
    );
    assert_eq!(
        facts("GET / HTTP/1.1\r\nUpgrade: h2c"),
        "HTTP/1.1 [] Whole None None None true"
    );
    // Only GET asks for parts, and only once.
    for head in [
        "POST / HTTP/1.1\r\nRange: bytes=0-9",
        "GET / HTTP/1.1\r\nRange: bytes=0-9\r\nRange: bytes=0-9",
    ] {
        assert!(facts(head).contains(" Whole "));
    }
    assert!(facts("GET / HTTP/1.0\r\nConnection: keep-alive").starts_with("HTTP/1.0 "));
}

#[test]
fn trailers_raw_and_by_name() {
    let mut link = serve(async |mut req, res| {
        assert!(req.trailers().view().is_empty() && !req.complete());
        req.bytes().await?;
        assert!(req.complete());
        let raw = req.trailers();
        let names: Vec<_> = raw.view().iter().map(|(name, _)| name.to_vec()).collect();
        assert_eq!(names, [b"X-A".to_vec(), b"x-a".to_vec()]);
        let distinct = req.trailers_distinct();
        let joined = req.trailers_joined(Duplicates::Drop);
        Ok(res.end(format!("{distinct:?} {:?}", joined.get("x-a"))))
    })
    .connect();
    link.send(CHUNKED);
    link.send("1\r\na\r\n0\r\nX-A: 1\r\nx-a: 2\r\n\r\n");
    assert_eq!(link.heard(), ok(r#"{"x-a": ["1", "2"]} Some("1, 2")"#));
}

#[test]
fn destroying_a_request_ends_its_connection() {
    let log = Log::default();
    let entries = log.clone();
    let mut link = serve(async move |mut req, res| {
        assert_eq!(req.data().await?, Some(Bytes::from_static(b"abc")));
        req.destroy();
        entries.add(req.data().await.unwrap_err().to_string());
        Ok(res.end("too late"))
    })
    .connect();
    link.send(post_head(10)).send("abc");
    assert_eq!(
        (link.heard().as_str(), link.ended()),
        ("", Some(Ending::Now))
    );
    assert_eq!(log.take(), ["the exchange was given up here"]);
}
