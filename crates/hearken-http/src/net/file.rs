//! A part of a file on its way to the transport: by the kernel where it can, otherwise read piece by piece beside the
//! worker.
//!
//! Here: [`FilePiece`], its errors. Not here: which part is sent (`message/send_file.rs`), when (`conn/`), which transports take
//! files (`net/transport.rs`).

use bytes::{Buf, Bytes, BytesMut};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What is read at once where the kernel does not send by itself. So much is in memory for a connection that sends a file.
const READ_BYTES: usize = 128 * 1024;

/// What the kernel is asked to send at once: a worker waits no longer for a disk than this takes.
#[cfg(target_os = "linux")]
const SEND_BYTES: u64 = 256 * 1024;

/// The part of a file that is still to be sent.
pub(crate) struct FilePiece {
    file: Arc<File>,
    offset: u64,
    left: u64,
    window: RefCell<Window>,
    /// The kernel cannot send this file by itself.
    by_hand: Cell<bool>,
}

/// What was read of the file and not sent yet.
#[derive(Debug)]
enum Window {
    Empty,
    Reading(JoinHandle<io::Result<Bytes>>),
    Ready(Bytes),
}

impl FilePiece {
    pub(crate) const fn new(file: Arc<File>, offset: u64, left: u64) -> Self {
        Self {
            file,
            offset,
            left,
            window: RefCell::new(Window::Empty),
            by_hand: Cell::new(false),
        }
    }

    /// Bytes that are still to be sent.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// So much was handed to the transport.
    pub(crate) fn advance(&mut self, count: usize) {
        self.offset += count as u64;
        self.left -= count as u64;
        let window = self.window.get_mut();
        if let Window::Ready(bytes) = window {
            bytes.advance(count.min(bytes.len()));
            if bytes.is_empty() {
                *window = Window::Empty;
            }
        }
    }

    /// The next bytes, read beside the worker. Never empty.
    ///
    /// # Errors
    /// When the file cannot be read, or ends too soon: [`is_of_file`] knows them.
    pub(crate) fn poll_bytes(&self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut window = self.window.borrow_mut();
        loop {
            match &mut *window {
                Window::Ready(bytes) => return Poll::Ready(Ok(bytes.clone())),
                Window::Reading(task) => {
                    let read = ready!(std::pin::Pin::new(task).poll(cx));
                    *window = Window::Empty;
                    let read = read.unwrap_or_else(|_| Err(of_file("the reader was stopped")));
                    *window = Window::Ready(read?);
                }
                Window::Empty => *window = self.read()?,
            }
        }
    }

    /// Begins to read. Without a runtime there is no worker to be held up, and it is done at once.
    fn read(&self) -> io::Result<Window> {
        let (file, offset) = (Arc::clone(&self.file), self.offset);
        let count = usize::try_from(self.left).map_or(READ_BYTES, |left| left.min(READ_BYTES));
        Ok(match Handle::try_current() {
            Ok(runtime) => {
                Window::Reading(runtime.spawn_blocking(move || read_at(&file, offset, count)))
            }
            Err(_) => Window::Ready(read_at(&file, offset, count)?),
        })
    }

    /// Lets the kernel send some of it to a socket. `None` when it cannot: then [`poll_bytes`](Self::poll_bytes) can.
    ///
    /// # Errors
    /// Those of the socket, `WouldBlock` among them, and as [`poll_bytes`](Self::poll_bytes).
    #[cfg(target_os = "linux")]
    pub(crate) fn send_to(&self, socket: impl std::os::fd::AsFd) -> Option<io::Result<usize>> {
        use rustix::io::Errno;
        if self.by_hand.get() {
            return None;
        }
        let mut offset = self.offset;
        let count = self.left.min(SEND_BYTES) as usize;
        Some(
            match rustix::fs::sendfile(socket, &*self.file, Some(&mut offset), count) {
                Ok(0) => Err(too_short()),
                Ok(count) => Ok(count),
                // Not every file system can; those that cannot say so at once.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::OVERFLOW) => {
                    self.by_hand.set(true);
                    return None;
                }
                Err(error @ (Errno::IO | Errno::NOMEM)) => Err(of_file(error.to_string())),
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
            Err(error) => return Err(of_file(error.to_string())),
        }
    }
}

/// What went wrong on the side of the file.
#[derive(Debug)]
struct OfFile(String);

impl fmt::Display for OfFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a file could not be sent to its end: {}", self.0)
    }
}

impl std::error::Error for OfFile {}

fn of_file(text: impl Into<String>) -> io::Error {
    io::Error::other(OfFile(text.into()))
}

fn too_short() -> io::Error {
    of_file("it has become shorter")
}

/// Whether writing failed on the side of the file, not of the transport.
pub(crate) fn is_of_file(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<OfFile>())
}

#[cfg(test)]
mod tests;
