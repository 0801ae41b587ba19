//! Responses beyond a single `end`: corks, trailers, default fields, interim responses, queue facts, destroy.

use super::harness::{Log, answer, get, ok, post_head, refusal, serve, serve_with_gate};
use crate::conn::Ending;
use crate::{Closed, Fields, Misuse, OutgoingMessage, Sent, ServerResponse};
use bytes::Bytes;

pub(super) const CHUNKED_HEAD: &str =
    "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n";

fn fields(lines: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in lines {
        fields.append(name, value).unwrap();
    }
    fields
}

/// The response of this handler to one request. The connection must stay open.
pub(super) fn to(
    request: &str,
    handler: impl AsyncFn(ServerResponse) -> Sent + 'static,
) -> (String, bool) {
    let mut link = serve(async move |_req, res| handler(res).await).connect();
    link.send(request);
    (link.heard(), link.is_open())
}

pub(super) fn one(handler: impl AsyncFn(ServerResponse) -> Sent + 'static) -> String {
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
fn end_removes_all_corks_and_joins_their_chunk() {
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
fn corked_content_waits_for_uncork() {
    let (server, gate) = serve_with_gate(async |_req, res, gate| {
        res.cork();
        res.write("a");
        gate.wait().await;
        res.write("b");
        res.uncork();
        res.end("")
    });
    let mut link = server.connect();
    link.send(get("/"));
    assert_eq!(link.heard(), CHUNKED_HEAD);
    gate.open();
    link.go();
    assert_eq!(link.heard(), "2\r\nab\r\n0\r\n\r\n");
}

#[test]
fn corked_content_is_sent_at_the_queue_limit() {
    let log = Log::default();
    let entries = log.clone();
    let mut link = serve(async move |_req, res| {
        res.cork();
        for _ in 0..3 {
            let room = res.write(vec![b'x'; 30]);
            entries.add(format!("{room} {}", res.queued_bytes() > 30));
        }
        res.drain().await?; // sends the corked content
        entries.add("drained");
        Ok(res.end("!"))
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
fn a_cork_does_not_copy_large_pieces_and_keeps_lengths() {
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
fn added_trailers_make_a_response_chunked() {
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
fn a_trailer_field_makes_a_response_chunked_or_is_rejected() {
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
fn trailers_are_not_sent_to_http_1_0_or_in_response_to_head() {
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
fn write_head_can_be_changed_later() {
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
fn removing_a_default_field_disables_it() {
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
fn a_removed_default_can_be_set_and_returns_for_the_next_request() {
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
fn interim_responses_precede_the_final_one() {
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
    // HTTP/1.0 has no interim responses.
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
fn continue_is_sent_only_once() {
    let mut link = serve(async |mut req, res| {
        res.write_continue()?;
        let body = req.bytes().await?;
        Ok(res.end(body))
    })
    .connect();
    link.send(post_head(3).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(link.heard(), "HTTP/1.1 100 Continue\r\n\r\n");
    link.send("abc");
    assert_eq!(link.heard(), ok("abc"));
    assert!(link.is_open());
}

// ---- queue facts, destroy ----

#[test]
fn the_queue_facts_of_a_response() {
    let log = Log::default();
    let entries = log.clone();
    let mut link = serve(async move |_req, res| {
        let state = |what: &str| {
            entries.add(format!(
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
        Ok(res.end(""))
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
    // A 500 that replaces this response.
    let mut link = serve(async |_req, res| {
        let res = res.set("X", "a\nb");
        assert!(!res.write("abc"));
        assert_eq!((res.is_ended(), res.is_finished()), (true, false));
        res.drain().await?;
        Ok(res.end(""))
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().starts_with("HTTP/1.1 500 "));
}

#[test]
fn destroying_a_response_cuts_it() {
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
    // A response until close would look complete.
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
fn a_queued_response_can_be_destroyed() {
    let log = Log::default();
    let entries = log.clone();
    let (server, gate) = serve_with_gate(async move |req, res, gate| {
        let sent = res.end("x".repeat(100_000));
        gate.wait().await;
        let closed = req.closed();
        req.destroy();
        req.destroy();
        entries.add(format!("{:?}", closed.await));
        sent
    });
    let mut link = server.connect();
    link.room = 1000;
    link.send(get("/"));
    gate.open();
    link.go();
    assert_eq!((link.heard_len(), link.ended()), (1000, Some(Ending::Now)));
    assert_eq!(log.take(), [format!("{:?}", Closed::Aborted)]);
}

#[test]
fn a_status_number_before_a_value() {
    let mut link = serve(async |_req, _res| (201_u16, crate::Json([1]))).connect();
    link.send(get("/"));
    let json = "Content-Type: application/json\r\n";
    assert_eq!(link.heard(), answer("201 Created", json, "[1]"));
    let mut link = serve(async |_req, _res| (1000_u16, "x")).connect();
    link.send(get("/"));
    let kept = refusal("500 Internal Server Error", "Internal Server Error\n");
    assert_eq!(link.heard(), kept.replace("Connection: close\r\n", ""));
}
