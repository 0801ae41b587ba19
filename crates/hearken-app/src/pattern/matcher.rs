//! Matches a path against a pattern, in time that grows with the length of the path times the number of parts, for every path.
//!
//! A capture is greedy and gives back byte by byte when what follows does not fit. An end of a capture that has failed once is
//! not tried again, so nothing is tried twice.

use super::{Alternative, Capture, Instead, Part, Pattern};
use percent_encoding::percent_decode;
use std::borrow::Cow;
use std::collections::HashMap;

/// Stands for a slash that came as `%2F`, which separates nothing. No text contains this byte.
const ENCODED_SLASH: u8 = 0xFF;

/// A path, percent-decoded once.
pub(crate) struct Path(Box<[u8]>);

impl Path {
    /// `None` when a `%` escapes nothing, or what comes out is not UTF-8.
    pub(crate) fn decode(path: &str) -> Option<Cow<'_, [u8]>> {
        let bytes = path.as_bytes();
        if !bytes.contains(&b'%') {
            return Some(Cow::Borrowed(bytes));
        }
        let mut decoded = Vec::with_capacity(bytes.len());
        for (index, segment) in split_at_encoded_slashes(bytes).into_iter().enumerate() {
            if index > 0 {
                decoded.push(ENCODED_SLASH);
            }
            if !has_whole_escapes(segment) {
                return None;
            }
            let text = percent_decode(segment).decode_utf8().ok()?;
            decoded.extend_from_slice(text.as_bytes());
        }
        Some(Cow::Owned(decoded))
    }

    pub(crate) fn new(decoded: &[u8]) -> Self {
        Self(decoded.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text of a part.
    pub(crate) fn text(&self, (from, to): (usize, usize)) -> String {
        let part = self.0.get(from..to).unwrap_or_default();
        let bytes = part
            .iter()
            .map(|&byte| if byte == ENCODED_SLASH { b'/' } else { byte });
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
    }

    /// The segments of a part.
    pub(crate) fn segments(&self, (from, to): (usize, usize)) -> Vec<String> {
        let part = self.0.get(from..to).unwrap_or_default();
        let mut at = from;
        part.split(|&byte| byte == b'/')
            .map(|segment| {
                let span = (at, at + segment.len());
                at = span.1 + 1;
                self.text(span)
            })
            .collect()
    }
}

/// Whether two hexadecimal digits follow each `%`.
fn has_whole_escapes(text: &[u8]) -> bool {
    let mut escapes = text.iter().enumerate().filter(|&(_, &byte)| byte == b'%');
    escapes.all(|(at, _)| {
        let digits = text.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn split_at_encoded_slashes(path: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, three) in path.windows(3).enumerate() {
        if three.eq_ignore_ascii_case(b"%2f") && at >= from {
            parts.push(&path[from..at]);
            from = at + 3;
        }
    }
    parts.push(&path[from..]);
    parts
}

/// How a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// ASCII case counts.
    pub(crate) sensitive: bool,
    /// A slash at the end of the path counts.
    pub(crate) strict: bool,
    /// The pattern is that of a whole path; otherwise of its first segments.
    pub(crate) whole: bool,
}

/// Where the parts of a pattern are in a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Match {
    /// By the number of the name. `None` in a group that is not there.
    pub(crate) spans: Vec<Option<(usize, usize)>>,
    /// How much of the path has matched.
    pub(crate) end: usize,
}

impl Pattern {
    /// Matches `path`, and writes where the parts are. What `found` held is lost.
    pub(crate) fn matches(&self, path: &[u8], rules: Rules, found: &mut Match) -> bool {
        self.alternatives().iter().any(|parts| {
            found.spans.clear();
            found.spans.resize(self.names.len(), None);
            let mut run = Run {
                parts,
                path,
                rules,
                failed: HashMap::new(),
                found,
            };
            run.go(0, 0)
        })
    }
}

struct Run<'a> {
    parts: &'a Alternative,
    path: &'a [u8],
    rules: Rules,
    /// For a part and the end of its run: from which end on no end of it fits.
    failed: HashMap<(usize, usize), usize>,
    found: &'a mut Match,
}

impl Run<'_> {
    fn go(&mut self, number: usize, at: usize) -> bool {
        let parts = self.parts;
        match parts.get(number) {
            None => self.is_end(at),
            Some(Part::Text(text)) => {
                self.is_text(at, text) && self.go(number + 1, at + text.len())
            }
            Some(Part::Capture(capture)) => self.capture(capture, number, at),
        }
    }

    fn is_end(&mut self, at: usize) -> bool {
        let rest = self.path.get(at..).unwrap_or_default();
        let slash = !self.rules.strict && rest == b"/";
        let fits = rest.is_empty() || slash || (!self.rules.whole && rest[0] == b'/');
        if fits {
            self.found.end = at;
        }
        fits
    }

    fn is_text(&self, at: usize, text: &[u8]) -> bool {
        let there = self.path.get(at..at + text.len());
        there.is_some_and(|there| {
            there == text || (!self.rules.sensitive && there.eq_ignore_ascii_case(text))
        })
    }

    fn capture(&mut self, capture: &Capture, number: usize, at: usize) -> bool {
        let before = capture.before.as_deref();
        let end = self.run_end(at, capture.wildcard, before);
        if self.ends(capture, number, at, end) {
            return true;
        }
        let instead = match (capture.or, before) {
            (Instead::Text, Some(text)) if self.is_text(at, text) => at + text.len(),
            (Instead::Segment, _) => self.run_end(at, false, None),
            _ => return false,
        };
        (at + 1..=instead)
            .rev()
            .any(|end| self.take(capture, number, at, end))
    }

    /// Where a run of bytes that a capture may have ends.
    fn run_end(&self, at: usize, slashes: bool, before: Option<&[u8]>) -> usize {
        let len = self.path.len();
        match before {
            None if slashes => len,
            None => {
                let rest = self.path.get(at..).unwrap_or_default();
                rest.iter()
                    .position(|&byte| byte == b'/')
                    .map_or(len, |slash| at + slash)
            }
            Some(text) => {
                let fits =
                    |&at: &usize| (slashes || self.path[at] != b'/') && !self.is_text(at, text);
                (at..len).find(|at| !fits(at)).unwrap_or(len)
            }
        }
    }

    /// Tries the ends of a capture, the longest first.
    fn ends(&mut self, capture: &Capture, number: usize, at: usize, run_end: usize) -> bool {
        let key = (number, run_end);
        let from = self.failed.get(&key).copied().unwrap_or(run_end + 1);
        for end in (at + 1..from).rev() {
            if self.take(capture, number, at, end) {
                return true;
            }
        }
        self.failed.insert(key, from.min(at + 1));
        false
    }

    fn take(&mut self, capture: &Capture, number: usize, at: usize, end: usize) -> bool {
        let fits = self.go(number + 1, end);
        if fits && let Some(span) = self.found.spans.get_mut(capture.name) {
            *span = Some((at, end));
        }
        fits
    }
}
