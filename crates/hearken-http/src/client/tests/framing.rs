//! How a request frames its content: no content, content of unknown length and content of known length, for every method,
//! and the content that waits for `100 Continue`.

use super::harness::{Net, Peer, net, settle};
use crate::OutgoingMessage;
use crate::client::{ClientRequest, Phase};
use crate::error::Error;
use bytes::Bytes;
use futures_core::Stream;
use hearken_proto::Fields;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, duplex};
use tokio::time::sleep;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const WITHOUT_CONTENT: [&str; 6] = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];
const WITH_CONTENT: [&str; 3] = ["POST", "PUT", "PATCH"];

/// The framing fields of a head, in lower case.
fn framing(head: &str) -> Vec<String> {
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.lines().map(str::to_ascii_lowercase);
    let of_framing = |line: &String| {
        let names = [
            "content-length:",
            "transfer-encoding:",
            "trailer:",
            "expect:",
        ];
        names.iter().any(|name| line.starts_with(name))
    };
    lines.filter(of_framing).collect()
}

/// All that one request sends, read until the client is silent, and its answer.
async fn serve(peer: &mut Peer) -> String {
    let head = peer.hear_until("\r\n\r\n").await;
    sleep(Duration::from_secs(1)).await;
    let rest = peer.take_read().await;
    peer.say(OK).await;
    head + &rest
}

/// A reader that is at its end after a while.
struct EndsLater(Pin<Box<tokio::time::Sleep>>);

impl EndsLater {
    fn after(time: Duration) -> Self {
        Self(Box::pin(sleep(time)))
    }
}

impl AsyncRead for EndsLater {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

/// A stream of empty pieces.
struct Empties(usize);

impl Stream for Empties {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or_default();
        Poll::Ready(left.map(|_| Ok(Bytes::new())))
    }
}

/// The ways in which a request can turn out to have no content.
const EMPTY_WAYS: [&str; 8] = [
    "end",
    "pipe",
    "pipe and response at once",
    "response and pipe at once",
    "pipe of an empty stream",
    "empty write",
    "flush",
    "no trailers",
];

async fn send_empty(request: ClientRequest, way: &str) -> Result<(), Error> {
    let empty = tokio::io::empty;
    let response = match way {
        "end" => request.end("").await?,
        "pipe" => {
            request.pipe_from(empty()).await?;
            request.response().await?
        }
        "pipe and response at once" => {
            let (sent, response) = tokio::join!(request.pipe_from(empty()), request.response());
            sent.and(response)?
        }
        "response and pipe at once" => {
            let (response, sent) = tokio::join!(request.response(), request.pipe_from(empty()));
            sent.and(response)?
        }
        "pipe of an empty stream" => {
            request.pipe_from_stream(Empties(3)).await?;
            request.response().await?
        }
        "empty write" => {
            request.write("");
            request.end("").await?
        }
        "flush" => {
            request.flush_headers();
            request.end("").await?
        }
        _ => request.end_with_trailers("", Fields::new()).await?,
    };
    assert_eq!(response.status(), 200);
    Ok(())
}

/// The first request opens a connection, the second one finds it idle.
#[tokio::test(start_paused = true)]
async fn no_content_has_no_framing_but_where_the_method_defines_content() {
    for way in EMPTY_WAYS {
        for method in [&WITHOUT_CONTENT[..], &WITH_CONTENT].concat() {
            let mut net = net();
            let agent = net.agent.clone();
            let client = async {
                for _ in 0..2 {
                    let request = agent.request(method, "http://test/").unwrap();
                    let sent = send_empty(request, way).await;
                    sent.unwrap_or_else(|error| panic!("{method}, {way}: {error}"));
                }
            };
            let server = async {
                let mut peer = net.accept().await;
                let first = serve(&mut peer).await;
                [first, serve(&mut peer).await]
            };
            let ((), heard) = tokio::join!(client, server);
            let expected: &[&str] = match WITH_CONTENT.contains(&method) {
                true => &["content-length: 0"],
                false => &[],
            };
            for heard in heard {
                assert_eq!(framing(&heard), expected, "{method}, {way}: {heard:?}");
                assert!(heard.ends_with("\r\n\r\n"), "{method}, {way}: {heard:?}");
            }
        }
    }
}

/// What the request sends whose source is read as `response` is awaited.
async fn piped(method: &str, source: impl AsyncRead) -> String {
    let mut net = net();
    let request = net.request(method, "/");
    let client = async {
        let (response, sent) = tokio::join!(request.response(), request.pipe_from(source));
        sent.and(response).unwrap();
    };
    let server = async { serve(&mut net.accept().await).await };
    tokio::join!(client, server).1
}

#[tokio::test(start_paused = true)]
async fn a_source_that_ends_late_without_content() {
    let time = Duration::from_millis(100);
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"] {
        let heard = piped(method, EndsLater::after(time)).await;
        assert_eq!(framing(&heard), [""; 0], "{heard:?}");
        assert!(heard.ends_with("\r\n\r\n"), "{heard:?}");
    }
    // The head of a method that defines content does not wait for it.
    let heard = piped("POST", EndsLater::after(time)).await;
    assert_eq!(framing(&heard), ["transfer-encoding: chunked"]);
    assert!(heard.ends_with("\r\n\r\n0\r\n\r\n"), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn content_of_unknown_length_is_chunked_with_every_method() {
    for method in [&WITHOUT_CONTENT[..], &WITH_CONTENT].concat() {
        for late in [false, true] {
            let (mut writer, reader) = duplex(64);
            tokio::spawn(async move {
                if late {
                    sleep(Duration::from_millis(100)).await;
                }
                writer.write_all(b"one").await.unwrap();
            });
            settle().await;
            let heard = piped(method, reader).await;
            assert_eq!(framing(&heard), ["transfer-encoding: chunked"], "{method}");
            assert!(
                heard.ends_with("\r\n\r\n3\r\none\r\n0\r\n\r\n"),
                "{heard:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_length_that_was_set_is_kept_with_every_method() {
    for method in [&WITHOUT_CONTENT[..], &WITH_CONTENT].concat() {
        for (length, content) in [("0", ""), ("3", "one")] {
            let mut net = net();
            let request = net.request(method, "/").set("Content-Length", length);
            let client = async {
                request.pipe_from(content.as_bytes()).await.unwrap();
                request.response().await.unwrap();
            };
            let server = async { serve(&mut net.accept().await).await };
            let ((), heard) = tokio::join!(client, server);
            assert_eq!(framing(&heard), [format!("content-length: {length}")]);
            assert!(heard.ends_with(&format!("\r\n\r\n{content}")), "{heard:?}");
        }
    }
}

/// A proxy may not know yet whether there will be content: the head of a GET says that there is none.
#[tokio::test(start_paused = true)]
async fn a_response_that_is_awaited_before_the_end() -> Result<(), Error> {
    let mut net = net();
    let request = net.get("/");
    let agent = net.agent.clone();
    let server = async { serve(&mut net.accept().await).await };
    let (response, heard) = tokio::join!(request.response(), server);
    assert_eq!(framing(&heard), [""; 0], "{heard:?}");
    assert_eq!(response?.status(), 200);
    assert_eq!(agent.stats().idle, 1, "the exchange is complete");
    request.finish("").await?;

    let request = net.get("/");
    let client = async {
        let aborting = request.response();
        tokio::time::timeout(Duration::from_secs(1), aborting).await
    };
    assert!(client.await.is_err(), "no answer yet");
    net.accept().await;
    assert!(request.write("late"));
    let error = request.response().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("this GET") && text.contains("Transfer-Encoding: chunked"),
        "{text}"
    );

    let request = net.get("/").set("Transfer-Encoding", "chunked");
    let client = async {
        let early = tokio::time::timeout(Duration::from_secs(1), request.response()).await;
        assert!(early.is_err(), "no answer yet");
        request.write("late");
        request.finish("").await
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await
    };
    let (sent, heard) = tokio::join!(client, server);
    sent?;
    assert!(
        heard.ends_with("\r\n\r\n4\r\nlate\r\n0\r\n\r\n"),
        "{heard:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_while_the_head_waits_for_its_source() {
    let mut net = net();
    let time = Duration::from_secs(5);
    for source in [true, false] {
        let request = net.get("/").deadline(time);
        let began = tokio::time::Instant::now();
        let error = if source {
            let (_writer, reader) = duplex(64);
            request.pipe_from(reader).await.unwrap_err()
        } else {
            // The source is dropped: the request goes on without it, in the same time.
            let (_writer, reader) = duplex(64);
            let piping = request.pipe_from(reader);
            assert!(tokio::time::timeout(time / 5, piping).await.is_err());
            assert!(!net.has_more(), "nothing was sent");
            request.response().await.unwrap_err()
        };
        assert!(error.is_timeout(), "{error}");
        let expected = if source { Phase::Write } else { Phase::Wait };
        assert_eq!(error.phase(), Some(expected), "{error}");
        let took = began.elapsed();
        assert!(took >= time && took < time * 2, "{took:?}");
    }
    let mut peer = net.accept().await;
    assert_eq!(framing(&peer.hear_until("\r\n\r\n").await), [""; 0]);
}

/// Sends a POST that sets its expectation in this way. Returns what came before `100 Continue`, and what came after it.
async fn expecting(net: &mut Net, set: impl FnOnce(ClientRequest) -> ClientRequest) -> [String; 2] {
    let request = set(net.request("POST", "/"));
    let client = async { request.end("body").await.unwrap() };
    let server = async {
        let mut peer = net.accept().await;
        let head = peer.hear_until("\r\n\r\n").await;
        sleep(Duration::from_millis(500)).await;
        settle().await;
        let before = head + &peer.take_read().await;
        peer.say("HTTP/1.1 100 Continue\r\n\r\n").await;
        let after = peer.hear_bytes(4).await;
        peer.say(OK).await;
        [before, after]
    };
    tokio::join!(client, server).1
}

#[tokio::test(start_paused = true)]
async fn an_expectation_holds_the_content_however_it_is_set() {
    type Set = fn(ClientRequest) -> ClientRequest;
    let ways: [Set; 5] = [
        ClientRequest::expect_continue,
        |request| request.set("Expect", "100-continue"),
        |request| request.set("eXPECT", "100-Continue"),
        |request| {
            request.append_header("Expect", "100-continue").unwrap();
            request
        },
        |request| {
            request.set_headers([("Expect", "100-continue")]).unwrap();
            request
        },
    ];
    for (number, set) in ways.into_iter().enumerate() {
        let [before, after] = expecting(&mut net(), set).await;
        let before = before.to_ascii_lowercase();
        assert!(
            before.contains("\r\nexpect: 100-continue\r\n"),
            "way {number}: {before:?}"
        );
        assert!(before.ends_with("\r\n\r\n"), "way {number}: {before:?}");
        assert_eq!(after, "body", "way {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expectation_that_was_removed_holds_nothing() {
    let mut net = net();
    let request = net.request("POST", "/").expect_continue();
    request.remove_header("Expect");
    let client = async { request.end("body").await.unwrap() };
    let server = async {
        let mut peer = net.accept().await;
        let heard = peer.hear().await;
        peer.say(OK).await;
        heard
    };
    let (_, heard) = tokio::join!(client, server);
    assert!(heard.ends_with("\r\n\r\nbody"), "{heard:?}");
    assert_eq!(framing(&heard), ["content-length: 4"]);
}

/// RFC 9110 §10.1.1: a client MUST NOT generate it in a request without content.
#[tokio::test(start_paused = true)]
async fn an_expectation_without_content_is_not_sent() {
    for method in ["GET", "POST"] {
        let mut net = net();
        let request = net.request(method, "/").expect_continue();
        let client = async { request.end("").await.unwrap() };
        let server = async { serve(&mut net.accept().await).await };
        let (_, heard) = tokio::join!(client, server);
        assert!(
            !framing(&heard)
                .iter()
                .any(|line| line.starts_with("expect")),
            "{heard:?}"
        );
    }
}
