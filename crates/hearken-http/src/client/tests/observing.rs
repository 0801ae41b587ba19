//! What an observer of an agent sees.

use super::events::documented;
use super::harness::{Log, net_with};
use crate::client::{Agent, AgentOptions, Proxies};
use crate::error::Closed;
use crate::event::observe::{Observation, Observer, Side, Step};
use std::io;

/// Writes each step into a log.
pub(super) struct Seen(pub(super) Log);

impl Observer for Seen {
    fn observe(&self, seen: &Observation<'_>) {
        assert_eq!(seen.side, Side::Client);
        let name = seen.step.name();
        let step = match seen.step {
            Step::RequestHead { method, target, .. } => format!("{name} {method} {target}"),
            Step::LastByteFlushed { content, .. } => format!("{name} {content} bytes of content"),
            Step::Head { head } => format!("{name} {}", head.status()),
            Step::Interim { status } => format!("{name} {status}"),
            Step::BodyEnd { bytes } => format!("{name} {bytes} bytes"),
            Step::Failed { error } => {
                let phase = error.phase().map(|phase| phase.to_string());
                format!("{name} in {}", phase.unwrap_or_default())
            }
            Step::Upgraded { protocol } => format!("{name} {protocol:?}"),
            Step::Ended { why } => {
                let facts = seen.facts.expect("an exchange");
                let (method, target) = (facts.method().unwrap(), facts.url().unwrap());
                let status = facts
                    .status()
                    .map_or(String::new(), |status| format!(" {status}"));
                format!("{name} {why:?}: {method} {target}{status}")
            }
            Step::Closed { why, .. } => format!("{name} {why:?}"),
            _ => name.to_owned(),
        };
        self.0.add(format!("{} {step}", seen.exchange));
    }
}

#[tokio::test(start_paused = true)]
async fn two_requests_on_one_connection() {
    let log = Log::default();
    let mut net = net_with(|options| options.observer(Seen(log.clone())));
    let agent = net.agent.clone();
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
        peer.hear().await;
        peer.say("HTTP/1.1 204 No Content\r\n\r\n").await;
    };
    let client = async {
        let request = agent.request("POST", "http://test/a").expect("a request");
        let mut response = request.end("hello").await.expect("a response");
        assert_eq!(response.text().await.expect("a body"), "ok");
        let request = agent.request("GET", "http://test/b").expect("a request");
        request.end("").await.expect("a response");
    };
    tokio::join!(server, client);
    agent.close_idle();
    let expected = documented("Two requests of a client, as its observer sees them");
    assert_eq!(log.take(), expected);
}

/// Each attempt is an exchange, and has a last step.
#[tokio::test(start_paused = true)]
async fn a_connection_that_closes_under_a_request() {
    let log = Log::default();
    let mut net = net_with(|options| options.observer(Seen(log.clone())));
    let agent = net.agent.clone();
    let server = async {
        let mut first = net.accept().await;
        first.hear().await;
        first
            .say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await;
        first.hear().await;
        drop(first);
        let mut second = net.accept().await;
        second.hear().await;
        second.say("HTTP/1.1 204 No Content\r\n\r\n").await;
    };
    let client = async {
        for _ in 0..2 {
            let request = agent.request("GET", "http://test/").expect("a request");
            request.end("").await.expect("a response");
        }
    };
    tokio::join!(server, client);
    let lines = log.take();
    let at = lines.iter().position(|line| line == "2 Failed in wait");
    let at = at.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(
        lines[at..at + 5],
        [
            "2 Failed in wait",
            "2 Ended PeerGone: GET /",
            "0 Closed PeerGone",
            "0 Connected",
            "1 RequestHead GET /"
        ]
    );
    assert_eq!(lines.last().unwrap(), "1 Ended Done: GET / 204");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached() {
    let log = Log::default();
    let mut options = AgentOptions {
        proxies: Proxies::none(),
        ..AgentOptions::default()
    };
    options.connector(async |_| Err::<tokio::io::DuplexStream, _>(io::Error::other("no way")));
    options.observer(Seen(log.clone()));
    let agent = Agent::new(options);
    let request = agent.request("GET", "http://test/a?b").expect("a request");
    assert!(request.end("").await.is_err());
    let expected = ["1 Failed in connect", "1 Ended PeerGone: GET /a?b"];
    assert_eq!(log.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped() {
    let log = Log::default();
    let mut net = net_with(|options| options.observer(Seen(log.clone())));
    let request = net.get("/");
    let waiting = tokio::spawn(async move { request.end("").await.map(drop) });
    let mut peer = net.accept().await;
    peer.hear().await;
    log.take();
    waiting.abort();
    assert!(waiting.await.is_err());
    let why = Closed::Aborted;
    assert_eq!(
        log.take(),
        [
            "1 Failed in ".to_owned(),
            format!("1 Ended {why:?}: GET /"),
            format!("0 Closed {why:?}")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_upgrade() {
    let log = Log::default();
    let mut net = net_with(|options| options.observer(Seen(log.clone())));
    let request = net
        .get("/")
        .set("Connection", "Upgrade")
        .set("Upgrade", "chat");
    let server = async {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
            .await;
        peer
    };
    let (_peer, response) = tokio::join!(server, request.end(""));
    let lines = log.take();
    assert_eq!(
        lines[lines.len() - 3..],
        [
            "1 Head 101",
            "1 Upgraded Some(\"chat\")",
            "1 Ended Done: GET / 101"
        ]
    );
    drop(response);
    assert!(
        log.take().is_empty(),
        "the connection is another protocol's"
    );
}
