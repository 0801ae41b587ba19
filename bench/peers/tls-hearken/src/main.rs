//! Hearken under TLS with one worker, every default on.

use hearken::Server;
use hearken::tls::ServerTls;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let handler = async |mut req: hearken::IncomingMessage, res: hearken::ServerResponse| {
        let sent = match (req.head().method(), req.path()) {
            ("GET", "/plaintext") => res.set("content-type", "text/plain").end(peer_kit::HELLO),
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
    let arguments = peer_kit::tls_arguments();
    let tls = ServerTls::from_files(&arguments.certificate, &arguments.key)?;
    let mut server = Server::new(handler);
    server
        .workers(1)
        .tls(&tls)
        .listen(peer_kit::address())?
        .run()?;
    Ok(())
}
