//! The live panel: the steps of every request with their times, as server-sent events for the page at `/`.
//!
//! Here: [`respond`], the endpoint `/live`; [`Feed`], from the observer to the open pages. `recorder.rs` is the observer, `mask.rs`
//! hides secrets. A page that reads too slowly loses steps and is shown how many; nothing waits for it.

mod mask;
mod recorder;

pub(crate) use recorder::Recorder;

use super::coding::ContentCoding;
use super::events::EVENT_STREAM;
use super::response::{ResponseBuilder, ResponseStream, TEXT};
use hearken::{Failure, IncomingMessage, Sent};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::time::{Instant, sleep, sleep_until};

/// The feed of this process. Not set: the panel is off.
static FEED: OnceLock<Arc<Feed>> = OnceLock::new();

/// Steps on their way to the open pages. Its memory is bounded: [`STEPS_MAX`] texts of some KiB each.
pub(crate) struct Feed {
    steps: broadcast::Sender<Arc<str>>,
    /// Open pages.
    watchers: AtomicUsize,
    /// How often the first page was opened. What belongs to an earlier time is forgotten.
    epoch: AtomicU64,
    /// Requests that were not shown, because there were too many. Never goes back.
    skipped: AtomicU64,
}

/// Steps that wait for a slow page.
const STEPS_MAX: usize = 512;
/// Pages that are open at a time.
const WATCHERS_MAX: usize = 16;
/// Steps that are written at once.
const BATCH: usize = 64;
/// After such a silence the page gets the count of skipped requests.
const TICK: Duration = Duration::from_secs(1);
/// After so many ticks without one a comment is sent, so that nothing on the way takes the connection for dead.
const SILENT_TICKS: u32 = 15;

impl Feed {
    fn new() -> Self {
        Self {
            steps: broadcast::channel(STEPS_MAX).0,
            watchers: AtomicUsize::new(0),
            epoch: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }

    /// Turns the panel on, and returns its observer.
    pub(crate) fn start() -> Recorder {
        Recorder::new(Arc::clone(FEED.get_or_init(|| Arc::new(Self::new()))))
    }

    fn send(&self, step: String) {
        // Fails without a page.
        let _ = self.steps.send(step.into());
    }
}

/// A page that is open.
struct Subscription {
    feed: Arc<Feed>,
    steps: broadcast::Receiver<Arc<str>>,
    /// Skipped requests of which the page knows.
    skipped: u64,
}

impl Subscription {
    fn new(feed: &Arc<Feed>) -> Option<Self> {
        let add = |count| (count < WATCHERS_MAX).then_some(count + 1);
        let steps = feed.steps.subscribe();
        let before = feed
            .watchers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .ok()?;
        if before == 0 {
            feed.epoch.fetch_add(1, Ordering::Relaxed);
        }
        Some(Self {
            skipped: feed.skipped.load(Ordering::Relaxed),
            feed: Arc::clone(feed),
            steps,
        })
    }

    /// Waits for steps, and returns some as events.
    async fn next(&mut self) -> Option<String> {
        let mut text = String::new();
        match self.steps.recv().await {
            Ok(step) => push_event(&mut text, "step", &step),
            Err(RecvError::Lagged(steps)) => push_lost(&mut text, "steps", steps),
            Err(RecvError::Closed) => return None,
        }
        for _ in 1..BATCH {
            match self.steps.try_recv() {
                Ok(step) => push_event(&mut text, "step", &step),
                Err(TryRecvError::Lagged(steps)) => push_lost(&mut text, "steps", steps),
                Err(_) => break,
            }
        }
        Some(text)
    }

    /// The requests that were skipped since the last call.
    fn skipped(&mut self) -> Option<String> {
        let skipped = self.feed.skipped.load(Ordering::Relaxed);
        let new = skipped - std::mem::replace(&mut self.skipped, skipped);
        let mut text = String::new();
        push_lost(&mut text, "requests", new);
        (new > 0).then_some(text)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

fn push_event(text: &mut String, event: &str, data: &str) {
    // Writing to a string cannot fail.
    let _ = write!(text, "event: {event}\ndata: {data}\n\n");
}

fn push_lost(text: &mut String, what: &str, count: u64) {
    push_event(text, "lost", &format!("{{\"{what}\":{count}}}"));
}

/// Sends steps until the client is gone, the time is over or the server stops.
pub(crate) async fn respond(
    time: Option<Duration>,
    req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let response = response.same_origin_only();
    if !is_same_origin(&req) {
        let text = "expected a request from the page of this server: the panel shows the requests of others\n";
        return Ok(response.status(403).send(TEXT, text));
    }
    let Some(feed) = FEED.get() else {
        let text = "the live panel is off: the server runs with --quiet or --no-panel\n";
        return Ok(response.status(503).send(TEXT, text));
    };
    let Some(subscription) = Subscription::new(feed) else {
        let text = format!("expected at most {WATCHERS_MAX} open panels\n");
        return Ok(response.status(503).send(TEXT, text));
    };
    let stream = response.stream(EVENT_STREAM, None, ContentCoding::Identity);
    if stream.is_head_only() {
        return stream.end();
    }
    send(time, &req, subscription, stream).await
}

async fn send(
    time: Option<Duration>,
    req: &IncomingMessage,
    mut subscription: Subscription,
    mut stream: ResponseStream,
) -> Result<Sent, Failure> {
    let mut closing = req.closing();
    let until = time.map(|time| Instant::now() + time);
    // A page that loses its connection comes back after 2 s.
    stream.write("retry: 2000\n\n").await?;
    let mut silent = 0;
    loop {
        let events = tokio::select! {
            events = subscription.next() => events,
            () = sleep(TICK) => {
                silent += 1;
                let comment = (silent % SILENT_TICKS == 0).then(|| ":\n\n".to_owned());
                let events = subscription.skipped().or(comment);
                if events.is_none() {
                    continue;
                }
                events
            }
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => None,
            () = &mut closing => None,
        };
        match events {
            Some(events) => stream.write(events).await?,
            None => return stream.end(),
        }
    }
}

/// Browsers say where a request comes from. Other clients say nothing, and are on their own.
fn is_same_origin(req: &IncomingMessage) -> bool {
    let fields = req.raw_headers();
    let site = fields.get("sec-fetch-site");
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    let Some(origin) = req.header("origin") else {
        return fields.get("origin").is_none();
    };
    let (_, authority) = origin.split_once("://").unwrap_or_default();
    req.header("host")
        .is_some_and(|host| host.eq_ignore_ascii_case(authority))
}
