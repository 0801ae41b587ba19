//! Content codings of a response, undone as the bytes come (RFC 9110 §8.4): gzip, deflate, br, and zstd if it was built in.
//!
//! Here: which responses are decoded ([`coding_of`]), [`Decoding`], which turns pieces into pieces in bounded memory, and the
//! bound on what a few bytes may become. Not here: the codings themselves (`decode/engine.rs`), how much of a body is
//! collected (`fetched.rs`).

use bytes::{Bytes, BytesMut};
use hearken_proto::list_members;
use http::StatusCode;
use std::fmt;

#[cfg(feature = "compression")]
mod engine;
#[cfg(not(feature = "compression"))]
#[path = "decode/no_engine.rs"]
mod engine;

pub(crate) use engine::Coding;
use engine::Engine;

/// What `Accept-Encoding` says when this layer decodes. Empty when it cannot.
pub(crate) const ACCEPTED: &str = engine::ACCEPTED;

/// A body that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "compression"),
    expect(dead_code, reason = "there is nothing to decode")
)]
pub(crate) enum DecodeError {
    /// The bytes are not in that coding.
    Broken(Coding),
    /// They end too early.
    Truncated(Coding),
    /// They go on behind the end.
    Trailing(Coding),
    /// So many bytes became that many.
    Bomb {
        coding: Coding,
        read: u64,
        wrote: u64,
    },
    /// More than one coding was applied; the field's value.
    Layers(String),
}

/// What one step of a coding did.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    read: usize,
    wrote: usize,
}

/// Which coding to undo; `None`: the bytes are handed out as they came. `fields` are the values of `Content-Encoding`.
pub(crate) fn coding_of<'a>(
    head: bool,
    status: StatusCode,
    fields: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Coding>, DecodeError> {
    // These have no body. Of a 206 there is a piece, which cannot be decoded alone.
    if head || matches!(status.as_u16(), 204 | 206 | 304) {
        return Ok(None);
    }
    let lines: Vec<&[u8]> = fields.collect();
    let named: Vec<&[u8]> = lines
        .iter()
        .flat_map(|line| list_members(line))
        .filter(|name| !name.eq_ignore_ascii_case(b"identity"))
        .collect();
    match named[..] {
        [] => Ok(None),
        [name] => Ok(Coding::named(name)),
        _ => Err(DecodeError::Layers(
            String::from_utf8_lossy(&lines.join(&b", "[..])).into_owned(),
        )),
    }
}

/// A body that is being decoded.
pub(crate) struct Decoding {
    coding: Coding,
    engine: Engine,
    /// Came, not yet decoded.
    input: Bytes,
    read: u64,
    wrote: u64,
}

impl Decoding {
    pub(crate) fn new(coding: Coding) -> Self {
        Self {
            coding,
            engine: Engine::new(coding),
            input: Bytes::new(),
            read: 0,
            wrote: 0,
        }
    }

    /// The next decoded piece, at most [`PIECE`] bytes; `None`: [`feed`](Self::feed) more.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let mut piece = BytesMut::new();
        loop {
            if piece.is_empty() {
                piece.resize(PIECE, 0);
            }
            let step = self.engine.step(&self.input, &mut piece)?;
            let had_input = !self.input.is_empty();
            self.input = self.input.split_off(step.read);
            self.read += step.read as u64;
            self.wrote += step.wrote as u64;
            if self.wrote > RATIO_AFTER && self.wrote / RATIO_MAX > self.read {
                return Err(DecodeError::Bomb {
                    coding: self.coding,
                    read: self.read,
                    wrote: self.wrote,
                });
            }
            if step.wrote > 0 {
                piece.truncate(step.wrote);
                return Ok(Some(piece.freeze()));
            }
            if self.input.is_empty() {
                return Ok(None);
            }
            if had_input && step.read == 0 {
                return Err(DecodeError::Broken(self.coding));
            }
        }
    }

    /// More input, once [`next`](Self::next) has answered `None`.
    pub(crate) fn feed(&mut self, input: Bytes) {
        debug_assert!(self.input.is_empty(), "what came before is decoded first");
        self.input = input;
    }

    /// Whether some of the body is in here, or went through.
    pub(crate) fn has_begun(&self) -> bool {
        self.read > 0 || !self.input.is_empty()
    }

    /// The input has ended, and [`next`](Self::next) has answered `None`. No byte at all is an empty body, as servers send it.
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        if self.read == 0 || self.engine.is_complete() {
            Ok(())
        } else {
            Err(DecodeError::Truncated(self.coding))
        }
    }
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} to {} bytes", self.coding, self.read, self.wrote)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(coding) => write!(
                f,
                "the body is not what its Content-Encoding says: expected {coding}"
            ),
            Self::Truncated(coding) => {
                write!(f, "the body ends in the middle of its {coding} data")
            }
            Self::Trailing(coding) => {
                write!(f, "the body goes on behind the end of its {coding} data")
            }
            Self::Bomb {
                coding,
                read,
                wrote,
            } => write!(
                f,
                "expected a body that {coding} makes at most {RATIO_MAX} times smaller, got {wrote} bytes out of {read}; \
                 turn decompression off to have it as it comes"
            ),
            Self::Layers(value) => write!(f, "expected one content coding, got {value:?}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Size of a decoded piece in bytes.
const PIECE: usize = 16 * 1024;
/// From this many decoded bytes on the ratio is looked at.
const RATIO_AFTER: u64 = 1024 * 1024;
/// How many times larger than what came a decoded body may be.
const RATIO_MAX: u64 = 100;

#[cfg(test)]
mod tests;
