//! What a response can do beyond one end: corks, trailers, default fields, interim responses, content from readers, numbers.

use super::harness::{Gate, Log, answer, get, ok, post_head, refusal, serve, spawn};
use crate::conn::Ending;
use crate::{Closed, Error, Fields, Misuse, OutgoingMessage, Sent, ServerResponse};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

const CHUNKED_HEAD: &str = "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n";

fn fields(lines: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in lines {
        fields.append(name, value).unwrap();
    }
    fields
}

/// What is heard of this handler's answer to a request, and whether the connection stays.
fn to(request: &str, handler: impl AsyncFn(ServerResponse) -> Sent + 'static) -> (String, bool) {
    let mut link = serve(async move |_req, res| handler(res).await).connect();
    link.send(request);
    (link.heard(), link.is_open())
}

fn one(handler: impl AsyncFn(ServerResponse) -> Sent + 'static) -> String {
    to(&get("/"), handler).0
}

// ---- corks ----

#[test]
fn writes_under_a_cork_are_one_chunk() {
    let heard = one(async |res| {
        res.cork();
        res.cork();
        assert!(res.write("one "));
        res.write("");
        res.write("two ");
        assert_eq!(res.corks(), 2);
        res.uncork();
        res.write("three");
        res.uncork();
        res.uncork(); // one too many
        assert_eq!(res.corks(), 0);
        res.write("four");
        res.end("")
    });
    assert_eq!(
        heard,
        format!("{CHUNKED_HEAD}d\r\none two three\r\n4\r\nfour\r\n0\r\n\r\n")
    );
}

#[test]
fn the_end_takes_every_cork_away_and_is_in_the_chunk() {
    let heard = one(async |res| {
        res.cork();
        res.cork();
        res.write("one ");
        res.end("end")
    });
    assert_eq!(heard, format!("{CHUNKED_HEAD}7\r\none end\r\n0\r\n\r\n"));
    let alone = one(async |res| {
        res.cork();
        res.end("end")
    });
    assert_eq!(alone, ok("end"));
}

#[test]
fn what_is_kept_back_waits_for_the_cork_and_no_longer() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |_req, res| {
        res.cork();
        res.write("a");
        wait.wait().await;
        res.write("b");
        res.uncork();
        res.end("")
    })
    .connect();
    link.send(get("/"));
    assert_eq!(link.heard(), CHUNKED_HEAD);
    gate.open();
    link.go();
    assert_eq!(link.heard(), "2\r\nab\r\n0\r\n\r\n");
}

#[test]
fn a_cork_holds_no_more_than_a_queue() {
    let log = Log::default();
    let told = log.clone();
    let mut link = serve(async move |_req, res| {
        res.cork();
        for _ in 0..3 {
            let room = res.write(vec![b'x'; 30]);
            told.add(format!("{room} {}", res.queued_bytes() > 30));
        }
        res.drain().await?; // sends what is kept back: nobody else would
        told.add("drained");
        Ok::<_, Error>(res.end("!"))
    })
    .limits(|limits| limits.body.queue_bytes = 80)
    .connect();
    link.send(get("/"));
    let xs = "x".repeat(90);
    assert_eq!(
        link.heard(),
        format!("{CHUNKED_HEAD}5a\r\n{xs}\r\n1\r\n!\r\n0\r\n\r\n")
    );
    assert_eq!(log.take().last().unwrap(), "drained");
}

#[test]
fn under_a_cork_large_pieces_stay_uncopied_and_lengths_are_kept() {
    let large = Bytes::from(vec![b'y'; 20_000]);
    let heard = one(async move |res| {
        let res = res.set("Content-Length", "20002");
        res.cork();
        res.write("a");
        res.write(large.clone());
        res.write("b");
        res.uncork();
        res.end("")
    });
    assert_eq!(heard, ok(&format!("a{}b", "y".repeat(20_000))));
    let mut link = serve(async |_req, res| {
        let res = res.set("Content-Length", "3");
        res.cork();
        res.write("abcd");
        res.end("")
    })
    .connect();
    link.send(get("/"));
    assert_eq!(link.ended(), Some(Ending::Now), "more than was declared");
}

// ---- trailers ----

#[test]
fn trailers_that_were_added_make_a_response_chunked() {
    let heard = one(async |res| {
        res.add_trailers(&fields(&[("X-Sum", "6")]));
        res.add_trailers(&fields(&[("X-Sum", "7"), ("x-b", "")]));
        res.end("abc")
    });
    assert_eq!(
        heard,
        format!("{CHUNKED_HEAD}3\r\nabc\r\n0\r\nX-Sum: 6\r\nX-Sum: 7\r\nx-b: \r\n\r\n")
    );
    let heard = one(async |res| {
        res.write("abc");
        res.add_trailers(&fields(&[("X-Sum", "6")]));
        res.end_with_trailers(&fields(&[("X-More", "7")]))
    });
    assert_eq!(
        heard,
        format!("{CHUNKED_HEAD}3\r\nabc\r\n0\r\nX-Sum: 6\r\nX-More: 7\r\n\r\n")
    );
}

#[test]
fn a_trailer_field_makes_a_response_chunked_or_refused() {
    let heard = one(async |res| res.set("Trailer", "X-Sum").end("abc"));
    assert_eq!(
        heard,
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    );
    let heard = one(async |res| {
        res.set("Trailer", "X-Sum")
            .set("Content-Length", "3")
            .end("abc")
    });
    assert!(heard.starts_with("HTTP/1.1 500 "), "{heard}");
}

#[test]
fn trailers_have_no_place_in_http10_nor_in_the_answer_to_head() {
    let handler = async |res: ServerResponse| {
        let res = res.set("Trailer", "X-Sum");
        res.add_trailers(&fields(&[("X-Sum", "6")]));
        res.end("abc")
    };
    let (heard, open) = to("GET / HTTP/1.0\r\n\r\n", handler);
    assert_eq!(
        (heard.as_str(), open),
        (
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nDate: now\r\nConnection: close\r\n\r\nabc",
            false
        )
    );
    let (heard, open) = to("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", handler);
    assert_eq!(
        (heard.as_str(), open),
        (
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nDate: now\r\n\r\n",
            true
        )
    );
}

// ---- the head ----

#[test]
fn write_head_sets_and_fixes_nothing() {
    let heard = one(async |res| {
        let res = res.set("X-A", "old").set("X-B", "b");
        let res = res.write_head(404, Some("Gone fishing"), [("x-a", "new"), ("X-C", "c")]);
        assert!(!res.headers_sent());
        assert!(res.has_header("x-c"));
        res.end("abc")
    });
    let fields = "X-B: b\r\nx-a: new\r\nX-C: c\r\n";
    assert_eq!(heard, answer("404 Gone fishing", fields, "abc"));
    let refused = one(async |res| res.write_head(200, None, [("X", "a\r\nb")]).end(""));
    assert!(refused.starts_with("HTTP/1.1 500 "), "{refused}");
}

#[test]
fn removing_a_default_switches_it_off() {
    let without = |names: &'static [&'static str]| {
        to(&get("/"), async move |res| {
            for name in names {
                res.remove_header(name);
            }
            res.end("abc")
        })
    };
    let status = "HTTP/1.1 200 OK\r\n";
    let (heard, open) = without(&["date"]);
    assert_eq!(
        (heard, open),
        (format!("{status}Content-Length: 3\r\n\r\nabc"), true)
    );
    let (heard, open) = without(&["Content-Length"]);
    assert_eq!(
        (heard, open),
        (format!("{CHUNKED_HEAD}3\r\nabc\r\n0\r\n\r\n"), true)
    );
    let (heard, open) = without(&["transfer-encoding"]);
    assert_eq!((heard, open), (ok("abc"), true));
    let both = &["content-length", "transfer-encoding"];
    let (heard, open) = without(both);
    assert_eq!(
        (heard, open),
        (
            format!("{status}Date: now\r\nConnection: close\r\n\r\nabc"),
            false
        )
    );
    let (heard, open) = without(&["content-length", "transfer-encoding", "connection", "date"]);
    assert_eq!((heard, open), (format!("{status}\r\nabc"), false));
}

#[test]
fn a_default_that_was_removed_can_be_set_and_is_back_for_the_next_request() {
    let mut link = serve(async |req, res| {
        if req.url() == "/1" {
            assert!(!res.remove_header("content-length"));
            res.send_date(false);
            res.send_date(true);
            return res.set("Content-Length", "1").end("1");
        }
        res.end("2")
    })
    .connect();
    link.send(get("/1") + &get("/2"));
    let first = "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 1\r\n\r\n1";
    assert_eq!(link.heard(), first.to_owned() + &ok("2"));
}

// ---- interim responses ----

#[test]
fn interim_responses_come_before_the_answer() {
    let handler = async |res: ServerResponse| {
        res.write_continue().unwrap();
        res.write_processing().unwrap();
        res.write_early_hints(["</a.css>; rel=preload", "</b.js>; rel=preload"])
            .unwrap();
        res.write_information(110, &fields(&[("X-Left", "3")]))
            .unwrap();
        for status in [99, 101, 200, 404] {
            assert_eq!(
                res.write_information(status, &Fields::new()),
                Err(Misuse::Status)
            );
        }
        assert_eq!(res.write_early_hints(["a\nb"]), Err(Misuse::FieldValue));
        res.write("a");
        assert_eq!(res.write_processing(), Err(Misuse::InterimLate));
        res.end("")
    };
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
        HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\n\r\n\
        HTTP/1.1 110 \r\nX-Left: 3\r\n\r\n";
    let (heard, open) = to(&get("/"), handler);
    assert_eq!(
        (heard, open),
        (format!("{interim}{CHUNKED_HEAD}1\r\na\r\n0\r\n\r\n"), true)
    );
    // HTTP/1.0 knows none.
    let (heard, _) = to("GET / HTTP/1.0\r\n\r\n", handler);
    assert_eq!(
        heard,
        "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\na"
    );
}

#[test]
fn interim_responses_are_bounded_for_each_request() {
    let mut link = serve(async |_req, res| {
        for _ in 0..64 {
            res.write_processing().unwrap();
        }
        let refused = res.write_processing().unwrap_err();
        res.end(refused.code())
    })
    .connect();
    let interims = "HTTP/1.1 102 Processing\r\n\r\n".repeat(64);
    for _ in 0..2 {
        link.send(get("/"));
        assert_eq!(link.heard(), interims.clone() + &ok("USE_INTERIM_TOO_MANY"));
    }
}

#[test]
fn who_was_told_to_continue_is_not_told_again() {
    let mut link = serve(async |mut req, res| {
        res.write_continue()?;
        let body = req.bytes().await?;
        Ok::<_, Error>(res.end(body))
    })
    .connect();
    link.send(post_head(3).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(link.heard(), "HTTP/1.1 100 Continue\r\n\r\n");
    link.send("abc");
    assert_eq!(link.heard(), ok("abc"));
    assert!(link.is_open());
}

// ---- readers ----

/// Gives these pieces, then its end or an error; waits while there is none.
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
fn a_reader_is_sent_as_it_comes() {
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
fn where_no_content_is_sent_a_reader_is_not_emptied() {
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
fn a_reader_that_fails_is_answered_or_cut() {
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
fn who_pipes_to_nobody_is_told() {
    let log = Log::default();
    let (told, pieces) = (log.clone(), Pieces::default());
    let mut link = serve(async move |_req, res| {
        let (sent, answer) = res.defer();
        let (told, pieces) = (told.clone(), pieces.clone());
        spawn(async move {
            let piped = answer.take().pipe_from_stream(pieces).await;
            told.add(piped.unwrap_err().to_string());
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
fn a_pipe_behind_a_refused_head_ends() {
    let pieces = Pieces::of(["abc", "def"]);
    let mut link =
        serve(async move |_req, res| res.set("X", "a\nb").pipe_from_stream(pieces.clone()).await)
            .connect();
    link.send(get("/"));
    assert!(link.heard().starts_with("HTTP/1.1 500 "));
    assert!(link.is_open());
}

// ---- numbers, and giving up ----

#[test]
fn the_numbers_of_a_response() {
    let log = Log::default();
    let told = log.clone();
    let mut link = serve(async move |_req, res| {
        let state = |what: &str| {
            told.add(format!(
                "{what}: {} {} {} {}",
                res.headers_sent(),
                res.needs_drain(),
                res.is_ended(),
                res.is_finished()
            ));
        };
        assert_eq!(res.high_water_mark(), 100);
        state("fresh");
        res.write("x".repeat(200));
        state("written");
        res.drain().await?;
        state("drained");
        Ok::<_, Error>(res.end(""))
    })
    .limits(|limits| limits.body.queue_bytes = 100)
    .connect();
    link.send(get("/"));
    assert_eq!(
        log.take(),
        [
            "fresh: false false false false",
            "written: true true false false",
            "drained: true false false false"
        ]
    );
    // An answer in the place of this one.
    let mut link = serve(async |_req, res| {
        let res = res.set("X", "a\nb");
        assert!(!res.write("abc"));
        assert_eq!((res.is_ended(), res.is_finished()), (true, false));
        res.drain().await?;
        Ok::<_, Error>(res.end(""))
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().starts_with("HTTP/1.1 500 "));
}

#[test]
fn a_response_that_is_destroyed_is_cut() {
    for begun in [false, true] {
        let mut link = serve(async move |_req, res| {
            if begun {
                res.write("abc");
            }
            res.destroy()
        })
        .connect();
        link.send(get("/"));
        assert_eq!(
            (link.heard().as_str(), link.ended()),
            ("", Some(Ending::Now))
        );
    }
    // What ends with its connection would look whole.
    let mut link = serve(async |_req, res| {
        res.write("abc");
        std::future::ready(()).await;
        res.destroy()
    })
    .connect();
    link.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(link.ended(), Some(Ending::Cut));
}

#[test]
fn an_answer_that_is_on_its_way_can_be_destroyed() {
    let log = Log::default();
    let told = log.clone();
    let gate = Gate::default();
    let wait = gate.clone();
    let mut link = serve(async move |req, res| {
        let sent = res.end("x".repeat(100_000));
        wait.wait().await;
        let closed = req.closed();
        req.destroy();
        req.destroy();
        told.add(format!("{:?}", closed.await));
        sent
    })
    .connect();
    link.room = 1000;
    link.send(get("/"));
    gate.open();
    link.go();
    assert_eq!((link.heard_len(), link.ended()), (1000, Some(Ending::Now)));
    assert_eq!(log.take(), [format!("{:?}", Closed::Aborted)]);
}

#[test]
fn a_status_as_a_number_before_a_value() {
    let mut link = serve(async |_req, _res| (201_u16, crate::Json([1]))).connect();
    link.send(get("/"));
    let json = "Content-Type: application/json\r\n";
    assert_eq!(link.heard(), answer("201 Created", json, "[1]"));
    let mut link = serve(async |_req, _res| (1000_u16, "x")).connect();
    link.send(get("/"));
    let kept = refusal("500 Internal Server Error", "Internal Server Error\n");
    assert_eq!(link.heard(), kept.replace("Connection: close\r\n", ""));
}
