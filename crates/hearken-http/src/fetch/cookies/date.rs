//! Dates of cookies, which occur in many formats: RFC 6265 §5.1.1.
//!
//! Here: [`parse`]. Not here: the dates of other fields, which are strict (`date.rs`).

use std::time::{Duration, SystemTime};

/// Parses a cookie date.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let tokens = text.split(is_delimiter).filter(|token| !token.is_empty());
    for token in tokens {
        // The order of the RFC: a token is the first of these that is still missing and that it matches.
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1..=2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2..=4)
        {
            year = Some(found);
        }
    }
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let (day, month, (hour, minute, second)) = (day?, month?, time?);
    let possible = year >= 1601 && (1..=days_in(year, month)).contains(&day);
    if !possible || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_before(year) + (1..month).map(|m| days_in(year, m)).sum::<u32>() + day - 1;
    let seconds = u64::from(hour * 3600 + minute * 60 + second);
    // A date before 1970 counts as 1970: both are in the past.
    let days = u64::from(days.saturating_sub(days_before(1970)));
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(days * 86_400 + seconds))
}

/// The delimiters of RFC 6265: roughly all but letters, digits and colons.
fn is_delimiter(c: char) -> bool {
    matches!(c, '\t' | '\u{20}'..='\u{2f}' | '\u{3b}'..='\u{40}' | '\u{5b}'..='\u{60}' | '\u{7b}'..='\u{7e}')
}

/// `h:m:s`, each of one or two digits; a non-digit may follow.
fn time_of(token: &str) -> Option<(u32, u32, u32)> {
    let mut parts = token.splitn(3, ':');
    let mut two = || number_whole(parts.next()?);
    let (hour, minute) = (two()?, two()?);
    Some((hour, minute, number(parts.next()?, 1..=2)?))
}

fn number_whole(text: &str) -> Option<u32> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// A number with this many digits; a non-digit may follow.
fn number(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit());
    let digits = &text[..end.unwrap_or(text.len())];
    length
        .contains(&digits.len())
        .then(|| digits.parse().ok())
        .flatten()
}

fn month_of(token: &str) -> Option<u32> {
    let name = token.as_bytes().get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == &name[..])?;
    u32::try_from(at + 1).ok()
}

const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the year 1 to January 1 of this year.
fn days_before(year: u32) -> u32 {
    let years = year - 1;
    years * 365 + years / 4 - years / 100 + years / 400
}
