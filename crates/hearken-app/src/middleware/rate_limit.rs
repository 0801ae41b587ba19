//! How many requests a client may send in a time.
//!
//! Here: [`RateLimit`]. Not here: the algorithm and where its state is kept (`rate_limit/store.rs`), requests at the same time
//! (`concurrency.rs`). Why by hand: docs/decisions/0026.

mod store;

pub use store::{MemoryRateLimitStore, Quota, RateLimitStore, Taken};

use super::Middleware;
use super::shared::is_plain;
use super::timeout::seconds_up;
use crate::next::Next;
use crate::request::RequestExt;
use hearken_http::message::{ResponseHead, Status};
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, Sent, ServerResponse, StatusCode};
use std::cell::Cell;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

type KeyFn = dyn Fn(&IncomingMessage) -> Option<String> + Send + Sync;
type SkipFn = dyn Fn(&IncomingMessage) -> bool + Send + Sync;
type CountFn = dyn Fn(StatusCode) -> bool + Send + Sync;

/// Bounds how many requests a client may send in a time: a token bucket (GCRA), which refills evenly, so that no client can send twice the
/// limit around the end of a window. npm: `express-rate-limit`.
///
/// | option | default |
/// |---|---|
/// | [`new`](Self::new) | requests and the time in which they come back |
/// | [`burst`](Self::burst) | as many as the limit |
/// | [`key`](Self::key) | the address of the client, behind the proxies of [`Settings::trust_proxy`](crate::Settings::trust_proxy) |
/// | [`ipv6_prefix`](Self::ipv6_prefix) | 56: one household counts as one client |
/// | [`skip`](Self::skip) | none |
/// | [`count_if`](Self::count_if) | every response counts |
/// | [`status`](Self::status), [`message`](Self::message) | 429, `too many requests: try again later` |
/// | [`headers`](Self::headers) | RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10) |
/// | [`name`](Self::name) | `default` |
/// | [`store`](Self::store) | memory of this process, 100,000 clients |
/// | [`pass_on_store_error`](Self::pass_on_store_error) | false: the error answers the request |
///
/// A request past the limit is answered with the code `rate.limited` and Retry-After. All workers share one count; clones share it too.
/// Several limits may stand behind each other, each with a store and a name of its own; their fields are lists.
///
/// ```
/// use hearken::app::{App, RateLimit};
/// use std::time::Duration;
/// let mut app = App::new();
/// app.with(RateLimit::new(100, Duration::from_secs(60)));
/// app.with_at("/login", RateLimit::new(5, Duration::from_secs(60)).name("login").count_if(|status| status != 200));
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct RateLimit {
    own: Arc<Own>,
}

#[derive(Clone)]
struct Own {
    quota: Quota,
    limit: u32,
    window: Duration,
    name: Box<str>,
    key: Option<Arc<KeyFn>>,
    ipv6_prefix: u8,
    skip: Option<Arc<SkipFn>>,
    count_if: Option<Arc<CountFn>>,
    status: u16,
    message: Arc<str>,
    headers: RateLimitHeaders,
    store: Arc<dyn RateLimitStore>,
    pass_on_store_error: bool,
}

/// The fields by which a client learns of its limit: [`RateLimit::headers`].
///
/// ```
/// use hearken::app::{RateLimit, RateLimitHeaders};
/// use std::time::Duration;
/// let limit = RateLimit::new(100, Duration::from_secs(60)).headers(RateLimitHeaders::Legacy);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimitHeaders {
    /// None but Retry-After.
    None,
    /// `RateLimit: "default";r=99;t=1` and `RateLimit-Policy: "default";q=100;w=60`.
    Draft,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset` in seconds from now.
    Legacy,
}

impl RateLimit {
    /// Allows `limit` requests in `window`. Zero of either counts as one request, or as one second.
    pub fn new(limit: u32, window: Duration) -> Self {
        let limit = limit.max(1);
        let window = if window.is_zero() {
            Duration::from_secs(1)
        } else {
            window
        };
        Self {
            own: Arc::new(Own {
                quota: Quota::new(limit, window),
                limit,
                window,
                name: "default".into(),
                key: None,
                ipv6_prefix: 56,
                skip: None,
                count_if: None,
                status: 429,
                message: "too many requests: try again later".into(),
                headers: RateLimitHeaders::Draft,
                store: Arc::new(MemoryRateLimitStore::default()),
                pass_on_store_error: false,
            }),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Own)) -> Self {
        change(Arc::make_mut(&mut self.own));
        self
    }

    /// How many requests a client that has been silent may send at once.
    pub fn burst(self, requests: u32) -> Self {
        self.change(|own| own.quota = own.quota.burst(requests))
    }

    /// Counts requests by this text, a user's name for example; `None`: the request is not limited.
    ///
    /// ```
    /// use hearken::app::{App, RateLimit};
    /// use std::time::Duration;
    /// let mut app = App::new();
    /// app.with(RateLimit::new(100, Duration::from_secs(60)).key(|req| Some(req.header("x-api-key")?.to_owned())));
    /// ```
    pub fn key(
        self,
        key: impl Fn(&IncomingMessage) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.change(|own| own.key = Some(Arc::new(key)))
    }

    /// How many bits of an IPv6 address name a client, at most 128. IPv4 addresses count as a whole, and as IPv4 when they came mapped
    /// into IPv6.
    pub fn ipv6_prefix(self, bits: u8) -> Self {
        self.change(|own| own.ipv6_prefix = bits.min(128))
    }

    /// Does not limit the requests for which this returns true.
    pub fn skip(self, skip: impl Fn(&IncomingMessage) -> bool + Send + Sync + 'static) -> Self {
        self.change(|own| own.skip = Some(Arc::new(skip)))
    }

    /// Gives a request back when its response has a status for which this returns false. npm: `skipSuccessfulRequests`,
    /// `skipFailedRequests`.
    pub fn count_if(self, count: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.change(|own| own.count_if = Some(Arc::new(count)))
    }

    /// The status of a request past the limit.
    pub fn status(self, status: u16) -> Self {
        self.change(|own| own.status = status)
    }

    /// The text of a request past the limit.
    pub fn message(self, text: &str) -> Self {
        self.change(|own| own.message = text.into())
    }

    /// The fields of responses.
    pub fn headers(self, headers: RateLimitHeaders) -> Self {
        self.change(|own| own.headers = headers)
    }

    /// The name of the limit in the fields.
    ///
    /// # Panics
    /// When it has quotation marks, backslashes, control characters or other than ASCII.
    #[track_caller]
    pub fn name(self, name: &str) -> Self {
        assert!(
            is_plain(name),
            "expected a name of ASCII without quotation marks and backslashes, got {name:?}"
        );
        self.change(|own| own.name = name.into())
    }

    /// Keeps the counts elsewhere: for several processes, for example.
    pub fn store(self, store: impl RateLimitStore) -> Self {
        self.change(|own| own.store = Arc::new(store))
    }

    /// Lets requests pass while the store fails, and logs its error.
    pub fn pass_on_store_error(self, pass: bool) -> Self {
        self.change(|own| own.pass_on_store_error = pass)
    }
}

impl Own {
    fn key_of(&self, req: &IncomingMessage) -> Option<String> {
        if self.skip.as_ref().is_some_and(|skip| skip(req)) {
            return None;
        }
        match &self.key {
            Some(key) => key(req),
            None => Some(address_key(req.ip(), self.ipv6_prefix)),
        }
    }

    fn add_fields(&self, taken: &Taken, head: &mut ResponseHead<'_>) {
        let (left, reset) = (taken.remaining, seconds_up(taken.reset));
        let fields: [(&str, String); 3] = match self.headers {
            RateLimitHeaders::None => return,
            RateLimitHeaders::Draft => [
                (
                    "RateLimit-Policy",
                    format!(
                        "\"{}\";q={};w={}",
                        self.name,
                        self.limit,
                        seconds_up(self.window)
                    ),
                ),
                ("RateLimit", format!("\"{}\";r={left};t={reset}", self.name)),
                ("", String::new()),
            ],
            RateLimitHeaders::Legacy => [
                ("X-RateLimit-Limit", self.limit.to_string()),
                ("X-RateLimit-Remaining", left.to_string()),
                ("X-RateLimit-Reset", reset.to_string()),
            ],
        };
        for (name, value) in fields.iter().filter(|(name, _)| !name.is_empty()) {
            // Names and values were checked when the limit was made.
            let _ = head.append(name, value);
        }
    }

    fn rejection(&self, taken: &Taken) -> Failure {
        let failure = Failure::new(Status::from(self.status), self.message.to_string())
            .with_code("rate.limited");
        failure
            .with_public_message(self.message.to_string())
            .with_header(
                "Retry-After",
                &seconds_up(taken.retry_after).max(1).to_string(),
            )
    }

    async fn run(
        self: Arc<Self>,
        key: String,
        req: IncomingMessage,
        res: ServerResponse,
        next: Next,
    ) -> Sent {
        let taken = match self.store.take(&key, self.quota).await {
            Ok(taken) => taken,
            Err(failure) if self.pass_on_store_error => {
                tracing::error!(%failure, "the store of a rate limit failed; the request passes");
                return next.run(req, res).await;
            }
            Err(failure) => return res.fail(failure),
        };
        let own = Arc::clone(&self);
        res.on_head(move |head| own.add_fields(&taken, head));
        if !taken.allowed {
            let failure = self.rejection(&taken);
            return res.fail(failure);
        }
        let Some(count_if) = &self.count_if else {
            return next.run(req, res).await;
        };
        let status = Rc::new(Cell::new(None));
        let seen = Rc::clone(&status);
        res.on_head(move |head| seen.set(Some(head.status())));
        let sent = next.run(req, res).await;
        if status.get().is_some_and(|status| !count_if(status))
            && let Err(failure) = self.store.give_back(&key, self.quota).await
        {
            tracing::error!(%failure, "the store of a rate limit failed; a request stays counted");
        }
        sent
    }
}

/// A client without an address has come through a Unix socket.
fn address_key(address: Option<IpAddr>, ipv6_prefix: u8) -> String {
    match address {
        None => "unix".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(ipv6_prefix))
                .unwrap_or(0);
            let network = Ipv6Addr::from_bits(address.to_bits() & mask);
            format!("{network}/{ipv6_prefix}")
        }
    }
}

impl Middleware for RateLimit {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        match self.own.key_of(&req) {
            None => next.run(req, res),
            Some(key) => Handling::new(Arc::clone(&self.own).run(key, req, res, next)),
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("name", &self.own.name)
            .field("limit", &self.own.limit)
            .field("window", &self.own.window)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::address_key;

    #[test]
    fn clients_are_addresses_or_networks() {
        for (address, bits, key) in [
            ("192.0.2.7", 56, "192.0.2.7"),
            ("2001:db8:1:2ff:3:4:5:6", 56, "2001:db8:1:200::/56"),
            ("2001:db8:1:2ff:3:4:5:6", 64, "2001:db8:1:2ff::/64"),
            ("2001:db8::1", 128, "2001:db8::1/128"),
            ("2001:db8::1", 0, "::/0"),
        ] {
            assert_eq!(address_key(address.parse().ok(), bits), key);
        }
        assert_eq!(address_key(None, 56), "unix");
    }
}
