//! The framing of responses (RFC 9112 §6, RFC 9110 §8.6): a length or chunks, by Node's rules, and responses without a body.

use super::harness::{Log, answer, get, ok, refusal, serve, serve_with_gate};
use crate::conn::Ending;
use crate::{Failure, Fields, Json};
use http::StatusCode;

fn one(
    handler: impl AsyncFn(crate::IncomingMessage, crate::ServerResponse) -> crate::Sent + 'static,
) -> String {
    let mut link = serve(handler).connect();
    link.send(get("/"));
    assert!(link.is_open());
    link.heard()
}

#[test]
fn a_single_end_sends_a_length() {
    assert_eq!(one(async |_req, res| res.end("hello")), ok("hello"));
    assert_eq!(one(async |_req, res| res.end("")), ok(""));
}

#[test]
fn pieces_are_chunks() {
    let heard = one(async |_req, res| {
        res.write("one");
        res.write("");
        res.write("three");
        res.end("!")
    });
    let head = "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        heard,
        format!("{head}3\r\none\r\n5\r\nthree\r\n1\r\n!\r\n0\r\n\r\n")
    );
}

#[test]
fn a_length_that_was_set_is_kept() {
    let heard = one(async |_req, res| {
        let res = res.set("Content-Length", "6");
        res.write("one");
        res.end("two")
    });
    assert_eq!(heard, ok("onetwo"));
}

#[test]
fn chunked_wins_over_a_length() {
    let heard = one(async |_req, res| {
        res.set("content-length", "3")
            .set("Transfer-Encoding", "chunked")
            .end("abc")
    });
    let head = "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(heard, format!("{head}3\r\nabc\r\n0\r\n\r\n"));
}

#[test]
fn trailers_end_a_chunked_response() {
    let heard = one(async |_req, res| {
        res.write("abc");
        let mut trailers = Fields::new();
        trailers.append("X-Sum", "6").unwrap();
        res.end_with_trailers(&trailers)
    });
    assert!(
        heard.ends_with("\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"),
        "{heard}"
    );
}

#[test]
fn trailers_that_cannot_be_sent_are_dropped() {
    for set_length in [true, false] {
        let heard = one(async move |_req, res| {
            let res = if set_length {
                res.set("Content-Length", "3")
            } else {
                res
            };
            res.write("abc");
            let mut trailers = Fields::new();
            trailers.append("Content-Length", "6").unwrap();
            res.end_with_trailers(&trailers)
        });
        let end = if set_length {
            "\r\n\r\nabc"
        } else {
            "3\r\nabc\r\n0\r\n\r\n"
        };
        assert!(heard.ends_with(end), "{heard}");
    }
}

#[test]
fn flushed_headers_are_sent_alone() {
    let (server, gate) = serve_with_gate(async |_req, res, gate| {
        res.flush_headers();
        assert!(res.headers_sent());
        gate.wait().await;
        res.end("x")
    });
    let mut link = server.connect();
    link.send(get("/"));
    let head = "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(link.heard(), head);
    gate.open();
    link.go();
    assert_eq!(link.heard(), "1\r\nx\r\n0\r\n\r\n");
}

#[test]
fn to_http_1_0_pieces_are_sent_until_close() {
    let mut link = serve(async |_req, res| {
        res.write("one");
        res.end("two")
    })
    .connect();
    link.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let head = "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\n";
    assert_eq!(link.heard(), format!("{head}onetwo"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn head_has_the_fields_and_no_body() {
    let mut link = serve(async |req, res| {
        if req.url() == "/pieces" {
            res.write("abc");
            return res.end("def");
        }
        res.end("abcdef")
    })
    .connect();
    link.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        link.heard(),
        "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 6\r\n\r\n"
    );
    link.send("HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(link.heard(), "HTTP/1.1 200 OK\r\nDate: now\r\n\r\n");
    link.send(get("/"));
    assert_eq!(link.heard(), ok("abcdef"));
}

#[test]
fn messages_without_a_body_have_none() {
    let mut link = serve(async |req, res| {
        let status: u16 = req.path()[1..].parse().unwrap();
        res.status(status)
            .end(req.raw_query().unwrap_or_default().to_owned())
    })
    .connect();
    link.send(get("/204?body"));
    assert_eq!(link.heard(), "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
    link.send(get("/304?body"));
    let with_length = "HTTP/1.1 304 Not Modified\r\nDate: now\r\nContent-Length: 4\r\n\r\n";
    assert_eq!(link.heard(), with_length);
    link.send(get("/304"));
    assert_eq!(
        link.heard(),
        "HTTP/1.1 304 Not Modified\r\nDate: now\r\n\r\n"
    );
    link.send(get("/205"));
    assert_eq!(
        link.heard(),
        "HTTP/1.1 205 Reset Content\r\nDate: now\r\nContent-Length: 0\r\n\r\n"
    );
    link.send(get("/200?x"));
    assert_eq!(link.heard(), ok("x"));
}

#[test]
fn date_is_sent_once_or_not_at_all() {
    let of_handler = one(async |_req, res| res.set("date", "mine").end(""));
    assert_eq!(
        of_handler,
        "HTTP/1.1 200 OK\r\ndate: mine\r\nContent-Length: 0\r\n\r\n"
    );
    let none = one(async |_req, res| {
        res.send_date(false);
        res.end("")
    });
    assert_eq!(none, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn values_become_responses() {
    let text = "Content-Type: text/plain; charset=utf-8\r\n";
    let mut link = serve(async |_req, _res| "text").connect();
    link.send(get("/"));
    assert_eq!(link.heard(), answer("200 OK", text, "text"));
    let mut link = serve(async |_req, _res| (StatusCode::CREATED, format!("{}", 1))).connect();
    link.send(get("/"));
    assert_eq!(link.heard(), answer("201 Created", text, "1"));
    let mut link = serve(async |_req, _res| Json([1, 2])).connect();
    link.send(get("/"));
    assert_eq!(
        link.heard(),
        answer("200 OK", "Content-Type: application/json\r\n", "[1,2]")
    );
    let mut link = serve(async |_req, _res| StatusCode::NOT_FOUND).connect();
    link.send(get("/"));
    assert_eq!(link.heard(), answer("404 Not Found", text, "Not Found"));
    let mut link = serve(async |_req, _res| vec![1_u8, 2]).connect();
    link.send(get("/"));
    let binary = "Content-Type: application/octet-stream\r\n";
    assert_eq!(link.heard(), answer("200 OK", binary, "\u{1}\u{2}"));
}

#[test]
fn a_value_keeps_fields_and_content_of_the_handler() {
    let mut link = serve(async |req, res| {
        if req.url() == "/type" {
            let _ = res.set("content-type", "text/html");
            return "<p>";
        }
        res.write("before ");
        "after"
    })
    .connect();
    link.send(get("/type"));
    assert_eq!(
        link.heard(),
        answer("200 OK", "content-type: text/html\r\n", "<p>")
    );
    link.send(get("/written"));
    assert!(
        link.heard()
            .ends_with("7\r\nbefore \r\n5\r\nafter\r\n0\r\n\r\n")
    );
}

#[test]
fn an_error_becomes_its_status() {
    let mut link = serve(async |req, res| {
        match req.url() {
            "/ours" => Err(Failure::new(409, "expected another version"))?,
            "/theirs" => _ = "x".parse::<u8>()?,
            _ => {}
        }
        Ok(res.end("fine"))
    })
    .connect();
    let plain = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
    link.send(get("/ours"));
    let expected = answer("409 Conflict", plain, "expected another version\n");
    assert_eq!(link.heard(), expected);
    link.send(get("/theirs"));
    let expected = answer(
        "500 Internal Server Error",
        plain,
        "Internal Server Error\n",
    );
    assert_eq!(
        link.heard(),
        expected,
        "internal errors are not sent to clients"
    );
    link.send(get("/"));
    assert_eq!(link.heard(), ok("fine"));
}

#[test]
fn an_error_after_the_head_cuts_the_response() {
    let mut link = serve(async |_req, res| {
        res.write("part");
        Err::<&str, _>(Failure::new(400, "no more"))
    })
    .connect();
    link.send(get("/") + &get("/"));
    let heard = link.heard();
    assert!(heard.ends_with("4\r\npart\r\n"), "no last chunk: {heard}");
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_response_that_cannot_be_sent_becomes_a_500() {
    let broken: [fn(crate::ServerResponse) -> crate::ServerResponse; 7] = [
        |res| res.set("X-A", "a\r\nX-B: b"),
        |res| res.set("X-A", "a\nb"),
        |res| res.append("X A", "a"),
        |res| res.set("X-A", [0]),
        |res| res.status(99),
        |res| res.status(1000),
        |res| res.reason("a\r\nX-B: b"),
    ];
    let plain = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
    let expected = answer(
        "500 Internal Server Error",
        plain,
        "Internal Server Error\n",
    );
    for (number, break_it) in broken.into_iter().enumerate() {
        let heard = one(async move |_req, res| break_it(res.set("X-Good", "1")).end("body"));
        assert_eq!(heard, expected, "{number}");
    }
}

/// An interim status cannot be the final one: the client would wait for another response.
#[test]
fn an_interim_status_is_not_a_final_response() {
    let plain = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
    let expected = answer(
        "500 Internal Server Error",
        plain,
        "Internal Server Error\n",
    );
    for status in [100, 101, 102, 199] {
        let heard = one(async move |_req, res| res.status(status).end(""));
        assert_eq!(heard, expected, "{status}");
    }
}

#[test]
fn a_body_that_is_not_as_long_as_declared_never_looks_complete() {
    let log = Log::default();
    let seen = log.clone();
    let server = serve(async move |req, res| {
        let res = res.set("Content-Length", "6");
        match req.url() {
            "/short" => {
                res.write("abc");
                res.end("")
            }
            "/long" => {
                res.write("abc");
                res.write("defg");
                seen.add("went on");
                res.end("")
            }
            _ => res.end("at once"),
        }
    })
    .open();
    for (target, body) in [("/short", "abc"), ("/long", "abc")] {
        let mut one = server.connect();
        one.send(get(target) + &get("/"));
        let heard = one.heard();
        assert!(
            heard.ends_with(&format!("Content-Length: 6\r\n\r\n{body}")),
            "{heard}"
        );
        assert_eq!(one.ended(), Some(Ending::Now));
    }
    let mut whole = server.connect();
    whole.send(get("/"));
    let heard = whole.heard();
    assert!(
        heard.starts_with("HTTP/1.1 500 "),
        "the head was not sent yet: {heard}"
    );
    assert!(whole.is_open());
    assert_eq!(log.take(), ["went on"]);
}

#[test]
fn connect_is_refused() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        seen.add(req.url());
        res.end("")
    })
    .connect();
    link.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_owned() + &get("/smuggled"));
    assert_eq!(
        link.heard(),
        refusal("501 Not Implemented", "Not Implemented\n")
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
    assert!(log.take().is_empty());
}

#[test]
fn an_upgrade_without_a_handler_is_a_plain_request() {
    let mut link = serve(async |req, res| res.end(req.url().to_owned())).connect();
    link.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            .to_owned()
            + &get("/2"),
    );
    assert_eq!(link.heard(), ok("/1") + &ok("/2"));
    assert!(link.is_open());
}

/// A response until close looks complete after an orderly close, so a cut one must be reset.
#[test]
fn a_response_until_close_that_fails_is_reset() {
    let server = serve(async |req, res| {
        let res = if req.url() == "/length" {
            res.set("Content-Length", "9")
        } else {
            res
        };
        res.write("part");
        Err::<&str, _>(Failure::new(500, "no more"))
    })
    .open();
    let mut link = server.connect();
    link.send("GET / HTTP/1.0\r\n\r\n");
    assert!(link.heard().ends_with("\r\n\r\npart"));
    assert_eq!(link.ended(), Some(Ending::Cut));
    let mut link = server.connect();
    link.send("GET /length HTTP/1.0\r\n\r\n");
    assert_eq!(link.ended(), Some(Ending::Now), "its length shows the cut");
}
