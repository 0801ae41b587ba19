//! Backpressure in both directions. An upload into a slow sink and a download to a slow reader take as long as the slower
//! side needs, and the server's memory stays constant: `memory` in its output shows it.
//!
//! ```sh
//! cargo run --release --example upload
//! head -c 200M /dev/zero | curl -T - http://127.0.0.1:3000/upload
//! curl --limit-rate 10M http://127.0.0.1:3000/download/200 >/dev/null     # 200 MiB
//! ```

use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use hearken::prelude::*;

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let listening = Server::new(route).listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());
    listening.run()
}

async fn route(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let path = req.path().to_owned();
    match path.strip_prefix("/download/") {
        Some(mib) => {
            download(
                mib.parse()
                    .map_err(|_| Failure::new(400, "expected a number of MiB"))?,
                res,
            )
            .await
        }
        None if path == "/upload" => upload(req, res).await,
        None => Err(Failure::new(404, "expected /upload or /download/{MiB}")),
    }
}

/// Takes a body of any size, as slowly as an old disk would.
async fn upload(mut req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let before = memory();
    let (mut bytes, mut hash) = (0, DefaultHasher::new());
    while let Some(piece) = req.data().await? {
        bytes += piece.len();
        hash.write(&piece);
        // While this waits, at most `limits.body.queue_bytes` queue up. Then the server stops reading the socket, its
        // receive buffer fills, and TCP flow control stops the client.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (hash, after) = (hash.finish(), memory());
    Ok(res.end(format!(
        "{bytes} bytes, hash {hash:016x}, memory {before} -> {after}\n"
    )))
}

/// Sends `mib` MiB and waits in `drain` whenever `write` returns false.
async fn download(mib: u32, res: ServerResponse) -> Result<Sent, Failure> {
    let res = res.set("Content-Type", "application/octet-stream");
    let piece = Bytes::from(vec![b'.'; 64 * 1024]); // cloned below without a copy
    let (before, mut waits) = (memory(), 0);
    for _ in 0..u64::from(mib) * 16 {
        if !res.write(piece.clone()) {
            waits += 1;
            res.drain().await?; // an error here means that the client has disconnected
        }
    }
    println!(
        "downloaded {mib} MiB, waited {waits} times, memory {before} -> {}",
        memory()
    );
    Ok(res.end(""))
}

/// Resident memory of this process, from Linux's `/proc`.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or("unknown".to_owned(), |size| size.trim().to_owned())
}
