//! Content from readers and streams: `pipe_from`, `pipe_from_stream`.

use super::harness::{Log, get, ok, serve, spawn};
use super::responses::{CHUNKED_HEAD, one};
use crate::conn::Ending;
use crate::{Error, ServerResponse};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Returns these pieces, then its end or an error; pending while it has neither.
#[derive(Clone, Default)]
struct Pieces(Rc<RefCell<Given>>);

#[derive(Default)]
struct Given {
    pieces: VecDeque<Result<Bytes, Error>>,
    ended: bool,
    waker: Option<std::task::Waker>,
    taken: usize,
}

impl Pieces {
    fn of(pieces: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        let all = Self::default();
        all.0.borrow_mut().pieces = pieces.into_iter().map(|piece| Ok(piece.into())).collect();
        all.end();
        all
    }

    fn push(&self, piece: Result<Bytes, Error>) {
        self.0.borrow_mut().pieces.push_back(piece);
        let waker = self.0.borrow_mut().waker.take();
        waker.into_iter().for_each(std::task::Waker::wake);
    }

    fn end(&self) {
        self.0.borrow_mut().ended = true;
    }

    fn taken(&self) -> usize {
        self.0.borrow().taken
    }
}

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut given = self.0.borrow_mut();
        match given.pieces.pop_front() {
            Some(piece) => {
                given.taken += 1;
                Poll::Ready(Some(piece))
            }
            None if given.ended => Poll::Ready(None),
            None => {
                given.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The same as a reader.
struct Reading(Pieces);

impl AsyncRead for Reading {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        use futures_core::Stream as _;
        match std::task::ready!(Pin::new(&mut self.0).poll_next(cx)) {
            Some(Ok(piece)) => buf.put_slice(&piece),
            Some(Err(error)) => return Poll::Ready(Err(std::io::Error::other(error.to_string()))),
            None => {}
        }
        Poll::Ready(Ok(()))
    }
}

#[test]
fn pieces_of_a_reader_are_sent_as_they_arrive() {
    let pieces = Pieces::default();
    let given = pieces.clone();
    let mut link =
        serve(async move |_req, res| res.pipe_from(Reading(given.clone())).await).connect();
    link.send(get("/"));
    assert_eq!(link.heard(), "");
    pieces.push(Ok("one".into()));
    link.go();
    assert_eq!(link.heard(), format!("{CHUNKED_HEAD}3\r\none\r\n"));
    pieces.push(Ok("two".into()));
    pieces.push(Ok("three".into()));
    link.go();
    assert_eq!(link.heard(), "3\r\ntwo\r\n5\r\nthree\r\n");
    pieces.end();
    pieces.push(Ok("!".into()));
    link.go();
    assert_eq!(link.heard(), "1\r\n!\r\n0\r\n\r\n");
    link.send(get("/"));
    assert_eq!(link.heard(), ok(""), "a reader that has ended");
}

#[test]
fn a_reader_keeps_the_length_that_was_set() {
    let handler = async |res: ServerResponse| {
        let pieces = Reading(Pieces::of(["abc", "def"]));
        res.set("Content-Length", "6")
            .pipe_from(pieces)
            .await
            .unwrap()
    };
    assert_eq!(one(handler), ok("abcdef"));
    for (length, sent) in [("7", "abcdef"), ("5", "abc")] {
        let mut link = serve(async move |_req, res| {
            let pieces = Reading(Pieces::of(["abc", "def"]));
            res.set("Content-Length", length).pipe_from(pieces).await
        })
        .connect();
        link.send(get("/"));
        assert_eq!(link.ended(), Some(Ending::Now), "{length}");
        assert!(link.heard().ends_with(sent), "{length}");
    }
}

#[test]
fn a_reader_is_read_no_faster_than_its_client() {
    let pieces = Pieces::of(vec![vec![b'x'; 1000]; 100]);
    let given = pieces.clone();
    let mut link = serve(async move |_req, res| res.pipe_from_stream(given.clone()).await)
        .limits(|limits| limits.body.queue_bytes = 10_000)
        .connect();
    link.room = 500;
    link.send(get("/"));
    let taken = pieces.taken();
    assert!((10..=12).contains(&taken), "{taken}");
    link.give_room(50_000);
    assert!((50..=65).contains(&pieces.taken()), "{}", pieces.taken());
    link.give_room(usize::MAX);
    assert!(link.heard().ends_with("\r\n0\r\n\r\n"));
    assert!(link.is_open());
}

#[test]
fn without_content_a_reader_is_read_at_most_once() {
    let pieces = Pieces::of(vec![vec![b'x'; 1000]; 100]);
    let given = pieces.clone();
    let mut link = serve(async move |req, res| {
        let status = if req.method() == "HEAD" { 200 } else { 204 };
        res.status(status).pipe_from_stream(given.clone()).await
    })
    .connect();
    link.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        .send(get("/"));
    let heads = "HTTP/1.1 200 OK\r\nDate: now\r\n\r\nHTTP/1.1 204 No Content\r\nDate: now\r\n\r\n";
    assert_eq!((link.heard().as_str(), pieces.taken()), (heads, 2));
}

#[test]
fn a_failing_reader_is_answered_or_cuts_the_response() {
    let failing = |before: &[&'static str]| {
        let pieces = Pieces::of(before.iter().copied());
        pieces.push(Err(Error::new(503, "no more")));
        pieces
    };
    let first = failing(&[]);
    let mut link =
        serve(async move |_req, res| res.pipe_from_stream(first.clone()).await).connect();
    link.send(get("/"));
    assert!(link.heard().starts_with("HTTP/1.1 503 "));
    assert!(link.is_open());
    let later = failing(&["abc"]);
    let mut link =
        serve(async move |_req, res| res.pipe_from(Reading(later.clone())).await).connect();
    link.send(get("/"));
    assert_eq!(link.heard(), format!("{CHUNKED_HEAD}3\r\nabc\r\n"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn piping_to_a_lost_connection_is_an_error() {
    let log = Log::default();
    let (entries, pieces) = (log.clone(), Pieces::default());
    let mut link = serve(async move |_req, res| {
        let (sent, answer) = res.defer();
        let (entries, pieces) = (entries.clone(), pieces.clone());
        spawn(async move {
            let piped = answer.take().pipe_from_stream(pieces).await;
            entries.add(piped.unwrap_err().to_string());
        });
        sent
    })
    .connect();
    link.send(get("/"))
        .lose(std::io::ErrorKind::ConnectionReset);
    link.go();
    assert_eq!(log.take(), ["the peer reset the connection"]);
}

#[test]
fn a_pipe_ends_when_its_head_was_rejected() {
    let pieces = Pieces::of(["abc", "def"]);
    let mut link =
        serve(async move |_req, res| res.set("X", "a\nb").pipe_from_stream(pieces.clone()).await)
            .connect();
    link.send(get("/"));
    assert!(link.heard().starts_with("HTTP/1.1 500 "));
    assert!(link.is_open());
}
