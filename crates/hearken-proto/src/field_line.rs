//! How one field line is written.
//!
//! Here: [`push_field`]. Not here: lists of fields (`fields.rs`), heads (`wire.rs`).

use alloc::vec::Vec;

/// Appends a field line. A short one is composed on the stack and appended as one piece of fixed size.
#[inline]
pub(crate) fn push_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    const SHORT: usize = 64;
    let (value_at, len) = (name.len() + 2, name.len() + value.len() + 4);
    if len > SHORT {
        return push_long_field(name, value, out);
    }
    let mut line = [0; SHORT];
    put(&mut line[..name.len()], name);
    put(&mut line[name.len()..value_at], b": ");
    put(&mut line[value_at..len - 2], value);
    put(&mut line[len - 2..len], b"\r\n");
    let from = out.len();
    out.extend_from_slice(&line);
    out.truncate(from + len);
}

#[inline(never)]
fn push_long_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// `copy_from_slice` for a few bytes: two overlapping pieces of fixed size are cheaper than a call.
#[inline(always)]
fn put(into: &mut [u8], bytes: &[u8]) {
    let pieces = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>());
    if let ((Some(first), Some(last)), ..=16) = (pieces, bytes.len())
        && let Some(start) = into.first_chunk_mut()
    {
        *start = *first;
        if let Some(end) = into.last_chunk_mut() {
            *end = *last;
        }
    } else {
        into.copy_from_slice(bytes);
    }
}
