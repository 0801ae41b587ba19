use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Wake;

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

fn wheel() -> (Wheel, u32, Arc<Count>, Instant) {
    let origin = Instant::now();
    let mut wheel = Wheel::new(origin);
    let key = wheel.add();
    let count = Arc::new(Count::default());
    wheel.set_waker(key, &Waker::from(Arc::clone(&count)));
    (wheel, key, count, origin)
}

#[test]
fn a_deadline_fires_never_early_and_at_most_two_ticks_late() {
    for ms in [0, 1, 24, 25, 26, 1_000, 10_000, 60_000, 3_600_000] {
        let (mut wheel, key, count, origin) = wheel();
        let deadline = origin + Duration::from_millis(ms);
        wheel.set(key, Some(deadline));
        let mut now = origin;
        while count.get() == 0 {
            now = wheel.next().expect("an entry waits");
            wheel.turn(now);
        }
        assert!(now >= deadline, "{ms} early");
        assert!(now <= deadline + 2 * TICK, "{ms} late");
    }
}

#[test]
fn a_deadline_that_moves_back_fires_once_at_its_last_time() {
    let (mut wheel, key, count, origin) = wheel();
    assert!(wheel.set(key, Some(origin + Duration::from_secs(1))));
    assert!(
        !wheel.set(key, Some(origin + Duration::from_secs(9))),
        "moving back is one store"
    );
    wheel.turn(origin + Duration::from_secs(8));
    assert_eq!(count.get(), 0);
    wheel.turn(origin + Duration::from_secs(10));
    assert_eq!(count.get(), 1);
    wheel.turn(origin + Duration::from_secs(100));
    assert_eq!(count.get(), 1);
}

#[test]
fn a_deadline_that_moves_ahead_fires_at_its_new_time() {
    let (mut wheel, key, count, origin) = wheel();
    wheel.set(key, Some(origin + Duration::from_secs(9)));
    assert!(wheel.set(key, Some(origin + Duration::from_secs(1))));
    wheel.turn(origin + Duration::from_millis(1_050));
    assert_eq!(count.get(), 1);
}

#[test]
fn an_entry_without_deadline_or_removed_never_fires() {
    let (mut wheel, key, count, origin) = wheel();
    wheel.set(key, Some(origin + Duration::from_secs(1)));
    wheel.set(key, None);
    wheel.turn(origin + Duration::from_secs(2));
    wheel.set(key, Some(origin + Duration::from_secs(3)));
    wheel.remove(key);
    wheel.turn(origin + Duration::from_secs(4));
    assert_eq!((count.get(), wheel.len()), (0, 0));
}

/// After the process was suspended, or a handler blocked its worker, deadlines that passed meanwhile fire.
#[test]
fn deadlines_survive_a_long_sleep() {
    for slept in [26, 51, 60, 3_600, 1_000_000] {
        let (mut wheel, key, count, origin) = wheel();
        wheel.set(key, Some(origin + Duration::from_secs(1)));
        let late = wheel.add();
        wheel.turn(origin + Duration::from_secs(slept));
        assert_eq!(count.get(), 1, "{slept}");
        wheel.set(late, Some(origin + Duration::from_secs(slept + 1)));
        assert!(wheel.next().is_some());
    }
}

/// Deadlines are finer than the milliseconds that the wheel counts.
#[test]
fn a_deadline_is_never_early_by_less_than_a_tick() {
    for micros in [
        24_000, 24_001, 24_999, 25_000, 25_001, 25_500, 25_999, 26_000, 999_999,
    ] {
        let (mut wheel, key, count, origin) = wheel();
        let deadline = origin + Duration::from_micros(micros);
        wheel.set(key, Some(deadline));
        for step in 0_u32.. {
            let now = origin + Duration::from_micros(100) * step;
            wheel.turn(now);
            if count.get() > 0 {
                assert!(now >= deadline, "{micros}");
                break;
            }
        }
    }
}
