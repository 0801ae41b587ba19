//! A forward proxy on this machine: CONNECT opens a tunnel, anything else is told what it is for. The transport of the client
//! changes hands, and two streams are copied into one another.
//!
//! ```sh
//! cargo run --example tunnel
//! curl -x http://127.0.0.1:3000 https://…
//! ```
//!
//! It goes to ports of this machine only: a proxy that goes anywhere for anybody is a gift to strangers.

use hearken::prelude::*;
use std::net::{IpAddr, SocketAddr};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

/// Opens the tunnel that was asked for, and carries it to its end.
async fn tunnel(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Error> {
    let target = target_of(req.url())?;
    let mut there = TcpStream::connect(target)
        .await
        .map_err(|error| Error::new(502, format!("{target}: {error}")))?;
    let (sent, upgrading) = res.accept_tunnel()?;
    let mut here = upgrading.await?;
    // Whoever ends first ends the other's direction; a peer that is gone is no error of ours.
    let _ = copy_bidirectional(&mut here, &mut there).await;
    Ok(sent)
}

/// Where a CONNECT may go.
fn target_of(authority: &str) -> Result<SocketAddr, Error> {
    let refuse = || Error::new(403, "this proxy goes to addresses of this machine only");
    let authority = authority.replacen("localhost", "127.0.0.1", 1);
    let target: SocketAddr = authority.parse().map_err(|_| refuse())?;
    match target.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => Ok(target),
        IpAddr::V6(ip) if ip.is_loopback() => Ok(target),
        _ => Err(refuse()),
    }
}

fn main() -> Result<(), Error> {
    let mut server = Server::new(async |_req, _res| {
        Err::<&str, _>(Error::new(400, "this is a proxy: ask it to CONNECT"))
    });
    server.handle(event::Connect, tunnel);
    let listening = server.listen(common::address().as_str())?;
    println!("{}", listening.address());
    listening.run()
}
