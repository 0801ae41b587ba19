//! The notation of bytes in vectors and logs.
//!
//! Here: [`block`], from text to bytes, and [`escape`], from bytes to text. The README of the vectors has the rules. Not
//! here: the meaning of the bytes.

use std::fmt::Write as _;

/// The bytes of a fenced block. Each line ends with CR LF, unless its last character is a backslash: then no line end is
/// added. Inside a line `\r \n \t \0 \\ \xNN` stand for one byte each.
///
/// ```
/// assert_eq!(hearken_testkit::block(&["a", r"b\x00\"]).unwrap(), b"a\r\nb\0");
/// ```
///
/// # Errors
/// An escape that is not one of these.
pub fn block(lines: &[&str]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for line in lines {
        let mut chars = line.chars();
        let mut joined = false;
        while let Some(char) = chars.next() {
            if char != '\\' {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            match chars.next() {
                None => joined = true,
                Some('r') => out.push(b'\r'),
                Some('n') => out.push(b'\n'),
                Some('t') => out.push(b'\t'),
                Some('0') => out.push(0),
                Some('\\') => out.push(b'\\'),
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).collect();
                    let byte = u8::from_str_radix(&digits, 16);
                    out.push(byte.map_err(|_| format!("expected \\xNN in `{line}`"))?);
                }
                Some(other) => return Err(format!("unknown escape \\{other} in `{line}`")),
            }
        }
        if !joined {
            out.extend_from_slice(b"\r\n");
        }
    }
    Ok(out)
}

/// Bytes as one line of visible ASCII, with the escapes of [`block`].
///
/// ```
/// assert_eq!(hearken_testkit::escape(b"a\r\n\\\xff"), r"a\r\n\\\xff");
/// ```
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            0 => out.push_str("\\0"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out
}
