//! Server-sent events and JSON lines.

use futures_core::Stream;
use hearken::app::prelude::*;
use hearken::message::ServerEvent;
use hearken::test::{Request, TestServer};
use hearken::{Bytes, Server};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A stream of what an iterator returns.
struct Items<I>(I);

impl<I: Iterator + Unpin> Stream for Items<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

/// A stream of what a channel receives.
struct Received<T>(mpsc::UnboundedReceiver<T>);

impl<T> Stream for Received<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(cx)
    }
}

#[test]
fn events_are_sent_as_they_come_and_comments_in_between() {
    let server = Server::new(async |_req, res: ServerResponse| {
        let mut events = res.events().keep_alive(secs(10));
        for (wait, number) in [(25, 1_u8), (5, 2)] {
            events.wait_for(tokio::time::sleep(secs(wait))).await;
            events.send(ServerEvent::json(&number)?.id("x")).await?;
        }
        Ok(events.end())
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/")).unwrap();
    let head = connection.received();
    for field in [
        "Content-Type: text/event-stream\r\n",
        "Cache-Control: no-cache\r\n",
        "X-Accel-Buffering: no\r\n",
    ] {
        assert!(head.contains(field), "the head is sent at once: {head}");
    }
    let mut after = |seconds| {
        test.advance(secs(seconds));
        connection.received()
    };
    assert_eq!(after(9), "");
    assert_eq!(after(1), "3\r\n:\n\n\r\n");
    assert_eq!(after(14), "3\r\n:\n\n\r\n");
    assert_eq!(after(1), "f\r\nid: x\ndata: 1\n\n\r\n");
    assert_eq!(after(5), "f\r\nid: x\ndata: 2\n\n\r\n0\r\n\r\n");
}

#[test]
fn an_event_stream_ends_when_the_server_stops() {
    let server = Server::new(async |req, res: ServerResponse| {
        let from = req.last_event_id().unwrap_or("none").to_owned();
        let (keep, receiver) = mpsc::unbounded_channel();
        keep.send(from).unwrap();
        let sent = res.events().send_all(Received(receiver)).await;
        drop(keep);
        sent
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let request = Request::get("/").header("Last-Event-ID", "41");
    connection.request(request).unwrap();
    let begun = connection.response_so_far().unwrap().unwrap();
    assert!(!begun.is_complete());
    assert_eq!(begun.text(), "data: 41\n\n");
    test.handle().close();
    test.settle();
    assert_eq!(connection.response().unwrap().text(), "data: 41\n\n");
    assert!(!connection.is_open());
}

#[test]
fn the_handler_of_an_event_stream_is_dropped_when_the_client_leaves() {
    struct Counts(Arc<AtomicUsize>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dropped);
    let server = Server::new(async move |_req, res: ServerResponse| {
        let _guard = Counts(Arc::clone(&counted));
        let mut events = res.events();
        while events
            .wait_for(std::future::pending::<()>())
            .await
            .is_some()
        {}
        events.end()
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/")).unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    connection.reset();
    test.settle();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn an_event_stream_takes_no_more_than_the_client_does() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let server = Server::new(async move |_req, res: ServerResponse| {
        let counted = Arc::clone(&counted);
        let endless = std::iter::repeat_with(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            "x".repeat(1000)
        });
        res.events().send_all(Items(endless)).await
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.set_room(10_000);
    connection.request(Request::get("/")).unwrap();
    let before = taken.load(Ordering::Relaxed);
    assert!((10..200).contains(&before), "{before}");
    test.advance(secs(1));
    assert_eq!(taken.load(Ordering::Relaxed), before);
    connection.set_room(10_000);
    assert!(taken.load(Ordering::Relaxed) > before);
}

#[test]
fn a_response_to_head_has_no_events() {
    let server = Server::new(async |_req, res: ServerResponse| {
        let endless = Items(std::iter::repeat("x"));
        res.events().send_all(endless).await
    });
    let test = TestServer::new(&server);
    let response = test.connect().inject(Request::head("/")).unwrap();
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.text(), "");
}

#[test]
fn an_event_that_cannot_be_sent_is_an_error() {
    let server = Server::new(async |_req, res: ServerResponse| {
        let mut events = res.events();
        let error = events.send(ServerEvent::new("x").name("a\nb")).await;
        events.send(error.unwrap_err().to_string()).await?;
        Ok(events.end())
    });
    let text = server.inject(Request::get("/")).unwrap();
    assert_eq!(
        text.text(),
        "data: expected the event of a server-sent event on one line, not \"a\\nb\"\n\n"
    );
}

#[test]
fn values_are_sent_as_lines() {
    let server = Server::new(async |_req, res: ServerResponse| {
        let values =
            (1..=3).map(|n| Ok::<_, std::io::Error>(serde_json::json!({ "n": n, "s": "a\nb" })));
        res.json_lines(Items(values)).await
    });
    let response = server.inject(Request::get("/")).unwrap();
    assert_eq!(
        response.header("content-type"),
        Some("application/x-ndjson")
    );
    let lines: Vec<_> = response.text().lines().map(str::to_owned).collect();
    assert_eq!(lines[2], r#"{"n":3,"s":"a\nb"}"#);
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_stream_that_fails_cuts_the_lines() {
    let server = Server::new(async |_req, res: ServerResponse| {
        let values = Items([Ok(1), Err("lost the database")].into_iter());
        res.json_lines(values).await
    });
    let error = server.inject(Request::get("/")).unwrap_err();
    assert!(
        error.to_string().contains("the connection was closed") || error.is_closed(),
        "{error}"
    );
    let at_once = Server::new(async |_req, res: ServerResponse| {
        res.json_lines(Items([Err::<u8, _>("lost the database")].into_iter()))
            .await
    });
    assert_eq!(at_once.inject(Request::get("/")).unwrap().status(), 500);
}

/// Responds with the lines of the body as numbers, and the error behind them.
fn numbers(line_bytes_max: u64) -> Server {
    Server::new(async move |mut req, res: ServerResponse| {
        let mut lines = req.json_lines::<u64>().line_bytes_max(line_bytes_max);
        let mut seen = Vec::new();
        let end = loop {
            match lines.next().await {
                Ok(Some(number)) => seen.push(number),
                Ok(None) => break "end".to_owned(),
                Err(error) => break format!("{} {error}", error.status().as_u16()),
            }
        };
        assert!(
            lines.next().await.is_ok_and(|more| more.is_none()),
            "it is over"
        );
        Ok(res.end(format!("{seen:?} {end}")))
    })
}

#[test]
fn lines_are_read_at_any_cut() {
    for (body, expected) in [
        ("", "[] end"),
        ("1", "[1] end"),
        ("1\n", "[1] end"),
        ("1\r\n\n  \n2", "[1, 2] end"),
        ("\u{feff}1\n2\n", "[1, 2] end"),
        ("\n\n", "[] end"),
        (
            "1\nx\n3\n",
            "[1] 400 line 2: expected JSON: expected value at line 1 column 1",
        ),
        (
            "1\n\n\"a\"",
            "[1] 400 line 3: expected JSON: invalid type: string \"a\", expected u64 at line 1 column 3",
        ),
        (
            "1 2\n",
            "[] 400 line 1: expected JSON: trailing characters at line 1 column 3",
        ),
        (
            "1\n123456789\n3",
            "[1] 413 line 2: expected at most 8 bytes",
        ),
        ("1\n123456789", "[1] 413 line 2: expected at most 8 bytes"),
        ("1\n12345678\n3", "[1, 12345678, 3] end"),
    ] {
        let server = numbers(8);
        let whole = server.inject(Request::post("/").body(body)).unwrap();
        assert_eq!(whole.text(), expected, "{body:?}");
        let bytes = body.as_bytes().chunks(1).map(Bytes::copy_from_slice);
        let cut = server.inject(Request::post("/").chunks(bytes)).unwrap();
        assert_eq!(cut.text(), expected, "{body:?} byte by byte");
    }
}

#[test]
fn a_line_without_an_end_costs_no_more_than_its_limit() {
    let test = TestServer::new(&numbers(1000));
    let mut connection = test.connect();
    connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    connection.send(vec![b'1'; 70_000]);
    let received = connection.received();
    assert!(
        received.ends_with("[] 413 line 1: expected at most 1000 bytes"),
        "{received}"
    );
}

#[test]
fn lines_are_a_stream_too() {
    let server = Server::new(async |mut req, res: ServerResponse| {
        let doubled = Doubled(req.json_lines::<u64>());
        res.json_lines(doubled).await
    });
    let response = server
        .inject(Request::post("/").chunks(["1\n2", "0\n", "3"]))
        .unwrap();
    assert_eq!(response.text(), "2\n40\n6\n");
}

/// Twice each number of a stream.
struct Doubled<S>(S);

impl<S: Stream<Item = Result<u64, hearken::Error>> + Unpin> Stream for Doubled<S> {
    type Item = Result<u64, hearken::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.0).poll_next(cx);
        next.map(|next| next.map(|number| number.map(|number| number * 2)))
    }
}
