//! The three forms of a date (RFC 9110 §5.6.7): IMF-fixdate, RFC 850, asctime.

use super::{DAY, DAYS, HttpDate, MONTHS, date_of, days_in, days_to};

/// A year of two digits is at most so many years after now.
const AHEAD_MAX: i64 = 50;

pub(super) fn parse(value: &[u8], now: HttpDate) -> Option<HttpDate> {
    let value = value.trim_ascii();
    let mut fixdate = Reader(value);
    if let Some(date) = fixdate.fixdate().filter(|_| fixdate.0.is_empty()) {
        return Some(date);
    }
    let mut rfc850 = Reader(value);
    if let Some(date) = rfc850.rfc850(now).filter(|_| rfc850.0.is_empty()) {
        return Some(date);
    }
    let mut asctime = Reader(value);
    asctime.asctime().filter(|_| asctime.0.is_empty())
}

/// What is left of a value. Each method takes what it names from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    fn fixdate(&mut self) -> Option<HttpDate> {
        self.name(DAYS.map(|day| &day[..3]))?;
        self.text(b", ")?;
        let day = self.number(2)?;
        self.text(b" ")?;
        let month = self.month()?;
        self.text(b" ")?;
        let year = self.number(4)?;
        self.text(b" ")?;
        let second = self.time()?;
        self.text(b" GMT")?;
        date(year, month, day, second)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    fn rfc850(&mut self, now: HttpDate) -> Option<HttpDate> {
        self.name(DAYS)?;
        self.text(b", ")?;
        let day = self.number(2)?;
        self.text(b"-")?;
        let month = self.month()?;
        self.text(b"-")?;
        let short = self.number(2)?;
        self.text(b" ")?;
        let second = self.time()?;
        self.text(b" GMT")?;
        nearest(short, now, |year| date(year, month, day, second))
    }

    /// `Sun Nov  6 08:49:37 1994`
    fn asctime(&mut self) -> Option<HttpDate> {
        self.name(DAYS.map(|day| &day[..3]))?;
        self.text(b" ")?;
        let month = self.month()?;
        self.text(b" ")?;
        let day = match self.text(b" ") {
            Some(()) => self.number(1)?,
            None => self.number(2)?,
        };
        self.text(b" ")?;
        let second = self.time()?;
        self.text(b" ")?;
        let year = self.number(4)?;
        date(year, month, day, second)
    }

    fn month(&mut self) -> Option<i64> {
        let at = self.name(MONTHS)?;
        i64::try_from(at + 1).ok()
    }

    /// `08:49:37` as a second of the day. A leap second is the first second of the next minute.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.text(b":")?;
        let minute = self.number(2)?;
        self.text(b":")?;
        let second = self.number(2)?;
        let legal = hour < 24 && minute < 60 && second <= 60;
        legal.then_some(hour * 3600 + minute * 60 + second)
    }

    fn number(&mut self, len: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(len)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        let number = digits.iter();
        Some(number.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// The place of the name in the list. No name is the beginning of another one in it.
    fn name<const N: usize>(&mut self, names: [&str; N]) -> Option<usize> {
        names
            .iter()
            .position(|name| self.text(name.as_bytes()).is_some())
    }

    /// This text, without case.
    fn text(&mut self, text: &[u8]) -> Option<()> {
        let (front, rest) = self.0.split_at_checked(text.len())?;
        if !front.eq_ignore_ascii_case(text) {
            return None;
        }
        self.0 = rest;
        Some(())
    }
}

/// `None` for a day that the month does not have.
fn date(year: i64, month: i64, day: i64, second: i64) -> Option<HttpDate> {
    if !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let seconds = days_to(year, month, day) * DAY + second;
    Some(HttpDate::from_unix_seconds(seconds))
}

/// The latest date with these two digits of the year that is not more than 50 years after now: "a timestamp that appears
/// to be more than 50 years in the future" is in the past.
fn nearest(short: i64, now: HttpDate, date: impl Fn(i64) -> Option<HttpDate>) -> Option<HttpDate> {
    let second = now.unix_seconds();
    let (year, month, day) = date_of(second.div_euclid(DAY));
    let limit_day = day.min(days_in(year + AHEAD_MAX, month));
    let limit = days_to(year + AHEAD_MAX, month, limit_day) * DAY + second.rem_euclid(DAY);
    let century = (year + AHEAD_MAX) / 100 * 100;
    // The 29th of February is missing in some years: then there is no such date.
    let years = [century + short, century + short - 100];
    let fits = |date: &HttpDate| date.unix_seconds() <= limit;
    date(years[0]).filter(fits).or_else(|| date(years[1]))
}
