//! One identifier for each request, in the response, for handlers and logs.
//!
//! Here: [`RequestIds`], the middleware, and [`RequestId`], the value. Not here: lines of a log (`logger/`).

use super::Middleware;
use super::logger::LogValues;
use crate::next::Next;
use crate::request::chain;
use hearken_http::message::TrustedProxies;
use hearken_http::server::Handling;
use hearken_http::{IncomingMessage, ServerResponse};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives each request an identifier. It stands in the response field X-Request-Id, is read by `req.extension::<RequestId>()`, and
/// is the token `:id` of [`Logger`](crate::Logger). What the packages `express-request-id` and `request-id` do.
///
/// The identifier of the request field is kept if the connection comes from a trusted proxy and the value has 1 to 128 visible ASCII
/// characters without quotation marks and backslashes; a client alone cannot choose it. Otherwise it is a random UUID of version 4.
///
/// | option | default |
/// |---|---|
/// | [`header`](Self::header) | `X-Request-Id` |
/// | [`trust`](Self::trust) | the proxies of [`Settings::trust_proxy`](crate::Settings::trust_proxy): none |
/// | [`generator`](Self::generator) | a UUID of version 4 |
///
/// ```
/// use hearken::app::{App, RequestId, RequestIds, prelude::*};
/// let mut app = App::new();
/// app.with(RequestIds::new());
/// app.get("/", async |req, res| {
///     let id = req.extension::<RequestId>().expect("set above");
///     res.end(format!("request {id}\n"))
/// });
/// ```
#[derive(Clone)]
pub struct RequestIds {
    header: Box<str>,
    trust: Option<TrustedProxies>,
    generator: Arc<dyn Fn() -> String + Send + Sync>,
}

/// The identifier of a request: [`RequestIds`].
///
/// ```
/// use hearken::app::{App, RequestId, RequestIds};
/// let mut app = App::new();
/// app.with(RequestIds::new());
/// app.get("/", async |req, res| {
///     let id = req.extension::<RequestId>();
///     res.end(id.map_or_else(String::new, |id| id.as_str().to_owned()))
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Rc<str>);

impl RequestId {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestIds {
    /// With the defaults above.
    #[must_use]
    pub fn new() -> Self {
        let random = Random::new();
        Self {
            header: "X-Request-Id".into(),
            trust: None,
            generator: Arc::new(move || random.uuid()),
        }
    }

    /// The name of the field, in requests and responses.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.header = name.into();
        self
    }

    /// The proxies whose identifiers are kept.
    #[must_use]
    pub fn trust(mut self, proxies: TrustedProxies) -> Self {
        self.trust = Some(proxies);
        self
    }

    /// Makes identifiers. What cannot be the value of a field fails the response.
    #[must_use]
    pub fn generator(mut self, generator: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.generator = Arc::new(generator);
        self
    }

    fn is_trusted(&self, req: &IncomingMessage) -> bool {
        match &self.trust {
            Some(proxies) => proxies.trusts_peer_of(req),
            None => chain(req).is_some_and(|chain| {
                let settings = &chain.app.shared.settings;
                settings.trust_proxy.trusts_peer_of(req)
            }),
        }
    }
}

impl Middleware for RequestIds {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let came = req.header(&self.header).filter(|id| is_legal(id));
        let came = came.filter(|_| self.is_trusted(&req));
        let id: Rc<str> = match came {
            Some(id) => id.into(),
            None => (self.generator)().into(),
        };
        if let Some(values) = req.extension::<LogValues>() {
            values.set("id", &*id);
        }
        let (header, value) = (self.header.clone(), Rc::clone(&id));
        // By a hook, so that the response to a failure has it, too.
        res.on_head(move |head| {
            if head.get(&header).is_none() {
                let _ = head.set(&*header, &*value); // a value of a generator may be no legal one
            }
        });
        req.extend(RequestId(id));
        next.run(req, res)
    }
}

fn is_legal(id: &str) -> bool {
    let visible = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (1..=128).contains(&id.len()) && id.bytes().all(visible)
}

/// Numbers that cannot be foreseen: a keyed hash of a counter. The keys are those of the standard library's maps, from the system.
struct Random {
    keys: [RandomState; 2],
    counter: AtomicU64,
}

impl Random {
    fn new() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            counter: AtomicU64::new(0),
        }
    }

    /// RFC 9562 §5.4.
    fn uuid(&self) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let [high, low] = &self.keys;
        let high = high.hash_one((count, "high")) & !0xf000 | 0x4000;
        let low = low.hash_one((count, "low")) & !(0b11 << 62) | (0b10 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for RequestIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestIds")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
