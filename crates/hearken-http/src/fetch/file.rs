//! A file as the body of a request.
//!
//! Here: [`open`], which finds out how long the content is. Not here: other bodies (`body.rs`).

use super::body::{Outgoing, Pieces};
use crate::error::Error;
use bytes::Bytes;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// What is read of a file that may be longer or shorter than it says.
const BEGINNING: u64 = 64 * 1024;

/// What to send, and whether opening the file again gives the same content.
pub(super) struct Opened {
    pub(super) content: Outgoing,
    pub(super) again: bool,
}

/// Opens a file. Only a regular file has a length. Files of `/proc` and `/sys` are regular too, but hold no blocks, and their length is
/// none or not theirs: their beginning is read to see where they end. Pipes and devices are sent in chunks, once.
pub(super) async fn open(path: &Path) -> Result<Opened, Error> {
    try_open(path).await.map_err(|error| {
        Error::new(
            500,
            format!("cannot send the file {}: {error}", path.display()),
        )
    })
}

async fn try_open(path: &Path) -> io::Result<Opened> {
    let mut file = File::open(path).await?;
    let metadata = file.metadata().await?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        let content = Outgoing::Pieces(Pieces::Reader(Box::pin(file)), None);
        return Ok(Opened {
            content,
            again: false,
        });
    }
    let length = metadata.len();
    let content = if holds_blocks(&metadata) {
        Outgoing::Pieces(Pieces::Reader(Box::pin(file.take(length))), Some(length))
    } else {
        let mut first = Vec::new();
        (&mut file).take(BEGINNING).read_to_end(&mut first).await?;
        let read = first.len() as u64;
        let first = Bytes::from(first);
        if read == 0 {
            Outgoing::Empty
        } else if read < BEGINNING {
            Outgoing::Bytes(first)
        } else {
            // Longer than its beginning by its own account: a file with a hole. Otherwise it ends where it ends.
            let length = (length > read).then_some(length);
            let rest = length.map_or(u64::MAX, |length| length - read);
            let rest = Pieces::Reader(Box::pin(file.take(rest)));
            Outgoing::Pieces(Pieces::Chain([Pieces::Bytes(first), rest].into()), length)
        }
    };
    Ok(Opened {
        content,
        again: true,
    })
}

#[cfg(unix)]
fn holds_blocks(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::blocks(metadata) > 0 && metadata.len() > 0
}

#[cfg(not(unix))]
fn holds_blocks(metadata: &Metadata) -> bool {
    metadata.len() > 0
}
