//! Reads a file for transports that take bytes only, outside the thread of the worker.
//!
//! Here: [`FileReader`]. Not here: the part of the file that is sent (`net/file.rs`), when it is read (`pump.rs`).

use crate::net::file::{FilePiece, ReadFile, file_error, too_short};
use bytes::{Bytes, BytesMut};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// The most bytes that one call reads, and so the memory of a connection that sends a file.
pub(super) const READ_BYTES: usize = 128 * 1024;

/// Reads a piece in windows of [`READ_BYTES`], each when the one before it has been sent.
#[derive(Debug)]
pub(crate) struct FileReader {
    /// Position in the file of the window's first byte.
    offset: u64,
    window: Window,
}

#[derive(Debug)]
enum Window {
    Reading(JoinHandle<io::Result<Bytes>>),
    Ready(Bytes),
}

impl FileReader {
    pub(crate) fn boxed() -> Box<dyn ReadFile> {
        Box::new(Self {
            offset: 0,
            window: Window::Ready(Bytes::new()),
        })
    }

    /// Reads in a thread for blocking calls. Without a runtime reads in place: no worker can be held up there.
    fn read(&mut self, piece: &FilePiece) -> io::Result<()> {
        let (file, offset) = (Arc::clone(piece.file()), piece.offset());
        let count = usize::try_from(piece.left()).map_or(READ_BYTES, |left| left.min(READ_BYTES));
        self.offset = offset;
        self.window = match Handle::try_current() {
            Ok(runtime) => {
                Window::Reading(runtime.spawn_blocking(move || read_at(&file, offset, count)))
            }
            Err(_) => Window::Ready(read_at(&file, offset, count)?),
        };
        Ok(())
    }
}

impl ReadFile for FileReader {
    fn poll_bytes(&mut self, piece: &FilePiece, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        loop {
            match &mut self.window {
                Window::Ready(bytes) => {
                    let sent = (piece.offset() - self.offset) as usize;
                    if sent < bytes.len() {
                        return Poll::Ready(Ok(bytes.slice(sent..)));
                    }
                    self.read(piece)?;
                }
                Window::Reading(task) => {
                    let read = ready!(Pin::new(task).poll(cx));
                    self.window = Window::Ready(Bytes::new());
                    let read = read.unwrap_or_else(|_| Err(file_error("the reader was stopped")));
                    self.window = Window::Ready(read?);
                }
            }
        }
    }
}

/// At least one byte, at most `count`.
fn read_at(file: &File, offset: u64, count: usize) -> io::Result<Bytes> {
    let mut bytes = BytesMut::zeroed(count);
    loop {
        match file.read_at(&mut bytes, offset) {
            Ok(0) => return Err(too_short()),
            Ok(count) => {
                bytes.truncate(count);
                return Ok(bytes.freeze());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(file_error(error.to_string())),
        }
    }
}
