//! Feeds input to the decoder of heads and keeps the bytes of the head.
//!
//! Here: [`advance`]. Not here: the grammar (`head_decoder.rs`), what follows from a complete head (`receiver.rs`).

use crate::head::Head;
use crate::head_decoder::{Bounds, HeadDecoder, Progress, Stop};

/// Feeds `input` to a decoder whose bytes so far are in `head.bytes`. On return `head.bytes` holds all consumed bytes of
/// the section; after an error, those up to the fault.
#[inline]
pub(crate) fn advance(
    decoder: &mut HeadDecoder,
    head: &mut Head,
    input: &[u8],
    bounds: &Bounds,
) -> Result<(usize, Progress), Stop> {
    if decoder.started() {
        resume(decoder, head, input, bounds)
    } else {
        decode(decoder, head, input, bounds)
    }
}

/// Decodes the first part of a head in place, in the input.
#[inline(never)]
pub(crate) fn decode(
    decoder: &mut HeadDecoder,
    head: &mut Head,
    input: &[u8],
    bounds: &Bounds,
) -> Result<(usize, Progress), Stop> {
    let result = decoder.decode(input, head, bounds);
    let used = decoder.used(input.len(), result);
    head.bytes.extend_from_slice(&input[..used]);
    if head.folded_from.is_some() {
        head.unfold();
    }
    result.map(|progress| (used, progress))
}

/// Continues with a head that arrived in parts. The input is appended in small pieces, so that little is copied beyond the
/// end of the head.
fn resume(
    decoder: &mut HeadDecoder,
    head: &mut Head,
    input: &[u8],
    bounds: &Bounds,
) -> Result<(usize, Progress), Stop> {
    const PIECE: usize = 512;
    let mut bytes = core::mem::take(&mut head.bytes);
    let mut used = 0;
    loop {
        let piece = &input[used..];
        let piece = &piece[..piece.len().min(PIECE)];
        let before = bytes.len();
        bytes.extend_from_slice(piece);
        let result = decoder.decode(&bytes, head, bounds);
        bytes.truncate(decoder.used(bytes.len(), result));
        used += bytes.len() - before;
        if result == Ok(Progress::More) && used < input.len() {
            continue;
        }
        head.bytes = bytes;
        if head.folded_from.is_some() {
            head.unfold();
        }
        return result.map(|progress| (used, progress));
    }
}
