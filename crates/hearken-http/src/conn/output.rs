//! Bytes that wait for the transport: small writes joined, large ones kept as they are for `writev`.
//!
//! Here: [`Output`], which also holds parts of files in their place. Not here: framing (hearken-proto), the transport
//! (`pump.rs`).

use crate::net::file::FilePiece;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::IoSlice;

/// Pieces from this size on are not copied. Below it a copy costs less than one more entry in the vector.
const COPY_MAX: usize = 8 * 1024;

/// A larger buffer is not kept for the next exchange.
const KEEP_MAX: usize = 64 * 1024;

/// How many pieces go into one `writev`.
pub(crate) const SLICES: usize = 16;

/// A piece that is not copied.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    File(Box<FilePiece>),
}

impl Piece {
    /// Bytes to be sent. A file that is larger than memory can be is as large as that: it is refused before.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(file) => usize::try_from(file.left()).unwrap_or(usize::MAX),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::File(file) => file.advance(count),
        }
    }
}

/// What is to be written, in order: `queue`, then `tail` from `tail_at`.
#[derive(Debug, Default)]
pub(crate) struct Output {
    queue: VecDeque<Piece>,
    pub(crate) tail: Vec<u8>,
    tail_at: usize,
    /// Bytes in `queue`, those of files included.
    queued: usize,
    /// Bytes in `queue` that lie in files.
    in_files: usize,
    /// Bytes handed to the transport since the connection began.
    written: u64,
}

impl Output {
    /// Bytes that wait, in memory or in files.
    pub(crate) fn len(&self) -> usize {
        self.queued + self.tail.len() - self.tail_at
    }

    /// Bytes that wait in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.len() - self.in_files
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a part of a file waits.
    pub(crate) const fn has_files(&self) -> bool {
        self.in_files > 0
    }

    /// Bytes handed to the transport so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Position in the stream of the byte that will be added next.
    pub(crate) fn position(&self) -> u64 {
        self.written + self.len() as u64
    }

    /// Adds a piece: copied if it is small, kept if it is large.
    pub(crate) fn push(&mut self, piece: Bytes) {
        if piece.len() < COPY_MAX {
            self.tail.extend_from_slice(&piece);
            return;
        }
        self.seal();
        self.queued += piece.len();
        self.queue.push_back(Piece::Bytes(piece));
    }

    /// Adds a part of a file.
    pub(crate) fn push_file(&mut self, file: Box<FilePiece>) {
        self.seal();
        let piece = Piece::File(file);
        self.queued += piece.len();
        self.in_files += piece.len();
        self.queue.push_back(piece);
    }

    /// Whether `push` would copy a piece of this size.
    pub(crate) const fn copies(len: usize) -> bool {
        len < COPY_MAX
    }

    /// What is in `tail` goes into the queue, so that something can come behind it.
    fn seal(&mut self) {
        if self.tail.len() > self.tail_at {
            let mut tail = Bytes::from(std::mem::take(&mut self.tail));
            tail.advance(self.tail_at);
            self.queued += tail.len();
            self.queue.push_back(Piece::Bytes(tail));
        }
        self.tail.clear();
        self.tail_at = 0;
    }

    /// The file to be written next, if it is one.
    pub(crate) fn file(&self) -> Option<&FilePiece> {
        match self.queue.front() {
            Some(Piece::File(file)) => Some(file),
            _ => None,
        }
    }

    /// The pieces to be written next, as many as one `writev` takes, up to the next file. Returns how many slices are
    /// filled.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> usize {
        let mut count = 0;
        for piece in self.queue.iter().take(SLICES - 1) {
            let Piece::Bytes(bytes) = piece else { break };
            slices[count] = IoSlice::new(bytes);
            count += 1;
        }
        if self.queue.len() == count && self.tail.len() > self.tail_at {
            slices[count] = IoSlice::new(&self.tail[self.tail_at..]);
            count += 1;
        }
        count
    }

    /// The one piece to be written, if there is no other: most responses.
    pub(crate) fn single(&self) -> Option<&[u8]> {
        self.queue.is_empty().then(|| &self.tail[self.tail_at..])
    }

    /// `count` bytes were handed to the transport.
    pub(crate) fn wrote(&mut self, mut count: usize) {
        self.written += count as u64;
        while let Some(front) = self.queue.front_mut() {
            let taken = front.len().min(count);
            self.queued -= taken;
            if let Piece::File(_) = front {
                self.in_files -= taken;
            }
            if front.len() > taken {
                return front.advance(taken);
            }
            count -= taken;
            self.queue.pop_front();
        }
        self.tail_at += count;
        if self.tail_at == self.tail.len() {
            self.tail.clear();
            self.tail_at = 0;
        }
    }

    /// Drops what waits.
    pub(crate) fn discard(&mut self) {
        self.queue.clear();
        self.queued = 0;
        self.in_files = 0;
        self.tail.clear();
        self.tail_at = 0;
    }

    /// Ready for another connection, which has written `written` bytes.
    pub(crate) fn reset(&mut self, written: u64) {
        self.discard();
        self.written = written;
    }

    /// Gives back memory that only a large message has needed.
    pub(crate) fn trim(&mut self) {
        if self.tail.capacity() > KEEP_MAX {
            self.tail = Vec::new();
        }
        if self.queue.capacity() > SLICES {
            self.queue = VecDeque::new();
        }
    }
}
