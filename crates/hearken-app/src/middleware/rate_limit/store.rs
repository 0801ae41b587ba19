//! Where the state of a rate limit is kept: one time for each client.
//!
//! Here: [`Quota`] with the algorithm, [`RateLimitStore`], [`MemoryRateLimitStore`]. Not here: the middleware (`rate_limit.rs`).
//!
//! The algorithm is GCRA: of each client it keeps the time at which all its requests will have come back. A request moves that time on
//! by the interval between two requests; it is rejected if the time would then be further away than a whole burst.

use crate::middleware::store::StoreFuture;
use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How many requests a client may send: an interval between two, and how many may come at once.
///
/// Times are in nanoseconds since any fixed moment, so that a store can keep them as numbers.
///
/// ```
/// use hearken::app::Quota;
/// use std::time::Duration;
/// let quota = Quota::new(2, Duration::from_secs(10));
/// let (state, taken) = quota.take(None, 0);
/// assert!(taken.allowed && taken.remaining == 1);
/// let (state, taken) = quota.take(state, 0);
/// assert!(taken.allowed && taken.remaining == 0);
/// let (_, taken) = quota.take(state, 0);
/// assert_eq!((taken.allowed, taken.retry_after), (false, Duration::from_secs(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    interval: u64,
    burst: u32,
}

/// What a request has got: [`RateLimitStore::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "stores outside of this crate make it"
)]
pub struct Taken {
    /// Whether the request is within the limit.
    pub allowed: bool,
    /// Requests that may come now.
    pub remaining: u32,
    /// Until the next request may come; zero if one may come now.
    pub retry_after: Duration,
    /// Until all requests have come back.
    pub reset: Duration,
}

impl Quota {
    /// This many requests in this time, and as many at once. Zero counts as one.
    #[must_use]
    pub fn new(limit: u32, window: Duration) -> Self {
        let limit = limit.max(1);
        let interval = window.as_nanos() / u128::from(limit);
        let interval = u64::try_from(interval).unwrap_or(u64::MAX).max(1);
        Self {
            interval,
            burst: limit,
        }
    }

    /// Another number of requests that may come at once. Zero counts as one.
    #[must_use]
    pub fn burst(mut self, requests: u32) -> Self {
        self.burst = requests.max(1);
        self
    }

    const fn span(self) -> u64 {
        self.interval.saturating_mul(self.burst as u64)
    }

    /// Takes a request at `now`. `state`: what this returned for the last request of the client; `None` for a new one. The state is
    /// needed until it is `now`.
    #[must_use]
    pub fn take(self, state: Option<u64>, now: u64) -> (Option<u64>, Taken) {
        // A state further away than a burst was made by another quota, or before the clock was set back.
        let full = now.saturating_add(self.span());
        let at = state.unwrap_or(now).clamp(now, full);
        let after = at.saturating_add(self.interval);
        let allowed = after <= full;
        let until = if allowed { after } else { at };
        let left = (full - until) / self.interval;
        let next = until.saturating_add(self.interval).saturating_sub(full);
        let taken = Taken {
            allowed,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            retry_after: Duration::from_nanos(next),
            reset: Duration::from_nanos(until - now),
        };
        (Some(until), taken)
    }

    /// The state after the last request was given back.
    #[must_use]
    pub const fn give_back(self, state: u64) -> u64 {
        state.saturating_sub(self.interval)
    }
}

/// Keeps the counts of a [`RateLimit`](super::RateLimit): in memory, or in a database that several processes share. It must take requests
/// of one client one after the other, or two at the same time count as one.
///
/// ```
/// use hearken::app::{Quota, RateLimitStore, StoreFuture, Taken};
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::{SystemTime, UNIX_EPOCH};
///
/// #[derive(Default)]
/// struct Simple(Mutex<HashMap<String, u64>>); // grows without bound: not for production
/// impl RateLimitStore for Simple {
///     fn take<'a>(&'a self, key: &'a str, quota: Quota) -> StoreFuture<'a, Taken> {
///         Box::pin(async move {
///             let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
///             let mut states = self.0.lock().expect("no thread has panicked");
///             let (state, taken) = quota.take(states.get(key).copied(), now);
///             states.extend(state.map(|state| (key.to_owned(), state)));
///             Ok(taken)
///         })
///     }
///     fn give_back<'a>(&'a self, key: &'a str, quota: Quota) -> StoreFuture<'a, ()> {
///         Box::pin(async move {
///             if let Some(state) = self.0.lock().expect("no thread has panicked").get_mut(key) {
///                 *state = quota.give_back(*state);
///             }
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes a request of a client.
    fn take<'a>(&'a self, key: &'a str, quota: Quota) -> StoreFuture<'a, Taken>;

    /// Gives the last request of a client back.
    fn give_back<'a>(&'a self, key: &'a str, quota: Quota) -> StoreFuture<'a, ()>;
}

/// Parts with a lock of their own.
const SHARDS: usize = 16;

/// Keeps counts in the memory of this process, for at most so many clients: 24 bytes each, and what a hash table adds to it.
///
/// When it is full, it drops the clients whose requests have come back, and if these are few, the eighth whose requests come back soonest:
/// clients at their limit stay longest. Keys are hashed to 128 bits with a random secret, so that their length does not matter.
///
/// ```
/// use hearken::app::{App, MemoryRateLimitStore, RateLimit};
/// use std::time::Duration;
/// let mut app = App::new();
/// app.with(RateLimit::new(10, Duration::from_secs(1)).store(MemoryRateLimitStore::new(1_000_000)));
/// ```
pub struct MemoryRateLimitStore {
    shards: [Mutex<HashMap<u128, u64>>; SHARDS],
    shard_max: usize,
    hashers: (RandomState, RandomState),
    start: OnceLock<Instant>,
}

impl Default for MemoryRateLimitStore {
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl MemoryRateLimitStore {
    /// For at most this many clients, rounded up to a multiple of 16.
    #[must_use]
    pub fn new(clients_max: usize) -> Self {
        Self {
            shards: Default::default(),
            shard_max: clients_max.div_ceil(SHARDS).max(1),
            hashers: Default::default(),
            start: OnceLock::new(),
        }
    }

    /// How many clients it knows now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn now(&self) -> u64 {
        let now = Instant::now();
        let since = now.saturating_duration_since(*self.start.get_or_init(|| now));
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn shard(&self, key: &str) -> (u128, MutexGuard<'_, HashMap<u128, u64>>) {
        let (high, low) = (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key));
        let hash = u128::from(high) << 64 | u128::from(low);
        (hash, lock(&self.shards[low as usize % SHARDS]))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room for one more. At least an eighth is dropped, so that the cost for each request is constant.
fn make_room(states: &mut HashMap<u128, u64>, max: usize, now: u64) {
    if states.len() < max {
        return;
    }
    states.retain(|_, state| *state > now);
    let room = (max / 8).max(1);
    if states.len() + room <= max {
        return;
    }
    let mut times: Vec<u64> = states.values().copied().collect();
    let surplus = states.len() + room - max;
    let (_, &mut last, _) = times.select_nth_unstable(surplus - 1);
    let mut left = surplus;
    states.retain(|_, state| {
        let drops = *state <= last && left > 0;
        left -= usize::from(drops);
        !drops
    });
}

impl RateLimitStore for MemoryRateLimitStore {
    fn take<'a>(&'a self, key: &'a str, quota: Quota) -> StoreFuture<'a, Taken> {
        let now = self.now();
        let (hash, mut states) = self.shard(key);
        let (state, taken) = quota.take(states.get(&hash).copied(), now);
        if !states.contains_key(&hash) {
            make_room(&mut states, self.shard_max, now);
        }
        if let Some(state) = state {
            states.insert(hash, state);
        }
        Box::pin(ready(Ok(taken)))
    }

    fn give_back<'a>(&'a self, key: &'a str, quota: Quota) -> StoreFuture<'a, ()> {
        let (hash, mut states) = self.shard(key);
        if let Some(state) = states.get_mut(&hash) {
            *state = quota.give_back(*state);
        }
        Box::pin(ready(Ok(())))
    }
}

impl fmt::Debug for MemoryRateLimitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRateLimitStore")
            .field("clients", &self.len())
            .field("clients_max", &(self.shard_max * SHARDS))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn requests_come_back_one_by_one() {
        let quota = Quota::new(3, Duration::from_secs(30));
        let mut state = None;
        for remaining in [2, 1, 0] {
            let (next, taken) = quota.take(state, 0);
            assert!(taken.allowed);
            assert_eq!(taken.remaining, remaining);
            state = next;
        }
        assert_eq!(quota.take(state, 0).1.retry_after, Duration::from_secs(10));
        assert_eq!(
            quota.take(state, 9 * SECOND).1.retry_after,
            Duration::from_secs(1)
        );
        assert!(!quota.take(state, 10 * SECOND - 1).1.allowed);
        let (_, taken) = quota.take(state, 10 * SECOND);
        assert!(taken.allowed);
        assert_eq!((taken.remaining, taken.reset), (0, Duration::from_secs(30)));
        assert_eq!(
            quota.take(state, 300 * SECOND).1.remaining,
            2,
            "never more than a burst"
        );
    }

    #[test]
    fn a_rejected_request_costs_nothing() {
        let quota = Quota::new(1, Duration::from_secs(10));
        let (mut state, _) = quota.take(None, 0);
        for second in 1..10 {
            let (next, taken) = quota.take(state, second * SECOND);
            assert!(!taken.allowed, "{second}");
            state = next;
        }
        assert!(quota.take(state, 10 * SECOND).1.allowed);
    }

    #[test]
    fn strange_quotas_and_states_do_not_overflow() {
        for (limit, window) in [
            (0, Duration::ZERO),
            (u32::MAX, Duration::MAX),
            (1, Duration::MAX),
            (u32::MAX, Duration::ZERO),
        ] {
            let quota = Quota::new(limit, window).burst(limit);
            for state in [None, Some(0), Some(u64::MAX)] {
                for now in [0, 1, u64::MAX] {
                    let (next, taken) = quota.take(state, now);
                    assert!(
                        taken.allowed || taken.retry_after > Duration::ZERO,
                        "{limit} {window:?} {state:?} {now}"
                    );
                    assert!(next.is_some());
                }
            }
        }
    }

    #[test]
    fn a_full_store_keeps_the_clients_at_their_limit() {
        let mut states: HashMap<u128, u64> = (0..80).map(|key| (key, 100 + key as u64)).collect();
        make_room(&mut states, 80, 0);
        assert_eq!(states.len(), 70);
        assert!(
            (0..10).all(|key| !states.contains_key(&key)),
            "the next to come back go first"
        );
        make_room(&mut states, 70, 1_000);
        assert!(states.is_empty(), "those that have come back are dropped");
        let mut same: HashMap<u128, u64> = (0..80).map(|key| (key, 7)).collect();
        make_room(&mut same, 80, 0);
        assert_eq!(same.len(), 70, "equal times are not all dropped");
    }
}
