//! The client and servers that misbehave, on real sockets: what only sockets can do, a reset above all. All others are seen in memory.

use hearken_http::{Agent, AgentOptions, Error, Phase, Proxies};
use hearken_testkit::hostile::{Behaviour, Hostile, Verdict, connection, reuse};
use std::time::Duration;

fn agent(change: impl FnOnce(&mut AgentOptions)) -> Agent {
    let mut options = AgentOptions::default();
    options.proxies = Proxies::none();
    change(&mut options);
    Agent::new(options)
}

/// A GET, and another one after a few ticks if `twice`. The error says whether it came with the body.
async fn get(agent: &Agent, url: &str, twice: bool) -> Result<(u16, String), (Error, bool)> {
    let head = |error| (error, false);
    let body = |error| (error, true);
    if twice {
        let mut first = agent
            .request("GET", url)
            .map_err(head)?
            .end("")
            .await
            .map_err(head)?;
        first.bytes().await.map_err(body)?;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    let mut response = agent
        .request("GET", url)
        .map_err(head)?
        .end("")
        .await
        .map_err(head)?;
    let text = response.text().await.map_err(body)?;
    Ok((response.status().as_u16(), text))
}

fn check(behaviour: &Behaviour, twice: bool) {
    let server = Hostile::new(*behaviour).listen();
    let name = behaviour.name;
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
    let agent = agent(|_| ());
    let found = runtime.block_on(get(&agent, &server.url("/"), twice));
    match (behaviour.verdict, found) {
        (Verdict::Good(status, text), Ok(found)) => {
            assert_eq!(found, (status, text.to_owned()), "{name}");
        }
        (Verdict::NoResponse, Err((error, false))) | (Verdict::BrokenBody, Err((error, true))) => {
            assert!(!error.is_timeout(), "{name}: {error}");
            let peer = server.address().to_string();
            assert_eq!(error.peer(), Some(&*peer), "{name}: {error}");
        }
        (verdict, found) => panic!("{name}: expected {verdict:?}, got {found:?}"),
    }
    assert_eq!(agent.stats().in_use(), 0, "{name}");
}

#[test]
fn connections_that_break() {
    let mut seen = 0;
    for behaviour in connection::ALL {
        let asks = behaviour.ask == hearken_testkit::hostile::Ask::Get;
        if asks && behaviour.verdict != Verdict::TooSlow {
            check(behaviour, false);
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn connections_that_are_used_again() {
    for behaviour in reuse::ALL {
        check(behaviour, true);
    }
}

#[tokio::test]
async fn a_server_that_never_accepts_costs_the_time_to_connect() {
    let server = Hostile::new(connection::NEVER_ACCEPTS).listen();
    let agent = agent(|options| options.connect_timeout = Duration::from_millis(100));
    let (error, _) = get(&agent, &server.url("/"), false).await.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::Connect), "{error}");
    assert!(error.is_timeout() && error.is_retry_safe(), "{error}");
}
