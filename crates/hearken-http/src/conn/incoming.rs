//! The body that comes in: what was received and not yet read, and who waits for it.
//!
//! Here: [`Incoming`]. Its bound is `limits.body.queue_bytes`: above it the transport is left unread. Not here: framing
//! (hearken-proto), when a body is late (`timers.rs`).

use crate::error::{Closed, Error};
use bytes::{Bytes, BytesMut};
use hearken_proto::{Fields, FieldsRef, TimeLimits};
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Pieces below this size are joined, so that a body in tiny chunks costs no more than its bytes.
const JOIN_MAX: usize = 4 * 1024;

/// How far the body has come.
#[derive(Clone, Debug, Default)]
pub(crate) enum Progress {
    /// More may come.
    #[default]
    Open,
    /// The message is complete.
    Complete,
    /// It will never be complete.
    Failed(Error),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) progress: Progress,
    queue: VecDeque<Bytes>,
    small: BytesMut,
    queued: usize,
    waker: Option<Waker>,
    /// A reader waits for bytes now.
    pub(crate) wanted: bool,
    /// A reader has asked for bytes at least once.
    pub(crate) was_wanted: bool,
    /// Listeners get nothing for now.
    pub(crate) paused: bool,
    /// No reader is left: bytes that come are dropped and counted.
    pub(crate) unread: bool,
    pub(crate) dropped_bytes: u64,
    /// The client waits for 100 before it sends its body.
    pub(crate) expects_continue: bool,
    pub(crate) meter: Meter,
    /// Most bytes of this body, if it has a bound of its own.
    pub(crate) bytes_max: Option<u64>,
    pub(crate) trailers: Fields,
}

/// How long readers have waited for the body and how much of it has come: its rate counts only while it is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    /// Since when a reader waits.
    since: Option<Instant>,
    /// How long readers had waited before.
    before: Duration,
    /// Body bytes that have come.
    pub(crate) bytes: u64,
}

impl Meter {
    /// A reader waits, or does not: time counts while one does.
    #[inline]
    pub(crate) fn note(&mut self, waits: bool, now: Instant) {
        if waits {
            self.since.get_or_insert(now);
        } else {
            self.stop(now);
        }
    }

    /// No reader waits any more, or bytes have come.
    #[inline]
    pub(crate) fn stop(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.before += now - since;
        }
    }

    /// When the body has stalled.
    pub(crate) fn stall(&self, time: &TimeLimits) -> Option<Instant> {
        Some(self.since? + time.body_idle)
    }

    /// When the body has stalled, or, if it is `rated`, has been slower than the least rate for longer than is allowed.
    pub(crate) fn deadline(&self, time: &TimeLimits, rated: bool) -> Option<Instant> {
        let stall = self.stall(time)?;
        if time.body_rate_min == 0 || !rated {
            return Some(stall);
        }
        let earned = self.bytes.saturating_mul(1000) / u64::from(time.body_rate_min);
        let allowed = Duration::from_millis(earned).max(time.body_rate_after);
        Some(stall.min(self.since? + allowed.saturating_sub(self.before)))
    }
}

impl Incoming {
    /// Bytes that wait for a reader.
    pub(crate) const fn queued(&self) -> usize {
        self.queued
    }

    /// Whether all has come, read or not.
    pub(crate) const fn is_complete(&self) -> bool {
        matches!(self.progress, Progress::Complete)
    }

    /// Bytes of the body have come. Those of a body that is too large are not kept.
    #[inline]
    pub(crate) fn count(&mut self, bytes: usize) {
        self.meter.bytes += bytes as u64;
        if self.is_too_large() {
            self.abandon();
        }
    }

    #[inline]
    fn is_too_large(&self) -> bool {
        self.bytes_max.is_some_and(|max| self.meter.bytes > max)
    }

    /// Bounds the body, what has come of it included.
    pub(crate) fn bound(&mut self, max: u64) {
        self.bytes_max = Some(max);
        self.count(0);
    }

    /// A piece has come. Does not wake: the caller does, once for all that came together.
    pub(crate) fn push(&mut self, piece: &[u8], owner: Option<&Bytes>) {
        if self.unread {
            self.dropped_bytes += piece.len() as u64;
            return;
        }
        self.queued += piece.len();
        if piece.len() < JOIN_MAX {
            self.small.extend_from_slice(piece);
            return;
        }
        self.join();
        self.queue.push_back(owner.map_or_else(
            || Bytes::copy_from_slice(piece),
            |owner| owner.slice_ref(piece),
        ));
    }

    fn join(&mut self) {
        if !self.small.is_empty() {
            self.queue.push_back(self.small.split().freeze());
        }
    }

    /// Takes the next piece without waiting.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        if self.queue.is_empty() {
            self.join();
        }
        let piece = self.queue.pop_front()?;
        self.queued -= piece.len();
        Some(piece)
    }

    /// What was taken and not used is the next piece again.
    pub(crate) fn put_back(&mut self, piece: Bytes) {
        self.queued += piece.len();
        self.queue.push_front(piece);
    }

    /// The next piece; `None` at the end of a complete body. What came before a failure is still handed out. Without a
    /// context no task is woken: for a reader that looks again by itself.
    pub(crate) fn poll(&mut self, cx: Option<&Context<'_>>) -> Poll<Option<Result<Bytes, Error>>> {
        self.was_wanted = true;
        if let Some(piece) = self.take() {
            self.wanted = false;
            return Poll::Ready(Some(Ok(piece)));
        }
        if let Some(max) = self.bytes_max.filter(|_| self.is_too_large()) {
            return Poll::Ready(Some(Err(Error::too_large(max))));
        }
        match &self.progress {
            Progress::Complete | Progress::Open if self.dropped_bytes > 0 => {
                // A part was dropped: what is left must not look like the whole.
                Poll::Ready(Some(Err(Error::closed(Closed::Aborted))))
            }
            Progress::Complete => Poll::Ready(None),
            Progress::Failed(error) => Poll::Ready(Some(Err(error.clone()))),
            Progress::Open => {
                self.wanted = true;
                if let Some(cx) = cx
                    && !self
                        .waker
                        .as_ref()
                        .is_some_and(|waker| waker.will_wake(cx.waker()))
                {
                    self.waker = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Wakes the reader, unless it is `task`, which is about to be polled anyway.
    #[inline]
    pub(crate) fn wake(&mut self, task: Option<&Waker>) {
        if self.waker.is_some() {
            self.wake_waiting(task);
        }
    }

    fn wake_waiting(&mut self, task: Option<&Waker>) {
        if let Some(waker) = self.waker.take()
            && !task.is_some_and(|task| task.will_wake(&waker))
        {
            waker.wake();
        }
    }

    /// No reader is left.
    pub(crate) fn abandon(&mut self) {
        self.unread = true;
        self.wanted = false;
        self.dropped_bytes += self.queued as u64;
        self.queued = 0;
        self.queue.clear();
        self.small.clear();
    }

    /// The body will never be complete; the first reason counts.
    pub(crate) fn fail(&mut self, error: Error) {
        if matches!(self.progress, Progress::Open) {
            self.progress = Progress::Failed(error);
        }
    }

    /// The reader has had enough: what else comes is dropped.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.abandon();
        self.fail(error);
    }

    /// The message is complete.
    #[inline]
    pub(crate) fn complete(&mut self, trailers: FieldsRef<'_>) {
        for (name, value) in trailers.iter() {
            // A field that was received is legal and can be appended.
            let _ = self.trailers.append(name, value);
        }
        self.progress = Progress::Complete;
    }

    /// Ready for the next message.
    #[inline(always)]
    pub(crate) fn reset(&mut self) {
        if self.was_wanted || self.unread || self.queued > 0 || self.meter.bytes > 0 {
            self.reset_body();
        }
        self.progress = Progress::Open;
        self.bytes_max = None;
        self.expects_continue = false;
        self.trailers.clear();
    }

    #[inline(never)]
    fn reset_body(&mut self) {
        self.paused = false;
        self.queue.clear();
        self.small = BytesMut::new();
        self.queued = 0;
        self.waker = None;
        self.wanted = false;
        self.was_wanted = false;
        self.unread = false;
        self.dropped_bytes = 0;
        self.meter = Meter::default();
    }
}
