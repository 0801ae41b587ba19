//! The encoders, as a filter on content.

use super::ContentCoding;
use crate::conn::layers::ContentFilter;
use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::Write;

/// Input of one call of an encoder: a large piece is compressed in several steps, each with its own output.
const STEP_BYTES: usize = 32 * 1024;

/// Level of gzip and deflate: zlib's default.
const LEVEL: u32 = 6;

/// Brotli: fast enough to be computed for each response; the window bounds its memory.
const BR_QUALITY: u32 = 4;
const WINDOW_BITS: u32 = 19;

/// Zstandard's default level.
#[cfg(feature = "compress-zstd")]
const ZSTD_LEVEL: u32 = 3;

/// See the module.
pub(super) enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Br(Box<brotli::CompressorWriter<Vec<u8>>>),
    #[cfg(feature = "compress-zstd")]
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
    /// The last byte is out.
    Ended,
}

impl Encoder {
    /// `level`: `None` for the default.
    pub(super) fn new(coding: ContentCoding, level: Option<u32>) -> Self {
        let zlib = || flate2::Compression::new(level.unwrap_or(LEVEL).clamp(1, 9));
        match coding {
            ContentCoding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), zlib())),
            ContentCoding::Deflate => Self::Deflate(ZlibEncoder::new(Vec::new(), zlib())),
            ContentCoding::Br => {
                let quality = level.unwrap_or(BR_QUALITY).min(11);
                let encoder = brotli::CompressorWriter::new(Vec::new(), 4096, quality, WINDOW_BITS);
                Self::Br(Box::new(encoder))
            }
            #[cfg(feature = "compress-zstd")]
            ContentCoding::Zstd => Self::Zstd(Box::new(zstd_encoder(level.unwrap_or(ZSTD_LEVEL)))),
        }
    }

    fn writer(&mut self) -> Option<&mut dyn Write> {
        Some(match self {
            Self::Gzip(encoder) => encoder,
            Self::Deflate(encoder) => encoder,
            Self::Br(encoder) => &mut **encoder,
            #[cfg(feature = "compress-zstd")]
            Self::Zstd(encoder) => &mut **encoder,
            Self::Ended => return None,
        })
    }

    /// Moves what the encoder has written to `out`.
    fn take(&mut self, out: &mut Vec<Bytes>) {
        let written = match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Deflate(encoder) => encoder.get_mut(),
            Self::Br(encoder) => encoder.get_mut(),
            #[cfg(feature = "compress-zstd")]
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Ended => return,
        };
        if !written.is_empty() {
            out.push(std::mem::take(written).into());
        }
    }

    /// The last bytes.
    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Deflate(encoder) => encoder.finish(),
            Self::Br(encoder) => Ok(encoder.into_inner()),
            #[cfg(feature = "compress-zstd")]
            Self::Zstd(encoder) => encoder.finish(),
            Self::Ended => Ok(Vec::new()),
        }
    }
}

#[cfg(feature = "compress-zstd")]
fn zstd_encoder(level: u32) -> zstd::stream::write::Encoder<'static, Vec<u8>> {
    use zstd::zstd_safe::CParameter;
    let level = level.clamp(1, 19).try_into().unwrap_or(19);
    let encoder = zstd::stream::write::Encoder::new(Vec::new(), level);
    let mut encoder = encoder.expect("the level is legal");
    let window = encoder.set_parameter(CParameter::WindowLog(WINDOW_BITS));
    window.expect("the window is legal");
    encoder
}

/// Encoders write to memory, so they fail on no input; a panic here would end the response.
const INFALLIBLE: &str = "an encoder that writes to memory does not fail";

impl ContentFilter for Encoder {
    fn write(&mut self, piece: Bytes, out: &mut Vec<Bytes>) {
        for step in piece.chunks(STEP_BYTES) {
            let Some(writer) = self.writer() else { return };
            writer.write_all(step).expect(INFALLIBLE);
            self.take(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<Bytes>) {
        let Some(writer) = self.writer() else { return };
        writer.flush().expect(INFALLIBLE);
        self.take(out);
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        let encoder = std::mem::replace(self, Self::Ended);
        let last = encoder.finish().expect(INFALLIBLE);
        if !last.is_empty() {
            out.push(last.into());
        }
    }
}
