//! Decodes the content of a response as it arrives (RFC 9110 §8.4): gzip, deflate, br, and zstd with that feature.
//!
//! Here: which responses are decoded ([`coding_of`]); [`Decoding`], which decodes piece by piece in bounded memory; the bound
//! on the ratio. Not here: the codings themselves (`decode/engine.rs`), how much of a body is collected (`fetched.rs`).

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

/// The value of `Accept-Encoding`. Empty without the feature `compression`.
pub(crate) const ACCEPTED: &str = engine::ACCEPTED;

/// A body that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "compression"),
    expect(dead_code, reason = "nothing is decoded")
)]
pub(crate) enum DecodeError {
    /// The bytes are not valid in this coding.
    Broken(Coding),
    /// The bytes end too early.
    Truncated(Coding),
    /// The bytes continue after the end of the coding.
    Trailing(Coding),
    /// So few bytes became so many.
    Bomb {
        coding: Coding,
        read: u64,
        wrote: u64,
    },
    /// Several codings; the value of the field.
    Layers(String),
}

/// How much one step of a coding has read and written.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    read: usize,
    wrote: usize,
}

/// The coding to decode. `None`: the body is returned as it arrives. `fields` are the values of `Content-Encoding`.
pub(crate) fn coding_of<'a>(
    head: bool,
    status: StatusCode,
    fields: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Coding>, DecodeError> {
    // Without a body, or with a part that cannot be decoded alone (206).
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
    /// Received, not decoded yet.
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

    /// The next decoded piece, at most [`PIECE`] bytes. `None`: [`feed`](Self::feed) more.
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

    /// Adds input, once [`next`](Self::next) has returned `None`.
    pub(crate) fn feed(&mut self, input: Bytes) {
        debug_assert!(
            self.input.is_empty(),
            "the input before it is decoded first"
        );
        self.input = input;
    }

    /// Whether it has received a part of the body.
    pub(crate) fn has_begun(&self) -> bool {
        self.read > 0 || !self.input.is_empty()
    }

    /// Ends the input, once [`next`](Self::next) has returned `None`. No byte at all is an empty body, as some servers send it.
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
                 turn decompression off to receive it as it is"
            ),
            Self::Layers(value) => write!(f, "expected one content coding, got {value:?}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Size of a decoded piece in bytes.
const PIECE: usize = 16 * 1024;
/// The ratio is checked beyond this many decoded bytes.
const RATIO_AFTER: u64 = 1024 * 1024;
/// How many times larger a decoded body may be.
const RATIO_MAX: u64 = 100;

#[cfg(test)]
mod tests;
