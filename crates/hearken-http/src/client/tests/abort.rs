//! Aborting from elsewhere: the waiting task gets an error at once, wherever it waits, and leaves nothing behind.

use super::harness::{Net, net, net_with, settle};
use crate::client::{AbortHandle, Agent, AgentOptions, ClientRequest, Destination, Phase, Proxies};
use crate::error::Error;
use std::io;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

/// Aborts in another task, once all others are idle.
fn abort_later(handle: AbortHandle) -> JoinHandle<()> {
    tokio::spawn(async move {
        settle().await;
        handle.abort();
        handle.abort();
    })
}

#[track_caller]
fn assert_aborted(error: &Error, phase: Phase, text: &str) {
    assert!(error.is_aborted() && error.is_closed(), "{error}");
    assert_eq!(error.phase(), Some(phase), "{error}");
    assert_eq!(error.to_string(), format!("{text}: {GIVEN_UP}"));
}

const GIVEN_UP: &str = "the exchange was given up here";

#[tokio::test(start_paused = true)]
async fn before_the_response() {
    let mut net = net();
    let request = net.get("/");
    let aborting = abort_later(request.abort_handle());
    let (asked, sent) = tokio::join!(request.end(""), async {
        net.accept().await.hear_end().await
    });
    let text = "waiting for the response of test:80 failed";
    assert_aborted(&asked.unwrap_err(), Phase::Wait, text);
    assert!(sent.starts_with("GET / "), "{sent}");
    aborting.await.unwrap();
    assert_eq!(net.agent.stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn in_the_body() {
    let mut net = net();
    let request = net.get("/");
    let handle = request.abort_handle();
    let client = async {
        let mut response = request.end("").await.unwrap();
        assert_eq!(response.data().await.unwrap().unwrap(), "12345");
        let aborting = abort_later(handle);
        let error = response.data().await.unwrap_err();
        aborting.await.unwrap();
        error
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
            .await;
        peer.hear_end().await
    };
    let (error, rest) = tokio::join!(client, server);
    let text = "reading the response of test:80 failed";
    assert_aborted(&error, Phase::Read, text);
    assert_eq!(rest, "");
}

#[tokio::test(start_paused = true)]
async fn in_drain_while_another_waits_for_the_response() {
    let net = net();
    let request = std::sync::Arc::new(net.request("POST", "/"));
    let piece = vec![b'x'; 300_000]; // more than the transport takes
    while request.write(piece.clone()) {}
    let aborting = abort_later(request.abort_handle());
    let other = tokio::spawn({
        let request = std::sync::Arc::clone(&request);
        async move { request.response().await.map(|_| ()).unwrap_err() }
    });
    let error = request.drain().await.unwrap_err();
    let text = "waiting for the response of test:80 failed";
    assert_aborted(&error, Phase::Wait, text);
    assert_aborted(&other.await.unwrap(), Phase::Wait, text);
    aborting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_it_connects() {
    let mut options = AgentOptions {
        proxies: Proxies::none(),
        ..AgentOptions::default()
    };
    options.connector(|_: Destination| std::future::pending::<io::Result<DuplexStream>>());
    let request = Agent::new(options).request("GET", "http://test/").unwrap();
    let aborting = abort_later(request.abort_handle());
    let error = request.end("").await.unwrap_err();
    assert_aborted(&error, Phase::Connect, "connecting to test:80 failed");
    aborting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_a_name_is_looked_up() {
    let mut options = AgentOptions {
        proxies: Proxies::none(),
        ..AgentOptions::default()
    };
    options.resolver(|_: String, _: u16| std::future::pending::<io::Result<Vec<_>>>());
    let request = Agent::new(options).request("GET", "http://test/").unwrap();
    let aborting = abort_later(request.abort_handle());
    let error = request.end("").await.unwrap_err();
    assert_aborted(&error, Phase::Resolve, "resolving test:80 failed");
    aborting.await.unwrap();
}

/// The only connection is busy until `busy` is dropped.
async fn crowded(change: impl FnOnce(&mut AgentOptions)) -> (Net, ClientRequest) {
    let mut net = net_with(change);
    let busy = net.request("POST", "/busy");
    busy.flush_headers();
    let (drained, _) = tokio::join!(busy.drain(), net.accept());
    drained.unwrap();
    (net, busy)
}

#[tokio::test(start_paused = true)]
async fn in_the_queue() {
    let (net, _busy) = crowded(|options| options.max_sockets = 1).await;
    let request = net.get("/");
    let aborting = abort_later(request.abort_handle());
    let error = request.end("").await.unwrap_err();
    let text = "waiting for a free connection to test:80 failed";
    assert_aborted(&error, Phase::Queue, text);
    aborting.await.unwrap();
}

/// Totals and counts by host, which must agree.
#[track_caller]
fn assert_waiting(agent: &Agent, waiting: usize) {
    let stats = agent.stats();
    let by_host: usize = stats.hosts.iter().map(|host| host.waiting).sum();
    assert_eq!((stats.waiting, by_host), (waiting, waiting), "{stats:?}");
}

/// One connection streams for hours, and many requests leave the queue meanwhile.
#[tokio::test(start_paused = true)]
async fn a_request_that_has_left_the_queue_is_not_counted() {
    let (net, busy) = crowded(|options| options.max_total_sockets = 1).await;
    let get = |host: usize| {
        let url = format!("http://host{host}/");
        tokio::spawn(net.agent.request("GET", &url).unwrap().end(""))
    };
    let asked: Vec<_> = (0..100).map(|n| get(n % 3)).collect();
    settle().await;
    assert_waiting(&net.agent, 100);
    assert_eq!(net.agent.stats().hosts.len(), 4);
    for (n, asked) in asked.iter().enumerate() {
        if n != 50 {
            asked.abort();
        }
    }
    settle().await;
    assert_waiting(&net.agent, 1);
    assert_eq!(net.agent.stats().hosts.len(), 2, "unused hosts are dropped");
    let mut net = net;
    drop(busy);
    let mut peer = net.accept().await;
    assert!(peer.hear().await.contains("Host: host2\r\n"));
    assert_waiting(&net.agent, 0);
}
