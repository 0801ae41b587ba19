//! Hearken with one worker, every default on. Arguments after the port: a certificate and its key for TLS, or `upgrade`
//! for a handler of upgrades.

use hearken::tls::ServerTls;
use hearken::{Answer, Failure, IncomingMessage, Json, Sent, Server, ServerResponse, event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let handler = async |mut req: IncomingMessage, res: ServerResponse| {
        let sent = match (req.head().method(), req.path()) {
            ("GET", "/plaintext") => res.set("content-type", "text/plain").end(peer_kit::HELLO),
            ("GET", "/json") => Json(peer_kit::page()).answer(res),
            ("GET", "/download") => res.set("content-type", "text/plain").end(peer_kit::large()),
            ("POST", "/upload") => {
                let mut bytes = 0;
                while let Some(data) = req.data().await? {
                    bytes += data.len();
                }
                res.set("content-type", "text/plain").end(bytes.to_string())
            }
            _ => res.status(404).end(""),
        };
        Ok(sent)
    };
    let mut server = Server::new(handler).workers(1);
    if let Some((certificate, key)) = peer_kit::tls_arguments() {
        server = server.tls(&ServerTls::from_files(&certificate, &key)?);
    }
    if std::env::args().nth(2).as_deref() == Some("upgrade") {
        server.handle(event::Upgrade, echo);
    }
    server.listen(peer_kit::address())?.run()?;
    Ok(())
}

/// After the switch of protocols the peer returns what it reads.
async fn echo(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    drop(req); // or its head would be in memory for as long as the protocol runs
    let (sent, upgrading) = res.upgrade("echo")?;
    let mut stream = upgrading.await?;
    let mut buffer = [0; 64];
    while let count @ 1.. = stream.read(&mut buffer).await? {
        stream.write_all(&buffer[..count]).await?;
    }
    Ok(sent)
}
