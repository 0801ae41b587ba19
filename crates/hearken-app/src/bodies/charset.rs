//! Charsets of bodies, turned into UTF-8.
//!
//! Here: [`Charset`], and the parameter that names one. Not here: the charsets of the Encoding Standard, which a client decodes
//! (hearken-http, `fetch/text.rs`).

use hearken_http::{Bytes, Failure};

/// A charset of a body that [`Bodies`](crate::Bodies) turns into UTF-8.
///
/// | name in Content-Type | bodies of JSON | forms | text |
/// |---|---|---|---|
/// | `utf-8`, `utf8`, `us-ascii` | yes | yes | yes |
/// | `utf-16`, `utf-16le`, `utf-16be`, `utf-32`, `utf-32le`, `utf-32be` | yes | 415 | yes |
/// | `iso-8859-1`, `latin1` | 415 | yes | yes |
/// | others | 415 | 415 | 415 |
///
/// ```
/// use hearken::app::{Bodies, Charset};
/// let text = Bodies::text().default_charset(Charset::Latin1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Charset {
    /// UTF-8. Bytes that are none are left as they are: what parses the body reports them.
    Utf8,
    /// UTF-16. The byte order is that of a mark at the beginning; without one it is guessed from the first character.
    Utf16,
    /// UTF-16, the lower byte first.
    Utf16Le,
    /// UTF-16, the higher byte first.
    Utf16Be,
    /// UTF-32. The byte order is that of a mark at the beginning; without one the lower byte is first.
    Utf32,
    /// UTF-32, the lowest byte first.
    Utf32Le,
    /// UTF-32, the highest byte first.
    Utf32Be,
    /// ISO 8859-1: each byte is the character of its number.
    Latin1,
}

/// The parameter `charset` of a Content-Type, in lower case.
pub(super) fn charset_of(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.to_ascii_lowercase())
    })
}

impl Charset {
    /// By its name in lower case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "utf-8" | "utf8" | "us-ascii" | "ascii" => Self::Utf8,
            "utf-16" | "utf16" => Self::Utf16,
            "utf-16le" | "utf16le" | "ucs-2" | "ucs2" => Self::Utf16Le,
            "utf-16be" | "utf16be" => Self::Utf16Be,
            "utf-32" | "utf32" => Self::Utf32,
            "utf-32le" | "utf32le" => Self::Utf32Le,
            "utf-32be" | "utf32be" => Self::Utf32Be,
            "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" => Self::Latin1,
            _ => return None,
        })
    }

    pub(super) fn is_unicode(self) -> bool {
        self != Self::Latin1
    }

    /// The content in UTF-8, without a byte order mark of the charset.
    pub(super) fn decode(self, raw: &Bytes) -> Result<Bytes, Failure> {
        let text = match self {
            Self::Utf8 => return Ok(raw.clone()),
            Self::Latin1 => Some(raw.iter().copied().map(char::from).collect()),
            Self::Utf16 => self.with_order(raw).utf16(raw),
            Self::Utf16Le | Self::Utf16Be => self.utf16(raw),
            Self::Utf32 => self.with_order(raw).utf32(raw),
            Self::Utf32Le | Self::Utf32Be => self.utf32(raw),
        };
        let text: Option<String> = text;
        text.map(Bytes::from).ok_or_else(|| {
            let text = format!("expected a body of {self:?}, as its charset says");
            Failure::new(400, text).with_code("entity.parse.failed")
        })
    }

    /// The byte order of a charset that names none.
    fn with_order(self, raw: &[u8]) -> Self {
        match (self, raw) {
            (Self::Utf16, [0xfe, 0xff, ..] | [0, _, ..]) => Self::Utf16Be,
            (Self::Utf16, _) => Self::Utf16Le,
            (Self::Utf32, [0, 0, 0xfe, 0xff, ..]) => Self::Utf32Be,
            (Self::Utf32, [0, 0, 0, _, ..]) => Self::Utf32Be,
            (Self::Utf32, _) => Self::Utf32Le,
            (known, _) => known,
        }
    }

    fn utf16(self, raw: &[u8]) -> Option<String> {
        let (units, rest) = raw.as_chunks();
        let unit = |bytes: &[u8; 2]| match self {
            Self::Utf16Be => u16::from_be_bytes(*bytes),
            _ => u16::from_le_bytes(*bytes),
        };
        let text: Result<String, _> = char::decode_utf16(units.iter().map(unit)).collect();
        without_mark(text.ok().filter(|_| rest.is_empty())?)
    }

    fn utf32(self, raw: &[u8]) -> Option<String> {
        let (units, rest) = raw.as_chunks();
        let character = |bytes: &[u8; 4]| {
            char::from_u32(match self {
                Self::Utf32Be => u32::from_be_bytes(*bytes),
                _ => u32::from_le_bytes(*bytes),
            })
        };
        let text: Option<String> = units.iter().map(character).collect();
        without_mark(text.filter(|_| rest.is_empty())?)
    }

    /// A form in UTF-8: bytes and escapes of ISO 8859-1 become escapes of UTF-8.
    pub(super) fn decode_form(self, raw: &Bytes) -> Bytes {
        if self != Self::Latin1 {
            return raw.clone();
        }
        let mut form = Vec::with_capacity(raw.len());
        let mut rest = &raw[..];
        while let Some((&byte, behind)) = rest.split_first() {
            let escaped = (byte == b'%')
                .then(|| u8::from_str_radix(std::str::from_utf8(behind.get(..2)?).ok()?, 16).ok());
            let (value, next) = match escaped.flatten() {
                Some(value) => (value, &behind[2..]),
                None => (byte, behind),
            };
            if value < 0x80 {
                form.extend_from_slice(&rest[..rest.len() - next.len()]);
            } else {
                let character = char::from(value);
                let mut buffer = [0; 2];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    form.extend_from_slice(format!("%{byte:02X}").as_bytes());
                }
            }
            rest = next;
        }
        form.into()
    }
}

fn without_mark(mut text: String) -> Option<String> {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(charset: &str, raw: &[u8]) -> Option<String> {
        let bytes = Bytes::copy_from_slice(raw);
        let text = Charset::named(charset).unwrap().decode(&bytes).ok()?;
        Some(String::from_utf8(text.into()).unwrap())
    }

    #[test]
    fn charsets_become_utf_8() {
        for (charset, raw) in [
            ("utf-16", &b"\xff\xfe\xe9\0a\0"[..]),
            ("utf-16", b"\xfe\xff\0\xe9\0a"),
            ("utf-16", b"\0\xe9\0a"),
            ("utf-16", b"\xe9\0a\0"),
            ("utf-16le", b"\xe9\0a\0"),
            ("utf-16be", b"\0\xe9\0a"),
            ("utf-32", b"\xff\xfe\0\0\xe9\0\0\0a\0\0\0"),
            ("utf-32be", b"\0\0\0\xe9\0\0\0a"),
            ("latin1", b"\xe9a"),
            ("utf-8", "éa".as_bytes()),
        ] {
            assert_eq!(decoded(charset, raw).as_deref(), Some("éa"), "{charset}");
        }
        assert_eq!(decoded("utf-16le", b"a"), None);
        assert_eq!(decoded("utf-16le", b"\x00\xd8a\0"), None);
        assert_eq!(decoded("utf-32le", b"\0\0\x11\0"), None);
        assert_eq!(Charset::named("utf-7"), None);
    }

    #[test]
    fn forms_in_latin1_become_forms_in_utf_8() {
        let form = Charset::Latin1.decode_form(&Bytes::from_static(b"a=%E9\xe9&b=%41%&c=%zz"));
        assert_eq!(form, "a=%C3%A9%C3%A9&b=%41%&c=%zz");
    }

    #[test]
    fn the_parameter_names_the_charset() {
        assert_eq!(charset_of("text/plain"), None);
        let of = |value| charset_of(value).unwrap();
        assert_eq!(
            of("text/plain; format=flowed; Charset=\"UTF-16\""),
            "utf-16"
        );
    }
}
