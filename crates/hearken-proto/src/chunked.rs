//! The chunked transfer coding (RFC 9112 §7.1): decoding, and framing for encoding.
//!
//! Here: [`ChunkedDecoder`], incremental and without a buffer, and [`chunk_head`]. Extensions are checked
//! against the grammar and dropped, with a limit for each chunk and one for the body. Stricter than the RFC: at most 13
//! digits behind the leading zeros, whose number has a limit too. Not here: the trailer section (`head_decoder.rs`).

use crate::head_decoder::Stop;
use crate::limits::Limit;
use crate::{BodyLimits, Fault, syntax};

/// The limits on the bytes around the content.
#[derive(Clone, Copy, Debug)]
struct ChunkBounds {
    /// Digits of a size.
    digits: u32,
    /// Extension bytes of a chunk.
    ext: u32,
    /// Extension bytes of all chunks.
    ext_total: u32,
}

/// The element that is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Size { digits: u32, size: u64 },
    Ext(InExt),
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
}

/// Within the extensions of a chunk of `size` bytes, after `bytes` bytes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct InExt {
    state: Ext,
    size: u64,
    bytes: u32,
}

/// The position in `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ext {
    BeforeSemicolon,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Token,
    Quoted,
    QuotedPair,
    AfterValue,
}

/// Decodes a chunked body up to and including the last chunk's line; the trailer section comes after it.
///
/// [`Connection`](crate::Connection) uses it; it also decodes chunked bodies from other sources.
///
/// ```
/// use hearken::proto::{ChunkedDecoder, Chunk};
/// let mut decoder = ChunkedDecoder::new(&Default::default());
/// let input = b"3;x=1\r\nabc\r\n0\r\n";
/// assert_eq!(decoder.decode(input).unwrap(), (10, Chunk::Data(b"abc")));
/// assert_eq!(decoder.decode(&input[10..]).unwrap(), (5, Chunk::Last));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ChunkedDecoder {
    expect: Expect,
    bounds: ChunkBounds,
    ext_total: u32,
}

/// The result of [`ChunkedDecoder::decode`].
///
/// ```
/// use hearken::proto::{Chunk, ChunkedDecoder};
/// let (consumed, chunk) = ChunkedDecoder::new(&Default::default()).decode(b"1").unwrap();
/// assert_eq!((consumed, chunk), (1, Chunk::More));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the coding has no other parts")]
pub enum Chunk<'a> {
    /// All input is consumed, more is needed.
    More,
    /// Data of a chunk, or of a part of one. Never empty.
    Data(&'a [u8]),
    /// The last chunk. A trailer section follows, at least an empty line. Do not call `decode` again.
    Last,
}

/// Why [`ChunkedDecoder::decode`] failed: a fault or a limit, at a byte of the input of that call.
///
/// ```
/// use hearken::proto::{ChunkedDecoder, Fault};
/// let error = ChunkedDecoder::new(&Default::default()).decode(b"x").unwrap_err();
/// assert_eq!((error.fault(), error.at()), (Some(Fault::ChunkSize), 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkError(pub(crate) Stop);

impl ChunkError {
    /// The fault, unless it was a limit.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self.0 {
            Stop::Fault(fault, _) => Some(fault),
            Stop::Limit(..) => None,
        }
    }

    /// The limit, unless it was a fault.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        match self.0 {
            Stop::Fault(..) => None,
            Stop::Limit(limit, ..) => Some(limit),
        }
    }

    /// Offset of the byte in the input of that call.
    #[must_use]
    pub const fn at(&self) -> usize {
        match self.0 {
            Stop::Fault(_, at) | Stop::Limit(_, _, at) => at,
        }
    }
}

impl ChunkedDecoder {
    /// A decoder that expects the first chunk size. Of the limits it takes those on chunk sizes and extensions.
    #[must_use]
    pub const fn new(limits: &BodyLimits) -> Self {
        let bounds = ChunkBounds {
            digits: limits.chunk_size_digits_max,
            ext: limits.chunk_ext_bytes_max,
            ext_total: limits.chunk_ext_total_max,
        };
        Self {
            expect: Expect::Size { digits: 0, size: 0 },
            bounds,
            ext_total: 0,
        }
    }

    /// Decodes up to the next piece of data. Returns how many bytes of `input` were consumed, including the piece.
    ///
    /// # Errors
    /// On the first byte that breaks the grammar or exceeds a limit. Do not decode bytes after it.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Chunk<'a>), ChunkError> {
        let mut pos = 0;
        while let Some(&byte) = input.get(pos) {
            match self.expect {
                Expect::Data { left } => {
                    let data = &input[pos..];
                    let data = &data
                        [..usize::try_from(left).map_or(data.len(), |left| left.min(data.len()))];
                    let left = left - data.len() as u64;
                    self.expect = if left == 0 {
                        Expect::DataCr
                    } else {
                        Expect::Data { left }
                    };
                    return Ok((pos + data.len(), Chunk::Data(data)));
                }
                Expect::SizeLf { size } => {
                    expect_byte(byte, b'\n', Fault::BareCr, pos)?;
                    pos += 1;
                    if size == 0 {
                        return Ok((pos, Chunk::Last));
                    }
                    self.expect = Expect::Data { left: size };
                    continue;
                }
                Expect::DataCr => {
                    expect_byte(byte, b'\r', Fault::ChunkEnd, pos)?;
                    self.expect = Expect::DataLf;
                }
                Expect::DataLf => {
                    expect_byte(byte, b'\n', Fault::ChunkEnd, pos)?;
                    self.expect = Expect::Size { digits: 0, size: 0 };
                }
                Expect::Size { digits, size } => {
                    let max = self.bounds.digits;
                    self.expect = size_byte(byte, (digits, max), size, pos)?;
                }
                Expect::Ext(ext) => self.expect = self.ext_byte(byte, ext, pos)?,
            }
            pos += 1;
        }
        Ok((pos, Chunk::More))
    }

    fn ext_byte(&mut self, byte: u8, ext: InExt, at: usize) -> Result<Expect, ChunkError> {
        let InExt { state, size, bytes } = ext;
        let next = match state.step(byte) {
            Some(Some(next)) => next,
            Some(None) => return Ok(Expect::SizeLf { size }),
            None if byte == b'\n' => return Err(ChunkError(Stop::Fault(Fault::BareLf, at))),
            None => return Err(ChunkError(Stop::Fault(Fault::ChunkExtension, at))),
        };
        // The second byte of the extensions counts the first one, too.
        self.ext_total = self.ext_total.saturating_add(1 + u32::from(bytes == 1));
        let ChunkBounds { ext, ext_total, .. } = self.bounds;
        if bytes >= ext {
            return Err(ChunkError(Stop::Limit(Limit::ChunkExtBytes, ext, at)));
        }
        if self.ext_total > ext_total {
            let limit = Limit::ChunkExtTotal;
            return Err(ChunkError(Stop::Limit(limit, ext_total, at)));
        }
        let bytes = bytes + 1;
        Ok(Expect::Ext(InExt {
            state: next,
            size,
            bytes,
        }))
    }
}

#[inline]
fn expect_byte(byte: u8, expected: u8, fault: Fault, at: usize) -> Result<(), ChunkError> {
    if byte == expected {
        Ok(())
    } else {
        Err(ChunkError(Stop::Fault(fault, at)))
    }
}

#[inline]
fn size_byte(
    byte: u8,
    (digits, digits_max): (u32, u32),
    size: u64,
    at: usize,
) -> Result<Expect, ChunkError> {
    let fault = |fault| Err(ChunkError(Stop::Fault(fault, at)));
    // The first byte of the extensions is counted with the next one, so that a fault comes before a limit of zero.
    let ext = |state| {
        let bytes = 1;
        Ok(Expect::Ext(InExt { state, size, bytes }))
    };
    match byte {
        b'\r' if digits > 0 => Ok(Expect::SizeLf { size }),
        b';' if digits > 0 => ext(Ext::BeforeName),
        // Bad white space before a semicolon MUST be parsed (RFC 9112 §7.1.1, RFC 9110 §5.6.3).
        b' ' | b'\t' if digits > 0 => ext(Ext::BeforeSemicolon),
        b'\n' if digits > 0 => fault(Fault::BareLf),
        _ => match (byte as char).to_digit(16) {
            Some(_) if digits >= digits_max => {
                let limit = Limit::ChunkSizeDigits;
                Err(ChunkError(Stop::Limit(limit, digits_max, at)))
            }
            // Leading zeros change nothing, so only the size that follows them is bounded: 52 bits.
            Some(digit) if size >> 48 == 0 => Ok(Expect::Size {
                digits: digits + 1,
                size: size << 4 | u64::from(digit),
            }),
            _ => fault(Fault::ChunkSize),
        },
    }
}

impl Ext {
    /// The state after this byte; `Some(None)` at the CR that ends the extensions, `None` where the byte is illegal.
    fn step(self, byte: u8) -> Option<Option<Self>> {
        let blank = syntax::is_blank(byte);
        let token = syntax::is_token_byte(byte);
        Some(Some(match (self, byte) {
            (Self::Name | Self::AfterName | Self::Token | Self::AfterValue, b'\r') => {
                return Some(None);
            }
            (
                Self::BeforeSemicolon
                | Self::Name
                | Self::AfterName
                | Self::Token
                | Self::AfterValue,
                b';',
            ) => Self::BeforeName,
            (Self::BeforeSemicolon, _) if blank => Self::BeforeSemicolon,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::BeforeName | Self::Name, _) if token => Self::Name,
            (Self::BeforeName, _) if blank => Self::BeforeName,
            (Self::Name | Self::AfterName, _) if blank => Self::AfterName,
            (Self::BeforeValue, _) if blank => Self::BeforeValue,
            (Self::BeforeValue, b'"') => Self::Quoted,
            (Self::BeforeValue | Self::Token, _) if token => Self::Token,
            (Self::Token | Self::AfterValue, _) if blank => Self::AfterValue,
            (Self::Quoted, b'"') => Self::AfterValue,
            (Self::Quoted, b'\\') => Self::QuotedPair,
            (Self::Quoted | Self::QuotedPair, _) if syntax::is_value_byte(byte) => Self::Quoted,
            _ => return None,
        }))
    }
}

/// The line before a chunk of `len` bytes, at the end of a buffer: lower-case digits and CR LF. Returns where it begins, too.
///
/// ```
/// let (buffer, from) = hearken::proto::chunk_head(255);
/// assert_eq!(&buffer[from..], b"ff\r\n");
/// ```
#[must_use]
pub fn chunk_head(len: usize) -> ([u8; 18], usize) {
    let mut buffer = *b"0000000000000000\r\n";
    let (mut from, mut rest) = (16, len);
    loop {
        from -= 1;
        buffer[from] = b"0123456789abcdef"[rest & 15];
        rest >>= 4;
        if rest == 0 {
            return (buffer, from);
        }
    }
}
