//! reqwest on one current-thread tokio runtime, one `Client` shared by all connections.
//!
//! Its defaults, with two exceptions: no proxies (the default reads the environment at start and checks for each request), and
//! ring under TLS, which plain HTTP does not reach.

use std::process::ExitCode;

use bytes::Bytes;
use peer_kit::Exchange;
use peer_kit::client::{Client, Failure, Job, Loops, run};

#[derive(Clone)]
struct Peer {
    client: reqwest::Client,
    job: Job,
}

impl Client for Peer {
    async fn exchange(&self) -> Result<(), Failure> {
        let Job { exchange, url, .. } = &self.job;
        let request = match exchange {
            Exchange::SmallUpload => {
                let body = Bytes::from_static(exchange.sent());
                self.client.post(url).body(body)
            }
            _ => self.client.get(url),
        };
        let response = request.send().await?;
        let status = response.status().as_u16();
        match exchange {
            Exchange::Json => self.job.check_page(status, &response.json().await?),
            _ => self.job.check(status, &response.bytes().await?),
        }
    }
}

fn main() -> ExitCode {
    run(Loops::Tasks, |job| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .map_err(|_| "a provider is installed already")?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let job = job.clone();
        Ok(Peer { client, job })
    })
}
