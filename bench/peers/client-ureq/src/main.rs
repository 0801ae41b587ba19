//! ureq, one `Agent` shared by all connections, one thread for each.
//!
//! Its defaults, but for two: no proxy (the default reads the environment), and a pool that holds as many connections as the
//! row has (the default is 3 for each host).

use std::process::ExitCode;

use client_kit::{Answer, BlockingClient, Content, Failure, Kind, run_blocking};
use ureq::Agent;

#[derive(Clone)]
struct Peer {
    agent: Agent,
    url: String,
    kind: Kind,
}

impl BlockingClient for Peer {
    fn exchange(&self) -> Result<Answer, Failure> {
        let mut response = match self.kind {
            Kind::Get | Kind::Download | Kind::Json => self.agent.get(&self.url).call()?,
            Kind::Upload => self.agent.post(&self.url).send(peer_kit::small_upload())?,
        };
        let status = response.status().as_u16();
        let body = response.body_mut();
        let content = match self.kind {
            Kind::Json => Content::Page(body.read_json()?),
            Kind::Get | Kind::Download | Kind::Upload => Content::Vec(body.read_to_vec()?),
        };
        Ok(Answer { status, content })
    }
}

fn main() -> ExitCode {
    run_blocking(|job| {
        let config = Agent::config_builder()
            .proxy(None)
            .max_idle_connections(job.connections)
            .max_idle_connections_per_host(job.connections);
        Ok(Peer {
            agent: config.build().into(),
            url: job.url.clone(),
            kind: job.kind,
        })
    })
}
