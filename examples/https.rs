//! An https server and client with a self-signed certificate, and an upgrade to another protocol over TLS.
//!
//! ```sh
//! cargo run --example https
//! ```

use hearken::Agent;
use hearken::client::AgentOptions;
use hearken::prelude::*;
use hearken::tls::{ClientTls, ServerTls};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// `Upgrade: shout`: every line comes back in capitals.
async fn shout(_req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let (sent, upgrading) = res.upgrade("shout")?;
    let mut stream = BufReader::new(upgrading.await?);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        stream.write_all(line.to_uppercase().as_bytes()).await?;
        stream.flush().await?;
        line.clear();
    }
    Ok(sent)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // For development. In production load the certificate from files: `ServerTls::from_files("chain.pem", "key.pem")`.
    let (tls, certificate) = ServerTls::self_signed(&["localhost"])?;
    let mut server = Server::new(async |req, res| {
        let peer = req.peer();
        let version = peer.tls().map(|tls| tls.version().to_owned());
        res.end(format!("over {}\n", version.unwrap_or_default()))
    });
    server.handle(event::Upgrade, shout);
    let handle = server.tls(&tls).listen("127.0.0.1:0")?.start()?;
    let url = handle
        .address()
        .to_string()
        .replace("127.0.0.1", "localhost");

    // A client rejects a self-signed certificate unless it is one of its roots.
    println!("{}", Agent::default().get(&url).await.unwrap_err());
    let mut options = AgentOptions::default();
    options.tls = ClientTls::new().root_pem(certificate.as_bytes())?;
    let agent = Agent::new(options);
    print!("{}", agent.get(&url).await?.text().await?);

    // The same agent requests the upgrade.
    let request = agent.request("GET", &url)?;
    request.set_header("Connection", "Upgrade")?;
    request.set_header("Upgrade", "shout")?;
    let mut stream = request.end("").await?.upgrade()?;
    stream.write_all(b"hearken\n").await?;
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).await?;
    print!("{}", String::from_utf8_lossy(&answer));
    drop(stream);
    handle.close();
    handle.closed().await;
    Ok(())
}
