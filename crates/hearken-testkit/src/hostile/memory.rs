//! Hostile servers on a transport in memory, or any other of tokio's, by tokio's clock.

use super::Hostile;
use super::actor::{Act, Actor};
use super::record::Ending;
use std::future::pending;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

pub(super) async fn run<T: AsyncRead + AsyncWrite + Unpin>(hostile: &Hostile, mut link: T) {
    let mut actor = Actor::new(hostile);
    let ending = loop {
        let over = match actor.poll() {
            Act::Read => read(&mut link, &mut actor).await,
            Act::Write(bytes) => match link.write(bytes).await {
                Ok(0) | Err(_) => Some(Ending::ClientReset),
                Ok(count) => {
                    actor.written(count);
                    flushed(link.flush().await)
                }
            },
            Act::Wait => {
                let over = wait(hostile, &mut link, &mut actor).await;
                actor.waited();
                over
            }
            Act::Deaf => pending().await,
            Act::HalfClose => {
                let over = flushed(link.shutdown().await);
                actor.half_closed();
                over
            }
            Act::Close(ending) => Some(ending),
            Act::Reset => Some(Ending::Script),
        };
        if let Some(ending) = over {
            break ending;
        }
    };
    actor.ended(ending);
}

async fn read<T: AsyncRead + Unpin>(link: &mut T, actor: &mut Actor) -> Option<Ending> {
    let mut buffer = [0; 16_384];
    match link.read(&mut buffer).await {
        Ok(0) => Some(Ending::Client),
        Err(_) => Some(Ending::ClientReset),
        Ok(count) => {
            actor.heard(&buffer[..count]);
            None
        }
    }
}

async fn wait<T: AsyncRead + Unpin>(
    hostile: &Hostile,
    link: &mut T,
    actor: &mut Actor,
) -> Option<Ending> {
    let until = Instant::now() + hostile.tick;
    loop {
        // A cancelled read has consumed no bytes.
        match timeout_at(until, read(link, actor)).await {
            Err(_) => return None,
            Ok(Some(ending)) => return Some(ending),
            Ok(None) => {}
        }
    }
}

fn flushed(result: io::Result<()>) -> Option<Ending> {
    result.err().map(|_| Ending::ClientReset)
}
