//! A reverse proxy: what comes in goes on to another server, and its answer comes back, piece by piece and both at once. Neither
//! body is ever whole in memory.
//!
//! ```sh
//! cargo run --release -- echo &
//! cargo run --example proxy 127.0.0.1:3001 http://127.0.0.1:3000
//! curl -T large-file http://127.0.0.1:3001/echo
//! ```

use hearken::Response;
use hearken::client::ClientRequest;
use hearken::prelude::*;

/// Of a connection, not of a message: they end here (RFC 9110 §7.6.1). So does what framing this side decides anew.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

fn goes_on(name: &[u8]) -> bool {
    !HOP_BY_HOP
        .iter()
        .any(|hop| name.eq_ignore_ascii_case(hop.as_bytes()))
}

/// The request as it goes on.
fn request(upstream: &str, req: &IncomingMessage) -> Result<ClientRequest, Error> {
    let url = format!("{upstream}{}", req.url());
    let out = hearken::request(req.method().as_str(), &url)?;
    for (name, value) in req.raw_headers().iter().filter(|(name, _)| goes_on(name)) {
        out.append_header(name, value)?;
    }
    if let Some(length) = req.head().content_length() {
        out.set_header("Content-Length", length.to_string())?;
    }
    Ok(out)
}

/// The answer as it goes back.
async fn answer(back: Response, res: ServerResponse) -> Result<Sent, Error> {
    res.set_status(back.status());
    for (name, value) in back.raw_headers().iter().filter(|(name, _)| goes_on(name)) {
        res.append_header(name, value)?;
    }
    if let Some(length) = back.head().content_length() {
        res.set_header("Content-Length", length.to_string())?;
    }
    res.pipe_from_stream(back).await
}

async fn forward(upstream: &str, req: IncomingMessage, res: ServerResponse) -> Result<Sent, Error> {
    let out = request(upstream, &req)?;
    // The answer may begin before the request has ended. Whoever waits drives both directions.
    let (sent, sending) = tokio::join!(async { answer(out.response().await?, res).await }, async {
        out.pipe_from_stream(req).await
    });
    // The server may have had enough of the request and have answered all the same: its answer counts.
    sent.or_else(|error| sending.and(Err(error)))
}

fn main() -> Result<(), Error> {
    let upstream = std::env::args().nth(2);
    let upstream = upstream.unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());
    let server = Server::new(async move |req, res| forward(&upstream, req, res).await)
        .listen(common::address().as_str())?;
    println!("{}", server.address());
    server.run()
}
