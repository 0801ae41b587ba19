//! The time that a handler may take.
//!
//! Here: [`Timeout`]. Not here: the times of a connection and of a body, which the server bounds (`limits.time`).

use super::Middleware;
use crate::next::Next;
use hearken_http::message::Status;
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use std::time::Duration;

/// Bounds the time from this middleware to the end of the response. npm: `connect-timeout`, which leaves the handler running.
///
/// | option | default |
/// |---|---|
/// | [`new`](Self::new) | the time; zero means at once |
/// | [`status`](Self::status) | 503 |
/// | [`retry_after`](Self::retry_after) | no Retry-After field |
///
/// When the time is over, the handler is dropped, and the failure has the code `timeout`. A response that has begun is cut, so that the
/// client does not take the part for the whole. A handler that blocks its thread cannot be stopped: use `hearken::blocking` or a task.
///
/// ```
/// use hearken::app::{App, Timeout};
/// use std::time::Duration;
/// let mut app = App::new();
/// app.route("/report")
///     .with(Timeout::new(Duration::from_secs(5)).status(504))
///     .get(async |_req, res| res.end("done in time"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct Timeout {
    time: Duration,
    status: u16,
    retry_after: Option<Duration>,
}

impl Timeout {
    /// Bounds the time.
    pub const fn new(time: Duration) -> Self {
        Self {
            time,
            status: 503,
            retry_after: None,
        }
    }

    /// The status of the response: 503, or 504 where the handler waits for another server.
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds Retry-After in whole seconds, rounded up.
    pub const fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }
}

/// Whole seconds, rounded up.
pub(crate) fn seconds_up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl Middleware for Timeout {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let own = self.clone();
        let again = res.again();
        let closed = req.closed();
        let handling = next.run(req, res);
        Handling::new(async move {
            let answered = async {
                let sent = handling.await;
                if !again.is_ended() {
                    closed.await; // a handler that answers later
                }
                sent
            };
            let in_time = tokio::time::timeout(own.time, answered).await;
            in_time.unwrap_or_else(|_elapsed| {
                let ms = own.time.as_millis();
                let failure = Failure::new(
                    Status::from(own.status),
                    format!("the handler has not answered within {ms} ms"),
                );
                let failure = failure
                    .with_code("timeout")
                    .with_public_message("the server has not answered in time");
                again.fail(match own.retry_after {
                    Some(time) => failure.with_header("Retry-After", &seconds_up(time).to_string()),
                    None => failure,
                })
            })
        })
    }
}
