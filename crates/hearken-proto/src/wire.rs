//! Encodes lines: status line, field lines, the length of a body.
//!
//! Here: functions that append to a buffer; they run for every response. Not here: the choice of what is written
//! (`encoder.rs`).

use crate::field_line::push_field;
use crate::fields::{Fields, Special};
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
    // Name, digits and both line ends are appended as one piece of fixed size and then cut: cheaper than three pieces.
    let mut line = *b"....................................\r\n\r\n....................";
    let from = digits(length, &mut line[..DIGITS_END]) - NAME.len();
    line[from..from + NAME.len()].copy_from_slice(NAME);
    let end = out.len() + DIGITS_END + 4 - from;
    if let Some(piece) = line[from..].first_chunk::<40>() {
        out.extend_from_slice(piece);
    }
    out.truncate(end);
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
