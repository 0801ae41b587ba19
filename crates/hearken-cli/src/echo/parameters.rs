//! Parameters of a path or a query: text in, value out, or the sentence that says what was expected.

use super::call::Problem;
use std::borrow::Cow;
use std::time::Duration;

/// The parameters behind the question mark, decoded as forms are.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(query: Option<&'a str>) -> Self {
        let query = query.unwrap_or_default().as_bytes();
        Self {
            pairs: form_urlencoded::parse(query).collect(),
        }
    }

    /// Refuses what has another name: a misspelt parameter would silently be the default.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), Problem> {
        let known = |(name, _): &(Cow<'_, str>, _)| names.contains(&&**name);
        if self.pairs.iter().all(known) {
            return Ok(());
        }
        let names = names.join(", ");
        Err(Problem::expected(format!(
            "expected no other parameters than: {names}"
        )))
    }

    /// The value with this name; of several, the last.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str, &str) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        let value = self.pairs.iter().rev().find(|(known, _)| known == name);
        value.map(|(_, text)| read(name, text)).transpose()
    }
}

/// Percent-decoded.
pub(crate) fn decoded(text: &str) -> Result<Cow<'_, str>, Problem> {
    let hex = |rest: &str| {
        let digits = rest.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    };
    if !text.split('%').skip(1).all(hex) {
        let text = "expected two hexadecimal digits behind each % of the path; a % itself is %25";
        return Err(Problem::expected(text));
    }
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map_err(|_| Problem::expected("expected UTF-8 in the path, percent-encoded"))
}

/// A whole number from 0 to `max`.
pub(crate) fn count(name: &str, text: &str, max: u64) -> Result<u64, Problem> {
    let number = Some(text).filter(|text| is_digits(text));
    let number = number.and_then(|text| text.parse().ok());
    number.filter(|&number| number <= max).ok_or_else(|| {
        Problem::expected(format!("expected a whole number from 0 to {max} as {name}"))
    })
}

/// The status of a final response. 1xx ones are not final, and 600 and above have no meaning (RFC 9110 §15).
pub(crate) fn status(name: &str, text: &str) -> Result<u16, Problem> {
    let number = Some(text).filter(|text| is_digits(text) && text.len() == 3);
    let number = number.and_then(|text| text.parse().ok());
    number
        .filter(|number| (200..600).contains(number))
        .ok_or_else(|| {
            Problem::expected(format!(
                "expected the status of a final response as {name}: 200 to 599"
            ))
        })
}

/// A time from 0 to `max` seconds, fractions allowed.
pub(crate) fn seconds(name: &str, text: &str, max: u32) -> Result<Duration, Problem> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = is_digits(whole) && is_digits(fraction);
    let seconds: Option<f64> = Some(text)
        .filter(|_| plain)
        .and_then(|text| text.parse().ok());
    let time = seconds
        .filter(|&seconds| seconds <= f64::from(max))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| {
        Problem::expected(format!(
            "expected a number of seconds from 0 to {max} as {name}, as in 1.5"
        ))
    })
}

/// Only digits: `parse` alone would read `+1` and `1e1`.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
