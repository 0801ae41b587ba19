//! How much may wait for a transport: little at first, more as the transport takes it.
//!
//! Here: [`window`] and [`grown`]. Not here: what waits (`conn/output.rs`, `tls/stream.rs`).

/// For a transport that has taken little.
const WINDOW_MIN: u64 = 16 * 1024;

/// A window is this part of what the transport has taken.
const SHARE: u64 = 16;

/// Bytes that may wait for a transport that has taken `taken`, at most `max`. A peer that reads nothing makes this side keep
/// little; one that reads fast soon gets large writes.
pub(crate) fn window(taken: u64, max: u64) -> u64 {
    grown(taken, WINDOW_MIN, max)
}

/// As [`window`], from another beginning.
pub(crate) fn grown(taken: u64, min: u64, max: u64) -> u64 {
    (taken / SHARE).max(min).min(max)
}
