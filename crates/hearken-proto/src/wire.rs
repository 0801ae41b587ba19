//! Encodes lines: status line, field lines, the length of a body.
//!
//! Here: functions that append to a buffer; they run for every response. Not here: the choice of what is written
//! (`encoder.rs`).

use crate::field_line::push_field;
use crate::fields::Fields;
use crate::special::Special;
use crate::{BodyLength, Response, reason_phrase};
use alloc::vec::Vec;

#[inline]
pub(crate) fn status_line(status: u16, reason: Option<&[u8]>, out: &mut Vec<u8>) {
    if (status, reason) == (200, None) {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    let mut buffer = [0; 20];
    let from = digits(u64::from(status), &mut buffer);
    out.extend_from_slice(&buffer[from..]);
    out.push(b' ');
    out.extend_from_slice(reason.unwrap_or_else(|| reason_phrase(status).as_bytes()));
    out.extend_from_slice(b"\r\n");
}

/// Appends the head of a response with this Content-Length and reserves memory for `content` more bytes. Its fields are
/// `wire`, without one that bears on framing and without Date.
#[inline]
pub(crate) fn plain_head(
    response: &Response<'_>,
    wire: &[u8],
    length: u64,
    content: usize,
    out: &mut Vec<u8>,
) {
    out.reserve(HEAD_ROOM + wire.len() + content);
    status_line(response.status, None, out);
    out.extend_from_slice(wire);
    if let Some(date) = response.date {
        out.extend_from_slice(date.line());
    }
    match short_decimal(length) {
        Some((digits, len)) => {
            // One piece of fixed size that is cut then is cheaper than three pieces.
            let ends = u64::from(u32::from_le_bytes(*b"\r\n\r\n")) << (8 * len);
            let mut line = *b"Content-Length: ........";
            if let Some(rest) = line.last_chunk_mut() {
                *rest = (u64::from(digits) | ends).to_le_bytes();
            }
            let end = out.len() + NAME.len() + len + 4;
            out.extend_from_slice(&line);
            out.truncate(end);
        }
        None => {
            length_field(BodyLength::Length(length), Some(length), out);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// The decimal digits of a number below 10,000 as bytes of a word, the first digit in the lowest byte, and how many there
/// are.
#[inline]
fn short_decimal(value: u64) -> Option<(u32, usize)> {
    if value > 9999 {
        return None;
    }
    let value = value as u32;
    let (high, low) = (value / 100, value % 100);
    let digits = (high / 10) | ((high % 10) << 8) | ((low / 10) << 16) | ((low % 10) << 24);
    let zeros = (digits.trailing_zeros() / 8).min(3);
    let text = (digits | 0x3030_3030) >> (8 * zeros);
    Some((text, 4 - zeros as usize))
}

/// Room for the name of Content-Length and for 20 digits.
const DIGITS_END: usize = NAME.len() + 20;

/// Room for the longest status line, Date and Content-Length.
const HEAD_ROOM: usize = 128;

const NAME: &[u8; 16] = b"Content-Length: ";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Leave out the fields that `length_field` writes.
    Drop,
    Keep,
}

#[inline]
pub(crate) fn copy_fields(fields: &Fields, framing: Framing, out: &mut Vec<u8>) {
    if let (Some(wire), true) = (
        fields.wire(),
        framing == Framing::Keep || !fields.may_be_special(),
    ) {
        out.extend_from_slice(wire);
        return;
    }
    for (name, value) in fields.view().iter() {
        let framed = matches!(
            Special::of(name),
            Some(Special::ContentLength | Special::TransferEncoding)
        );
        if framing == Framing::Keep || !framed {
            push_field(name, value, out);
        }
    }
}

#[inline]
pub(crate) fn length_field(body: BodyLength, declared: Option<u64>, out: &mut Vec<u8>) {
    if let Some(length) = declared {
        let mut line = *b"....................................\r\n";
        let from = digits(length, &mut line[..DIGITS_END]);
        line[from - NAME.len()..from].copy_from_slice(NAME);
        out.extend_from_slice(&line[from - NAME.len()..]);
    } else if body == BodyLength::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
}

/// Writes decimal digits to the end of `into`, which has room for 20. Returns where they begin.
#[inline]
pub(crate) fn digits(mut value: u64, into: &mut [u8]) -> usize {
    let mut from = into.len();
    loop {
        from -= 1;
        into[from] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_decimal() {
        for value in 0..10_000 {
            let (word, len) = short_decimal(value).expect("at most four digits");
            let text = alloc::format!("{value}");
            assert_eq!(word.to_le_bytes()[..len], *text.as_bytes());
            assert_eq!(word.to_le_bytes()[len..], [0; 4][len..]);
        }
        assert_eq!(short_decimal(10_000), None);
    }
}
