//! How much may wait for a transport: little at first, more as the transport takes it.
//!
//! Here: [`window`]. Not here: what waits (`conn/output.rs`, `tls/stream.rs`).

/// For a transport that has taken little.
pub(crate) const WINDOW_MIN: u64 = 16 * 1024;

/// A window is this part of what the transport has taken.
const SHARE: u64 = 8;

/// Bytes that may wait for a transport that has taken `taken`, at most `max`. A peer that reads nothing makes this side keep
/// little; one that reads fast soon gets large writes.
pub(crate) const fn window(taken: u64, max: u64) -> u64 {
    let grown = taken / SHARE;
    let wanted = if grown > WINDOW_MIN {
        grown
    } else {
        WINDOW_MIN
    };
    if wanted < max { wanted } else { max }
}
