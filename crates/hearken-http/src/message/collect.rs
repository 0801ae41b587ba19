//! Joins the pieces of a body.
//!
//! Here: [`Collector`]. Not here: the limit on the total; the caller of [`push`](Collector::push) checks it.

use bytes::{Bytes, BytesMut};

/// The capacity is at most this many times the bytes received: announcing a large Content-Length costs the peer nothing.
const GROWTH_MAX: usize = 16;

/// Joins pieces. A single piece is returned without a copy; several are copied once, into a buffer sized for the announced
/// length, bounded by [`GROWTH_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// The first piece, until a second one comes.
    first: Bytes,
    joined: BytesMut,
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

    /// Bytes pushed so far.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        let needed = self.len() + piece.len();
        if needed > self.joined.capacity() {
            let ahead = self.announced.min(needed.saturating_mul(GROWTH_MAX));
            self.joined.reserve(needed.max(ahead) - self.joined.len());
        }
        let first = std::mem::take(&mut self.first);
        self.joined.extend_from_slice(&first);
        self.joined.extend_from_slice(&piece);
    }

    pub(crate) fn finish(self) -> Bytes {
        if self.joined.is_empty() {
            self.first
        } else {
            self.joined.freeze()
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
    fn pieces_are_joined_in_order() {
        assert_eq!(collected(None, &[]).finish(), "");
        assert_eq!(collected(Some(3), &[b"abc"]).finish(), "abc");
        assert_eq!(collected(Some(3), &[b"a", b"b", b"c"]).finish(), "abc");
        assert_eq!(collected(None, &[b"a", b"", b"bc"]).finish(), "abc");
        assert_eq!(collected(Some(1), &[b"a", b"bc"]).len(), 3);
    }

    #[test]
    fn a_single_piece_is_not_copied() {
        let piece = Bytes::from(vec![7; 100]);
        let mut collector = Collector::new(Some(100));
        collector.push(piece.clone());
        assert_eq!(collector.finish().as_ptr(), piece.as_ptr());
    }

    #[test]
    fn the_announced_length_is_reserved_in_proportion_to_what_was_received() {
        let honest = collected(Some(20), &[b"0123456789", b"0123456789"]);
        assert!((20..64).contains(&honest.joined.capacity()), "{honest:?}");
        let lying = collected(Some(1 << 30), &[b"0123456789", b"0123456789"]);
        assert!(lying.joined.capacity() <= 20 * GROWTH_MAX, "{lying:?}");
    }
}
