//! Parameters of a path or a query: a value, or a [`Rejection`] that says what was expected.

use super::route::Rejection;
use std::borrow::Cow;
use std::time::Duration;

/// The query of a request, in the form encoding. Parsed only by the endpoints that have parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    text: &'a str,
}

impl<'a> Query<'a> {
    pub(crate) fn new(query: Option<&'a str>) -> Self {
        Self {
            text: query.unwrap_or_default(),
        }
    }

    pub(crate) fn pairs(self) -> form_urlencoded::Parse<'a> {
        form_urlencoded::parse(self.text.as_bytes())
    }

    /// Rejects other names: a misspelt parameter must not silently get its default.
    pub(crate) fn allow_only(self, names: &[&str]) -> Result<(), Rejection> {
        if self.pairs().all(|(name, _)| names.contains(&&*name)) {
            return Ok(());
        }
        let names = names.join(", ");
        Err(Rejection::expected(format!(
            "expected no other parameters than: {names}"
        )))
    }

    /// Parses the value with this name; of several, the last.
    pub(crate) fn get<T>(
        self,
        name: &str,
        parse: impl FnOnce(&str, &str) -> Result<T, Rejection>,
    ) -> Result<Option<T>, Rejection> {
        let value = self.pairs().filter(|(known, _)| known == name).last();
        value.map(|(_, text)| parse(name, &text)).transpose()
    }
}

/// The parameter of a path, not decoded yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter<'a>(pub(crate) &'a str);

impl<'a> Parameter<'a> {
    /// Decodes it, once. It may contain slashes.
    pub(crate) fn text(self) -> Result<Cow<'a, str>, Rejection> {
        decode(self.0)
    }

    /// Decodes two segments, each for itself: an encoded slash separates nothing.
    pub(crate) fn pair(self, form: &'static str) -> Result<(String, String), Rejection> {
        match self.0.split_once('/') {
            Some((first, second)) if !first.is_empty() => {
                Ok((decode(first)?.into_owned(), decode(second)?.into_owned()))
            }
            _ => Err(Rejection::expected(format!(
                "expected a path of the form {form}"
            ))),
        }
    }
}

/// Decodes percent-encoded text.
fn decode(text: &str) -> Result<Cow<'_, str>, Rejection> {
    if !text.contains('%') {
        return Ok(text.into());
    }
    let hex = |rest: &str| {
        let digits = rest.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    };
    if !text.split('%').skip(1).all(hex) {
        let text = "expected two hexadecimal digits behind each % of the path; a % itself is %25";
        return Err(Rejection::expected(text));
    }
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map_err(|_| Rejection::expected("expected UTF-8 in the path, percent-encoded"))
}

/// A whole number from 0 to `max`.
pub(crate) fn count(name: &str, text: &str, max: u64) -> Result<u64, Rejection> {
    let number = Some(text).filter(|text| is_digits(text));
    let number = number.and_then(|text| text.parse().ok());
    number.filter(|&number| number <= max).ok_or_else(|| {
        Rejection::expected(format!("expected a whole number from 0 to {max} as {name}"))
    })
}

/// The status of a final response: 1xx are interim, 600 and above are undefined (RFC 9110 §15).
pub(crate) fn status(name: &str, text: &str) -> Result<u16, Rejection> {
    let number = Some(text).filter(|text| is_digits(text) && text.len() == 3);
    let number = number.and_then(|text| text.parse().ok());
    number
        .filter(|number| (200..600).contains(number))
        .ok_or_else(|| {
            Rejection::expected(format!(
                "expected the status of a final response as {name}: 200 to 599"
            ))
        })
}

/// A time from 0 to `max` seconds; decimals are allowed.
pub(crate) fn seconds(name: &str, text: &str, max: u32) -> Result<Duration, Rejection> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = is_digits(whole) && is_digits(fraction);
    let seconds: Option<f64> = Some(text)
        .filter(|_| plain)
        .and_then(|text| text.parse().ok());
    let time = seconds
        .filter(|&seconds| seconds <= f64::from(max))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| {
        Rejection::expected(format!(
            "expected a number of seconds from 0 to {max} as {name}, as in 1.5"
        ))
    })
}

/// `parse` alone would accept `+1` and `1e1`.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
