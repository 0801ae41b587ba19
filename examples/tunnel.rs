//! A forward proxy: CONNECT opens a tunnel, any other request gets a 400. The handler takes over the client's transport and
//! copies bytes in both directions.
//!
//! ```sh
//! cargo run --example tunnel
//! curl -x http://127.0.0.1:3000 https://…
//! ```
//!
//! It connects to ports of this machine only: an open proxy can be abused by anyone who can reach it.

use hearken::prelude::*;
use std::net::{IpAddr, SocketAddr};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

/// Opens the requested tunnel and copies bytes until it ends.
async fn tunnel(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let target = target_of(req.url())?;
    let mut there = TcpStream::connect(target)
        .await
        .map_err(|error| Failure::new(502, format!("{target}: {error}")))?;
    let (sent, upgrading) = res.accept_tunnel()?;
    let mut here = upgrading.await?;
    // An end of input on one side shuts down writing on the other. An error here means that a peer disconnected.
    let _ = copy_bidirectional(&mut here, &mut there).await;
    Ok(sent)
}

/// Parses the target of a CONNECT and rejects all but loopback addresses.
fn target_of(authority: &str) -> Result<SocketAddr, Failure> {
    let refuse = || Failure::new(403, "this proxy goes to addresses of this machine only");
    let authority = authority.replacen("localhost", "127.0.0.1", 1);
    let target: SocketAddr = authority.parse().map_err(|_| refuse())?;
    match target.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => Ok(target),
        IpAddr::V6(ip) if ip.is_loopback() => Ok(target),
        _ => Err(refuse()),
    }
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let mut server = Server::new(async |_req, _res| {
        Err::<&str, _>(Failure::new(400, "this is a proxy: ask it to CONNECT"))
    });
    server.handle(event::Connect, tunnel);
    let listening = server.listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());
    listening.run()
}
