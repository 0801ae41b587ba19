//! The date as the connections of one worker see it: set from outside.
//!
//! Here: [`Clock`], the value of the Date field (RFC 9110 §6.6.1), formatted once a second. Not here: the clock of
//! the system; whoever drives the connections reads it.

use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime};

/// Length of an IMF-fixdate.
const DATE_LEN: usize = 29;

/// Plain data, written by the driver, read by everybody.
#[derive(Debug)]
pub(crate) struct Clock {
    date: Cell<[u8; DATE_LEN]>,
    date_until: Cell<Instant>,
}

impl Clock {
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        let clock = Self {
            date: Cell::new([0; DATE_LEN]),
            date_until: Cell::new(now),
        };
        clock.set_date(now, wall);
        clock
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
        let mut date = [0; DATE_LEN];
        // An IMF-fixdate always has this length until the year 10000; after it the field is cut, never wrong in memory.
        let _ = write!(&mut date[..], "{}", httpdate::HttpDate::from(wall));
        self.date.set(date);
        let into_second = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos());
        self.date_until
            .set(now + Duration::from_nanos(1_000_000_000 - u64::from(into_second)));
    }

    pub(crate) fn date(&self) -> [u8; DATE_LEN] {
        self.date.get()
    }
}
