//! Dates of HTTP: RFC 9110 §5.6.7.
//!
//! Here: [`HttpDate`], its three forms, and the calendar. A file, a clock and a user may name any moment: what the form cannot
//! express is clamped, and nothing panics. Not here: the Date field of responses (`conn/clock.rs`), the dates of cookies
//! that a client receives (`fetch/cookies/date.rs`).
//!
//! May know: `error`.
//!
//! Must not know: any other room of this crate.

use crate::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment as fields of HTTP carry it, to the second: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// The form has four digits for the year. A [`SystemTime`] outside of the years 0 to 9999 becomes the nearest moment inside, so
/// that the conversion never fails. A fraction of a second is dropped.
///
/// ```
/// use hearken::HttpDate;
/// use std::time::{Duration, SystemTime};
///
/// let date: HttpDate = "Sun, 06 Nov 1994 08:49:37 GMT".parse()?;
/// assert_eq!(date.unix_seconds(), 784_111_777);
/// assert_eq!(SystemTime::from(date), SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
///
/// // Files may be older than 1970.
/// let old = HttpDate::from(SystemTime::UNIX_EPOCH - Duration::from_secs(185_760_000));
/// assert_eq!(old.to_string(), "Wed, 12 Feb 1964 00:00:00 GMT");
/// # Ok::<(), hearken::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate {
    /// Seconds since 1970, without leap seconds.
    seconds: i64,
}

/// Length of the form that is sent.
const LEN: usize = 29;

const DAY: i64 = 86_400;

impl HttpDate {
    /// The first second of the year 0.
    pub const MIN: Self = Self {
        seconds: -62_167_219_200,
    };

    /// The last second of the year 9999.
    pub const MAX: Self = Self {
        seconds: 253_402_300_799,
    };

    /// Parses a date in one of the three forms that a recipient must accept: that of today, that of RFC 850, and that of C's
    /// `asctime`. A year of two digits means the latest one that is at most 50 years after `now`. Names of days and months are
    /// compared without case; the name of the day is not checked against the date. Returns `None` for anything else.
    ///
    /// ```
    /// use hearken::HttpDate;
    /// let now = HttpDate::from_unix_seconds(1_800_000_000); // 2027
    /// for form in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
    ///     assert_eq!(HttpDate::parse(form, now), Some(HttpDate::from_unix_seconds(784_111_777)));
    /// }
    /// assert_eq!(HttpDate::parse("yesterday", now), None);
    /// ```
    #[must_use]
    pub fn parse(value: impl AsRef<[u8]>, now: Self) -> Option<Self> {
        forms::parse(value.as_ref(), now)
    }

    /// The moment with this number of seconds since 1970, clamped to [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        if seconds < Self::MIN.seconds {
            Self::MIN
        } else if seconds > Self::MAX.seconds {
            Self::MAX
        } else {
            Self { seconds }
        }
    }

    /// Seconds since 1970; negative before it.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// The form of RFC 3339 and ISO 8601, to the second: `1994-11-06T08:49:37Z`.
    ///
    /// ```
    /// use hearken::HttpDate;
    /// assert_eq!(HttpDate::from_unix_seconds(784_111_777).to_iso8601(), "1994-11-06T08:49:37Z");
    /// ```
    #[must_use]
    pub fn to_iso8601(self) -> String {
        let (days, second) = (self.seconds.div_euclid(DAY), self.seconds.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// The form that is sent, as bytes.
    pub(crate) fn to_bytes(self) -> [u8; LEN] {
        let (days, second) = (self.seconds.div_euclid(DAY), self.seconds.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
        // 1970 began on a Thursday, the fifth name.
        text[..3].copy_from_slice(&DAYS[(days + 4).rem_euclid(7) as usize].as_bytes()[..3]);
        digits(&mut text[5..7], day);
        text[8..11].copy_from_slice(MONTHS[month as usize - 1].as_bytes());
        digits(&mut text[12..16], year);
        digits(&mut text[17..19], second / 3600);
        digits(&mut text[20..22], second / 60 % 60);
        digits(&mut text[23..25], second % 60);
        text
    }
}

/// Writes a number with zeros in front.
fn digits(text: &mut [u8], mut number: i64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX - 1);
                -(whole + i64::from(before.subsec_nanos() > 0))
            }
        };
        Self::from_unix_seconds(seconds)
    }
}

/// On a system that cannot express the moment, its epoch.
impl From<HttpDate> for SystemTime {
    fn from(date: HttpDate) -> Self {
        let distance = Duration::from_secs(date.seconds.unsigned_abs());
        let time = if date.seconds < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        time.unwrap_or(UNIX_EPOCH)
    }
}

/// As [`HttpDate::parse`], with the clock of the system for years of two digits.
impl FromStr for HttpDate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text, SystemTime::now().into()).ok_or_else(|| {
            let text = format!(
                "expected a date like Sun, 06 Nov 1994 08:49:37 GMT, not {:?}",
                text.chars().take(40).collect::<String>()
            );
            Error::new(400, text)
        })
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_bytes()).unwrap_or_default())
    }
}

impl fmt::Debug for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Days from 1970 to a date of the Gregorian calendar. Years begin in March, so that a leap day is the last of its year.
const fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// The inverse of [`days_to`]: year, month and day.
const fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

const fn days_in(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    days_to(next_year, next, 1) - days_to(year, month, 1)
}

mod forms;

#[cfg(test)]
mod tests;
