//! A body as text, by the charset of its `Content-Type`, as browsers read it.
//!
//! Here: [`decode`], and [`without_bom`]. The media type is parsed by the MIME Sniffing Standard (§4.4), and those of several
//! fields combined by the Fetch Standard ("extract a MIME type"): both take what RFC 9110 §8.3 does not allow. Not here:
//! collecting the body (`fetched.rs`).

use hearken_proto::is_token;
use std::fmt;

/// A charset that this build cannot decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CharsetError(String);

/// Decodes the text; `content_types` are the values of `Content-Type`. A byte order mark overrides them and is dropped. Without
/// either, or with an unknown charset, it is UTF-8. Invalid sequences become U+FFFD.
///
/// # Errors
/// For another charset in a build without the feature `charset`.
pub(crate) fn decode<'a>(
    bytes: &[u8],
    content_types: impl Iterator<Item = &'a [u8]>,
) -> Result<String, CharsetError> {
    let label = charset(content_types).unwrap_or_default();
    engine::decode(bytes, &label).ok_or(CharsetError(label))
}

/// Without the byte order mark of UTF-8.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The parameter `charset` of the last media type that says something; of an earlier one of the same type if the last has none.
fn charset<'a>(content_types: impl Iterator<Item = &'a [u8]>) -> Option<String> {
    let (mut essence, mut charset) = (String::new(), None);
    for field in content_types {
        // Each octet as a character: no octet elsewhere in the value hides the charset.
        let field: String = field.iter().copied().map(char::from).collect();
        for member in Members(&field, ',') {
            let Some((kind, parameters)) = media_type(member) else {
                continue;
            };
            let named = parameters.and_then(parameter);
            if kind != essence {
                (essence, charset) = (kind, None);
            }
            charset = named.or(charset);
        }
    }
    charset
}

/// Type and subtype in lower case, and the parameters. `None`: it says nothing.
fn media_type(text: &str) -> Option<(String, Option<&str>)> {
    let (essence, parameters) = match text.split_once(';') {
        Some((essence, parameters)) => (essence, Some(parameters)),
        None => (text, None),
    };
    let (kind, subtype) = essence.trim_ascii().split_once('/')?;
    let token = |text: &str| is_token(text.as_bytes());
    let says = token(kind) && token(subtype) && (kind, subtype) != ("*", "*");
    says.then(|| (essence.trim_ascii().to_ascii_lowercase(), parameters))
}

/// The value of the first parameter `charset`.
fn parameter(parameters: &str) -> Option<String> {
    Members(parameters, ';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        if !name.trim_ascii().eq_ignore_ascii_case("charset") {
            return None;
        }
        let value = value.trim_ascii();
        let label = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => value.to_owned(),
        };
        // Single quotes quote nothing in HTTP, yet servers send them, and browsers take them off.
        let label = label.trim_matches(|c: char| c == '\'' || c.is_ascii_whitespace());
        (!label.is_empty()).then(|| label.to_owned())
    })
}

/// The text up to the closing quote, or to the end. A backslash quotes the next character (RFC 9110 §5.6.4).
fn unquoted(quoted: &str) -> String {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.push(chars.next().unwrap_or('\\')),
            c => text.push(c),
        }
    }
    text
}

/// Splits at a separator outside of quotes.
struct Members<'a>(&'a str, char);

impl<'a> Iterator for Members<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.find(|c| {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                c if c == self.1 && !quoted => return true,
                _ => {}
            }
            false
        });
        let end = end.unwrap_or(self.0.len());
        let item = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        Some(item)
    }
}

#[cfg(feature = "charset")]
mod engine {
    //! Every charset of the WHATWG Encoding Standard.

    use encoding_rs::{Encoding, UTF_8};

    #[expect(
        clippy::unnecessary_wraps,
        reason = "without the feature there are others"
    )]
    pub(super) fn decode(bytes: &[u8], label: &str) -> Option<String> {
        let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(UTF_8);
        Some(encoding.decode(bytes).0.into_owned())
    }
}

#[cfg(not(feature = "charset"))]
mod engine {
    //! UTF-8 and its subset ASCII, and UTF-16 with a byte order mark.

    pub(super) fn decode(bytes: &[u8], label: &str) -> Option<String> {
        let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let (units, rest) = bytes.as_chunks();
            let units = units.iter().copied().map(unit);
            let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
            let lost = (!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER);
            text.chain(lost).collect()
        };
        match bytes {
            [0xff, 0xfe, rest @ ..] => return Some(utf_16(rest, u16::from_le_bytes)),
            [0xfe, 0xff, rest @ ..] => return Some(utf_16(rest, u16::from_be_bytes)),
            _ => {}
        }
        let bare = super::without_bom(bytes);
        let known = [
            "",
            "utf-8",
            "utf8",
            "unicode-1-1-utf-8",
            "us-ascii",
            "ascii",
        ];
        let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(label));
        (is_known || bare.len() < bytes.len() || bare.is_ascii())
            .then(|| String::from_utf8_lossy(bare).into_owned())
    }
}

impl fmt::Display for CharsetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected text in UTF-8, its Content-Type says {:?}; the feature `charset` knows more, and the error has the bytes",
            self.0
        )
    }
}

impl std::error::Error for CharsetError {}

#[cfg(test)]
mod tests;
