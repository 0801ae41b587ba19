//! What the observer of the client counts for one URL, and what it shows under `-v`.
//!
//! Here: [`Watcher`], the observer; [`Seen`], its counters for `-w`. Not here: the lines of `-v` (`trace.rs`).

use super::trace::Trace;
use hearken::observe::{Observation, Observer, Step};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counters of one URL, redirects included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When the last request began, from the beginning on.
    pub(crate) last_began: Duration,
    /// New connections.
    pub(crate) connects: u32,
    /// Bytes of the heads of all answers.
    pub(crate) head_bytes: u64,
    /// Bytes of content that were sent, without framing.
    pub(crate) content_sent: u64,
    /// Bytes that were sent, heads and framing included.
    pub(crate) sent: u64,
}

impl Seen {
    /// Bytes of the heads of all requests, with the framing of their content.
    pub(crate) const fn request_head_bytes(&self) -> u64 {
        self.sent.saturating_sub(self.content_sent)
    }

    fn count(&mut self, seen: &Observation<'_>, start: Instant) {
        match seen.step {
            Step::Connected { .. } => self.connects += 1,
            Step::RequestHead { .. } => {
                let began = seen.facts.map(|facts| facts.began());
                let began = began.map(|began| began.saturating_duration_since(start));
                self.last_began = began.unwrap_or_default();
            }
            Step::Head { head } => self.head_bytes += head.as_bytes().len() as u64,
            Step::LastByteFlushed { content, wire } => {
                self.content_sent += content;
                self.sent += wire;
            }
            _ => {}
        }
    }
}

/// Observes the client. Clones share what they have seen.
#[derive(Clone)]
pub(crate) struct Watcher(Arc<Mutex<Watched>>);

struct Watched {
    start: Instant,
    seen: Seen,
    trace: Option<Trace>,
}

impl Watcher {
    pub(crate) fn new(trace: Option<Trace>) -> Self {
        Self(Arc::new(Mutex::new(Watched {
            start: Instant::now(),
            seen: Seen::default(),
            trace,
        })))
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request to this URL begins now.
    pub(crate) fn begin(&self, method: &str, url: &str) {
        let mut watched = self.watched();
        watched.start = Instant::now();
        watched.seen = Seen::default();
        let start = watched.start;
        if let Some(trace) = &mut watched.trace {
            trace.begin(method, url, start);
        }
    }

    /// The body has been written.
    pub(crate) fn done(&self, status: u16, bytes: u64) {
        if let Some(trace) = &mut self.watched().trace {
            trace.done(status, bytes, Instant::now());
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.watched().seen
    }
}

impl Observer for Watcher {
    fn observe(&self, seen: &Observation<'_>) {
        let mut watched = self.watched();
        let start = watched.start;
        watched.seen.count(seen, start);
        if let Some(trace) = &mut watched.trace {
            trace.step(seen);
        }
    }
}
