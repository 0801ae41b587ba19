//! Tables for RFC 9110 §5.6.7, and the whole range of years.

use super::*;

const NOW: HttpDate = HttpDate::from_unix_seconds(1_795_000_000); // November 2026

fn parsed(text: &str) -> Option<String> {
    HttpDate::parse(text, NOW).map(|date| date.to_string())
}

#[test]
fn the_three_forms_of_the_standard_are_read() {
    for form in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        // Robust: another case, another day of the week, white space around it.
        "sun, 06 nov 1994 08:49:37 gmt",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        " Sun, 06 Nov 1994 08:49:37 GMT\t",
    ] {
        assert_eq!(
            HttpDate::parse(form, NOW).map(HttpDate::unix_seconds),
            Some(784_111_777),
            "{form}"
        );
    }
}

#[test]
fn other_texts_are_no_dates() {
    for text in [
        "",
        "0",
        "now",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Tue, 29 Feb 2023 08:49:37 GMT",
        "Thu, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 19944 08:49:37 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94",
        "784111777",
    ] {
        assert_eq!(parsed(text), None, "{text:?}");
    }
    for bytes in [&b"\xff"[..], b"Sun, 06 Nov 1994 08:49:3\xff GMT", b"\0"] {
        assert_eq!(HttpDate::parse(bytes, NOW), None);
    }
}

#[test]
fn two_digits_of_a_year_mean_the_latest_that_is_at_most_50_years_ahead() {
    for (text, year) in [
        ("Sunday, 06-Nov-94 08:49:37 GMT", "1994"),
        ("Sunday, 06-Nov-00 08:49:37 GMT", "2000"),
        ("Sunday, 06-Nov-26 08:49:37 GMT", "2026"),
        ("Sunday, 06-Nov-27 08:49:37 GMT", "2027"),
        ("Sunday, 01-Jan-76 08:49:37 GMT", "2076"),
        ("Sunday, 31-Dec-76 08:49:37 GMT", "1976"), // more than 50 years ahead
        ("Sunday, 06-Nov-77 08:49:37 GMT", "1977"),
    ] {
        let date = parsed(text).unwrap_or_else(|| panic!("{text}"));
        assert!(date.contains(year), "{text}: {date}");
    }
    // A leap day that the nearer century has not.
    let now = HttpDate::from_unix_seconds(days_to(2099, 1, 1) * DAY);
    assert_eq!(
        HttpDate::parse("Monday, 29-Feb-00 00:00:00 GMT", now).map(|date| date.to_string()),
        Some("Tue, 29 Feb 2000 00:00:00 GMT".to_owned())
    );
    // Whatever the clock says, nothing overflows.
    for now in [HttpDate::MIN, HttpDate::MAX] {
        for year in 0..100 {
            let text = format!("Sunday, 28-Feb-{year:02} 08:49:37 GMT");
            assert!(HttpDate::parse(text, now).is_some());
        }
    }
}

#[test]
fn leap_seconds_and_leap_days_are_read() {
    assert_eq!(
        parsed("Sat, 31 Dec 2016 23:59:60 GMT").as_deref(),
        Some("Sun, 01 Jan 2017 00:00:00 GMT")
    );
    for date in [
        "Tue, 29 Feb 2000 00:00:00 GMT",
        "Thu, 29 Feb 2024 23:59:59 GMT",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Wed, 12 Feb 1964 00:00:00 GMT",
    ] {
        assert_eq!(parsed(date).as_deref(), Some(date));
    }
    assert_eq!(
        parsed("Fri, 31 Dec 9999 23:59:60 GMT").as_deref(),
        Some("Fri, 31 Dec 9999 23:59:59 GMT")
    );
}

#[test]
fn every_day_of_ten_thousand_years_is_read_back() {
    let mut seconds = HttpDate::MIN.unix_seconds();
    let mut before = (0, 0, 0);
    while seconds <= HttpDate::MAX.unix_seconds() {
        let now = date_of(seconds.div_euclid(DAY));
        assert!(now > before, "{now:?} after {before:?}");
        assert_eq!(days_to(now.0, now.1, now.2) * DAY, seconds);
        if seconds % (97 * DAY) == 0 {
            let date = HttpDate::from_unix_seconds(seconds + 12_345);
            assert_eq!(HttpDate::parse(date.to_bytes(), NOW), Some(date));
        }
        before = now;
        seconds += DAY;
    }
    assert_eq!(before, (9999, 12, 31));
}

#[test]
fn every_time_of_the_system_has_a_date() {
    let later = |seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let earlier = |seconds| UNIX_EPOCH.checked_sub(Duration::from_secs(seconds));
    for (time, text) in [
        (later(0), "Thu, 01 Jan 1970 00:00:00 GMT"),
        (later(253_402_300_799), "Fri, 31 Dec 9999 23:59:59 GMT"),
        (later(253_402_300_800), "Fri, 31 Dec 9999 23:59:59 GMT"),
        (later(i64::MAX as u64), "Fri, 31 Dec 9999 23:59:59 GMT"),
        (earlier(1), "Wed, 31 Dec 1969 23:59:59 GMT"),
        (earlier(62_167_219_200), "Sat, 01 Jan 0000 00:00:00 GMT"),
        (earlier(62_167_219_201), "Sat, 01 Jan 0000 00:00:00 GMT"),
        (earlier(i64::MAX as u64), "Sat, 01 Jan 0000 00:00:00 GMT"),
    ] {
        if let Some(time) = time {
            assert_eq!(HttpDate::from(time).to_string(), text);
        }
    }
    // A fraction is dropped towards the past on both sides of 1970.
    let half = Duration::from_millis(500);
    assert_eq!(HttpDate::from(UNIX_EPOCH + half).unix_seconds(), 0);
    assert_eq!(HttpDate::from(UNIX_EPOCH - half).unix_seconds(), -1);
    for seconds in [-185_760_000, -1, 0, 1, 784_111_777] {
        let date = HttpDate::from_unix_seconds(seconds);
        assert_eq!(HttpDate::from(SystemTime::from(date)), date);
    }
    for date in [HttpDate::MIN, HttpDate::MAX] {
        let _ = SystemTime::from(date);
    }
}
