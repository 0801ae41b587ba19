//! Range requests (RFC 9110 §14): which bytes a Range field asks for.
//!
//! Here: plain functions of field lines. Why so strict: many or overlapping ranges multiply what a server has to send.
//! Not here: If-Range (`message/conditional.rs`), the response (`message/send_file.rs`).

use hearken_proto::Head;
use std::ops::Range;

/// A field with more ranges is ignored.
const RANGES_MAX: usize = 16;

/// The part of a representation that a client asks for.
///
/// ```
/// use hearken::message::Ranges;
/// assert_eq!(Ranges::parse(b"bytes=0-1,-2", 10), Ranges::Several(vec![0..2, 8..10]));
/// assert_eq!(Ranges::parse(b"bytes=0-1, 1-5", 10), Ranges::Whole); // they overlap
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ranges {
    /// All of it, with status 200: the request has no Range field, or the field is ignored.
    Whole,
    /// One part, not empty: 206 with Content-Range.
    One(Range<u64>),
    /// Two to 16 parts that do not overlap, in the order of the field: 206 with `multipart/byteranges`.
    Several(Vec<Range<u64>>),
    /// All ranges lie behind the end: 416.
    Unsatisfiable,
}

impl Ranges {
    /// Parses the value of a Range field for a representation of `len` bytes.
    ///
    /// Returns [`Whole`](Self::Whole) for other units than bytes, for a malformed field, for more than 16 ranges, for
    /// overlapping ones (RFC 9110 §14.2 allows ignoring all of these), and when `len` is 0.
    #[must_use]
    pub fn parse(field: &[u8], len: u64) -> Self {
        match parse(field, len) {
            Some(ranges) if len > 0 && !overlap(&ranges) => Self::of(ranges),
            _ => Self::Whole,
        }
    }

    /// As [`parse`](Self::parse), with ranges that overlap or touch combined into one: the ranges stand in the order in which the
    /// first of each came.
    ///
    /// Express: `req.range(size, { combine: true })`.
    ///
    /// ```
    /// use hearken::message::Ranges;
    /// assert_eq!(Ranges::parse_combined(b"bytes=5-6, 0-1, 2-3, 1-1", 10), Ranges::Several(vec![5..7, 0..4]));
    /// assert_eq!(Ranges::parse_combined(b"bytes=0-3, 2-", 10), Ranges::One(0..10));
    /// ```
    #[must_use]
    pub fn parse_combined(field: &[u8], len: u64) -> Self {
        match parse(field, len) {
            Some(ranges) if len > 0 => Self::of(combined(ranges)),
            _ => Self::Whole,
        }
    }

    fn of(mut ranges: Vec<Range<u64>>) -> Self {
        match ranges.len() {
            0 => Self::Unsatisfiable,
            1 => ranges.pop().map_or(Self::Unsatisfiable, Self::One),
            _ => Self::Several(ranges),
        }
    }
}

/// The Range field of a GET; `None` when it is repeated (RFC 9110 §14.2).
pub(crate) fn range_field(head: &Head) -> Option<&[u8]> {
    single(head, "range").filter(|_| head.method_bytes() == b"GET")
}

/// The value of a field that must not be repeated; `None` when it is.
pub(crate) fn single<'a>(head: &'a Head, name: &str) -> Option<&'a [u8]> {
    let mut values = head.fields().get_all(name);
    let first = values.next();
    first.filter(|_| values.next().is_none())
}

/// The satisfiable ranges; `None` for a field to be ignored.
fn parse(field: &[u8], len: u64) -> Option<Vec<Range<u64>>> {
    let at = field.iter().position(|&byte| byte == b'=')?;
    if !field[..at].eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut ranges = Vec::new();
    let mut count = 0;
    for item in field[at + 1..].split(|&byte| byte == b',') {
        let item = item.trim_ascii();
        if item.is_empty() {
            continue; // RFC 9110 §5.6.1.2: empty list elements are ignored
        }
        count += 1;
        if count > RANGES_MAX {
            return None;
        }
        ranges.extend(range(item, len)?);
    }
    (count > 0).then_some(ranges)
}

/// One range. The outer `None` means malformed, the inner one that it lies behind the end.
fn range(item: &[u8], len: u64) -> Option<Option<Range<u64>>> {
    let dash = item.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&item[..dash], &item[dash + 1..]);
    let satisfiable = |range: Range<u64>| (range.start < range.end).then_some(range);
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(satisfiable(len.saturating_sub(suffix)..len));
    }
    let first = number(first)?;
    let end = if last.is_empty() {
        len
    } else {
        let last = number(last)?;
        if last < first {
            return None;
        }
        last.saturating_add(1).min(len)
    };
    Some(satisfiable(first..end))
}

/// Decimal digits. Saturates: such a number is larger than any file.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0_u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    }))
}

/// Ranges that overlap or touch as one, each at the place of its first.
fn combined(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.into_iter().enumerate().collect();
    sorted.sort_unstable_by_key(|(place, range)| (range.start, *place));
    let mut all: Vec<(usize, Range<u64>)> = Vec::new();
    for (place, range) in sorted {
        match all.last_mut() {
            Some((first, last)) if range.start <= last.end => {
                last.end = last.end.max(range.end);
                *first = place.min(*first);
            }
            _ => all.push((place, range)),
        }
    }
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, range)| range).collect()
}

fn overlap(ranges: &[Range<u64>]) -> bool {
    let mut sorted: Vec<_> = ranges
        .iter()
        .map(|range| (range.start, range.end))
        .collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

#[cfg(test)]
mod tests;
