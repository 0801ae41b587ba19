//! A body as text, by the charset of its `Content-Type` (RFC 9110 §8.3.2).
//!
//! Here: [`decode`]. Not here: collecting the body (`fetched.rs`).

use std::borrow::Cow;
use std::fmt;

/// An unknown charset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CharsetError(String);

/// Decodes the text, as browsers do: invalid sequences become U+FFFD. A byte order mark overrides the field and is dropped;
/// without either the charset is UTF-8.
pub(crate) fn decode(bytes: &[u8], content_type: Option<&str>) -> Result<String, CharsetError> {
    let named = content_type.and_then(charset);
    let named = named.as_deref().unwrap_or("utf-8");
    engine::decode(bytes, named)
        .map(Cow::into_owned)
        .ok_or_else(|| CharsetError(named.to_owned()))
}

/// The parameter `charset` of a media type.
fn charset(content_type: &str) -> Option<String> {
    let parameters = content_type.split_once(';')?.1;
    for parameter in Parameters(parameters) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        if name.trim_ascii().eq_ignore_ascii_case("charset") {
            let value = value.trim_ascii();
            let unquoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            // A backslash quotes the next character (RFC 9110 §5.6.4).
            return Some(unquoted.map_or_else(|| value.to_owned(), |text| text.replace('\\', "")));
        }
    }
    None
}

/// Splits at semicolons outside of quotes.
struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.bytes().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b';' if !quoted => return true,
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

    use std::borrow::Cow;

    pub(super) fn decode<'a>(bytes: &'a [u8], charset: &str) -> Option<Cow<'a, str>> {
        let encoding = encoding_rs::Encoding::for_label(charset.as_bytes())?;
        Some(encoding.decode(bytes).0)
    }
}

#[cfg(not(feature = "charset"))]
mod engine {
    //! UTF-8 and its subset ASCII.

    use std::borrow::Cow;

    pub(super) fn decode<'a>(bytes: &'a [u8], charset: &str) -> Option<Cow<'a, str>> {
        let known = ["utf-8", "utf8", "us-ascii", "ascii"];
        known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(charset))
            .then(|| String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)))
    }
}

impl fmt::Display for CharsetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if cfg!(feature = "charset") {
            "a charset of the Encoding Standard"
        } else {
            "UTF-8 (the feature `charset` knows more)"
        };
        write!(
            f,
            "expected text in {known}, its Content-Type says {:?}; take its bytes instead",
            self.0
        )
    }
}

impl std::error::Error for CharsetError {}

#[cfg(test)]
mod tests;
