//! How many requests are handled at the same time.
//!
//! Here: [`ConcurrencyLimit`]. Not here: the number of connections, which the server bounds, and the rate of one client (`rate_limit/`).

use super::Middleware;
use super::timeout::seconds_up;
use crate::next::Next;
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bounds how many requests are handled at the same time, on all workers together. The others wait in a queue with a bound, and past that
/// they are rejected at once: 503 with Retry-After and the code `overloaded`.
///
/// | option | default |
/// |---|---|
/// | [`new`](Self::new) | requests at the same time; zero counts as one |
/// | [`queue`](Self::queue) | 0: no request waits |
/// | [`queue_timeout`](Self::queue_timeout) | 5 s |
/// | [`retry_after`](Self::retry_after) | 1 s |
///
/// A request counts until its response has been ended, also by a handler that answers later. Clones share one bound: add a clone to each
/// route that uses the same database.
///
/// ```
/// use hearken::app::{App, ConcurrencyLimit};
/// let mut app = App::new();
/// app.route("/report")
///     .with(ConcurrencyLimit::new(8).queue(32))
///     .get(async |_req, res| res.end("a costly report"));
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct ConcurrencyLimit {
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    queue_timeout: Duration,
    retry_after: Duration,
}

impl ConcurrencyLimit {
    /// Bounds the requests that are handled at the same time.
    pub fn new(requests: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(requests.clamp(1, Semaphore::MAX_PERMITS))),
            waiting: Arc::default(),
            queue: 0,
            queue_timeout: Duration::from_secs(5),
            retry_after: Duration::from_secs(1),
        }
    }

    /// How many requests may wait for their turn. They are handled in the order of their arrival.
    pub const fn queue(mut self, requests: usize) -> Self {
        self.queue = requests;
        self
    }

    /// How long a request may wait for its turn; then it is rejected.
    pub const fn queue_timeout(mut self, time: Duration) -> Self {
        self.queue_timeout = time;
        self
    }

    /// The value of Retry-After, in whole seconds, rounded up.
    pub const fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = time;
        self
    }

    fn rejection(&self) -> Failure {
        let failure = Failure::new(503, "more requests than can be handled or may wait")
            .with_code("overloaded");
        failure
            .with_public_message("the server is overloaded: try again later")
            .with_header("Retry-After", &seconds_up(self.retry_after).to_string())
    }

    /// Waits for a slot. `None` when the queue is full or the time is over.
    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let place = Place::take(&self.waiting, self.queue)?;
        let slot =
            tokio::time::timeout(self.queue_timeout, Arc::clone(&self.slots).acquire_owned()).await;
        drop(place);
        slot.ok()?.ok()
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Option<Self> {
        let taken = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            (waiting < max).then_some(waiting + 1)
        });
        taken.ok().map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The slots that a request has, of several limits: they are free when the exchange is over.
#[derive(Default)]
struct Slots(RefCell<Vec<OwnedSemaphorePermit>>);

fn keep(req: &IncomingMessage, slot: OwnedSemaphorePermit) {
    if req.extension::<Slots>().is_none() {
        req.extend(Slots::default());
    }
    if let Some(slots) = req.extension::<Slots>() {
        slots.0.borrow_mut().push(slot);
    }
}

impl Middleware for ConcurrencyLimit {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            keep(&req, slot);
            return next.run(req, res);
        }
        let own = self.clone();
        Handling::new(async move {
            match own.wait().await {
                Some(slot) => {
                    keep(&req, slot);
                    next.run(req, res).await
                }
                None => res.fail(own.rejection()),
            }
        })
    }
}

impl fmt::Debug for ConcurrencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyLimit")
            .field("free", &self.slots.available_permits())
            .field("waiting", &self.waiting.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
