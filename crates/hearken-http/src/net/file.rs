//! A part of a file on its way to the transport.
//!
//! Here: [`FilePiece`], sending it by the kernel, and the errors of files. Not here: reading it beside the worker
//! (`net/file_reader.rs`), which part is sent (`message/send_file.rs`), when (`conn/`), which transports take files
//! (`net/transport.rs`). Connections hold pieces, so this file names no runtime.

use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The most bytes that one `sendfile` call sends, which bounds the time that a worker waits for a disk.
#[cfg(target_os = "linux")]
const SEND_BYTES: u64 = 256 * 1024;

/// The part of a file that is still to be sent.
pub(crate) struct FilePiece {
    file: Arc<File>,
    offset: u64,
    left: u64,
    /// The kernel has refused to send this file: it is read instead.
    refused: Cell<bool>,
    /// Made by the pump when it has to read the file.
    reader: RefCell<Option<Box<dyn ReadFile>>>,
}

/// Reads the bytes of a piece for transports that take bytes only.
pub(crate) trait ReadFile: Send {
    /// The next bytes of `piece`. Never empty; the same bytes again until the piece has advanced.
    ///
    /// # Errors
    /// When the file cannot be read or ends too soon; [`is_file_error`] recognises both.
    fn poll_bytes(&mut self, piece: &FilePiece, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>>;
}

impl FilePiece {
    pub(crate) const fn new(file: Arc<File>, offset: u64, left: u64) -> Self {
        Self {
            file,
            offset,
            left,
            refused: Cell::new(false),
            reader: RefCell::new(None),
        }
    }

    pub(super) const fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Position in the file of the next byte to be sent.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes that are still to be sent.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// Records that the transport has taken `count` bytes.
    pub(crate) const fn advance(&mut self, count: usize) {
        self.offset += count as u64;
        self.left -= count as u64;
    }

    /// The next bytes, by a reader that is made at the first call.
    ///
    /// # Errors
    /// As [`ReadFile::poll_bytes`].
    pub(crate) fn poll_bytes(
        &self,
        new_reader: fn() -> Box<dyn ReadFile>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Bytes>> {
        let mut reader = self.reader.borrow_mut();
        reader.get_or_insert_with(new_reader).poll_bytes(self, cx)
    }

    /// Lets the kernel send some of it to a socket. `None` when the kernel cannot: then
    /// [`poll_bytes`](Self::poll_bytes) can.
    ///
    /// # Errors
    /// Those of the socket, `WouldBlock` among them, and those of the file, which [`is_file_error`] recognises.
    #[cfg(target_os = "linux")]
    pub(crate) fn send_to(&self, socket: impl std::os::fd::AsFd) -> Option<io::Result<usize>> {
        use rustix::io::Errno;
        if self.refused.get() {
            return None;
        }
        let mut offset = self.offset;
        let count = self.left.min(SEND_BYTES) as usize;
        Some(
            match rustix::fs::sendfile(socket, &*self.file, Some(&mut offset), count) {
                Ok(0) => Err(too_short()),
                Ok(count) => Ok(count),
                // The file system does not support it.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::OVERFLOW) => {
                    self.refused.set(true);
                    return None;
                }
                Err(error @ (Errno::IO | Errno::NOMEM)) => Err(file_error(error.to_string())),
                Err(error) => Err(error.into()),
            },
        )
    }
}

impl fmt::Debug for FilePiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePiece")
            .field("offset", &self.offset)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// A failure to read a file, inside an [`io::Error`].
#[derive(Debug)]
struct FileError(String);

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a file could not be sent to its end: {}", self.0)
    }
}

impl std::error::Error for FileError {}

pub(super) fn file_error(text: impl Into<String>) -> io::Error {
    io::Error::other(FileError(text.into()))
}

pub(super) fn too_short() -> io::Error {
    file_error("it has become shorter")
}

/// Whether writing failed because of the file, not of the transport.
pub(crate) fn is_file_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<FileError>())
}

#[cfg(test)]
mod tests;
