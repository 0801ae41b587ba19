//! Entity tags (RFC 9110 §8.8.3) and lists of them.

use crate::error::Error;
use std::fmt;
use twox_hash::{XxHash3_64, XxHash3_128};

/// The opaque name of one version of a representation: `"v7"`, or `W/"v7"` if equal tags do not promise equal bytes.
///
/// ```
/// use hearken::message::EntityTag;
/// let (strong, weak) = (EntityTag::strong("v7")?, EntityTag::weak("v7")?);
/// assert_eq!(strong.to_string(), "\"v7\"");
/// assert_eq!(weak.to_string(), "W/\"v7\"");
/// assert!(strong.weak_eq(&weak) && !strong.strong_eq(&weak) && !weak.strong_eq(&weak));
/// # Ok::<(), hearken::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EntityTag {
    /// With quotes, and with `W/` if it is weak.
    text: Vec<u8>,
}

impl EntityTag {
    /// A tag that changes with every byte of the content.
    ///
    /// # Errors
    /// With status 500 when the text has a quotation mark, white space or a control character.
    pub fn strong(text: impl AsRef<str>) -> Result<Self, Error> {
        Self::quoted("", text.as_ref())
    }

    /// A tag that changes when the meaning of the content does.
    ///
    /// # Errors
    /// As [`strong`](Self::strong).
    pub fn weak(text: impl AsRef<str>) -> Result<Self, Error> {
        Self::quoted("W/", text.as_ref())
    }

    fn quoted(prefix: &str, text: &str) -> Result<Self, Error> {
        if !text.bytes().all(is_tag_byte) {
            let text =
                format!("expected an entity tag without quotation marks and spaces, not {text:?}");
            return Err(Error::new(500, text));
        }
        Ok(Self {
            text: format!("{prefix}\"{text}\"").into_bytes(),
        })
    }

    /// A weak tag made of the length and a hash of this content: XXH3, so that equal content has the same tag on every machine and
    /// in every version. Weak, because the hash has 64 bits and is not made to withstand attacks.
    #[must_use]
    pub fn of_content(content: impl AsRef<[u8]>) -> Self {
        let mut buffer = [0; TAG_BYTES];
        Self {
            text: write_tag(content.as_ref(), &mut buffer).to_vec(),
        }
    }

    /// A strong tag made of the length and a hash of this content with 128 bits, XXH3. Not made to withstand attacks: an attacker can
    /// find two contents with one tag.
    #[must_use]
    pub fn strong_of_content(content: impl AsRef<[u8]>) -> Self {
        let mut buffer = [0; TAG_BYTES];
        Self {
            text: write_strong_tag(content.as_ref(), &mut buffer).to_vec(),
        }
    }

    /// Made of bytes that are legal in a tag.
    pub(crate) fn from_legal(text: &str) -> Self {
        Self {
            text: format!("\"{text}\"").into_bytes(),
        }
    }

    /// Parses one tag. `None` for anything else, a list included.
    #[must_use]
    pub fn parse(value: impl AsRef<[u8]>) -> Option<Self> {
        let value = value.as_ref().trim_ascii();
        let len = len_at_front(value)?;
        (len == value.len()).then(|| Self {
            text: value.to_vec(),
        })
    }

    /// Whether it is weak.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.text.starts_with(b"W/")
    }

    /// The weak tag with the same text: for the same content in another coding.
    #[must_use]
    pub fn weakened(mut self) -> Self {
        if !self.is_weak() {
            self.text.splice(..0, *b"W/");
        }
        self
    }

    /// Strong comparison (§8.8.3.2): both are strong and equal.
    #[must_use]
    pub fn strong_eq(&self, other: &Self) -> bool {
        !self.is_weak() && self == other
    }

    /// Weak comparison: equal apart from the mark.
    #[must_use]
    pub fn weak_eq(&self, other: &Self) -> bool {
        self.opaque() == other.opaque()
    }

    fn opaque(&self) -> &[u8] {
        self.text.strip_prefix(b"W/").unwrap_or(&self.text)
    }

    /// The value of the field.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

/// Room for `W/`, quotes, the length and the hash in hexadecimal digits, and a hyphen.
pub(super) const TAG_BYTES: usize = 2 + 2 + 16 + 1 + 32;

/// Writes the weak tag of this content and returns it.
pub(super) fn write_tag<'b>(content: &[u8], buffer: &'b mut [u8; TAG_BYTES]) -> &'b [u8] {
    let hash = XxHash3_64::oneshot(content);
    buffer[..2].copy_from_slice(b"W/");
    let at = write_length(content.len(), buffer, 2);
    let at = write_hex(hash, 16, buffer, at);
    buffer[at] = b'"';
    &buffer[..=at]
}

/// As [`write_tag`], the strong one.
pub(super) fn write_strong_tag<'b>(content: &[u8], buffer: &'b mut [u8; TAG_BYTES]) -> &'b [u8] {
    let hash = XxHash3_128::oneshot(content);
    let at = write_length(content.len(), buffer, 0);
    let at = write_hex((hash >> 64) as u64, 16, buffer, at);
    let at = write_hex(hash as u64, 16, buffer, at);
    buffer[at] = b'"';
    &buffer[..=at]
}

fn write_length(len: usize, buffer: &mut [u8], at: usize) -> usize {
    buffer[at] = b'"';
    let len = len as u64;
    let digits = (64 - len.leading_zeros()).div_ceil(4).max(1);
    let at = write_hex(len, digits, buffer, at + 1);
    buffer[at] = b'-';
    at + 1
}

fn write_hex(value: u64, digits: u32, buffer: &mut [u8], mut at: usize) -> usize {
    for place in (0..digits).rev() {
        buffer[at] = b"0123456789abcdef"[(value >> (place * 4)) as usize & 15];
        at += 1;
    }
    at
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl fmt::Debug for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The tags of a list (§5.6.1). A tag may contain commas. Anything else is skipped up to the next comma.
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = EntityTag> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            let start = rest
                .iter()
                .position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
            rest = &rest[start..];
            let len = len_at_front(rest).unwrap_or(0);
            let (tag, behind) = rest.split_at(len);
            let comma = behind.iter().position(|&byte| byte == b',');
            let (junk, next) = behind.split_at(comma.unwrap_or(behind.len()));
            rest = next;
            if len > 0 && junk.trim_ascii().is_empty() {
                return Some(EntityTag { text: tag.to_vec() });
            }
        }
    })
}

/// The length of a tag at the front: `W/` in upper case, and a quoted text.
fn len_at_front(value: &[u8]) -> Option<usize> {
    let quoted = value.strip_prefix(b"W/").unwrap_or(value);
    let text = quoted.strip_prefix(b"\"")?;
    let end = text.iter().position(|&byte| !is_tag_byte(byte))?;
    (text[end] == b'"').then_some(value.len() - quoted.len() + end + 2)
}

/// `etagc`: visible, but no quotation mark.
const fn is_tag_byte(byte: u8) -> bool {
    byte > b' ' && byte != b'"' && byte != 0x7f
}
