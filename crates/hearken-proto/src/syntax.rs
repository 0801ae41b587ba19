//! The character classes of RFC 9110 §5.6 and RFC 9112 §3, as a table and as scans.
//!
//! Here: classes and scans over them. Not here: the meaning of a line (`head_decoder.rs`, `semantics.rs`).

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const VALUE: u8 = 4;
const HOST: u8 = 8;

/// One byte of flags for each byte value, built at compile time from the ABNF.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        let alnum = b.is_ascii_alphanumeric();
        // RFC 9110 §5.6.2: tchar.
        if alnum
            || matches!(
                b,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            )
        {
            table[byte] |= TOKEN;
        }
        // RFC 9112 §3.2 refers to RFC 3986, which allows less than visible ASCII. Laxer: browsers send `|`, `^`, `{`, `}`,
        // `"` unescaped. A fragment is never legal.
        if b > b' ' && b < 0x7f && b != b'#' {
            table[byte] |= TARGET;
        }
        // RFC 9110 §5.5: field-vchar, SP, HTAB and obs-text.
        if b == b'\t' || (b >= b' ' && b != 0x7f) {
            table[byte] |= VALUE;
        }
        // RFC 3986 §3.2.2: reg-name without the comma, which would make a list of the Host field.
        if alnum
            || matches!(
                b,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b';'
                    | b'='
            )
        {
            table[byte] |= HOST;
        }
        byte += 1;
    }
    table
};

#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TOKEN != 0
}

#[inline]
pub(crate) fn is_target_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TARGET != 0
}

#[inline]
pub(crate) fn is_value_byte(byte: u8) -> bool {
    CLASS[byte as usize] & VALUE != 0
}

#[inline]
pub(crate) fn is_host_byte(byte: u8) -> bool {
    CLASS[byte as usize] & HOST != 0
}

#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// A whole token: not empty, token characters only (RFC 9110 §5.6.2). Methods, field names, names of cookies and parameters are
/// tokens.
///
/// ```
/// use hearken::proto::is_token;
/// assert!(is_token(b"X-Request-Id"));
/// assert!(!is_token(b"two words") && !is_token(b""));
/// ```
#[inline]
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    let unusual = |word| {
        let ascii = word & all(0x7f);
        let usual = within(ascii | all(0x20), b'a', b'z') | within(ascii, b'-', b'-');
        (!usual | word) & all(0x80)
    };
    is_short_and_usual(bytes, unusual) || (!bytes.is_empty() && classes_of_all(bytes) & TOKEN != 0)
}

/// Only bytes that are legal in a field value (RFC 9110 §5.5); none of them can end the line.
#[inline]
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    let unusual = |word| below(word, b' ') | equal(word, 0x7f);
    is_short_and_usual(bytes, unusual) || classes_of_all(bytes) & VALUE != 0
}

/// Whether there are 8 to 16 bytes, which two overlapping words hold, and `unusual` marks none of them.
#[inline(always)]
fn is_short_and_usual(bytes: &[u8], unusual: impl Fn(u64) -> u64) -> bool {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            unusual(u64::from_le_bytes(*first)) | unusual(u64::from_le_bytes(*last)) == 0
        }
        _ => false,
    }
}

/// The classes to which every byte belongs, without a branch for each byte.
fn classes_of_all(bytes: &[u8]) -> u8 {
    let (fours, rest) = bytes.as_chunks::<4>();
    let classes = fours.iter().fold(u8::MAX, |classes, four| {
        let [a, b, c, d] = four.map(|byte| CLASS[byte as usize]);
        classes & a & b & c & d
    });
    rest.iter()
        .fold(classes, |classes, &byte| classes & CLASS[byte as usize])
}

/// How many bytes at the start are token characters.
#[inline]
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    class_len(bytes, is_token_byte)
}

/// How many bytes at the start are legal in a request target.
#[inline]
pub(crate) fn target_len(bytes: &[u8]) -> usize {
    let outside = |word| below(word, b'!') | not_ascii_or_del(word) | equal(word, b'#');
    words_len(bytes, outside, is_target_byte)
}

/// How many bytes at the start are legal in a field value.
#[inline]
pub(crate) fn value_len(bytes: &[u8]) -> usize {
    let outside = |word| below(word, b' ') | equal(word, 0x7f);
    let mut len = words_len(bytes, outside, is_value_byte);
    while bytes.get(len) == Some(&b'\t') {
        len += 1;
        len += words_len(&bytes[len..], outside, is_value_byte);
    }
    len
}

#[inline]
fn class_len(bytes: &[u8], class: impl Fn(u8) -> bool) -> usize {
    let end = bytes.iter().position(|&byte| !class(byte));
    end.unwrap_or(bytes.len())
}

/// [`class_len`], eight bytes at a time. `outside` marks the bytes of a word that are not of the class; only its first
/// mark needs to be true.
#[inline(always)]
fn words_len(bytes: &[u8], outside: impl Fn(u64) -> u64, class: impl Fn(u8) -> bool) -> usize {
    let mut rest = bytes;
    while let Some((word, next)) = rest.split_first_chunk() {
        let marks = outside(u64::from_le_bytes(*word));
        if marks != 0 {
            return bytes.len() - rest.len() + first_mark(marks);
        }
        rest = next;
    }
    bytes.len() - rest.len() + class_len(rest, class)
}

/// Where the question mark of a target is. Most targets have none, which eight bytes at a time show soonest.
#[inline]
pub(crate) fn query_at(target: &[u8]) -> Option<usize> {
    let has_mark = |word: &[u8; 8]| equal(u64::from_le_bytes(*word), b'?') != 0;
    let (words, _) = target.as_chunks();
    let none =
        target.last_chunk().is_some_and(|last| !has_mark(last)) && !words.iter().any(has_mark);
    if none {
        return None;
    }
    target.iter().position(|&byte| byte == b'?')
}

/// The first eight bytes as a number, little-endian; bytes beyond the end are zero.
#[inline(always)]
pub(crate) fn first_word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => short_word(bytes),
    }
}

/// [`first_word`] of fewer than eight bytes.
#[cold]
fn short_word(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// A word of eight times this byte.
const fn all(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

#[inline(always)]
fn first_mark(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// Marks bytes less than `bound`, which is at most 0x80. Marks after the first may be false.
#[inline(always)]
fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(all(bound)) & !word & all(0x80)
}

/// Marks bytes equal to `byte`. Marks after the first may be false.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ all(byte), 1)
}

/// Marks bytes from 0x7f on. Marks after the first may be false.
#[inline(always)]
fn not_ascii_or_del(word: u64) -> u64 {
    (word.wrapping_add(all(1)) | word) & all(0x80)
}

/// Marks bytes of `from..=to`, both ASCII, of a word that is ASCII. Every mark is true.
#[inline(always)]
fn within(word: u64, from: u8, to: u8) -> u64 {
    word.wrapping_add(all(0x80 - from)) & !word.wrapping_add(all(0x7f - to)) & all(0x80)
}

/// Whether two pieces of up to 16 bytes are equal, without a call; longer ones are compared by the library.
#[inline(always)]
pub(crate) fn equal_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.first_chunk::<8>(), a.last_chunk::<8>()) {
        (Some(a_first), Some(a_last)) if a.len() <= 16 => {
            b.first_chunk() == Some(a_first) && b.last_chunk() == Some(a_last)
        }
        _ => a == b,
    }
}

/// `bytes` without spaces and tabs around it.
#[inline]
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The members of a comma-separated list, trimmed; empty ones are left out (RFC 9110 §5.6.1.2). For lists of tokens: a comma
/// in a quoted string separates, too.
///
/// ```
/// let members: Vec<_> = hearken::proto::list_members(b"websocket, ,h2c").collect();
/// assert_eq!(members, [&b"websocket"[..], b"h2c"]);
/// ```
pub fn list_members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// Decimal digits with a value of at most 2^53-1, any number of leading zeros (RFC 9110 §8.6; stricter: no list).
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    const MAX: u64 = (1 << 53) - 1;
    let mut value = 0;
    for &byte in bytes {
        if !byte.is_ascii_digit() || value > MAX / 10 {
            return None;
        }
        value = value * 10 + u64::from(byte - b'0');
    }
    (value <= MAX && !bytes.is_empty()).then_some(value)
}

/// `uri-host [ ":" port ]` of RFC 9110 §7.2, with the grammar of RFC 3986 §3.2.2. Returns host and port.
#[inline]
pub(crate) fn authority(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    // One pass over the usual bytes; `rest_of_host` handles brackets and percent signs.
    let end = class_len(bytes, is_host_byte);
    let end = match bytes.get(end) {
        None => return Some((bytes, b"")),
        Some(b':') => end,
        Some(_) => rest_of_host(bytes, end)?,
    };
    let (host, rest) = bytes.split_at(end);
    let port = match rest {
        [] => rest,
        [b':', port @ ..] => port,
        _ => return None,
    };
    let mut number = 0_u32;
    for &byte in port {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = (number * 10 + u32::from(byte - b'0')).min(65_536);
    }
    (number <= 65_535).then_some((host, port))
}

/// The length of an authority that CR follows: a host of letters, digits, hyphens and dots with an optional port. `None`
/// for any other, legal or not.
#[inline]
pub(crate) fn plain_authority_len(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        let word = first_word(rest);
        let ascii = word & all(0x7f);
        let plain = within(ascii, b'0', b'9')
            | within(ascii, b'-', b'.')
            | within(ascii | all(0x20), b'a', b'z');
        let marks = (!plain | word) & all(0x80);
        rest = rest.get(first_mark(marks)..)?;
        if marks != 0 {
            break;
        }
    }
    if let [b':', after @ ..] = rest {
        let port = first_word(after);
        let marks = (!within(port & all(0x7f), b'0', b'9') | port) & all(0x80);
        let digits = first_mark(marks);
        // Of five digits the first byte is the most significant one.
        if digits > 4 && (digits > 5 || port.swap_bytes() >> 24 > 0x36_35_35_33_35) {
            return None;
        }
        rest = after.get(digits..)?;
    }
    (rest.first() == Some(&b'\r')).then_some(bytes.len() - rest.len())
}

/// The end of a host with a percent sign or a bracket at `at`.
#[cold]
fn rest_of_host(bytes: &[u8], mut at: usize) -> Option<usize> {
    if at == 0 && bytes[0] == b'[' {
        let end = memchr::memchr(b']', bytes)?;
        let address = core::str::from_utf8(&bytes[1..end]).ok()?;
        address.parse::<core::net::Ipv6Addr>().ok()?;
        return Some(end + 1);
    }
    loop {
        at += class_len(&bytes[at..], is_host_byte);
        match bytes.get(at) {
            None | Some(b':') => return Some(at),
            Some(b'%') if bytes.get(at + 1..at + 3)?.iter().all(u8::is_ascii_hexdigit) => at += 3,
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests;
