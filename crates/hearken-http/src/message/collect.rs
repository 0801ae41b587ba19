//! Pieces of a body, put together.
//!
//! Here: [`Collector`]. Not here: how much may be collected; whoever pushes knows.

use bytes::{Bytes, BytesMut};

/// The buffer grows to at most this many times of what has come, whatever length was announced: announcing is free.
const AHEAD: usize = 16;

/// Puts pieces together. One piece alone is handed on as it is, without a copy; more of them are copied once, into a buffer that
/// has room for all that was announced, as far as that is earned.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// The first piece, until there is a second.
    first: Bytes,
    all: BytesMut,
    announced: usize,
}

impl Collector {
    pub(crate) fn new(announced: Option<u64>) -> Self {
        let announced = announced.and_then(|length| usize::try_from(length).ok());
        Self {
            announced: announced.unwrap_or(0),
            ..Self::default()
        }
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        let needed = self.len() + piece.len();
        if needed > self.all.capacity() {
            let ahead = self.announced.min(needed.saturating_mul(AHEAD));
            self.all.reserve(needed.max(ahead) - self.all.len());
        }
        let first = std::mem::take(&mut self.first);
        self.all.extend_from_slice(&first);
        self.all.extend_from_slice(&piece);
    }

    pub(crate) fn finish(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(announced: Option<u64>, pieces: &[&'static [u8]]) -> Collector {
        let mut collector = Collector::new(announced);
        for piece in pieces {
            collector.push(Bytes::from_static(piece));
        }
        collector
    }

    #[test]
    fn pieces_are_put_together_in_order() {
        assert_eq!(collected(None, &[]).finish(), "");
        assert_eq!(collected(Some(3), &[b"abc"]).finish(), "abc");
        assert_eq!(collected(Some(3), &[b"a", b"b", b"c"]).finish(), "abc");
        assert_eq!(collected(None, &[b"a", b"", b"bc"]).finish(), "abc");
        assert_eq!(collected(Some(1), &[b"a", b"bc"]).len(), 3);
    }

    #[test]
    fn one_piece_is_not_copied() {
        let piece = Bytes::from(vec![7; 100]);
        let mut collector = Collector::new(Some(100));
        collector.push(piece.clone());
        assert_eq!(collector.finish().as_ptr(), piece.as_ptr());
    }

    #[test]
    fn what_is_announced_is_reserved_at_once_as_far_as_it_is_earned() {
        let honest = collected(Some(20), &[b"0123456789", b"0123456789"]);
        assert!((20..64).contains(&honest.all.capacity()), "{honest:?}");
        let boasting = collected(Some(1 << 30), &[b"0123456789", b"0123456789"]);
        assert!(boasting.all.capacity() <= 20 * AHEAD, "{boasting:?}");
    }
}
