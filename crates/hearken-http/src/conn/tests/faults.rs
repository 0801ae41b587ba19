//! What is refused, seen from the wire: one answer with the right status, `Connection: close`, and no byte parsed after
//! it. The cases follow the attack catalogue F1 to F17; their grammar is tested in hearken-proto, here it is that nothing
//! of it gets past a server.

use super::harness::{CHUNKED, Log, get, post_head, refusal, serve};
use crate::conn::Ending;
use crate::{Error, event};

/// A request that must never be served, behind every fault.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Status, and the bytes of a head. Where a body is mentioned, it follows.
type Case = (u16, &'static str);

/// What a server of ours makes of `bytes`, and whom its handler was called for. The connection must have ended.
#[track_caller]
fn refused(bytes: &[u8], cut: usize) -> (String, Vec<String>) {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        seen.add(req.url());
        let body = req.bytes().await?;
        seen.add(format!("body of {}", body.len()));
        Ok::<_, Error>(res.end("served"))
    })
    .connect();
    link.cut = cut;
    link.send(bytes).send(SMUGGLED);
    assert_eq!(link.ended(), Some(Ending::Linger), "{bytes:?}");
    (link.heard(), log.take())
}

#[track_caller]
fn check(family: &str, cases: &[Case]) {
    for &(status, text) in cases {
        for cut in [usize::MAX, 1, 7] {
            let (heard, handled) = refused(text.as_bytes(), cut);
            let start = format!("HTTP/1.1 {status} ");
            assert!(heard.starts_with(&start), "{family} {text:?}: {heard}");
            assert!(
                heard.contains("\r\nConnection: close\r\n"),
                "{family} {text:?}: {heard}"
            );
            assert_eq!(
                heard.matches("\r\nDate: now\r\n").count(),
                1,
                "{family} {text:?}: {heard}"
            );
            assert!(handled.is_empty(), "{family} {text:?}: {handled:?}");
        }
    }
}

/// A whole head with these fields after a good Host.
macro_rules! fields {
    ($($status:literal $fields:literal),* $(,)?) => {
        &[$(($status, concat!("POST / HTTP/1.1\r\nHost: a\r\n", $fields, "\r\n\r\n"))),*]
    };
}

/// A whole head with this request line and a good Host.
macro_rules! lines {
    ($($status:literal $line:literal),* $(,)?) => {
        &[$(($status, concat!($line, "\r\nHost: a\r\n\r\n"))),*]
    };
}

#[test]
fn f1_both_lengths() {
    check(
        "F1",
        fields![
            400 "Content-Length: 3\r\nTransfer-Encoding: chunked",
            400 "Transfer-Encoding: chunked\r\nContent-Length: 3",
            400 "transfer-encoding: Chunked\r\nX: y\r\nCONTENT-LENGTH: 0",
        ],
    );
}

/// F2: framing does not depend on the method, and an unread body is never taken for a request.
#[test]
fn f2_bodies_of_methods_that_seldom_have_one() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"] {
        let log = Log::default();
        let seen = log.clone();
        let mut link = serve(async move |req, res| {
            seen.add(req.url());
            res.status(404).end("no")
        })
        .connect();
        let length = SMUGGLED.len();
        link.send(format!(
            "{method} /1 HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{SMUGGLED}"
        ));
        link.send(format!(
            "{method} /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n"
        ));
        link.send(get("/3"));
        assert_eq!(log.take(), ["/1", "/2", "/3"], "{method}");
        assert!(link.is_open());
    }
}

#[test]
fn f3_content_length() {
    check(
        "F3",
        fields![
            400 "Content-Length: 3\r\nContent-Length: 3",
            400 "Content-Length: 3\r\nContent-Length: 4",
            400 "Content-Length: 5, 5",
            400 "Content-Length: 5, 6",
            400 "Content-Length: +5",
            400 "Content-Length: -0",
            400 "Content-Length: 5 6",
            400 "Content-Length: 0x5",
            400 "Content-Length: 5_0",
            400 "Content-Length: 05",
            400 "Content-Length:",
            400 "Content-Length: 9007199254740992",
            400 "Content-Length: 18446744073709551616",
            400 "Content-Length: 5\u{b}",
        ],
    );
}

#[test]
fn f4_transfer_encoding() {
    check(
        "F4",
        fields![
            501 "Transfer-Encoding: xchunked",
            501 "Transfer-Encoding: gzip, chunked",
            501 "Transfer-Encoding: identity",
            400 "Transfer-Encoding: chunked, chunked",
            400 "Transfer-Encoding: ,chunked",
            400 "Transfer-Encoding: chunked;a=b",
            400 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            400 "Transfer-Encoding:",
            400 "Transfer-Encoding: \u{b}chunked",
            400 "Transfer-Encoding: chunked\u{c}",
            400 "Transfer-Encoding:\r\n chunked",
            400 "Transfer-Encoding : chunked",
        ],
    );
}

#[test]
fn f5_chunks_of_http_1_0() {
    check(
        "F5",
        &[
            (400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            (
                400,
                "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
        ],
    );
}

#[test]
fn f6_to_f8_chunks() {
    let cases = [
        "0x1\r\n.",
        "+1\r\n.",
        "-1\r\n.",
        "1_0\r\n",
        "\r\n",
        " 1\r\n.",
        "1 \r\n.",
        "\t1\r\n.",
        "00000000000001\r\n.",
        "11111111111111111\r\n",
        "1;\r\n.",
        "1;a\n\r\n.",
        "1;a\0\r\n.",
        "1;a=\"\n\"\r\n.",
        "1;a\rb\r\n.",
        "1\n.",
        "1\r.",
        "1\r\n.XX",
        "1\r\n.\n",
        "1\r\n..\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n\n",
        "g\r\n",
    ];
    let ext_of_one = format!("1;{}\r\n.\r\n0\r\n\r\n", "a".repeat(300));
    let ext_of_all =
        "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n.\r\n".repeat(150) + "0\r\n\r\n";
    let long = [ext_of_one.as_str(), ext_of_all.as_str()];
    for case in cases.into_iter().chain(long) {
        for cut in [usize::MAX, 1] {
            let (heard, handled) = refused((CHUNKED.to_owned() + case).as_bytes(), cut);
            assert!(heard.starts_with("HTTP/1.1 400 "), "{case:?}: {heard}");
            assert!(
                heard.contains("\r\nConnection: close\r\n"),
                "{case:?}: {heard}"
            );
            assert_eq!(
                heard.matches("\r\nDate: now\r\n").count(),
                1,
                "{case:?}: {heard}"
            );
            // The handler had begun, and its reader was told; it has never seen an end.
            assert!(
                matches!(handled.as_slice(), [] | [_]),
                "{case:?}: {handled:?}"
            );
        }
    }
}

#[test]
fn f9_line_ends() {
    check(
        "F9",
        &[
            (400, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\n\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"),
            (400, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
            (400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (400, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ],
    );
}

#[test]
fn f10_field_lines() {
    check(
        "F10",
        fields![
            400 "X: a\r\n b",
            400 "X: a\r\n\tb",
            400 "X : a",
            400 "X\t: a",
            400 "no colon",
            400 ": a",
            400 "X Y: a",
        ],
    );
    check(
        "F10",
        &[
            (400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n"),
        ],
    );
}

#[test]
fn f11_bytes_in_names_and_values() {
    check(
        "F11",
        fields![
            400 "X: a\0b",
            400 "X: a\u{1}b",
            400 "X: a\u{7f}b",
            400 "X\0: a",
            400 "é: a",
            400 "X(): a",
            400 "X\u{b}: a",
        ],
    );
}

#[test]
fn f12_request_lines() {
    check(
        "F12",
        lines![
            400 "GET / HTTP/1.32",
            400 "GET / HTTP/1.01",
            400 "GET / http/1.1",
            400 "GET / HTTP/1",
            400 "GET / HTTP/1.",
            400 "GET / HTTP/1.1 ",
            400 "GET  / HTTP/1.1",
            400 "GET /  HTTP/1.1",
            400 "GET\t/ HTTP/1.1",
            400 "GET /\tHTTP/1.1",
            400 " GET / HTTP/1.1",
            400 "G=\"x\" / HTTP/1.1",
            400 "GET /\0 HTTP/1.1",
            400 "GET /#f HTTP/1.1",
            400 "GET /é HTTP/1.1",
            400 "GET /a b HTTP/1.1",
            400 "GET * HTTP/1.1",
            400 "GET a HTTP/1.1",
            400 "GET http://u:p@a/ HTTP/1.1",
            400 "GET /",
            400 "GET",
            505 "GET / HTTP/2.0",
            505 "GET / HTTP/3.0",
            501 "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1",
        ],
    );
}

#[test]
fn f13_host() {
    check(
        "F13",
        &[
            (400, "GET / HTTP/1.1\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
            (400, "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n"),
            (400, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: \u{85}\r\n\r\n"),
        ],
    );
}

#[test]
fn f14_behind_an_error_or_a_close_nothing_is_parsed() {
    for first in [
        "\0",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        for cut in [usize::MAX, 1] {
            let log = Log::default();
            let seen = log.clone();
            let mut link = serve(async move |req, res| {
                seen.add(req.url());
                res.end("")
            })
            .connect();
            link.cut = cut;
            link.send(first.to_owned() + SMUGGLED + SMUGGLED);
            assert!(!log.take().contains(&"/smuggled".to_owned()), "{first:?}");
            assert_eq!(link.heard().matches("\r\nDate: now\r\n").count(), 1);
        }
    }
}

#[test]
fn f15_expectations() {
    check(
        "F15",
        fields![
            417 "Expect: 200-ok",
            417 "Expect: 100-continue, x",
            417 "Expect: 100-continue;a",
            417 "Expect:",
        ],
    );
}

#[test]
fn f16_bytes_behind_an_upgrade_that_was_not_granted_are_http() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        seen.add(format!("{} {}", req.url(), req.head().upgrade().is_some()));
        res.end("")
    })
    .connect();
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    link.send(format!("GET /1 HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n") + &get("/2"));
    link.send(
        format!("POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n{upgrade}\r\n.") + &get("/4"),
    );
    assert_eq!(log.take(), ["/1 true", "/2 false", "/3 false", "/4 false"]);
    link.send(format!("GET /5 HTTP/1.0\r\n{upgrade}\r\n"));
    assert_eq!(log.take(), ["/5 false"]);
}

#[test]
fn f17_trailers_are_no_headers() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        req.bytes().await?;
        seen.add(format!(
            "{:?} {:?}",
            req.header("host"),
            req.header("x-sum")
        ));
        for (name, value) in req.trailers().view().iter() {
            seen.add(format!(
                "{} {}",
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value)
            ));
        }
        Ok::<_, Error>(res.end(""))
    })
    .connect();
    link.send(
        CHUNKED.to_owned()
            + "0\r\nHost: evil\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nAuthorization: x\r\nX-Sum: 1\r\n\r\n"
            + &get("/"),
    );
    assert_eq!(
        log.take(),
        [r#"Some("a") None"#, "X-Sum 1", r#"Some("a") None"#]
    );
}

#[test]
fn limits_have_their_status() {
    let long = "a".repeat(9000);
    let target = format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "a".repeat(40_000)
    );
    let fields = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(100)
    );
    for (status, text) in [(414, target), (431, head), (431, fields)] {
        let (heard, handled) = refused(text.as_bytes(), 1000);
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{heard}");
        assert!(heard.contains("\r\nConnection: close\r\n"));
        assert!(handled.is_empty());
    }
}

#[test]
fn the_refusal_says_which_rule_and_repeats_nothing() {
    let mut link = serve(async |_req, res| res.end("")).connect();
    link.send("GET / HTTP/1.1\r\nHost : <script>\r\n\r\n");
    let text = "expected a colon right after the field name, white space came (H1_SPACE_BEFORE_COLON, RFC 9112 §5.1) \
                at byte 20\n";
    assert_eq!(link.heard(), refusal("400 Bad Request", text));
}

#[test]
fn a_listener_sees_the_bytes_and_may_answer() {
    let log = Log::default();
    let seen = log.clone();
    let server = serve(async |_req, res| res.end("x"))
        .on(event::ClientError, move |failure| {
            let code = failure.error().protocol().map(hearken_proto::Error::code);
            seen.add(format!(
                "{code:?} {}",
                String::from_utf8_lossy(failure.raw())
            ));
            if failure.raw().starts_with(b"silent") {
                failure.answer("");
            } else if failure.raw().starts_with(b"mine") {
                failure.answer("lost");
                failure.answer("MINE 1.0 no\r\n");
            }
        })
        .open();
    let mut link = server.connect();
    link.send(get("/")).send("mine\n");
    assert_eq!(log.take(), [r#"Some("H1_BARE_LF") mine"#.to_owned() + "\n"]);
    assert!(link.heard().ends_with("\r\n\r\nxMINE 1.0 no\r\n"));
    assert_eq!(link.ended(), Some(Ending::Linger));
    let mut link = server.connect();
    link.send("silent\n");
    assert_eq!(
        (link.heard().as_str(), link.ended()),
        ("", Some(Ending::Linger))
    );
    let mut link = server.connect();
    link.send("other\n");
    assert!(link.heard().starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

#[test]
fn a_fault_behind_requests_is_answered_after_them() {
    let mut link = serve(async |req, res| res.end(req.url().to_owned())).connect();
    link.send(get("/1") + &get("/2") + "BAD\n" + SMUGGLED);
    let heard = link.heard();
    let order: Vec<_> = heard
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &heard[at + 9..at + 12])
        .collect();
    assert_eq!(order, ["200", "200", "400"]);
}

#[test]
fn a_bad_chunk_in_the_middle_of_an_answer_cuts_it() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            res.write(piece);
        }
        Ok::<_, Error>(res.end(""))
    })
    .connect();
    link.send(CHUNKED.to_owned() + "3\r\nabc\r\n")
        .send("zzz\r\n".to_owned() + SMUGGLED);
    let heard = link.heard();
    assert!(
        heard.ends_with("\r\n\r\n3\r\nabc\r\n"),
        "no last chunk: {heard}"
    );
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_bad_chunk_behind_the_answer_closes() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(CHUNKED).send("zzz\r\n".to_owned() + SMUGGLED);
    assert_eq!(link.heard().matches("\r\nDate: now\r\n").count(), 1);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_handler_may_give_its_own_answer_to_a_broken_body() {
    let mut link = serve(async |mut req, res| match req.bytes().await {
        Ok(body) => res.end(body),
        Err(error) => res
            .status(422)
            .end(format!("{}", error.protocol().is_some())),
    })
    .connect();
    link.send(CHUNKED).send("zzz\r\n");
    let heard = link.heard();
    assert!(heard.starts_with("HTTP/1.1 422 "), "{heard}");
    assert!(
        heard.contains("\r\nConnection: close\r\n") && heard.ends_with("\r\n\r\ntrue"),
        "{heard}"
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_handler_that_does_not_look_is_dropped_with_a_400() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        let _guard = super::harness::Guard(seen.clone(), "dropped");
        super::harness::Gate::default().wait().await;
        res.end("x")
    })
    .connect();
    link.send(CHUNKED).send("zzz\r\n");
    assert!(link.heard().starts_with("HTTP/1.1 400 "));
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn a_large_declared_length_reserves_nothing() {
    let mut link =
        serve(async |mut req, res| Ok::<_, Error>(res.end(req.bytes().await?))).connect();
    link.send(post_head(9_007_199_254_740_991));
    let heard = link.heard();
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
    assert_eq!(link.ended(), Some(Ending::Linger));
}
