//! ureq, one `Agent` shared by all connections, one thread for each.
//!
//! Its defaults, with two exceptions: no proxy (the default reads the environment), and a pool that holds as many connections
//! as the row has (the default is 3 for each host).

use std::process::ExitCode;

use peer_kit::Exchange;
use peer_kit::client::{Client, Failure, Job, Loops, run};
use ureq::Agent;

#[derive(Clone)]
struct Peer {
    agent: Agent,
    job: Job,
}

impl Client for Peer {
    async fn exchange(&self) -> Result<(), Failure> {
        let Job { exchange, url, .. } = &self.job;
        let mut response = match exchange {
            Exchange::SmallUpload => self.agent.post(url).send(exchange.sent())?,
            _ => self.agent.get(url).call()?,
        };
        let status = response.status().as_u16();
        let body = response.body_mut();
        match exchange {
            Exchange::Json => self.job.check_page(status, &body.read_json()?),
            _ => self.job.check(status, &body.read_to_vec()?),
        }
    }
}

fn main() -> ExitCode {
    run(Loops::Threads, |job| {
        let config = Agent::config_builder()
            .proxy(None)
            .max_idle_connections(job.connections)
            .max_idle_connections_per_host(job.connections);
        let (agent, job) = (config.build().into(), job.clone());
        Ok(Peer { agent, job })
    })
}
