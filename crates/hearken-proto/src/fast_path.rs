//! The fast path of decoding: complete lines, which are nearly all lines of nearly all heads.
//!
//! Here: [`request_head`], and complete field lines for [`HeadDecoder`]. Incomplete, illegal and unusual lines are left to
//! the decoder (`head_decoder.rs`), which reports the fault or waits for more input. Both must decode a line alike: the
//! vectors run whole and byte by byte.

use crate::facts::Kind;
use crate::fields::Line;
use crate::head::{Head, Version};
use crate::head_decoder::{Bounds, Decoded, Expect, HeadDecoder, trim_end};
use crate::special::Special;
use crate::syntax;

/// How far [`request_head`] got.
#[derive(Clone, Copy)]
pub(crate) enum Reached {
    /// The start of a line that is left to the decoder.
    Line(usize),
    /// The end of the head. `plain`: HTTP/1.1 with Host and without another field that bears on framing or reuse.
    End { pos: usize, plain: bool },
}

/// The last legal Host line, with its line end. Clients hardly ever change it within a connection, so a comparison mostly
/// replaces the scan of its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostLine {
    len: u8,
    bytes: [u8; 47],
}

impl HostLine {
    pub(crate) const NONE: Self = Self {
        len: 0,
        bytes: [0; 47],
    };

    /// The length of the Host line at the start of `rest`, if it is complete and in the usual form.
    #[inline(always)]
    fn len_of(&mut self, rest: &[u8]) -> Option<usize> {
        let len = usize::from(self.len);
        if len > 0 && rest.starts_with(self.bytes.get(..len)?) {
            return Some(len);
        }
        self.scan(rest)
    }

    #[inline(never)]
    fn scan(&mut self, rest: &[u8]) -> Option<usize> {
        let (name, value) = rest.split_at_checked(NAME.len())?;
        if !name.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let value_len = syntax::plain_authority_len(value)?;
        if value.get(value_len + 1) != Some(&b'\n') {
            return None;
        }
        let line = &rest[..NAME.len() + value_len + 2];
        if let Some(bytes) = self.bytes.get_mut(..line.len()) {
            bytes.copy_from_slice(line);
            self.len = line.len() as u8;
        }
        Some(line.len())
    }
}

/// The usual start of a Host line.
const NAME: &[u8; 6] = b"Host: ";

/// Decodes a request head from its first byte, up to its end or to the first line that needs the decoder.
#[inline(always)]
pub(crate) fn request_head(
    seen: &[u8],
    head: &mut Head,
    host: &mut HostLine,
    bounds: &Bounds,
) -> Reached {
    let Some(pos) = request_line(seen, head, bounds) else {
        return Reached::Line(0);
    };
    let rest = &seen[pos..];
    let (Some(len), true) = (host.len_of(rest), bounds.fields > 0) else {
        return fields(seen, pos, head, bounds);
    };
    let next = pos + len;
    head.facts.host = Some(0);
    head.lines
        .push(Line::new(pos, pos + 4, pos + NAME.len(), next - 2));
    if rest[len..].starts_with(b"\r\n") {
        let plain = head.version == Version::Http11;
        return Reached::End {
            pos: next + 2,
            plain,
        };
    }
    fields(seen, next, head, bounds)
}

/// Decodes field lines from `pos` on.
#[inline(never)]
fn fields(seen: &[u8], mut pos: usize, head: &mut Head, bounds: &Bounds) -> Reached {
    let mut plain = head.facts.host.is_some() && head.version == Version::Http11;
    loop {
        let rest = &seen[pos..];
        if rest.starts_with(b"\r\n") {
            return Reached::End {
                pos: pos + 2,
                plain,
            };
        }
        let Some((line, len)) = field_line(rest, pos) else {
            return Reached::Line(pos);
        };
        if head.lines.len() >= bounds.fields as usize {
            return Reached::Line(pos);
        }
        if let Some(special) = Special::of(line.name_in(seen)) {
            let (value, index) = (line.value_in(seen), head.lines.len());
            let mut facts = head.facts;
            if facts.note(special, value, index, Kind::Request).is_err() {
                return Reached::Line(pos);
            }
            head.facts = facts;
            plain &= special == Special::Host;
        }
        head.lines.push(line);
        pos += len;
    }
}

/// Decodes a request line that is complete, legal and in origin-form. Returns its length.
#[inline(always)]
pub(crate) fn request_line(seen: &[u8], head: &mut Head, bounds: &Bounds) -> Option<usize> {
    const VERSION: u64 = u64::from_le_bytes(*b" HTTP/1.");
    let method_end = if seen.starts_with(b"GET ") && bounds.method >= 3 {
        3
    } else {
        method_len(seen, bounds)?
    };
    let target = method_end + 1;
    let from_target = &seen[target..];
    if from_target.first() != Some(&b'/') {
        return None;
    }
    let target_len = syntax::target_len(from_target);
    let after: &[u8; 11] = from_target[target_len..].first_chunk()?;
    let &[version @ .., minor, b'\r', b'\n'] = after else {
        return None;
    };
    let version = match (u64::from_le_bytes(version), minor) {
        (VERSION, b'1') => Version::Http11,
        (VERSION, b'0') => Version::Http10,
        _ => return None,
    };
    if target_len > bounds.target as usize {
        return None;
    }
    let target_end = target + target_len;
    head.first = 0..method_end as u32;
    head.second = target as u32..target_end as u32;
    head.version = version;
    Some(target_end + after.len())
}

/// The length of a legal method that a space follows and that allows a target in origin-form.
#[inline(never)]
fn method_len(seen: &[u8], bounds: &Bounds) -> Option<usize> {
    let len = syntax::token_len(seen);
    let legal = (1..=bounds.method as usize).contains(&len)
        && seen.get(len) == Some(&b' ')
        && &seen[..len] != b"CONNECT";
    legal.then_some(len)
}

/// Decodes a complete, legal field line at the start of `rest`, which is at `pos` of the head. Returns its length, too.
#[inline(always)]
fn field_line(rest: &[u8], pos: usize) -> Option<(Line, usize)> {
    let name_len = syntax::token_len(rest);
    let [b':', after_colon @ ..] = &rest[name_len..] else {
        return None;
    };
    let mut value = after_colon;
    while let [b' ' | b'\t', next @ ..] = value {
        value = next;
    }
    let from = rest.len() - value.len();
    let len = syntax::value_len(value);
    if name_len == 0 || !value[len..].starts_with(b"\r\n") {
        return None;
    }
    let end = pos + from + trim_end(value, 0, len);
    let line = Line::new(pos, pos + name_len, pos + from, end);
    Some((line, from + len + 2))
}

impl HeadDecoder {
    /// Continues after the lines that [`request_head`] has decoded.
    pub(crate) fn resume_at(&mut self, pos: usize) {
        if pos > 0 {
            self.pos = pos;
            self.to(Expect::FieldStart, 0);
        }
    }

    /// Whether the byte behind a field line may continue it.
    #[inline(always)]
    fn may_fold(&self, next: Option<&u8>) -> bool {
        self.folds && next.is_none_or(|&byte| syntax::is_blank(byte))
    }

    /// Decodes a complete, legal field line. Returns false and changes nothing for any other.
    #[inline(always)]
    pub(crate) fn whole_field(
        &mut self,
        seen: &[u8],
        head: &mut Head,
        bounds: &Bounds,
    ) -> Decoded<bool> {
        let Some((line, len)) = field_line(&seen[self.pos..], self.pos) else {
            return Ok(false);
        };
        if head.lines.len() >= bounds.fields as usize || self.may_fold(seen.get(self.pos + len)) {
            return Ok(false);
        }
        self.line = line;
        self.pos += len - 1;
        self.value_lf(seen, head)?;
        Ok(true)
    }
}
