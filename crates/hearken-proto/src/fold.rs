//! Field lines of a response that continue on the next line: obs-fold, RFC 9112 §5.2.
//!
//! Here: where folds are accepted, the end of a line that may be folded, and [`Head::unfold`]. A user agent MUST replace a
//! fold by SP before it interprets the value; in a request a fold is a fault. Not here: lines that end at once
//! (`head_decoder.rs`, `fast_path.rs`).

use crate::facts::Kind;
use crate::head::Head;
use crate::head_decoder::{Decoded, Expect, HeadDecoder};
use crate::syntax;
use alloc::vec::Vec;

impl HeadDecoder {
    /// A decoder of the trailer section of a request or of a response.
    pub(crate) const fn trailers(of: Kind) -> Self {
        let mut decoder = Self::new(Kind::Trailers, false);
        decoder.folds = matches!(of, Kind::Response);
        decoder
    }

    /// White space continues the value; any other byte begins the next line, so the field line is complete.
    pub(crate) fn fold(&mut self, byte: u8, seen: &[u8], head: &mut Head) -> Decoded<()> {
        if syntax::is_blank(byte) {
            self.folded = true;
            self.expect = Expect::Value;
            self.mark = self.line.value as usize;
            return Ok(());
        }
        let value = self.line.value_in(seen);
        if self.folded {
            self.folded = false;
            let index = head.lines.len() as u32;
            head.folded_from.get_or_insert(index);
            self.push_line(&unfold(value), seen, head)?;
        } else {
            self.push_line(value, seen, head)?;
        }
        self.to(Expect::FieldStart, 0);
        Ok(())
    }
}

impl Head {
    /// Replaces the folds in the values of the decoded lines by one SP each, as RFC 9112 §5.2 requires of a user agent.
    /// In place: an unfolded value stands at the end of its line, white space before it.
    #[cold]
    pub(crate) fn unfold(&mut self) {
        let from = self.folded_from.take().unwrap_or_default() as usize;
        for line in &mut self.lines[from..] {
            let value = &mut self.bytes[line.value as usize..line.value_end as usize];
            if memchr::memchr(b'\r', value).is_some() {
                let unfolded = unfold(value);
                let (before, rest) = value.split_at_mut(value.len() - unfolded.len());
                before.fill(b' ');
                rest.copy_from_slice(&unfolded);
                line.value += before.len() as u32;
            }
        }
    }
}

/// The value of a folded field line: each fold, with the white space around it, becomes one SP (RFC 9112 §5.2).
#[cold]
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut unfolded = Vec::with_capacity(value.len());
    let parts = value.split(|byte| matches!(byte, b'\r' | b'\n'));
    for part in parts.map(syntax::trim).filter(|part| !part.is_empty()) {
        if !unfolded.is_empty() {
            unfolded.push(b' ');
        }
        unfolded.extend_from_slice(part);
    }
    unfolded
}
