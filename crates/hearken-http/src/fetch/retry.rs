//! Sending a request again: whether, and after which pause.
//!
//! Here: [`Retries`], which judges outcomes; no I/O. Not here: sending (`send.rs`); the second attempt on a connection that the
//! server has closed meanwhile, which every request has (`client/request/completion.rs`).

use super::redirect::BodyState;
use crate::client::Response;
use crate::date::HttpDate;
use crate::error::Error;
use http::Method;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The attempts of one request, with its redirects.
#[derive(Debug)]
pub(super) struct Retries {
    left: u32,
    made: u32,
}

impl Retries {
    pub(super) const fn new(max: u32) -> Self {
        Self { left: max, made: 0 }
    }

    /// The pause before the next attempt. `None`: the outcome counts. `until` is the deadline of the request.
    pub(super) fn pause(
        &mut self,
        (method, body): (&Method, BodyState),
        outcome: &Result<Response, Error>,
        until: Option<Instant>,
    ) -> Option<Duration> {
        if self.left == 0 || body == BodyState::Gone {
            return None;
        }
        let asked = match outcome {
            Err(error) if error.may_pass() => None,
            Err(_) => return None,
            Ok(response) => {
                let field = response.raw_headers().get("Retry-After");
                let asked = field.map(|field| retry_after(field, SystemTime::now()));
                if !may_pass(response.status().as_u16(), method, asked.is_some()) {
                    return None;
                }
                asked.flatten()
            }
        };
        let pause = asked.unwrap_or_else(|| backoff(self.made));
        let ends = Instant::now() + pause.min(RETRY_AFTER_MAX);
        if pause > RETRY_AFTER_MAX || until.is_some_and(|until| ends >= until) {
            return None;
        }
        self.left -= 1;
        self.made += 1;
        Some(pause)
    }
}

/// Whether the same request may get another response later. One that is not idempotent is only sent again if the server asks
/// for that.
fn may_pass(status: u16, method: &Method, asked: bool) -> bool {
    let idempotent = method.is_idempotent() || method.as_str() == "QUERY";
    match status {
        429 | 503 => idempotent || asked,
        408 | 500 | 502 | 504 => idempotent,
        _ => false,
    }
}

/// Seconds, or a date (RFC 9110 §10.2.3). `None`: neither.
fn retry_after(field: &[u8], now: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(field).ok()?.trim_ascii();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = SystemTime::from(HttpDate::parse(text, now.into())?);
    Some(date.duration_since(now).unwrap_or_default())
}

/// Doubles each time; between half of it and all of it, so that clients that failed together do not come back together.
fn backoff(made: u32) -> Duration {
    let full = FIRST.saturating_mul(1 << made.min(16)).min(PAUSE_MAX);
    let random = RandomState::new().hash_one(made) % 1000;
    full / 2 + full.mul_f64(random as f64 / 2000.0)
}

/// The first pause without Retry-After.
const FIRST: Duration = Duration::from_millis(500);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A server that asks for a longer pause has the response returned.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        for (status, method, asked, again) in [
            (200, "GET", true, false),
            (404, "GET", true, false),
            (301, "GET", true, false),
            (408, "GET", false, true),
            (408, "POST", true, false),
            (429, "GET", false, true),
            (429, "POST", false, false),
            (429, "POST", true, true),
            (500, "PUT", false, true),
            (500, "POST", true, false),
            (501, "GET", false, false),
            (502, "DELETE", false, true),
            (503, "HEAD", false, true),
            (503, "PATCH", false, false),
            (503, "PATCH", true, true),
            (504, "QUERY", false, true),
            (504, "POST", true, false),
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(
                may_pass(status, &method, asked),
                again,
                "{status} to {method}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (field, pause) in [
            ("0", seconds(0)),
            (" 7 ", seconds(7)),
            ("99999999999999999999999", seconds(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", seconds(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", seconds(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(field.as_bytes(), now), pause, "{field:?}");
        }
        assert_eq!(retry_after(b"\xff", now), None);
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        for made in 0..100 {
            let full = Duration::from_millis(500 << made.min(10)).min(PAUSE_MAX);
            let pause = backoff(made);
            assert!(full / 2 <= pause && pause <= full, "{made}: {pause:?}");
        }
    }
}
