//! A reverse proxy: forwards requests to another server and responses back, both directions at once, without holding a whole
//! body in memory.
//!
//! ```sh
//! cargo run --release -- echo &
//! cargo run --example proxy 127.0.0.1:3001 http://127.0.0.1:3000
//! curl -T large-file http://127.0.0.1:3001/echo
//! ```

use hearken::Response;
use hearken::client::ClientRequest;
use hearken::prelude::*;

/// Fields of the connection, not of the message, which a proxy must not forward (RFC 9110 §7.6.1), and the framing, which each
/// side decides for itself.
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

fn is_end_to_end(name: &[u8]) -> bool {
    !HOP_BY_HOP
        .iter()
        .any(|hop| name.eq_ignore_ascii_case(hop.as_bytes()))
}

/// The request to the other server.
fn request(upstream: &str, req: &IncomingMessage) -> Result<ClientRequest, Error> {
    let url = format!("{upstream}{}", req.url());
    let out = hearken::request(req.method().as_str(), &url)?;
    for (name, value) in req
        .raw_headers()
        .iter()
        .filter(|(name, _)| is_end_to_end(name))
    {
        out.append_header(name, value)?;
    }
    if let Some(length) = req.head().content_length() {
        out.set_header("Content-Length", length.to_string())?;
    }
    Ok(out)
}

/// Sends the other server's response to the client.
async fn respond(back: Response, res: ServerResponse) -> Result<Sent, Failure> {
    res.set_status(back.status());
    for (name, value) in back
        .raw_headers()
        .iter()
        .filter(|(name, _)| is_end_to_end(name))
    {
        res.append_header(name, value)?;
    }
    if let Some(length) = back.head().content_length() {
        res.set_header("Content-Length", length.to_string())?;
    }
    res.pipe_from_stream(back).await
}

async fn forward(
    upstream: &str,
    req: IncomingMessage,
    res: ServerResponse,
) -> Result<Sent, Failure> {
    let out = request(upstream, &req)?;
    // The response may begin before the request has ended, so `join!` drives both directions.
    let (sent, sending) =
        tokio::join!(async { respond(out.response().await?, res).await }, async {
            out.pipe_from_stream(req).await
        });
    // The server may respond without reading the whole request: then the response counts, not the error of sending.
    sent.or_else(|failure| Err(sending.err().map_or(failure, Failure::from)))
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let upstream = std::env::args().nth(2);
    let upstream = upstream.unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());
    let server = Server::new(async move |req, res| forward(&upstream, req, res).await)
        .listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", server.address());
    server.run()
}
