//! The observer behind the live panel.
//!
//! Here: [`Recorder`]. Without an open page it costs one load for each step. With one, it writes each step of a request as a line of
//! JSON; it keeps the numbers of running requests for each worker, and nothing else, and takes at most
//! [`REQUESTS_MAX`] requests a second. Not here: which values are secret (`mask.rs`).

use super::{Feed, mask};
use hearken::observe::{ExchangeFacts, Observation, Observer, Step};
use hearken::{Closed, FieldsRef};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

/// New requests in one second; the others are counted.
const REQUESTS_MAX: u64 = 200;
/// Requests of one worker that run at a time.
const RUNNING_MAX: usize = 1000;
/// Fields of one head that are shown.
const FIELDS_MAX: usize = 32;
/// And their bytes.
const FIELDS_BYTES_MAX: usize = 4096;

/// See the module.
pub(crate) struct Recorder {
    feed: Arc<Feed>,
    start: Instant,
    /// Seconds since the start, and the requests in that second: 48 and 16 bits.
    window: AtomicU64,
}

thread_local! {
    /// The requests of this worker that are shown.
    static RUNNING: RefCell<Running> = RefCell::default();
}

#[derive(Default)]
struct Running {
    epoch: u64,
    /// Connection and number of each.
    exchanges: HashSet<(u64, u32)>,
}

impl Recorder {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        Self {
            feed,
            start: Instant::now(),
            window: AtomicU64::new(0),
        }
    }

    /// Whether one request more can be shown now.
    fn admits(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.start).as_secs();
        let count = |window: u64| {
            let (known, count) = (window >> 16, window & 0xffff);
            match (known == second, count < REQUESTS_MAX) {
                (false, _) => Some((second << 16) | 1),
                (true, true) => Some(window + 1),
                (true, false) => None,
            }
        };
        self.window
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
            .is_ok()
    }

    /// Whether the step belongs to a request that is shown. A request begins with its head, because the panel does not show
    /// its own; input that is no request begins with its failure.
    fn shows(&self, seen: &Observation<'_>, facts: &ExchangeFacts) -> bool {
        RUNNING.with_borrow_mut(|running| {
            let epoch = self.feed.epoch.load(Ordering::Relaxed);
            if running.epoch != epoch {
                running.epoch = epoch;
                running.exchanges.clear();
            }
            let key = (seen.peer.id(), seen.exchange);
            let begins = match seen.step {
                Step::Head { head } => path_of(head.url()) != "/live",
                Step::Failed { .. } => facts.method().is_none(),
                _ => false,
            };
            if !begins || running.exchanges.contains(&key) {
                return match seen.step {
                    Step::Ended { .. } => running.exchanges.remove(&key),
                    _ => running.exchanges.contains(&key),
                };
            }
            let admitted = running.exchanges.len() < RUNNING_MAX && self.admits(seen.at);
            if admitted {
                running.exchanges.insert(key);
            } else {
                self.feed.skipped.fetch_add(1, Ordering::Relaxed);
            }
            admitted
        })
    }
}

impl Observer for Recorder {
    fn observe(&self, seen: &Observation<'_>) {
        if self.feed.watchers.load(Ordering::Relaxed) == 0 {
            return;
        }
        if let Some(facts) = seen.facts
            && self.shows(seen, facts)
        {
            // The clock is read here: the steps of one turn of a worker have one time, and a short exchange takes one turn.
            let after = Instant::now().saturating_duration_since(facts.began());
            let mut line = describe(&seen.step, facts);
            line.insert(
                "id".to_owned(),
                json!(format!("{}.{}", seen.peer.id(), seen.exchange)),
            );
            line.insert("ms".to_owned(), json!(after.as_micros() as f64 / 1e3));
            line.insert("step".to_owned(), json!(seen.step.name()));
            if matches!(seen.step, Step::Head { .. } | Step::Failed { .. }) {
                let address = seen.peer.remote_address();
                line.insert("peer".to_owned(), json!(address.map(|at| at.to_string())));
                line.insert("at".to_owned(), json!(unix_ms()));
            }
            self.feed.send(Value::Object(line).to_string());
        }
    }
}

/// What the panel shows of a step.
fn describe(step: &Step<'_>, facts: &ExchangeFacts) -> Map<String, Value> {
    let value = match *step {
        Step::Head { head } => json!({
            "method": head.method(),
            "target": mask::target(head.url()),
            "fields": fields(head.fields()),
        }),
        Step::ResponseHead {
            status,
            fields: set,
            length,
            ..
        } => json!({
            "status": status,
            "length": length,
            "fields": fields(set),
        }),
        Step::Interim { status } => json!({ "status": status }),
        Step::BodyEnd { bytes } => json!({ "bytes": bytes }),
        Step::LastByteFlushed { content, wire } => json!({ "bytes": content, "wire": wire }),
        Step::Upgraded { protocol } => json!({ "protocol": protocol }),
        Step::HandlerEnd { failure } => json!({ "error": failure.map(text) }),
        Step::Failed { error } => {
            json!({ "error": text(error), "status": error.status().as_u16() })
        }
        Step::Ended { why } => json!({
            "why": (why != Closed::Done).then(|| why.to_string()),
            "bytes": facts.content_out(),
        }),
        _ => Value::Null,
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// An error may quote a target.
fn text(error: &impl Display) -> String {
    mask::target(&error.to_string())
}

fn fields(fields: FieldsRef<'_>) -> Vec<(String, String)> {
    let mut left = FIELDS_BYTES_MAX;
    let shown = fields.iter().take(FIELDS_MAX).map_while(|(name, value)| {
        let shown = mask::field(name, value);
        let name: String = String::from_utf8_lossy(name).chars().take(64).collect();
        left = left.checked_sub(name.len() + shown.len())?;
        Some((name, shown))
    });
    shown.collect()
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_second_has_a_bounded_number_of_requests() {
        let recorder = Recorder::new(Arc::new(Feed::new()));
        let admitted = |now| (0..1000).filter(|_| recorder.admits(now)).count() as u64;
        assert_eq!(admitted(recorder.start), REQUESTS_MAX);
        assert_eq!(
            admitted(recorder.start + Duration::from_secs(1)),
            REQUESTS_MAX
        );
    }
}
