//! `--max-head`: how large the head of a response may be.
//!
//! Here: [`HeadLimit`], as plain data, and its text form. Not here: the flag (`flags.rs`), the agent that obeys it (`client.rs`).

use hearken::proto::HeadLimits;
use std::str::FromStr;

/// Bytes of a head, and its field lines. Without a number of lines the default stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadLimit {
    bytes: u32,
    lines: Option<u32>,
}

impl HeadLimit {
    pub(crate) fn apply_to(self, limits: &mut HeadLimits) {
        limits.bytes_max = self.bytes;
        limits.fields_max = self.lines.unwrap_or(limits.fields_max);
    }
}

impl FromStr for HeadLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (bytes, lines) = match text.split_once(',') {
            Some((bytes, lines)) => (bytes, Some(lines)),
            None => (text, None),
        };
        let lines = lines
            .map(|lines| lines.parse().ok())
            .map_or(Some(None), |lines| lines.map(Some));
        match (size(bytes), lines) {
            (Some(bytes), Some(lines)) => Ok(Self { bytes, lines }),
            _ => {
                Err("expected bytes, and lines behind a comma, such as 1M or 512K,5000".to_owned())
            }
        }
    }
}

/// A number of bytes, with K for KiB or M for MiB.
fn size(text: &str) -> Option<u32> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1024),
        None => match text.strip_suffix(['m', 'M']) {
            Some(digits) => (digits, 1024 * 1024),
            None => (text, 1),
        },
    };
    digits.parse::<u32>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_lines() {
        let of = |text: &str| {
            text.parse::<HeadLimit>()
                .ok()
                .map(|limit| (limit.bytes, limit.lines))
        };
        assert_eq!(of("100"), Some((100, None)));
        assert_eq!(of("512K,5000"), Some((512 * 1024, Some(5000))));
        assert_eq!(of("1m"), Some((1024 * 1024, None)));
        for wrong in ["", "K", "1G", "-1", "1,", ",1", "1,x", "4096M", "1 K"] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }
}
