//! The fast path of decoding: lines that lie in the input as a whole, which is nearly every line of nearly every head.
//!
//! Here: [`request_head`], and the field line of [`HeadDecoder`]. A line that is incomplete, illegal or unusual is left to
//! the decoder (`head_decoder.rs`), which finds the fault or waits for the rest. Both accept the same lines and read them
//! alike: the vectors run whole and byte by byte.

use crate::fields::{Line, Special};
use crate::head::{Head, Version};
use crate::head_decoder::{Bounds, Expect, HeadDecoder, Kind, Step, trim_end};
use crate::syntax;

/// How far [`request_head`] got: to the end of the head, or to the start of a line that the decoder must look at.
#[derive(Clone, Copy)]
pub(crate) struct Reached {
    pub(crate) pos: usize,
    pub(crate) done: bool,
}

/// Decodes a request head from its first byte on, up to its end or to the first line that needs the decoder.
#[inline]
pub(crate) fn request_head(seen: &[u8], head: &mut Head, bounds: &Bounds) -> Reached {
    let Some(mut pos) = request_line(seen, head, bounds) else {
        return Reached {
            pos: 0,
            done: false,
        };
    };
    loop {
        if let Some(end) = host_line(seen, pos)
            && head.facts.host.is_none()
            && head.lines.len() < bounds.fields as usize
        {
            head.facts.host = Some(head.lines.len() as u32);
            head.lines.push(Line::new(pos, pos + 4, pos + 6, end));
            pos = end + 2;
        }
        if seen.get(pos..pos + 2) == Some(b"\r\n") {
            return Reached {
                pos: pos + 2,
                done: true,
            };
        }
        let Some((line, end)) = field_line(seen, pos) else {
            return Reached { pos, done: false };
        };
        if head.lines.len() >= bounds.fields as usize {
            return Reached { pos, done: false };
        }
        if let Some(special) = Special::of(line.name_in(seen)) {
            let mut facts = head.facts;
            let value = line.value_in(seen);
            if facts
                .note(special, value, head.lines.len(), Kind::Request)
                .is_err()
            {
                return Reached { pos, done: false };
            }
            head.facts = facts;
        }
        head.lines.push(line);
        pos = end;
    }
}

/// Where the value of a Host line ends that is there as a whole and as nearly every client writes it.
#[inline(always)]
fn host_line(seen: &[u8], pos: usize) -> Option<usize> {
    let start = syntax::word_at(seen, pos)?.to_le_bytes();
    let name = u32::from_le_bytes([start[0], start[1], start[2], start[3]]) | 0x2020_2020;
    if name != u32::from_le_bytes(*b"host") || start[4..6] != *b": " {
        return None;
    }
    let end = syntax::plain_authority(seen, pos + 6)?;
    (seen.get(end + 1) == Some(&b'\n')).then_some(end)
}

/// A request line that is there as a whole, legal and in origin-form. Returns where it ends.
#[inline(always)]
pub(crate) fn request_line(seen: &[u8], head: &mut Head, bounds: &Bounds) -> Option<usize> {
    let method_end = if seen.starts_with(b"GET ") {
        3
    } else {
        syntax::skip_token(seen, 0)
    };
    let target = method_end + 1;
    if seen.get(method_end..target + 1)? != b" /" {
        return None;
    }
    let target_end = syntax::skip_target(seen, target + 1);
    let version = seen.get(target_end..target_end + 11)?;
    let minor = version[8];
    let legal = version[..8] == *b" HTTP/1."
        && matches!(minor, b'0' | b'1')
        && version[9..] == *b"\r\n"
        && (1..=bounds.method as usize).contains(&method_end)
        && target_end - target <= bounds.target as usize
        && &seen[..method_end] != b"CONNECT";
    if !legal {
        return None;
    }
    head.first = 0..method_end as u32;
    head.second = target as u32..target_end as u32;
    head.version = if minor == b'1' {
        Version::Http11
    } else {
        Version::Http10
    };
    Some(target_end + 11)
}

/// A field line that is there as a whole and legal, and where the next one begins.
#[inline(always)]
fn field_line(seen: &[u8], pos: usize) -> Option<(Line, usize)> {
    let name_end = syntax::skip_token(seen, pos);
    if name_end == pos || seen.get(name_end) != Some(&b':') {
        return None;
    }
    let mut value = name_end + 1;
    while seen.get(value).is_some_and(|&byte| syntax::is_blank(byte)) {
        value += 1;
    }
    let end = syntax::skip_value(seen, value);
    if seen.get(end..end + 2) != Some(b"\r\n") {
        return None;
    }
    let line = Line::new(pos, name_end, value, trim_end(seen, value, end));
    Some((line, end + 2))
}

impl HeadDecoder {
    /// Goes on after a request line and fields that [`request_head`] has decoded.
    pub(crate) fn resume_at(&mut self, pos: usize) {
        if pos > 0 {
            self.pos = pos;
            self.to(Expect::FieldStart, 0);
        }
    }

    /// Decodes a field line that is complete and legal. False, with nothing changed, for any other.
    #[inline(always)]
    pub(crate) fn whole_field(
        &mut self,
        seen: &[u8],
        head: &mut Head,
        bounds: &Bounds,
    ) -> Step<bool> {
        let Some((line, end)) = field_line(seen, self.pos) else {
            return Ok(false);
        };
        if head.lines.len() >= bounds.fields as usize {
            return Ok(false);
        }
        self.line = line;
        self.pos = end - 1;
        self.value_lf(seen, head)?;
        Ok(true)
    }
}
