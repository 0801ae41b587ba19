//! The harness itself: what it sends and decodes, when it gives up, and that its clock is the only one.

mod connections;
mod failures;
mod requests;
mod time;
mod words;

use crate::message::response::ServerResponse;
use crate::server::Server;
use crate::test::{Request, TestServer};
use std::time::Duration;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Responds with the request line, the fields and the body that it got.
fn echo() -> Server {
    Server::new(async |mut req, res: ServerResponse| {
        let body = req.text().await?;
        let mut seen = format!("{} {}\n", req.method(), req.url());
        for (name, value) in req.raw_headers().iter() {
            seen += &format!(
                "{}: {}\n",
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value)
            );
        }
        for (name, value) in req.trailers().view().iter() {
            seen += &format!(
                "trailer {}: {}\n",
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value)
            );
        }
        Ok(res.end(seen + &body))
    })
}
