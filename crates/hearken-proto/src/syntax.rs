//! Which bytes may stand where: the character classes of RFC 9110 §5.6 and RFC 9112 §3, as tables and scans.
//!
//! Here: classes and the scans that skip over them. Not here: what a line means (`head_decoder.rs`, `semantics.rs`).

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const VALUE: u8 = 4;
const HOST: u8 = 8;

/// One byte of flags for each byte value. Built at compile time from the ABNF, so that the rules can be read here.
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
        // RFC 9112 §3.2 refers to RFC 3986, which allows less than visible ASCII. Browsers send `|`, `^`, `{`, `}`, `"`
        // unescaped, so those pass; a fragment never belongs here.
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

/// A whole token: not empty, token characters only (RFC 9110 §5.6.2).
#[inline]
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// Index of the first byte from `from` that is not a token character, or the length.
#[inline]
pub(crate) fn skip_token(bytes: &[u8], from: usize) -> usize {
    skip(bytes, from, is_token_byte)
}

/// Index of the first byte from `from` that cannot stand in a request target, or the length.
#[inline]
pub(crate) fn skip_target(bytes: &[u8], from: usize) -> usize {
    skip(bytes, from, is_target_byte)
}

#[inline]
fn skip(bytes: &[u8], from: usize, class: impl Fn(u8) -> bool) -> usize {
    let rest = &bytes[from..];
    from + rest
        .iter()
        .position(|&byte| !class(byte))
        .unwrap_or(rest.len())
}

/// Index of the first byte from `from` that cannot stand in a field value, or the length. Eight bytes at a time: the
/// values are most of a head.
#[inline]
pub(crate) fn skip_value(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = from;
    while let Some(eight) = bytes.get(at..at + 8) {
        let mut word = [0; 8];
        word.copy_from_slice(eight);
        let word = u64::from_le_bytes(word);
        let del = word ^ (ONES * 0x7f);
        // The classic tests "some byte below 0x20" and "some byte zero"; the lowest hit is always a true one.
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let delete = del.wrapping_sub(ONES) & !del & HIGH;
        let hit = control | delete;
        if hit == 0 {
            at += 8;
            continue;
        }
        at += (hit.trailing_zeros() / 8) as usize;
        if bytes[at] != b'\t' {
            return at;
        }
        at += 1;
    }
    skip(bytes, at, is_value_byte)
}

/// Only bytes that may stand in a field value (RFC 9110 §5.5): none that could end the line.
#[inline]
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    skip_value(bytes, 0) == bytes.len()
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
/// in a quoted string separates too.
///
/// ```
/// let members: Vec<_> = hearken_proto::list_members(b"websocket, ,h2c").collect();
/// assert_eq!(members, [&b"websocket"[..], b"h2c"]);
/// ```
pub fn list_members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// `0` or digits without a leading zero, at most 2^53-1 (RFC 9110 §8.6; stricter: no zeros in front, no list).
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    const MAX: u64 = (1 << 53) - 1;
    if bytes.is_empty() || bytes.len() > 16 || (bytes[0] == b'0' && bytes.len() > 1) {
        return None;
    }
    let mut value = 0;
    for &byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(byte - b'0');
    }
    (value <= MAX).then_some(value)
}

/// `uri-host [ ":" port ]` of RFC 9110 §7.2, with the grammar of RFC 3986 §3.2.2. Returns host and port.
#[inline]
pub(crate) fn authority(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    // One pass over what nearly every Host is made of; the rest is looked at by `rest_of_host`.
    let end = skip(bytes, 0, is_host_byte);
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

/// Where a host ends that has a percent sign or a bracket at `at`.
#[cold]
fn rest_of_host(bytes: &[u8], mut at: usize) -> Option<usize> {
    if at == 0 && bytes[0] == b'[' {
        let end = memchr::memchr(b']', bytes)?;
        let address = core::str::from_utf8(&bytes[1..end]).ok()?;
        address.parse::<core::net::Ipv6Addr>().ok()?;
        return Some(end + 1);
    }
    loop {
        at = skip(bytes, at, is_host_byte);
        match bytes.get(at) {
            None | Some(b':') => return Some(at),
            Some(b'%') if bytes.get(at + 1..at + 3)?.iter().all(u8::is_ascii_hexdigit) => at += 3,
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests;
