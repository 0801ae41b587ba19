//! Hearken with one worker, every default on.

use hearken::Server;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Server::new(async |mut req, res| match (req.method().as_str(), req.path()) {
        ("GET", "/plaintext") => res.set("content-type", "text/plain").end(peer_kit::HELLO),
        ("GET", "/json") => res.json(peer_kit::page()),
        ("GET", "/download") => res.set("content-type", "text/plain").end(peer_kit::large()),
        ("POST", "/upload") => {
            let mut bytes = 0;
            while let Some(data) = req.data().await? {
                bytes += data.len();
            }
            res.set("content-type", "text/plain").end(bytes.to_string())
        }
        _ => res.status(404).end(""),
    })
    .workers(1)
    .listen(peer_kit::address())?
    .run()?;
    Ok(())
}
