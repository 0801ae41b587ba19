//! The `Set-Cookie` field, parsed by §5.6 of the draft: nothing is unquoted or unescaped, and each octet of name and value is
//! kept.
//!
//! Here: [`SetCookie`]. Not here: whether the host may set it (`cookies.rs`), dates (`date.rs`).

use super::date;
use std::time::{Duration, SystemTime};

/// The content of the field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SetCookie {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// In lower case, without a leading dot; never empty.
    pub(super) domain: Option<String>,
    /// Begins with a slash.
    pub(super) path: Option<String>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) expires: Option<SystemTime>,
}

impl SetCookie {
    /// `None`: the field is ignored.
    pub(super) fn parse(line: &[u8], now: SystemTime) -> Option<Self> {
        // A tab is allowed, unlike other control characters.
        if line
            .iter()
            .any(|&byte| byte != b'\t' && byte.is_ascii_control())
        {
            return None;
        }
        let (pair, attributes) = split_once(line, b';').unwrap_or((line, b""));
        let (name, value) = split_once(pair, b'=').unwrap_or((b"", pair));
        let (name, value) = (trim_bytes(name), trim_bytes(value));
        if name.is_empty() && value.is_empty() || name.len() + value.len() > BYTES_MAX {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: None,
            path: None,
            secure: false,
            http_only: false,
            expires: None,
        };
        cookie.parse_attributes(&String::from_utf8_lossy(attributes), now);
        Some(cookie)
    }

    /// The last attribute of a name counts; `Max-Age` overrides `Expires` (§5.7, step 3).
    fn parse_attributes(&mut self, attributes: &str, now: SystemTime) {
        let (mut expires, mut lives) = (None, None);
        for attribute in attributes.split(';') {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (name, value) = (trim(name), trim(value));
            if value.len() > ATTRIBUTE_BYTES_MAX {
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "expires" => expires = date::parse(value).or(expires),
                "max-age" => lives = max_age(value, now).or(lives),
                "domain" => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    self.domain = (!domain.is_empty()).then(|| canonical(domain));
                }
                "path" => self.path = value.starts_with('/').then(|| value.to_owned()),
                "secure" => self.secure = true,
                "httponly" => self.http_only = true,
                _ => {}
            }
        }
        let latest = now.checked_add(LIFE_MAX);
        let capped = |at: SystemTime| latest.map_or(at, |latest| at.min(latest));
        self.expires = lives.or(expires).map(capped);
    }
}

/// Seconds from now, at most [`LIFE_MAX`].
fn max_age(value: &str, now: SystemTime) -> Option<SystemTime> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = if digits.len() < value.len() {
        0
    } else {
        digits.parse().unwrap_or(u64::MAX).min(LIFE_MAX.as_secs())
    };
    if seconds == 0 {
        return Some(SystemTime::UNIX_EPOCH);
    }
    now.checked_add(Duration::from_secs(seconds))
}

/// A domain as URLs have it: in lower case, and names of other scripts in ASCII.
fn canonical(domain: &str) -> String {
    let ascii = || Some(url::Host::parse(domain).ok()?.to_string());
    let ascii = if domain.is_ascii() { None } else { ascii() };
    ascii.unwrap_or_else(|| domain.to_ascii_lowercase())
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == at)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// [`trim`] for bytes.
fn trim_bytes(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Trims spaces and tabs only: trimming more would let a cookie bypass `__Host-`.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Name and value together, §5.6, step 5.
const BYTES_MAX: usize = 4096;
/// The value of one attribute, §5.6.
const ATTRIBUTE_BYTES_MAX: usize = 1024;
/// 400 days, §5.5.
const LIFE_MAX: Duration = Duration::from_secs(400 * 24 * 60 * 60);
