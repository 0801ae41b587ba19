//! Entity tags (RFC 9110 §8.8.3) and lists of them.

use crate::error::Error;
use std::fmt;
use std::io::Write;

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

    /// A weak tag made of the length and a hash of this content. The same content has the same tag on every machine. Weak, because the
    /// hash has 64 bits and is not made to withstand attacks.
    #[must_use]
    pub fn of_content(content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let hash = hash(content, SEEDS[0]);
        let mut text = Vec::with_capacity(40);
        let _ = write!(text, "W/\"{:x}-{hash:016x}\"", content.len()); // to memory
        Self { text }
    }

    /// A strong tag made of the length and a hash of this content with 128 bits. Not made to withstand attacks: an attacker can find
    /// two contents with one tag.
    #[must_use]
    pub fn strong_of_content(content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let [one, other] = SEEDS.map(|seed| hash(content, seed));
        Self::from_legal(&format!("{:x}-{one:016x}{other:016x}", content.len()))
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

/// Digits of pi: any odd numbers with bits all over do.
const SEEDS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0xa409_3822_299f_31d1];

/// Folds 16 bytes by one multiplication of 64 to 128 bits, so that a tag costs less than writing the content. The state also goes past
/// the multiplication: a factor of zero does not forget what came before.
fn hash(content: &[u8], seed: u64) -> u64 {
    const ODD: u64 = 0x1319_8a2e_0370_7345;
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    let mut state = seed ^ fold(content.len() as u64 ^ ODD, seed);
    for block in content.chunks(16) {
        let (low, high) = block.split_at(block.len().min(8));
        state = fold(word(low) ^ ODD, word(high) ^ state) ^ state.rotate_left(23);
    }
    fold(state ^ ODD, seed)
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
