//! reqwest on one current-thread tokio runtime, one `Client` shared by all connections.
//!
//! Its defaults, but for two: no proxies (the default reads the environment at start and asks per request), and ring under
//! TLS, which plain HTTP does not reach.

use std::process::ExitCode;

use bytes::Bytes;
use client_kit::{Answer, AsyncClient, Content, Failure, Kind, run_async};

#[derive(Clone)]
struct Peer {
    client: reqwest::Client,
    url: String,
    kind: Kind,
    body: Bytes,
}

impl AsyncClient for Peer {
    async fn exchange(&self) -> Result<Answer, Failure> {
        let response = match self.kind {
            Kind::Get | Kind::Download | Kind::Json => self.client.get(&self.url),
            Kind::Upload => self.client.post(&self.url).body(self.body.clone()),
        };
        let response = response.send().await?;
        let status = response.status().as_u16();
        let content = match self.kind {
            Kind::Json => Content::Page(response.json().await?),
            Kind::Get | Kind::Download | Kind::Upload => Content::Bytes(response.bytes().await?),
        };
        Ok(Answer { status, content })
    }
}

fn main() -> ExitCode {
    run_async(|job| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .map_err(|_| "a provider is installed already")?;
        Ok(Peer {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: job.url.clone(),
            kind: job.kind,
            body: Bytes::from_static(peer_kit::small_upload()),
        })
    })
}
