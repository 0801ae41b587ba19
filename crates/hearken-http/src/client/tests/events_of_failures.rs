//! The order of the events of exchanges that fail, as docs/events.md shows it. Not here: the others (`events.rs`).

use super::events::{documented, same};
use super::harness::{Log, hear_all, net, read_all, settle};
use crate::client::event;
use crate::client::{Agent, AgentOptions, Proxies};
use std::time::Duration;

/// As in Node.
#[tokio::test(start_paused = true)]
async fn closed_before_the_response() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/");
    hear_all(&request, &log);
    let client = async {
        let error = request.end("").await.expect_err("no response");
        assert!(error.is_closed() && error.is_retry_safe(), "{error}");
    };
    let server = async {
        net.accept().await.hear().await;
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A server that closes before its response")
    );
}

/// In Node the request closes without an error and the response fails after it. Here there is one `Error`, and `Close` is
/// the last event; reading the body fails.
#[tokio::test(start_paused = true)]
async fn closed_in_the_body() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/");
    hear_all(&request, &log);
    let client = async {
        let response = request.end("").await.expect("a response");
        read_all(response, &log).await;
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
            .await;
        settle().await;
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A server that closes within its response")
    );
}

/// In Node `socket` comes first, for a socket that is not connected. Here `Socket` is emitted for a connection only.
#[tokio::test]
async fn refused() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let agent = Agent::new(AgentOptions {
        proxies: Proxies::none(),
        ..AgentOptions::default()
    });
    let log = Log::default();
    let request = agent
        .request("GET", &format!("http://{address}/"))
        .expect("a request");
    hear_all(&request, &log);
    let error = request.end("").await.expect_err("no listener on the port");
    assert!(error.is_connect() && error.is_retry_safe(), "{error}");
    same(&log, "A server that is not there");
}

/// In Node the error comes first, then `aborted` of the response. Here `Abort`, the cause, precedes `Error`, the
/// consequence.
#[tokio::test(start_paused = true)]
async fn aborted_in_the_body() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/");
    hear_all(&request, &log);
    let handle = request.abort_handle();
    let client = async {
        let mut response = request.end("").await.expect("a response");
        let piece = response.data().await.expect("a piece");
        log.add(format!("data {}", piece.map_or(0, |piece| piece.len())));
        handle.abort();
        handle.abort();
        let error = response.data().await.expect_err("given up");
        assert!(error.is_aborted(), "{error}");
        log.add("data fails");
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
            .await;
        assert_eq!(peer.hear_end().await, "");
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A request that is aborted within its response")
    );
}

/// As in Node, with `Abort` before it.
#[tokio::test(start_paused = true)]
async fn destroyed_before_the_response() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/");
    hear_all(&request, &log);
    let handle = request.abort_handle();
    let client = async {
        let error = request.end("").await.expect_err("given up");
        assert!(error.is_aborted() && !error.is_retry_safe(), "{error}");
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        handle.abort();
        assert_eq!(peer.hear_end().await, "");
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A request that is aborted before its response")
    );
}

/// As in Node: with a listener the exchange continues after a silence. Without one it fails, see below.
#[tokio::test(start_paused = true)]
async fn a_silence() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/").timeout(Duration::from_secs(5));
    hear_all(&request, &log);
    let own = log.clone();
    request.on(event::Timeout, move |()| own.add("Timeout"));
    let client = async {
        let response = request.end("").await.expect("a response");
        read_all(response, &log).await;
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        tokio::time::sleep(Duration::from_secs(12)).await;
        peer.say("HTTP/1.1 204 No Content\r\n\r\n").await;
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A server that is silent for a while")
    );
}

/// Unlike Node, which does nothing then.
#[tokio::test(start_paused = true)]
async fn a_silence_without_a_listener() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/").timeout(Duration::from_secs(5));
    hear_all(&request, &log);
    let began = tokio::time::Instant::now();
    let client = async {
        let error = request.end("").await.expect_err("too late");
        assert!(error.is_timeout(), "{error}");
        assert_eq!(
            error.to_string(),
            "waiting for the response of test:80 failed: nothing came or went for 5s; \
             if a pause may be longer, raise `timeout` of the request"
        );
        assert_eq!(began.elapsed().as_millis() / 10, 500);
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        assert_eq!(peer.hear_end().await, "");
    };
    tokio::join!(client, server);
    same(&log, "A silent server without a listener");
}

/// As in Node.
#[tokio::test(start_paused = true)]
async fn garbage() {
    let (mut net, log) = (net(), Log::default());
    let request = net.get("/");
    hear_all(&request, &log);
    let client = async {
        let error = request.end("").await.expect_err("no HTTP");
        assert!(
            error.protocol().is_some() && !error.is_retry_safe(),
            "{error}"
        );
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("SSH-2.0-OpenSSH_9.2\r\n").await;
        assert_eq!(peer.hear_end().await, "");
    };
    tokio::join!(client, server);
    assert_eq!(
        log.take(),
        documented("A server that speaks something else")
    );
}
