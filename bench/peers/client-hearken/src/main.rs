//! Hearken's client on one current-thread tokio runtime, one `Agent` shared by all connections.
//!
//! Its defaults, but for one: no proxies, which it would look for in the environment. The row `client-json` takes the one-liner,
//! the others `request`.

use std::process::ExitCode;

use bytes::Bytes;
use client_kit::{Answer, AsyncClient, Content, Failure, Kind, run_async};
use hearken::Agent;
use hearken::client::{AgentOptions, Proxies};

#[derive(Clone)]
struct Peer {
    agent: Agent,
    url: String,
    kind: Kind,
    body: Bytes,
}

impl AsyncClient for Peer {
    async fn exchange(&self) -> Result<Answer, Failure> {
        if self.kind == Kind::Json {
            let response = self.agent.get(self.url.as_str()).await?;
            let status = response.status().as_u16();
            let content = Content::Page(response.json().await?);
            return Ok(Answer { status, content });
        }
        let mut response = if self.kind == Kind::Upload {
            let request = self.agent.request("POST", &self.url)?;
            request.end(self.body.clone()).await?
        } else {
            self.agent.request("GET", &self.url)?.end("").await?
        };
        let status = response.status().as_u16();
        let content = Content::Bytes(response.bytes().await?);
        Ok(Answer { status, content })
    }
}

fn main() -> ExitCode {
    run_async(|job| {
        let mut options = AgentOptions::default();
        options.proxies = Proxies::none();
        Ok(Peer {
            agent: Agent::new(options),
            url: job.url.clone(),
            kind: job.kind,
            body: Bytes::from_static(peer_kit::small_upload()),
        })
    })
}
