//! Servers that misbehave, all of them: each ends in a clear error within its limit, or in what is right in it.

use crate::client::{Agent, AgentOptions, Destination, Proxies, Response};
use crate::error::Error;
use hearken_testkit::hostile::{self, Ask, Behaviour, Hostile, Verdict};
use std::io;
use std::time::Duration;
use tokio::io::duplex;
use tokio::time::Instant;

/// Every limit on time is below it.
const LONGEST: Duration = Duration::from_secs(180);

fn agent(server: &Hostile) -> Agent {
    let mut options = AgentOptions {
        proxies: Proxies::none(),
        ..AgentOptions::default()
    };
    let server = server.clone();
    options.connector(move |_: Destination| {
        let (here, there) = duplex(64 * 1024);
        let server = server.clone();
        tokio::spawn(async move { server.serve(there).await });
        async { io::Result::Ok(here) }
    });
    Agent::new(options)
}

/// What the behaviour is to be asked. `None` if that is not this client's.
async fn ask(agent: &Agent, ask: Ask) -> Result<Response, Error> {
    let method = match ask {
        Ask::Head => "HEAD",
        Ask::Post | Ask::PostExpecting => "POST",
        Ask::Connect => "CONNECT",
        _ => "GET",
    };
    let mut request = agent.request(method, "http://hostile/")?;
    let mut content = Vec::new();
    match ask {
        Ask::Upgrade => {
            request = request.set("Connection", "Upgrade").set("Upgrade", "echo");
        }
        Ask::Connect => request = request.path("example.org:443"),
        Ask::Post | Ask::PostExpecting => content = vec![b'x'; 1_500_000],
        _ => {}
    }
    if ask == Ask::PostExpecting {
        request = request.expect_continue();
    }
    if ask == Ask::GetTwice {
        let mut first = request.end(content).await?;
        first.bytes().await?;
        // A few ticks: it lies idle for a moment.
        tokio::time::sleep(Duration::from_millis(35)).await;
        request = agent.request(method, "http://hostile/again")?;
        content = Vec::new();
    }
    request.end(content).await
}

/// What came of it: status and body, or an error and whether it came with the body.
async fn outcome(agent: &Agent, behaviour: &Behaviour) -> Result<(u16, String), (Error, bool)> {
    let asked = ask(agent, behaviour.ask).await;
    let mut response = asked.map_err(|error| (error, false))?;
    let status = response.status().as_u16();
    if behaviour.ask == Ask::Connect {
        response.upgrade().map_err(|error| (error, false))?;
        return Ok((status, String::new()));
    }
    if behaviour.verdict == Verdict::TooMuch {
        let body = response.bytes().await.map_err(|error| (error, true))?;
        return Ok((status, String::from_utf8_lossy(&body).into_owned()));
    }
    let mut text = String::new();
    while let Some(piece) = response.data().await.map_err(|error| (error, true))? {
        text += &String::from_utf8_lossy(&piece);
    }
    Ok((status, text))
}

async fn check(behaviour: Behaviour) {
    let server = Hostile::new(behaviour);
    let agent = agent(&server);
    let name = behaviour.name;
    let began = Instant::now();
    let outcome = tokio::time::timeout(LONGEST, outcome(&agent, &behaviour)).await;
    let outcome = outcome.unwrap_or_else(|_| panic!("{name}: nothing within {LONGEST:?}"));
    let took = began.elapsed();
    match (behaviour.verdict, &outcome) {
        (Verdict::Good(status, text), Ok(found)) => {
            assert_eq!(*found, (status, text.to_owned()), "{name}");
        }
        (Verdict::NoResponse, Err((error, false))) | (Verdict::BrokenBody, Err((error, true))) => {
            assert!(!error.is_timeout(), "{name}: {error} after {took:?}");
        }
        // Interim responses without end are too many before they are too slow.
        (Verdict::TooSlow, Err((error, false))) if name == "INTERIM_RESPONSES" => {
            assert!(error.to_string().contains("at most 32"), "{name}: {error}");
        }
        (Verdict::TooSlow, Err((error, _))) => {
            assert!(error.is_timeout(), "{name}: {error} after {took:?}");
        }
        (Verdict::TooMuch, Err((error, _))) => {
            assert!(!error.is_timeout(), "{name}: {error} after {took:?}");
        }
        (verdict, found) => panic!("{name}: expected {verdict:?}, got {found:?} after {took:?}"),
    }
    if let Err((error, _)) = outcome {
        let text = error.to_string();
        let named = error.is_too_large() || text.contains("hostile:80");
        assert!(named, "{name}: the text does not say who: {text}");
    }
    assert_eq!(agent.stats().in_use(), 0, "{name}");
}

fn every(behaviours: &[Behaviour]) {
    assert!(!behaviours.is_empty());
    for behaviour in behaviours {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(check(*behaviour));
    }
}

#[test]
fn what_is_malformed() {
    every(hostile::malformed::ALL);
}

#[test]
fn what_is_framed_wrong() {
    every(hostile::framing::ALL);
}

#[test]
fn what_has_no_end() {
    every(hostile::endless::ALL);
}

#[test]
fn what_is_slow() {
    every(hostile::slow::ALL);
}

#[test]
fn interim_responses() {
    every(hostile::interim::ALL);
}

#[test]
fn what_is_used_again() {
    every(hostile::reuse::ALL);
}

#[test]
fn connections_that_break() {
    // In memory nobody is refused, and a reset is an end: those are seen on sockets.
    let all = hostile::connection::ALL.iter().copied();
    let here = all.filter(|behaviour| {
        !matches!(
            behaviour.name,
            "REFUSES" | "NEVER_ACCEPTS" | "RESETS_UNBOUNDED_BODY"
        )
    });
    every(&here.collect::<Vec<_>>());
}
