//! Lines that lie in the input as a whole, taken in one go: the way of nearly every line of nearly every head.
//!
//! Here: the request line and the field line, when they are complete and legal. Anything else is left to the elements
//! (`head_decoder.rs`), which find out what is wrong with it, or wait for the rest. Both must read the same; the vectors
//! hold that, for they run whole and byte by byte.

use crate::fields::Line;
use crate::head::{Head, Version};
use crate::head_decoder::{Bounds, Expect, HeadDecoder, Step, trim_end};
use crate::syntax;

impl HeadDecoder {
    /// A request line that is there as a whole, legal and in origin-form, is taken in one go. Anything else is left to
    /// the elements, which find out what is wrong with it, or wait for the rest. Both read the same: the vectors run
    /// whole and byte by byte.
    #[inline(always)]
    pub(crate) fn whole_request_line(
        &mut self,
        seen: &[u8],
        head: &mut Head,
        bounds: &Bounds,
    ) -> bool {
        let method_end = syntax::skip_token(seen, self.pos);
        let target = method_end + 1;
        if seen.get(method_end..target + 1) != Some(b" /") {
            return false;
        }
        let target_end = syntax::skip_target(seen, target + 1);
        let Some(version) = seen.get(target_end..target_end + 11) else {
            return false;
        };
        let minor = version[8];
        let legal = version[..8] == *b" HTTP/1."
            && matches!(minor, b'0' | b'1')
            && version[9..] == *b"\r\n"
            && (1..=bounds.method as usize).contains(&(method_end - self.pos))
            && target_end - target <= bounds.target as usize
            && &seen[self.pos..method_end] != b"CONNECT";
        if legal {
            head.first = self.pos as u32..method_end as u32;
            head.second = target as u32..target_end as u32;
            head.version = if minor == b'1' {
                Version::Http11
            } else {
                Version::Http10
            };
            self.pos = target_end + 11;
            self.to(Expect::FieldStart, 0);
        }
        legal
    }

    /// A field line that is there as a whole and legal is taken in one go, as `whole_request_line`.
    #[inline(always)]
    pub(crate) fn whole_field(
        &mut self,
        seen: &[u8],
        head: &mut Head,
        bounds: &Bounds,
    ) -> Step<bool> {
        let name_end = syntax::skip_token(seen, self.pos);
        if name_end == self.pos || seen.get(name_end) != Some(&b':') {
            return Ok(false);
        }
        let mut value = name_end + 1;
        while seen.get(value).is_some_and(|&byte| syntax::is_blank(byte)) {
            value += 1;
        }
        let end = syntax::skip_value(seen, value);
        if seen.get(end..end + 2) != Some(b"\r\n") || head.lines.len() >= bounds.fields as usize {
            return Ok(false);
        }
        self.line = Line::new(self.pos, name_end, value, trim_end(seen, value, end));
        self.pos = end + 1;
        self.value_lf(seen, head)?;
        Ok(true)
    }
}
