//! The date as the connections of one worker see it: set from outside.
//!
//! Here: [`Clock`], the value of the Date field (RFC 9110 §6.6.1), formatted once a second, and seconds for times that need no
//! more. Not here: the clock of
//! the system, which the driver of the connections reads.

use crate::date::HttpDate;
use crate::event::watch::ReadClock;
use hearken_proto::Date;
use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

/// Reads a number that changes with each tick of the system, and costs a fraction of a reading of the time.
pub(crate) type ReadTick = fn() -> u64;

/// Plain data, written by the driver, read by everybody.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Where its seconds begin.
    origin: Instant,
    /// The last moment whose second was asked for, and that second: most turns use the same moment.
    second: Cell<(Instant, u32)>,
    date: Cell<Date>,
    /// The same date as a number.
    wall: Cell<HttpDate>,
    date_until: Cell<Instant>,
    /// Reads the time between two turns, for observers.
    pub(crate) read: Option<ReadClock>,
    /// Shows whether it is worth to read the time. `None` where the system has no such number.
    pub(crate) tick: Option<ReadTick>,
}

impl Clock {
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        Self {
            origin: now,
            second: Cell::new((now, 0)),
            date: Cell::new(date_of(wall.into())),
            wall: Cell::new(wall.into()),
            date_until: Cell::new(now),
            read: None,
            tick: None,
        }
    }

    /// Observers get the time of orders that come between two turns from `read`.
    pub(crate) fn read_by(self, read: ReadClock) -> Self {
        Self {
            read: Some(read),
            ..self
        }
    }

    /// The time of a poll is measured by `tick` first.
    pub(crate) fn ticked_by(self, tick: Option<ReadTick>) -> Self {
        Self { tick, ..self }
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
        self.wall.set(wall.into());
        self.date.set(date_of(self.wall.get()));
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

    /// The value of the Date field: the time at which a message originates (RFC 9110 §8.8.2).
    pub(crate) fn wall(&self) -> HttpDate {
        self.wall.get()
    }
}

fn date_of(wall: HttpDate) -> Date {
    Date::new(&wall.to_bytes()).expect("a date consists of letters, digits and spaces")
}
