//! The codings: bytes in, bytes out, one step at a time, by flate2 (zlib-rs), brotli-decompressor and the zstd library.
//!
//! Here: [`Coding`], [`Engine`]. The largest window of each coding bounds the memory: 32 KiB, 16 MiB for br, 8 MiB for zstd
//! (RFC 9659). Not here: bounds on the output (`decode.rs`).

use super::{DecodeError, Step};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use std::fmt;

#[cfg(feature = "decompress-zstd")]
pub(super) const ACCEPTED: &str = "gzip, br, zstd, deflate";
#[cfg(not(feature = "decompress-zstd"))]
pub(super) const ACCEPTED: &str = "gzip, br, deflate";

/// A content coding that this build can decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    #[cfg(feature = "decompress-zstd")]
    Zstd,
}

impl Coding {
    /// Compared without case, RFC 9110 §8.4.1.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Self::Gzip,
            b"deflate" => Self::Deflate,
            b"br" => Self::Brotli,
            #[cfg(feature = "decompress-zstd")]
            b"zstd" => Self::Zstd,
            _ => return None,
        })
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            #[cfg(feature = "decompress-zstd")]
            Self::Zstd => "zstd",
        })
    }
}

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// A coding and its state.
pub(super) enum Engine {
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli {
        state: Box<Brotli>,
        ended: bool,
    },
    #[cfg(feature = "decompress-zstd")]
    Zstd {
        decoder: Option<zstd::stream::raw::Decoder<'static>>,
        frames: Frames,
    },
}

/// Where a zstd decoder is.
#[cfg(feature = "decompress-zstd")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// Before the first.
    None,
    Within,
    Between,
}

impl Engine {
    pub(super) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(Gzip {
                member: Decompress::new_gzip(WINDOW_BITS),
                ended: false,
            }),
            Coding::Deflate => Self::Deflate(Deflate::First(None)),
            Coding::Brotli => Self::Brotli {
                // Strict: windows of up to 1 GiB are not part of the content coding.
                state: Box::new(Brotli::new_strict(
                    StandardAlloc::default(),
                    StandardAlloc::default(),
                    StandardAlloc::default(),
                )),
                ended: false,
            },
            #[cfg(feature = "decompress-zstd")]
            Coding::Zstd => Self::Zstd {
                decoder: zstd_decoder(),
                frames: Frames::None,
            },
        }
    }

    /// Reads from `input` and writes into `output` as much as possible.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, DecodeError> {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate(deflate) => deflate.step(input, output),
            Self::Brotli { state, ended } => brotli_step(state, ended, input, output),
            #[cfg(feature = "decompress-zstd")]
            Self::Zstd { decoder, frames } => zstd_step(decoder.as_mut(), frames, input, output),
        }
    }

    /// Whether the input may end here.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.ended,
            Self::Deflate(deflate) => matches!(deflate, Deflate::Ended),
            Self::Brotli { ended, .. } => *ended,
            #[cfg(feature = "decompress-zstd")]
            Self::Zstd { frames, .. } => *frames != Frames::Within,
        }
    }
}

/// A gzip file: one or more members (RFC 1952 §2.2).
pub(super) struct Gzip {
    member: Decompress,
    ended: bool,
}

impl Gzip {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, DecodeError> {
        if self.ended {
            match input.first() {
                None => return Ok(Step::default()),
                Some(0x1f) => {
                    *self = Self {
                        member: Decompress::new_gzip(WINDOW_BITS),
                        ended: false,
                    }
                }
                Some(_) => return padding(input, Coding::Gzip),
            }
        }
        let (step, ended) = inflate(&mut self.member, input, output, Coding::Gzip)?;
        self.ended = ended;
        Ok(step)
    }
}

/// The coding `deflate`: zlib's format (RFC 9110 §8.4.1.2), or raw deflate, which some servers send.
pub(super) enum Deflate {
    /// Undecided; the first byte, once it has arrived.
    First(Option<u8>),
    Known(Decompress),
    Ended,
}

impl Deflate {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, DecodeError> {
        let step = match self {
            Self::First(held) => {
                let Some((&byte, _)) = input.split_first() else {
                    return Ok(Step::default());
                };
                let Some(first) = *held else {
                    *held = Some(byte);
                    return Ok(Step { read: 1, wrote: 0 });
                };
                // RFC 1950 §2.2: the method, and a check over both bytes.
                let zlib = first & 0x0f == 8 && u16::from_be_bytes([first, byte]) % 31 == 0;
                let mut decompress = Decompress::new(zlib);
                // The first byte alone is never the end or an error.
                inflate(&mut decompress, &[first], output, Coding::Deflate)?;
                *self = Self::Known(decompress);
                return self.step(input, output);
            }
            Self::Known(decompress) => inflate(decompress, input, output, Coding::Deflate)?,
            Self::Ended => return padding(input, Coding::Deflate),
        };
        if step.1 {
            *self = Self::Ended;
        }
        Ok(step.0)
    }
}

/// Zeros and line ends behind the end of a coding: some servers fill up blocks, or print the body as a line. They mean nothing.
/// Anything else is an error.
fn padding(input: &[u8], coding: Coding) -> Result<Step, DecodeError> {
    if input.iter().all(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
        let read = input.len();
        return Ok(Step { read, wrote: 0 });
    }
    Err(DecodeError::Trailing(coding))
}

/// One step, and whether it reached the end of the data.
fn inflate(
    decompress: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
    coding: Coding,
) -> Result<(Step, bool), DecodeError> {
    let (read, wrote) = (decompress.total_in(), decompress.total_out());
    let status = decompress
        .decompress(input, output, FlushDecompress::None)
        .map_err(|_| DecodeError::Broken(coding))?;
    let step = Step {
        read: (decompress.total_in() - read) as usize,
        wrote: (decompress.total_out() - wrote) as usize,
    };
    Ok((step, status == Status::StreamEnd))
}

fn brotli_step(
    state: &mut Brotli,
    ended: &mut bool,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, DecodeError> {
    if *ended {
        return padding(input, Coding::Brotli);
    }
    let mut step = Step::default();
    let (mut left, mut room, mut total) = (input.len(), output.len(), 0);
    let result = BrotliDecompressStream(
        &mut left,
        &mut step.read,
        input,
        &mut room,
        &mut step.wrote,
        output,
        &mut total,
        state,
    );
    match result {
        BrotliResult::ResultFailure => return Err(DecodeError::Broken(Coding::Brotli)),
        BrotliResult::ResultSuccess => *ended = true,
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
    }
    Ok(step)
}

/// `None` if there is no memory for it.
#[cfg(feature = "decompress-zstd")]
fn zstd_decoder() -> Option<zstd::stream::raw::Decoder<'static>> {
    let mut decoder = zstd::stream::raw::Decoder::new().ok()?;
    let limit = zstd::stream::raw::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX);
    decoder.set_parameter(limit).ok()?;
    Some(decoder)
}

/// Any number of frames (RFC 8878 §3.1).
#[cfg(feature = "decompress-zstd")]
fn zstd_step(
    decoder: Option<&mut zstd::stream::raw::Decoder<'static>>,
    frames: &mut Frames,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, DecodeError> {
    use zstd::stream::raw::Operation;
    match input.first() {
        None if *frames != Frames::Within => return Ok(Step::default()),
        Some(0 | b'\r' | b'\n') if *frames == Frames::Between => {
            return padding(input, Coding::Zstd);
        }
        _ => {}
    }
    let broken = DecodeError::Broken(Coding::Zstd);
    let Some(decoder) = decoder else {
        return Err(broken);
    };
    let status = decoder.run_on_buffers(input, output).map_err(|_| broken)?;
    *frames = if status.remaining == 0 {
        Frames::Between
    } else {
        Frames::Within
    };
    Ok(Step {
        read: status.bytes_read,
        wrote: status.bytes_written,
    })
}

/// The largest window of deflate, 32 KiB.
const WINDOW_BITS: u8 = 15;
/// 8 MiB, RFC 9659.
#[cfg(feature = "decompress-zstd")]
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
