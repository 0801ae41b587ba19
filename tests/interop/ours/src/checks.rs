//! [`Checks`], which prints a line for each check, and the steps that several checks share.

use hearken::client::{AgentOptions, Proxies};
use hearken::tls::ClientTls;
use hearken::{Agent, Error, Response};
use serde_json::Value;
use std::fmt::Debug;
use std::process::ExitCode;
use std::time::Duration;

/// Why a check fails.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Bounds each check.
const PATIENCE: Duration = Duration::from_secs(15);

/// Prints a line for each check.
pub(crate) struct Checks {
    failed: bool,
}

impl Checks {
    pub(crate) const fn new() -> Self {
        Self { failed: false }
    }

    pub(crate) fn fail(&mut self, what: &str, why: &str) {
        self.failed = true;
        let why: String = why.chars().take(500).collect();
        println!("FAIL ours: {what}: {}", why.replace(['\n', '\r'], " "));
    }

    /// One check: it passes if the future returns `Ok` in time.
    pub(crate) async fn check(&mut self, what: String, run: impl Future<Output = Result<()>>) {
        match tokio::time::timeout(PATIENCE, run).await {
            Ok(Ok(())) => println!("ok   ours: {what}"),
            Ok(Err(error)) => self.fail(&what, &error.to_string()),
            Err(_) => self.fail(&what, &format!("not done within {PATIENCE:?}")),
        }
    }

    pub(crate) fn leave(&self) -> ExitCode {
        if self.failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Returns an error unless both are equal.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, got {found:?}").into())
}

pub(crate) fn ensure(good: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if good {
        Ok(())
    } else {
        Err(otherwise().into())
    }
}

/// Returns the expected error.
pub(crate) fn error_of<T>(result: std::result::Result<T, Error>) -> Result<Error> {
    result
        .err()
        .ok_or_else(|| "it went well, which it should not".into())
}

/// An agent without a proxy that trusts `ca` only.
pub(crate) fn agent(ca: &str, change: impl FnOnce(&mut AgentOptions)) -> Result<Agent> {
    let mut options = AgentOptions::default();
    options.proxies = Proxies::none();
    options.tls = ClientTls::new().system_roots(false).root_file(ca)?;
    change(&mut options);
    Ok(Agent::new(options))
}

pub(crate) async fn ask(
    agent: &Agent,
    method: &str,
    url: &str,
    body: impl Into<hearken::Bytes>,
) -> std::result::Result<Response, Error> {
    agent.request(method, url)?.end(body).await
}

/// The text of a GET; a status other than 200 is an error.
pub(crate) async fn text(agent: &Agent, url: &str) -> Result<String> {
    let mut response = ask(agent, "GET", url, "").await?;
    equal("status", &200, &response.status().as_u16())?;
    Ok(response.text().await?)
}

/// The counters of the server.
pub(crate) async fn counted(agent: &Agent, url: &str) -> Result<Value> {
    Ok(serde_json::from_str(
        &text(agent, &format!("{url}/connections")).await?,
    )?)
}

pub(crate) fn number(of: &Value, name: &str) -> Result<u64> {
    of[name]
        .as_u64()
        .ok_or_else(|| format!("no {name} in {of}").into())
}
