//! Node with a short `keepAliveTimeout` that it does not announce: connections that it closes while they are idle.

use crate::checks::{Checks, Result, ask, ensure, equal, error_of, text};
use hearken::Agent;
use hearken::client::{AgentOptions, Phase, Proxies};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) async fn all(checks: &mut Checks, url: &str) {
    let what = |text: &str| format!("node-short: {text}");
    let kept = match kept(url).await {
        Ok(kept) => kept,
        Err(error) => return checks.fail("node-short: how long it keeps", &error.to_string()),
    };
    checks
        .check(
            what("a connection that was closed meanwhile is not used"),
            idle(url, kept),
        )
        .await;
    checks
        .check(
            what("requests at the moment in which the other end closes"),
            race(url, kept),
        )
        .await;
    checks
        .check(
            what("closed on the second request: GET is sent again"),
            retry(url),
        )
        .await;
    checks
        .check(
            what("closed on the second request: POST is not"),
            no_retry(url),
        )
        .await;
}

/// How long Node keeps an idle connection open: some versions add a second to `keepAliveTimeout`.
async fn kept(url: &str) -> Result<Duration> {
    let mut link = TcpStream::connect(url.trim_start_matches("http://")).await?;
    link.write_all(b"GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n")
        .await?;
    link.read_u8().await?;
    let began = Instant::now();
    let mut rest = Vec::new();
    link.read_to_end(&mut rest).await?;
    Ok(began.elapsed())
}

fn agent() -> Agent {
    let mut options = AgentOptions::default();
    options.proxies = Proxies::none();
    Agent::new(options)
}

async fn idle(url: &str, kept: Duration) -> Result<()> {
    let agent = agent();
    for _ in 0..2 {
        text(&agent, &format!("{url}/quiet")).await?;
        // Idle until the server has closed it.
        tokio::time::sleep(kept + Duration::from_millis(300)).await;
    }
    let stats = agent.stats();
    equal("connections", &2, &stats.created)?;
    equal("second tries", &0, &stats.retried)
}

/// A request sent in the moment in which the server closes still gets a response.
async fn race(url: &str, kept: Duration) -> Result<()> {
    let tasks: Vec<_> = (0..60_u64)
        .map(|offset| {
            let url = format!("{url}/quiet");
            tokio::spawn(async move {
                let agent = agent();
                for n in 0..4 {
                    text(&agent, &url).await?;
                    let late = Duration::from_micros((n * 60 + offset) * 100);
                    tokio::time::sleep(kept - Duration::from_millis(14) + late).await;
                }
                Ok::<_, crate::checks::Failure>(agent.stats())
            })
        })
        .collect();
    let (mut created, mut reused) = (0, 0);
    for task in tasks {
        let stats = task.await??;
        created += stats.created;
        reused += stats.reused;
    }
    let both = created > 60 && reused > 0;
    ensure(both, || {
        format!("it was no race: {created} made, {reused} used again")
    })
}

async fn retry(url: &str) -> Result<()> {
    let agent = agent();
    for method in ["GET", "PUT", "DELETE"] {
        let before = agent.stats();
        agent.close_idle();
        text(&agent, &format!("{url}/quiet")).await?;
        let mut response = ask(&agent, method, &format!("{url}/drop"), "").await?;
        equal("status", &200, &response.status().as_u16())?;
        equal("answer", &"the first one here", &&*response.text().await?)?;
        let stats = agent.stats();
        let found = (
            stats.created - before.created,
            stats.retried - before.retried,
        );
        equal("connections and second tries", &(2, 1), &found)?;
    }
    Ok(())
}

async fn no_retry(url: &str) -> Result<()> {
    let agent = agent();
    text(&agent, &format!("{url}/quiet")).await?;
    let error = error_of(ask(&agent, "POST", &format!("{url}/drop"), "x").await)?;
    equal("phase", &Some(Phase::Wait), &error.phase())?;
    ensure(error.is_closed() && !error.is_retry_safe(), || {
        error.to_string()
    })?;
    equal("second tries", &0, &agent.stats().retried)
}
