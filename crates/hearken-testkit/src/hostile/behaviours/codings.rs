//! Content codings that are false, expand too much or end too soon (RFC 9110 §8.4).
//!
//! For a client that decodes. To any other client all of them are valid responses.

use super::super::Ask::Get;
use super::super::Verdict::{BrokenBody, Good, TooMuch};
use super::{Step, answer, behaviours};
use flate2::{Compress, Compression, Crc, FlushCompress};

behaviours! {
    /// "hello" by gzip: valid.
    GZIP = Get => Good(200, "hello"), |_| coded("gzip", &gzip(b"hello"));
    /// Two codings, one around the other: valid.
    GZIP_TWICE = Get => Good(200, "hello"), |_| coded("gzip, gzip", &gzip(&gzip(b"hello")));
    /// 256 MiB of zeros in 256 KiB of gzip.
    GZIP_BOMB = Get => TooMuch, |_| coded("gzip", &bomb());
    /// The same, once more by gzip: a few KiB.
    GZIP_BOMB_TWICE = Get => TooMuch, |_| coded("gzip, gzip", &gzip(&bomb()));
    /// A hundred codings, one around the other.
    GZIP_HUNDRED_TIMES = Get => TooMuch, |_| {
        let content = (0..100).fold(b"hello".to_vec(), |inner, _| gzip(&inner));
        coded(&["gzip"; 100].join(", "), &content)
    };
    /// Announces gzip and sends plain text.
    NO_GZIP = Get => BrokenBody, |_| coded("gzip", b"hello");
    /// gzip without its last bytes.
    GZIP_CUT = Get => BrokenBody, |_| {
        let whole = gzip(b"hello");
        coded("gzip", &whole[..whole.len() - 10])
    };
    /// gzip with a wrong checksum.
    GZIP_WRONG_CHECKSUM = Get => BrokenBody, |_| {
        let mut whole = gzip(b"hello");
        let at = whole.len() - 8;
        whole[at] ^= 1;
        coded("gzip", &whole)
    };
    /// gzip with more bytes behind it.
    GZIP_AND_MORE = Get => BrokenBody, |_| coded("gzip", &[&*gzip(b"hello"), b"and more"].concat());
    /// An unknown coding. The client returns the content unchanged.
    UNKNOWN = Get => Good(200, "hello"), |_| coded("zork", b"hello");
    /// gzip announced, and no content: there is nothing to decode.
    EMPTY_GZIP = Get => Good(200, ""), |_| coded("gzip", b"");
}

fn coded(coding: &str, content: &[u8]) -> Vec<Step> {
    let length = content.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n"
    );
    answer([head.as_bytes(), content].concat())
}

/// Head of a gzip file without a name and a time (RFC 1952 §2.3).
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    let body = deflate(content, FlushCompress::Finish);
    gzip_of(&body, &crc)
}

fn gzip_of(deflated: &[u8], crc: &Crc) -> Vec<u8> {
    let ends = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
    [&GZIP_HEAD, deflated, &*ends].concat()
}

fn deflate(content: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(content.len() + 64);
    // Fails only if the output is too small; this one is large enough.
    compress.compress_vec(content, &mut out, flush).ok();
    out
}

/// A megabyte of zeros, deflated so that it can be repeated, 256 times. Deflating all of it would take seconds.
fn bomb() -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let block = deflate(&zeros, FlushCompress::Full);
    let mut one = Crc::new();
    one.update(&zeros);
    let mut crc = Crc::new();
    for _ in 0..BOMB_MIB {
        crc.combine(&one);
    }
    let last = deflate(b"", FlushCompress::Finish);
    gzip_of(&[block.repeat(BOMB_MIB), last].concat(), &crc)
}

const BOMB_MIB: usize = 256;
