//! The date as the connections of one worker see it: set from outside.
//!
//! Here: [`Clock`], the value of the Date field (RFC 9110 §6.6.1), formatted once a second, and seconds for times that need no
//! more. Not here: the clock of
//! the system, which the driver of the connections reads.

use crate::event::watch::ReadClock;
use hearken_proto::Date;
use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime};

/// Plain data, written by the driver, read by everybody.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Where its seconds begin.
    origin: Instant,
    /// The last moment whose second was asked for, and that second: most turns use the same moment.
    second: Cell<(Instant, u32)>,
    date: Cell<Date>,
    date_until: Cell<Instant>,
    /// Reads the time between two turns, for observers.
    pub(crate) read: Option<ReadClock>,
}

impl Clock {
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        Self {
            origin: now,
            second: Cell::new((now, 0)),
            date: Cell::new(date_of(wall)),
            date_until: Cell::new(now),
            read: None,
        }
    }

    /// Observers get the time of orders that come between two turns from `read`.
    pub(crate) fn read_by(self, read: ReadClock) -> Self {
        Self {
            read: Some(read),
            ..self
        }
    }

    /// The second in which this moment lies: a quarter of the size of an `Instant`, for what every idle connection keeps.
    #[inline]
    pub(crate) fn second(&self, at: Instant) -> u32 {
        let (known, second) = self.second.get();
        if known == at {
            return second;
        }
        let since = at.saturating_duration_since(self.origin).as_secs();
        let second = u32::try_from(since).unwrap_or(u32::MAX);
        self.second.set((at, second));
        second
    }

    /// Time goes on. `wall` is asked once a second.
    #[inline]
    pub(crate) fn set(&self, now: Instant, wall: impl FnOnce() -> SystemTime) {
        if now >= self.date_until.get() {
            self.set_date(now, wall());
        }
    }

    #[cold]
    fn set_date(&self, now: Instant, wall: SystemTime) {
        self.date.set(date_of(wall));
        let into_second = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos());
        self.date_until
            .set(now + Duration::from_nanos(1_000_000_000 - u64::from(into_second)));
    }

    #[inline]
    pub(crate) fn date(&self) -> Date {
        self.date.get()
    }
}

fn date_of(wall: SystemTime) -> Date {
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    // An IMF-fixdate has this length until the year 10000; a longer one would be cut.
    let _ = write!(&mut text[..], "{}", httpdate::HttpDate::from(wall));
    Date::new(&text).expect("a date consists of letters, digits and spaces")
}
