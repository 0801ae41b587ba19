//! What comes behind a switch of protocols (RFC 9110 §7.8): here, the same bytes back.

use super::reply::{Reply, TEXT};
use hearken::{Error, IncomingMessage, Sent, Upgraded};
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What has to be offered.
const PROTOCOL: &str = "echo";
/// What is held of a connection at one time.
const PIECE_BYTES: usize = 16 * 1024;

/// Switches, if that is offered; whoever offers nothing is told what to offer (RFC 9110 §15.5.22).
pub(crate) async fn upgrade(req: &IncomingMessage, reply: Reply) -> Result<Sent, Error> {
    let protocols = req.upgrade_protocols();
    let offered = protocols
        .iter()
        .any(|name| name.eq_ignore_ascii_case(PROTOCOL));
    if !offered || req.head().method() != "GET" {
        let reply = reply.set("Upgrade", PROTOCOL).set("Connection", "Upgrade");
        let text = "expected the fields Connection: Upgrade and Upgrade: echo, and no body\n";
        return Ok(reply.status(426).whole(TEXT, text));
    }
    let (sent, upgrading) = reply.switch(PROTOCOL)?;
    echo(upgrading.await?).await;
    Ok(sent)
}

/// Until the client ends its direction or is gone, or the server is told to stop.
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
    // A client that is gone has been told enough.
    let _ = link.shutdown().await;
}
