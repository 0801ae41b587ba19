//! The one order of a request's events, as docs/events.md shows it: the tests produce each log on that page. One test for each
//! scenario that Node's users know, with our differences and the reasons for them. Not here: exchanges that fail
//! (`events_of_failures.rs`).

use super::harness::{Log, hear_all, net, net_with, read_all, settle};
use crate::client::event;
use crate::error::Error;

const PAGE: &str = include_str!("../../../../../docs/events.md");

/// The log under this heading of the page.
pub(super) fn documented(heading: &str) -> Vec<&'static str> {
    let section = PAGE
        .split_once(&format!("### {heading}\n"))
        .unwrap_or_else(|| panic!("docs/events.md has no section {heading:?}"))
        .1;
    let (_, block) = section.split_once("```text\n").expect("a log");
    let (block, _) = block.split_once("```").expect("the end of the log");
    block.lines().collect()
}

pub(super) fn same(log: &Log, heading: &str) {
    assert_eq!(log.take(), documented(heading), "{heading}");
}

/// As in Node, whose response has a `close` of its own; here the end of reading stands for it.
#[tokio::test(start_paused = true)]
async fn ok_without_keeping_the_connection() {
    let (mut net, log) = (
        net_with(|options| options.keep_alive = false),
        Log::default(),
    );
    let request = net.get("/");
    hear_all(&request, &log);
    let client = async {
        let response = request.end("").await.expect("a response");
        read_all(response, &log).await;
    };
    let (agent, seen) = (net.agent.clone(), log.clone());
    let server = async {
        let mut peer = net.accept().await;
        assert!(peer.hear().await.contains("\r\nConnection: close\r\n"));
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            .await;
    };
    tokio::join!(client, server);
    seen.add(format!("agent open {}", agent.stats().open));
    assert_eq!(
        log.take(),
        documented("A client's request, on a connection of its own")
    );
}

/// In Node the request closes before its connection is free, and the response after it. Here the connection is free as soon
/// as the last byte of the response has arrived, read or not, and `Close` is the last event as always.
#[tokio::test(start_paused = true)]
async fn ok_with_a_connection_that_is_kept() {
    let (mut net, log) = (net(), Log::default());
    let agent = net.agent.clone();
    let server = async {
        let mut peer = net.accept().await;
        for _ in 0..2 {
            peer.hear().await;
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await;
        }
    };
    let client = async {
        for _ in 0..2 {
            let request = agent.request("GET", "http://test/").expect("a request");
            hear_all(&request, &log);
            let response = request.end("").await.expect("a response");
            log.add(format!("agent idle {}", agent.stats().idle));
            read_all(response, &log).await;
        }
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A client's requests, on a connection that is kept")
    );
}

/// As in Node.
#[tokio::test(start_paused = true)]
async fn interim_responses() {
    let (mut net, log) = (net(), Log::default());
    let request = net.request("POST", "/").expect_continue();
    hear_all(&request, &log);
    let client = async {
        let response = request.end("body").await.expect("a response");
        read_all(response, &log).await;
    };
    let server = async {
        let mut peer = net.accept().await;
        let head = peer.hear_until("\r\n\r\n").await;
        assert!(head.contains("\r\nExpect: 100-continue\r\n"), "{head}");
        peer.say("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(peer.hear_bytes(4).await, "body");
        peer.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            .await;
        settle().await;
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await;
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A client's request with interim responses")
    );
}

/// As in Node; the bytes behind the head come first out of the upgraded transport.
#[tokio::test(start_paused = true)]
async fn switching_protocols() -> Result<(), Error> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut net, log) = (net(), Log::default());
    let request = net
        .get("/")
        .set("Connection", "Upgrade")
        .set("Upgrade", "echo");
    hear_all(&request, &log);
    let client = async {
        let mut stream = request.end("").await?.upgrade()?;
        assert_eq!(stream.read_ahead(), b"first");
        stream.write_all(b"hello").await?;
        stream.shutdown().await?;
        let mut all = String::new();
        stream.read_to_string(&mut all).await?;
        log.add(all);
        Ok(())
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst",
        )
        .await;
        assert_eq!(peer.hear_end().await, "hello");
        peer.say(" second").await;
    };
    let (done, ()) = tokio::join!(client, server);
    assert_eq!(net.agent.stats().open, 0);
    assert_eq!(
        log.take(),
        documented("A client's request that switches protocols")
    );
    done
}

/// In Node a response without a listener is read to its end. Here a dropped response is not waited for: the connection is
/// kept only if the whole response has arrived with its head.
#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_read() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/");
    hear_all(&request, &log);
    let agent = net.agent.clone();
    let client = async {
        let response = request.end("").await.expect("a response");
        drop(response);
        log.add(format!("agent idle {}", agent.stats().idle));
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
    };
    tokio::join!(client, server);
    same(&log, "A response that is dropped");
}

/// In Node the rest of the request is sent after the whole response, and the connection used again. Here the server does
/// not want the rest: it is dropped, and the connection closed (RFC 9112 §9.5).
#[tokio::test(start_paused = true)]
async fn a_response_before_the_end_of_the_request() -> Result<(), Error> {
    let (mut net, log) = (net(), Log::default());
    let request = net.request("POST", "/");
    hear_all(&request, &log);
    let agent = net.agent.clone();
    let client = async {
        request.write("some");
        let response = request.response().await?;
        read_all(response, &log).await;
        assert!(request.write("more"), "dropped content leaves room");
        request.finish("the end").await?;
        log.add(format!("agent open {}", agent.stats().open));
        Ok(())
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear_until("some\r\n").await;
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
        assert_eq!(peer.hear_end().await, "");
    };
    let (done, ()) = tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A response before the end of the request")
    );
    done
}

/// The same while both sides continue: a server may respond as it reads.
#[tokio::test(start_paused = true)]
async fn both_directions_at_once() -> Result<(), Error> {
    let (mut net, log) = (net(), Log::default());
    let request = net.request("POST", "/");
    hear_all(&request, &log);
    let agent = net.agent.clone();
    let client = async {
        request.write("one");
        let mut response = request.response().await?;
        for piece in ["two", "three"] {
            let echoed = response.data().await?.unwrap_or_default();
            log.add(format!("data {}", echoed.len()));
            request.write(piece);
        }
        let rest = async { read_all(response, &log).await };
        let (ended, ()) = tokio::join!(request.finish(""), rest);
        log.add(format!("agent idle {}", agent.stats().idle));
        ended
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear_until("\r\n\r\n").await;
        peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        for piece in [
            "3\r\none\r\n",
            "3\r\ntwo\r\n",
            "5\r\nthree\r\n",
            "0\r\n\r\n",
        ] {
            assert_eq!(peer.hear_until(piece).await, piece);
            peer.say(piece).await;
        }
    };
    let (done, ()) = tokio::join!(client, server);
    same(&log, "Both directions at once");
    done
}

/// A tunnel: `connect` in Node.
#[tokio::test(start_paused = true)]
async fn a_tunnel() -> Result<(), Error> {
    let (mut net, log) = (net(), Log::default());
    let request = net.request("CONNECT", "/").path("example.org:443");
    hear_all(&request, &log);
    let client = async {
        let response = request.end("").await?;
        log.add(format!("tunnel {}", response.upgrade().is_ok()));
        Ok(())
    };
    let server = async {
        let mut peer = net.accept().await;
        let asked = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";
        assert_eq!(peer.hear().await, asked);
        peer.say("HTTP/1.1 200 Yes\r\n\r\n").await;
        settle().await;
    };
    let (done, ()) = tokio::join!(client, server);
    same(&log, "A client's tunnel");
    done
}

/// An event that a listener causes is delivered after the listener has returned; none is lost.
#[tokio::test(start_paused = true)]
async fn a_listener_that_aborts() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/");
    let handle = request.abort_handle();
    request.on(event::Finish, move |()| handle.abort());
    hear_all(&request, &log);
    let client = async {
        let error = request.end("").await.expect_err("given up");
        assert!(error.is_aborted(), "{error}");
    };
    let server = async { net.accept().await.hear().await };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        ["Socket", "Finish", "Abort", "Error in wait", "Close"]
    );
}

/// Listeners are dropped with the last event: what they own must not live as long as the response.
#[tokio::test(start_paused = true)]
async fn listeners_are_dropped_at_the_end() {
    let mut net = net();
    let request = net.get("/");
    let held = std::sync::Arc::new(());
    let own = std::sync::Arc::clone(&held);
    request.on(event::Close, move |()| drop(std::sync::Arc::clone(&own)));
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
    };
    let (response, ()) = tokio::join!(request.end(""), server);
    let mut response = response.expect("a response");
    assert_eq!(std::sync::Arc::strong_count(&held), 2);
    response.bytes().await.expect("a body");
    assert_eq!(std::sync::Arc::strong_count(&held), 1);
}
