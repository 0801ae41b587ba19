//! Hearken's client on one current-thread tokio runtime, one `Agent` shared by all connections.
//!
//! Its defaults, except that it does not look for proxies in the environment. The row `client-json` uses the one-liner, the
//! others `request`.

use std::process::ExitCode;

use bytes::Bytes;
use hearken::Agent;
use hearken::client::{AgentOptions, Proxies};
use peer_kit::Exchange;
use peer_kit::client::{Client, Failure, Job, Loops, run};

#[derive(Clone)]
struct Peer {
    agent: Agent,
    job: Job,
}

impl Client for Peer {
    async fn exchange(&self) -> Result<(), Failure> {
        let Job { exchange, url, .. } = &self.job;
        if *exchange == Exchange::Json {
            let response = self.agent.get(url.as_str()).await?;
            let status = response.status().as_u16();
            return self.job.check_page(status, &response.json().await?);
        }
        let mut response = if *exchange == Exchange::SmallUpload {
            let body = Bytes::from_static(exchange.sent());
            self.agent.request("POST", url)?.end(body).await?
        } else {
            self.agent.request("GET", url)?.end("").await?
        };
        let status = response.status().as_u16();
        self.job.check(status, &response.bytes().await?)
    }
}

fn main() -> ExitCode {
    run(Loops::Tasks, |job| {
        let mut options = AgentOptions::default();
        options.proxies = Proxies::none();
        let (agent, job) = (Agent::new(options), job.clone());
        Ok(Peer { agent, job })
    })
}
