//! Decodes the content of a message as it arrives (RFC 9110 §8.4): gzip, deflate, br, and zstd with that feature.
//!
//! Here: which responses are decoded ([`codings_of`]); [`Decoding`], which decodes piece by piece in bounded memory, through
//! several codings if need be; the bound on the ratio. Not here: the codings themselves (`decode/engine.rs`), how much of a
//! body is collected (`message/inflate.rs`, `fetch/fetched.rs`).

use bytes::{Bytes, BytesMut};
use hearken_proto::list_members;
#[cfg(feature = "client")]
use http::StatusCode;
use std::fmt;

#[cfg(feature = "decompress")]
mod engine;
#[cfg(not(feature = "decompress"))]
#[path = "decode/no_engine.rs"]
mod engine;

pub(crate) use engine::Coding;
use engine::Engine;

/// The value of `Accept-Encoding`. Empty without the feature `decompress`.
pub(crate) const ACCEPTED: &str = engine::ACCEPTED;

/// A body that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "decompress"),
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
}

/// How much one step of a coding has read and written.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    read: usize,
    wrote: usize,
}

/// The codings to undo, the last one applied first. Empty: the body is returned as it arrives, because it has no coding, one
/// that is unknown here, or more than [`LAYERS_MAX`]. `fields` are the values of `Content-Encoding`.
#[cfg(feature = "client")]
pub(crate) fn codings_of<'a>(
    head: bool,
    status: StatusCode,
    fields: impl Iterator<Item = &'a [u8]>,
) -> Vec<Coding> {
    // Without a body, or with a part that cannot be decoded alone (206).
    if head || matches!(status.as_u16(), 204 | 206 | 304) {
        return Vec::new();
    }
    let named = fields
        .flat_map(list_members)
        .filter(|name| !name.eq_ignore_ascii_case(b"identity"));
    let codings: Option<Vec<Coding>> = named.take(LAYERS_MAX + 1).map(Coding::named).collect();
    let mut codings = codings.unwrap_or_default();
    if codings.len() > LAYERS_MAX {
        codings.clear();
    }
    codings.reverse();
    codings
}

/// The one coding of a request body. `Ok(None)`: it has none.
///
/// # Errors
/// With a coding that is unknown here, and with more than one.
#[cfg(feature = "decompress")]
pub(crate) fn only_coding<'a>(
    fields: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Coding>, UnknownCoding> {
    let mut named = fields
        .flat_map(list_members)
        .filter(|name| !name.eq_ignore_ascii_case(b"identity"));
    let Some(first) = named.next() else {
        return Ok(None);
    };
    let coding = Coding::named(first).ok_or(UnknownCoding)?;
    match named.next() {
        None => Ok(Some(coding)),
        Some(_) => Err(UnknownCoding),
    }
}

/// See [`only_coding`].
#[cfg(feature = "decompress")]
#[derive(Debug)]
pub(crate) struct UnknownCoding;

/// A body that is being decoded.
pub(crate) struct Decoding {
    /// The first one reads what is received, each other the output of the one before it. Never empty.
    layers: Vec<Layer>,
}

/// One coding.
struct Layer {
    coding: Coding,
    engine: Engine,
    /// Not decoded yet.
    input: Bytes,
    read: u64,
    wrote: u64,
}

impl Layer {
    fn new(coding: Coding) -> Self {
        Self {
            coding,
            engine: Engine::new(coding),
            input: Bytes::new(),
            read: 0,
            wrote: 0,
        }
    }

    /// The next decoded piece, at most [`PIECE`] bytes. `None`: it needs more input.
    fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
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
}

impl Decoding {
    /// `codings` as [`codings_of`] returns them; `None` if there is none.
    pub(crate) fn new(codings: &[Coding]) -> Option<Self> {
        let layers = codings.iter().copied().map(Layer::new);
        (!codings.is_empty()).then(|| Self {
            layers: layers.collect(),
        })
    }

    /// The next decoded piece. `None`: [`feed`](Self::feed) more.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let last = self.layers.len() - 1;
        let mut at = last;
        loop {
            match self.layers[at].next()? {
                Some(piece) => {
                    self.check_ratio(at)?;
                    if at == last {
                        return Ok(Some(piece));
                    }
                    at += 1;
                    self.layers[at].input = piece;
                }
                None if at == 0 => return Ok(None),
                None => at -= 1,
            }
        }
    }

    /// Each coding is measured by what was received, so that several do not multiply.
    fn check_ratio(&self, at: usize) -> Result<(), DecodeError> {
        let Layer { coding, wrote, .. } = self.layers[at];
        let read = self.layers[0].read;
        if wrote > RATIO_AFTER && wrote / RATIO_MAX > read {
            return Err(DecodeError::Bomb {
                coding,
                read,
                wrote,
            });
        }
        Ok(())
    }

    /// Adds input, once [`next`](Self::next) has returned `None`.
    pub(crate) fn feed(&mut self, input: Bytes) {
        debug_assert!(
            self.layers[0].input.is_empty(),
            "the input before it is decoded first"
        );
        self.layers[0].input = input;
    }

    /// Whether it has received a part of the body.
    #[cfg(feature = "client")]
    pub(crate) fn has_begun(&self) -> bool {
        self.layers[0].read > 0 || !self.layers[0].input.is_empty()
    }

    /// Ends the input, once [`next`](Self::next) has returned `None`. No byte at all is an empty body, as some servers send it.
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        let mut cut = self.layers.iter();
        let cut = cut.find(|layer| layer.read > 0 && !layer.engine.is_complete());
        cut.map_or(Ok(()), |layer| Err(DecodeError::Truncated(layer.coding)))
    }
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for layer in &self.layers {
            write!(
                f,
                "{}, {} to {} bytes; ",
                layer.coding, layer.read, layer.wrote
            )?;
        }
        Ok(())
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
        }
    }
}

impl std::error::Error for DecodeError {}

/// Codings in a row. The window of each takes up to 16 MiB.
#[cfg(feature = "client")]
const LAYERS_MAX: usize = 4;
/// Size of a decoded piece in bytes.
const PIECE: usize = 16 * 1024;
/// The ratio is checked beyond this many decoded bytes.
const RATIO_AFTER: u64 = 1024 * 1024;
/// How many times larger a decoded body may be.
const RATIO_MAX: u64 = 100;

#[cfg(test)]
mod tests;
