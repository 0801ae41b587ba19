//! Where sessions are kept.
//!
//! Here: [`SessionStore`], [`MemorySessionStore`]. Not here: what is in a session (`session/data.rs`).

use crate::middleware::store::StoreFuture;
use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Keeps sessions: an id, a text, and how long it lives. For databases, implement it.
///
/// A session that has outlived its `lifetime` must not be returned. [`update`](Self::update) and [`touch`](Self::touch) must not bring back
/// one that was destroyed: a request that was running during a logout would undo it.
///
/// ```
/// use hearken::app::{SessionStore, StoreFuture};
/// use std::time::Duration;
///
/// /// Forgets everything.
/// struct Nowhere;
/// impl SessionStore for Nowhere {
///     fn load<'a>(&'a self, _id: &'a str) -> StoreFuture<'a, Option<String>> {
///         Box::pin(async { Ok(None) })
///     }
///     fn create<'a>(&'a self, _id: &'a str, _data: &'a str, _lifetime: Duration) -> StoreFuture<'a, bool> {
///         Box::pin(async { Ok(true) })
///     }
///     fn update<'a>(&'a self, _id: &'a str, _data: &'a str, _lifetime: Duration) -> StoreFuture<'a, bool> {
///         Box::pin(async { Ok(false) })
///     }
///     fn touch<'a>(&'a self, _id: &'a str, _lifetime: Duration) -> StoreFuture<'a, bool> {
///         Box::pin(async { Ok(false) })
///     }
///     fn destroy<'a>(&'a self, _id: &'a str) -> StoreFuture<'a, ()> {
///         Box::pin(async { Ok(()) })
///     }
/// }
/// ```
pub trait SessionStore: Send + Sync + 'static {
    /// The text of a session that lives.
    fn load<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<String>>;

    /// Adds a session. False when there is one with this id.
    fn create<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool>;

    /// Replaces the text of a session, whose life begins again. False when there is none with this id.
    fn update<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool>;

    /// Lets the life of a session begin again. False when there is none with this id.
    fn touch<'a>(&'a self, id: &'a str, lifetime: Duration) -> StoreFuture<'a, bool>;

    /// Drops a session, if there is one with this id.
    fn destroy<'a>(&'a self, id: &'a str) -> StoreFuture<'a, ()>;
}

/// Keeps sessions in the memory of this process: lost when it ends, and not shared with others.
///
/// | option | default |
/// |---|---|
/// | [`sessions_max`](Self::sessions_max) | 10,000 |
/// | [`bytes_max`](Self::bytes_max) | 64 MiB of texts and ids |
///
/// When it is full, it drops the sessions that have expired, and then those that would expire soonest, an eighth at a time. npm: the
/// `MemoryStore` of `express-session`, which has no bound.
///
/// ```
/// use hearken::app::{App, CookieKeys, MemorySessionStore, Sessions};
/// # let keys = CookieKeys::new(["a secret of at least thirty-two bytes"])?;
/// let mut app = App::new();
/// app.with(Sessions::new(keys).store(MemorySessionStore::default().sessions_max(1_000)));
/// # Ok::<(), hearken::app::KeyError>(())
/// ```
pub struct MemorySessionStore {
    sessions: Mutex<Kept>,
    sessions_max: usize,
    bytes_max: usize,
}

#[derive(Default)]
struct Kept {
    by_id: HashMap<Box<str>, One>,
    bytes: usize,
}

struct One {
    data: Box<str>,
    expires: Instant,
}

impl Default for MemorySessionStore {
    fn default() -> Self {
        Self {
            sessions: Mutex::default(),
            sessions_max: 10_000,
            bytes_max: 64 * 1024 * 1024,
        }
    }
}

impl MemorySessionStore {
    /// The most sessions. Zero counts as one.
    #[must_use]
    pub fn sessions_max(mut self, sessions: usize) -> Self {
        self.sessions_max = sessions.max(1);
        self
    }

    /// The most bytes of texts and ids. A session that is larger alone is not kept: storing it fails.
    #[must_use]
    pub const fn bytes_max(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }

    /// How many sessions it has, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept().by_id.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(
        &self,
        id: &str,
        data: &str,
        lifetime: Duration,
        is_new: bool,
    ) -> Result<bool, hearken_http::Failure> {
        let now = Instant::now();
        let bytes = id.len() + data.len();
        if bytes > self.bytes_max {
            let text = format!(
                "expected a session of at most {} bytes, got {bytes}",
                self.bytes_max
            );
            return Err(hearken_http::Failure::new(500, text));
        }
        let mut kept = self.kept();
        if kept.lives(id, now) == is_new {
            return Ok(false);
        }
        kept.remove(id);
        kept.make_room(self.sessions_max - 1, self.bytes_max - bytes, now);
        kept.bytes += bytes;
        let one = One {
            data: data.into(),
            expires: after(now, lifetime),
        };
        kept.by_id.insert(id.into(), one);
        Ok(true)
    }
}

/// A lifetime past what the clock can say counts as a hundred years.
fn after(now: Instant, lifetime: Duration) -> Instant {
    const LONG: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now.checked_add(lifetime.min(LONG)).unwrap_or(now)
}

impl Kept {
    fn lives(&self, id: &str, now: Instant) -> bool {
        self.by_id.get(id).is_some_and(|one| one.expires > now)
    }

    fn remove(&mut self, id: &str) {
        if let Some((id, one)) = self.by_id.remove_entry(id) {
            self.bytes -= id.len() + one.data.len();
        }
    }

    /// Drops sessions until so many, with so many bytes, are left. At least an eighth goes, so that the cost of each is constant.
    fn make_room(&mut self, sessions_max: usize, bytes_max: usize, now: Instant) {
        if self.by_id.len() <= sessions_max && self.bytes <= bytes_max {
            return;
        }
        let mut by_expiry: Vec<_> = self
            .by_id
            .iter()
            .map(|(id, one)| (one.expires, id.clone()))
            .collect();
        by_expiry.sort_unstable();
        let (sessions, bytes) = (sessions_max - sessions_max / 8, bytes_max - bytes_max / 8);
        for (expires, id) in by_expiry {
            if expires > now && self.by_id.len() <= sessions && self.bytes <= bytes {
                break;
            }
            self.remove(&id);
        }
    }
}

impl SessionStore for MemorySessionStore {
    fn load<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<String>> {
        let kept = self.kept();
        let lives = kept.lives(id, Instant::now());
        let data = kept
            .by_id
            .get(id)
            .filter(|_| lives)
            .map(|one| String::from(&*one.data));
        Box::pin(ready(Ok(data)))
    }

    fn create<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool> {
        Box::pin(ready(self.put(id, data, lifetime, true)))
    }

    fn update<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool> {
        Box::pin(ready(self.put(id, data, lifetime, false)))
    }

    fn touch<'a>(&'a self, id: &'a str, lifetime: Duration) -> StoreFuture<'a, bool> {
        let now = Instant::now();
        let mut kept = self.kept();
        let lives = kept.lives(id, now);
        if let Some(one) = kept.by_id.get_mut(id).filter(|_| lives) {
            one.expires = after(now, lifetime);
        }
        Box::pin(ready(Ok(lives)))
    }

    fn destroy<'a>(&'a self, id: &'a str) -> StoreFuture<'a, ()> {
        self.kept().remove(id);
        Box::pin(ready(Ok(())))
    }
}

impl fmt::Debug for MemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStore")
            .field("sessions", &self.len())
            .field("sessions_max", &self.sessions_max)
            .finish_non_exhaustive()
    }
}
