//! The protocol `echo` (RFC 9110 §7.8): every byte comes back.

use super::response::{ResponseBuilder, TEXT};
use hearken::{Failure, IncomingMessage, Sent, Upgraded};
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PROTOCOL: &str = "echo";
/// Size of a connection's buffer.
const PIECE_BYTES: usize = 16 * 1024;

/// Switches if the request offers the protocol; otherwise sends a 426 that names it (RFC 9110 §15.5.22).
pub(crate) async fn upgrade(
    req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let protocols = req.upgrade_protocols();
    let offered = protocols
        .iter()
        .any(|name| name.eq_ignore_ascii_case(PROTOCOL));
    if !offered || req.head().method() != "GET" {
        let response = response
            .append("Upgrade", PROTOCOL)
            .append("Connection", "Upgrade");
        let text = "expected the fields Connection: Upgrade and Upgrade: echo, and no body\n";
        return Ok(response.status(426).send(TEXT, text));
    }
    let (sent, upgrading) = response.upgrade(PROTOCOL)?;
    echo(upgrading.await?).await;
    Ok(sent)
}

/// Ends when the client shuts down its direction or disconnects, or when the server stops.
async fn echo(mut link: Upgraded) {
    let mut closing = pin!(link.closing());
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let read = tokio::select! {
            read = link.read(&mut buffer) => read,
            () = &mut closing => break,
        };
        let Ok(read @ 1..) = read else { break };
        let written = tokio::select! {
            written = link.write_all(&buffer[..read]) => written,
            () = &mut closing => break,
        };
        if written.is_err() {
            return;
        }
    }
    // Fails if the client has disconnected.
    let _ = link.shutdown().await;
}
