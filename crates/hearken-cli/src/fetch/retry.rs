//! `--retry`: which failures are worth another attempt, and when it begins.

use super::exit::Failure;
use super::plan::RetryPlan;
use hearken::{Fetched, HttpDate};
use std::time::{Duration, Instant, SystemTime};

/// A status that says "not now", as in curl.
pub(crate) const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// The time for which the server asks in `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
pub(crate) fn retry_after(fetched: &Fetched, now: SystemTime) -> Option<Duration> {
    let text = fetched.header("Retry-After")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = SystemTime::from(HttpDate::parse(text, now.into())?);
    Some(date.duration_since(now).unwrap_or_default())
}

/// One attempt of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// Attempts before this one.
    pub(crate) retries: u32,
    /// When the first one began.
    pub(crate) began: Instant,
    /// The content can be sent again.
    pub(crate) replayable: bool,
}

impl Attempt {
    /// The wait before another attempt, for an answer that asks for this time; `None` if this one is the last.
    pub(crate) fn wait_after_answer(
        &self,
        plan: &RetryPlan,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        let wait = self.wait(plan)?;
        let wait = match plan.delay {
            Some(delay) => delay,
            None => asked.unwrap_or(wait),
        };
        self.in_time(plan, wait).then_some(wait)
    }

    /// The same for a failure.
    pub(crate) fn wait_after_failure(
        &self,
        plan: &RetryPlan,
        failure: &Failure,
    ) -> Option<Duration> {
        let wait = self.wait(plan).filter(|_| may_pass(plan, failure))?;
        self.in_time(plan, wait).then_some(wait)
    }

    fn wait(&self, plan: &RetryPlan) -> Option<Duration> {
        if self.retries >= plan.times || !self.replayable {
            return None;
        }
        let doubled = Duration::from_secs(1 << self.retries.min(10)).min(DELAY_MAX);
        Some(plan.delay.unwrap_or(doubled))
    }

    fn in_time(&self, plan: &RetryPlan, wait: Duration) -> bool {
        let until = self.began.elapsed().saturating_add(wait);
        plan.max_time.is_none_or(|max| until <= max)
    }
}

fn may_pass(plan: &RetryPlan, failure: &Failure) -> bool {
    match failure.exit {
        // Wrong flags, and a destination that cannot be written, stay what they are.
        2 | 23 => false,
        6 | 28 => true,
        7 => plan.connection_refused || plan.all_errors,
        _ => plan.all_errors,
    }
}

/// The longest wait that this program chooses itself, as in curl.
const DELAY_MAX: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(exit: u8) -> Failure {
        Failure {
            exit,
            code: "X".into(),
            phase: None,
            message: String::new(),
        }
    }

    fn attempt(retries: u32) -> Attempt {
        Attempt {
            retries,
            began: Instant::now(),
            replayable: true,
        }
    }

    #[test]
    fn waits_double_up_to_ten_minutes_unless_flag_or_server_names_one() {
        let plan = RetryPlan {
            times: 100,
            ..RetryPlan::default()
        };
        let seconds = |wait: Option<Duration>| wait.map(|wait| wait.as_secs());
        for (retries, expected) in [(0, 1), (1, 2), (5, 32), (10, 600), (99, 600)] {
            let wait = attempt(retries).wait_after_failure(&plan, &failed(28));
            assert_eq!(seconds(wait), Some(expected));
        }
        let asked = Some(Duration::from_secs(7));
        assert_eq!(seconds(attempt(0).wait_after_answer(&plan, asked)), Some(7));
        assert_eq!(seconds(attempt(1).wait_after_answer(&plan, None)), Some(2));
        let fixed = RetryPlan {
            delay: Some(Duration::from_secs(3)),
            max_time: Some(Duration::from_secs(4)),
            ..plan
        };
        assert_eq!(
            seconds(attempt(9).wait_after_answer(&fixed, asked)),
            Some(3)
        );
        let late = Attempt {
            began: Instant::now() - Duration::from_secs(2),
            ..attempt(0)
        };
        assert_eq!(
            late.wait_after_failure(&fixed, &failed(28)),
            None,
            "too late"
        );
        assert_eq!(
            attempt(100).wait_after_failure(&plan, &failed(28)),
            None,
            "the last"
        );
        let once = Attempt {
            replayable: false,
            ..attempt(0)
        };
        assert_eq!(once.wait_after_answer(&plan, None), None, "stdin is gone");
    }

    #[test]
    fn only_failures_that_may_pass_are_tried_again() {
        let plan = RetryPlan {
            times: 1,
            ..RetryPlan::default()
        };
        let refused = RetryPlan {
            connection_refused: true,
            ..plan
        };
        let all = RetryPlan {
            all_errors: true,
            ..plan
        };
        let tried = |plan, exit| attempt(0).wait_after_failure(plan, &failed(exit)).is_some();
        for (exit, expected) in [
            (2, [false, false, false]),
            (6, [true, true, true]),
            (7, [false, true, true]),
            (22, [false, false, true]),
            (23, [false, false, false]),
            (28, [true, true, true]),
            (52, [false, false, true]),
            (56, [false, false, true]),
        ] {
            let got = [&plan, &refused, &all].map(|plan| tried(plan, exit));
            assert_eq!(got, expected, "{exit}");
        }
    }
}
