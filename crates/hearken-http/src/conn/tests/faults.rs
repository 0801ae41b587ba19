//! Rejected input on the wire: one response with the right status, `Connection: close`, and no byte parsed after it. The
//! cases follow the attack catalogue F1 to F17. hearken-proto tests their grammar; these tests show that a server enforces
//! it.

use super::harness::{CHUNKED, Log, get, serve};
use crate::conn::Ending;

/// A request that must never be served; it follows every fault.
pub(super) const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// The expected status, and the bytes of a head, followed by a body if it announces one.
type Case = (u16, &'static str);

/// Sends `bytes`; returns the output, and the targets that the handler was called for. The connection must have ended.
#[track_caller]
fn refused(bytes: &[u8], cut: usize) -> (String, Vec<String>) {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |mut req, res| {
        seen.add(req.url());
        let body = req.bytes().await?;
        seen.add(format!("body of {}", body.len()));
        Ok(res.end("served"))
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

/// A complete head with these fields after a valid Host.
macro_rules! fields {
    ($($status:literal $fields:literal),* $(,)?) => {
        &[$(($status, concat!("POST / HTTP/1.1\r\nHost: a\r\n", $fields, "\r\n\r\n"))),*]
    };
}

/// A complete head with this request line and a valid Host.
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

/// F2: framing does not depend on the method, and an unread body is never parsed as a request.
#[test]
fn f2_bodies_of_methods_that_rarely_have_one() {
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
            400 "Content-Length: 0009007199254740992",
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
            // The handler had begun and got an error; it never reached the end of the body.
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
fn f14_nothing_is_parsed_after_an_error_or_a_close() {
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
fn f16_bytes_after_a_declined_upgrade_are_http() {
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
fn f17_trailers_are_not_merged_into_headers() {
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
        Ok(res.end(""))
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
