//! Answers: heads, bodies, codings, limits, and their errors.

use super::*;
use crate::Agent;
use crate::client::Phase;
use futures_core::Stream;
use serde::Deserialize;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

#[tokio::test]
async fn head_and_body() {
    let reply = "HTTP/1.1 404 Nothing Here\r\nX-a: 1\r\nx-A: 2\r\nContent-Length: 4\r\n\r\nbody";
    let server = Server::once(say(reply)).await;
    let mut answer = get(server.url("/")).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
    assert_eq!(answer.status_message(), "Nothing Here");
    assert_eq!(answer.version(), http::Version::HTTP_11);
    assert_eq!(answer.header("X-A"), Some("1"));
    assert_eq!(answer.headers().get_all("x-a").iter().count(), 2);
    assert_eq!(
        answer.raw_headers().iter().next(),
        Some((&b"X-a"[..], &b"1"[..]))
    );
    assert_eq!(answer.content_length(), Some(4));
    assert_eq!(answer.url().as_str(), server.url("/"));
    assert_eq!(
        answer.data().await.expect("a piece").as_deref(),
        Some(&b"body"[..])
    );
    assert_eq!(answer.data().await.expect("the end"), None);
    assert_eq!(answer.data().await.expect("still the end"), None);
}

#[derive(Debug, Deserialize, PartialEq)]
struct Point {
    x: i32,
    y: i32,
}

#[tokio::test]
async fn json_and_text() {
    let reply = |body: &str| {
        answer(
            "200 OK",
            "Content-Type: text/html; charset=iso-8859-1\r\n",
            body,
        )
    };
    let server = Server::once(reply("{\"x\":1,\"y\":-2}")).await;
    let point: Point = get(server.url("/"))
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a point");
    assert_eq!(point, Point { x: 1, y: -2 });
    let server = Server::once(reply("{\"x\":1}")).await;
    let url = server.url("/");
    let error = get(&url)
        .await
        .expect("an answer")
        .json::<Point>()
        .await
        .expect_err("half");
    assert!(
        error.to_string().contains("`y`") && error.to_string().contains(&url),
        "{error}"
    );
    #[cfg(feature = "charset")]
    {
        let latin = answer(
            "200 OK",
            "Content-Type: text/plain; charset=latin1\r\n",
            b"h\xe4",
        );
        let server = Server::once(latin).await;
        let text = get(server.url("/")).await.expect("an answer").text().await;
        assert_eq!(text.expect("text"), "hä");
    }
}

/// What cannot be read is not lost: the error has the bytes.
#[tokio::test]
async fn an_odd_charset_label_loses_no_text() {
    for label in [
        "'utf-8'",
        "\"utf-8\"",
        "UTF8",
        " utf-8 ",
        "'UTF-8",
        "\"utf-8",
        #[cfg(feature = "charset")]
        "klingon",
        "",
    ] {
        let field = format!("Content-Type: text/plain; charset={label}\r\n");
        let server = Server::once(answer("200 OK", &field, "hä")).await;
        let text = get(server.url("/")).await.expect("an answer").text().await;
        assert_eq!(text.expect(label), "hä", "{label:?}");
    }
    let two = "Content-Type: text/plain; x=\"a\"\r\nContent-Type: text/plain;charset=utf-8\r\n";
    let server = Server::once(answer("200 OK", two, "\u{feff}hä")).await;
    let text = get(server.url("/")).await.expect("an answer").text().await;
    assert_eq!(text.expect("text"), "hä");
}

#[tokio::test]
async fn json_with_a_byte_order_mark_is_read_and_other_text_is_not_lost() {
    let server = Server::once(answer("200 OK", "", "\u{feff}{\"x\":1,\"y\":2}")).await;
    let point = get(server.url("/"))
        .await
        .expect("an answer")
        .json::<Point>()
        .await;
    assert_eq!(point.expect("a point"), Point { x: 1, y: 2 });
    let server = Server::once(answer("200 OK", "", "<html>")).await;
    let error = get(server.url("/"))
        .await
        .expect("an answer")
        .json::<Point>()
        .await;
    let error = error.expect_err("no JSON");
    assert_eq!(error.body().map(|body| &body[..]), Some(&b"<html>"[..]));
    assert_eq!(error.status(), 502);
    // The same below the one-liner, where the message is still there.
    let server = Server::start(vec![vec![answer("200 OK", "", b"\xff{}"); 3]]).await;
    let response = Agent::default().request("GET", &server.url("/"));
    let mut response = response
        .expect("a request")
        .end("")
        .await
        .expect("a response");
    assert!(response.text().await.is_err());
    assert!(response.json::<Point>().await.is_err());
    assert!(response.bytes_up_to(2).await.is_err());
    assert_eq!(response.bytes().await.expect("all of it"), &b"\xff{}"[..]);
    assert_eq!(response.bytes().await.expect("the end"), "");
}

#[tokio::test]
async fn values_are_octets() {
    let reply = b"HTTP/1.1 200 Sch\xf6n\r\nX-City: K\xf6ln\r\nKeep-Alive: x=\xff, timeout=7\r\nContent-Length: 0\r\n\r\n";
    let server = Server::once(say(reply)).await;
    let answer = get(server.url("/")).await.expect("an answer");
    assert_eq!(answer.status_message(), "Schön");
    assert_eq!(answer.header("X-City"), None);
    assert_eq!(answer.header_text("x-city").as_deref(), Some("Köln"));
    assert_eq!(answer.header_text("nothing"), None);
    assert_eq!(answer.raw_headers().get("X-City"), Some(&b"K\xf6ln"[..]));
    assert_eq!(answer.headers()["x-city"].as_bytes(), b"K\xf6ln");
}

#[tokio::test]
async fn a_status_can_be_an_error() {
    let server = Server::start(vec![
        vec![answer("503 Busy", "", "")],
        vec![answer("302 Found", "", "")],
    ])
    .await;
    let url = server.url("/x").replace("//", "//user:secret@");
    let error = get(url)
        .await
        .expect("an answer")
        .error_for_status()
        .expect_err("503");
    assert_eq!(error.answered().map(|status| status.as_u16()), Some(503));
    assert_eq!(error.status(), 502, "the status for our own client");
    assert_eq!(
        error.to_string(),
        format!("{} answered 503 Service Unavailable", server.url("/x"))
    );
    let fine = get(server.url("/"))
        .await
        .expect("an answer")
        .error_for_status();
    assert!(fine.is_ok_and(|answer| answer.status().as_u16() == 302));
}

#[tokio::test]
async fn streams() {
    let chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhea\r\n4\r\nrken\r\n0\r\n\r\n";
    let server = Server::once(say(chunks)).await;
    let answer = get(server.url("/")).await.expect("an answer");
    assert_eq!(answer.content_length(), None);
    let mut stream = pin!(answer.stream());
    let mut all = Vec::new();
    while let Some(piece) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        all.extend_from_slice(&piece.expect("a piece"));
    }
    assert_eq!(all, b"hearken");
    assert!(poll_fn(|cx| stream.as_mut().poll_next(cx)).await.is_none());
}

#[tokio::test]
async fn a_body_has_a_bound() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n";
    for reply in [answer("200 OK", "", "1234567890"), say(chunked)] {
        for (max, fits) in [(9, false), (10, true)] {
            let server = Server::once(reply.clone()).await;
            let fetched = get(server.url("/")).max_body(max).await.expect("a head");
            let bytes = fetched.bytes().await;
            assert_eq!(bytes.is_ok(), fits, "{bytes:?}");
            if let Err(error) = bytes {
                assert!(error.is_too_large(), "{error}");
                assert!(error.to_string().contains("at most 9 bytes"), "{error}");
            }
        }
    }
    // A length without a body is not a body.
    let server = Server::once(say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")).await;
    let fetched = head(server.url("/")).max_body(1).await.expect("a head");
    assert_eq!(fetched.content_length(), Some(1000));
    assert_eq!(fetched.bytes().await.expect("no body"), "");
    // More than the default bound, but only announced.
    let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 65 << 20);
    let server = Server::once(say(huge)).await;
    let error = get(server.url("/"))
        .await
        .expect("a head")
        .bytes()
        .await
        .expect_err("65 MiB");
    assert!(error.is_too_large(), "{error}");
}

#[cfg(feature = "compression")]
mod codings {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[tokio::test]
    async fn a_coded_body_is_decoded() {
        let text = "hearken ".repeat(10_000);
        let server = Server::once(answer(
            "200 OK",
            "Content-Encoding: gzip\r\nX: y\r\n",
            gzip(text.as_bytes()),
        ))
        .await;
        let answer = get(server.url("/")).await.expect("an answer");
        assert_eq!(answer.header("Content-Encoding"), None);
        assert_eq!(answer.header("Content-Length"), None);
        assert_eq!(answer.content_length(), None);
        assert_eq!(answer.header("x"), Some("y"));
        assert!(
            answer.response().header("Content-Encoding").is_some(),
            "as it came"
        );
        assert_eq!(answer.text().await.expect("text"), text);
    }

    #[tokio::test]
    async fn or_not() {
        let coded = gzip(b"hearken");
        let reply = || answer("200 OK", "Content-Encoding: gzip\r\n", &coded);
        for request in [
            |url: String| get(url).decompress(false),
            |url| get(url).header("Accept-Encoding", "gzip"),
        ] {
            let server = Server::once(reply()).await;
            let answer = request(server.url("/")).await.expect("an answer");
            assert_eq!(answer.header("Content-Encoding"), Some("gzip"));
            assert_eq!(answer.bytes().await.expect("bytes"), coded);
        }
        let server = Server::once(reply()).await;
        let head = head(server.url("/")).await.expect("an answer");
        assert_eq!(head.header("Content-Encoding"), Some("gzip"));
    }

    #[tokio::test]
    async fn errors_of_codings() {
        let coded = gzip(&vec![b'x'; 100_000]);
        let cut = &coded[..coded.len() - 9];
        let bomb = gzip(&vec![0; 3 << 20]);
        for (field, body, says) in [
            ("gzip", &b"plain"[..], "expected gzip"),
            ("gzip", cut, "ends in the middle"),
            ("gzip", &bomb, "at most 100 times"),
            ("gzip, gzip", &coded, "expected gzip"),
        ] {
            let server = Server::once(answer(
                "200 OK",
                &format!("Content-Encoding: {field}\r\n"),
                body,
            ))
            .await;
            let result = async { get(server.url("/")).await?.bytes().await }.await;
            let error = result.expect_err(says);
            assert!(error.is_decode(), "{error}");
            assert_eq!(error.status(), 502, "the status for our own client");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn several_codings_are_undone_or_the_body_is_given_as_it_came() {
        let twice = gzip(&gzip(b"hearken"));
        for (field, raw) in [
            ("gzip, gzip", false),
            ("x-gzip, identity, GZIP", false),
            ("gzip, compress", true),
            ("gzip, gzip, gzip, gzip, gzip", true),
        ] {
            let fields = format!("Content-Encoding: {field}\r\n");
            let server = Server::once(answer("200 OK", &fields, &twice)).await;
            let answer = get(server.url("/")).await.expect("an answer");
            assert_eq!(answer.header("Content-Encoding"), raw.then_some(field));
            let wanted = if raw { &twice[..] } else { b"hearken" };
            assert_eq!(answer.bytes().await.expect(field), wanted, "{field}");
        }
    }

    /// The response would lack what the decoder has taken.
    #[tokio::test]
    async fn a_partly_decoded_response_is_not_returned() {
        let body = "no gzip, however long it may be";
        let reply = answer("200 OK", "Content-Encoding: gzip\r\n", body);
        let server = Server::once(reply).await;
        let mut fetched = get(server.url("/")).await.expect("an answer");
        assert!(fetched.data().await.is_err_and(|error| error.is_decode()));
        assert!(fetched.into_response().is_none());
    }

    #[tokio::test]
    async fn the_bound_counts_decoded_bytes() {
        let coded = gzip(&vec![b'x'; 50_000]);
        assert!(coded.len() < 1000);
        let server = Server::once(answer("200 OK", "Content-Encoding: gzip\r\n", coded)).await;
        let fetched = get(server.url("/")).max_body(49_999).await.expect("a head");
        assert!(
            fetched
                .bytes()
                .await
                .is_err_and(|error| error.is_too_large())
        );
    }
}

#[tokio::test]
async fn a_deadline_covers_every_phase() {
    let short = Duration::from_millis(50);
    let server = Server::once(Act::Hang).await;
    let error = get(server.url("/"))
        .deadline(short)
        .await
        .expect_err("no answer");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.phase(), Some(Phase::Wait), "{error}");

    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let server = Server::start(vec![vec![say(half), Act::Hang]]).await;
    let fetched = get(server.url("/")).deadline(short).await.expect("a head");
    let error = fetched.bytes().await.expect_err("half a body");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.phase(), Some(Phase::Read), "{error}");

    // All redirects share it.
    let hop = answer("302 Found", "Location: /\r\n", "");
    let server = Server::start(vec![vec![hop, Act::Hang]]).await;
    let error = get(server.url("/"))
        .deadline(short)
        .await
        .expect_err("no answer");
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn a_cut_body_is_an_error() {
    let server = Server::once(say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")).await;
    let mut fetched = get(server.url("/")).await.expect("a head");
    assert_eq!(
        fetched.data().await.expect("what came").as_deref(),
        Some(&b"half"[..])
    );
    let error = fetched.data().await.expect_err("the rest");
    assert_eq!(error.phase(), Some(Phase::Read), "{error}");
}

#[tokio::test]
async fn the_response_below() {
    let server = Server::once(answer("200 OK", "", "body")).await;
    let fetched = Agent::default()
        .get(server.url("/"))
        .await
        .expect("an answer");
    let mut response = fetched.into_response().expect("nothing was decoded");
    assert_eq!(response.text().await.expect("a body"), "body");
}
