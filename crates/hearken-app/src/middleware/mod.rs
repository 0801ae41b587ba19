//! Code around handlers.
//!
//! Here: [`Middleware`], [`middleware`], which makes one of an async function; each middleware in its own file. Not here: what passes a request on (`next.rs`).

mod static_files;

pub use static_files::{DirectoryListing, Dotfiles, ServedFile, StaticFiles, Symlinks};

#[cfg(feature = "compress")]
mod compression;
mod etag;
mod logger;
mod request_id;
mod timing;

pub use logger::{LogValues, LoggedRequest, Logger};
pub use request_id::{RequestId, RequestIds};
pub use timing::{ResponseTime, ServerTiming, Timings};

mod auth;
mod body_limit;
mod concurrency;
mod cors;
mod csp;
mod csrf;
mod favicon;
mod method_override;
mod rate_limit;
mod security_headers;
#[cfg(feature = "signed-cookies")]
mod session;
mod shared;
#[cfg(feature = "signed-cookies")]
mod signed_cookies;
mod store;
mod timeout;

pub use auth::{Accepts, BasicAuth, BasicUser, BearerAuth};
pub use body_limit::BodyLimit;
pub use concurrency::ConcurrencyLimit;
pub use cors::Cors;
pub use csp::{Csp, CspNonce};
pub use csrf::Csrf;
#[cfg(feature = "signed-cookies")]
pub use csrf::CsrfToken;
pub use favicon::Favicon;
pub use method_override::{MethodOverride, OriginalMethod};
pub use rate_limit::{
    MemoryRateLimitStore, Quota, RateLimit, RateLimitHeaders, RateLimitStore, Taken,
};
pub use security_headers::{Hsts, SecurityHeaders};
#[cfg(feature = "signed-cookies")]
pub use session::{MemorySessionStore, Session, SessionExt, SessionStore, Sessions};
#[cfg(feature = "signed-cookies")]
pub use signed_cookies::{CookieKeys, KeyError, SetSignedCookies, SignedCookies};
pub use store::StoreFuture;
pub use timeout::Timeout;

use crate::next::Next;
use hearken_http::server::Handling;
use hearken_http::{Answer, IncomingMessage, ServerResponse};
use std::marker::PhantomData;
use std::sync::Arc;

/// Code around handlers: it answers, or passes the request on by [`Next::run`]. To change a response on its way out, it adds a
/// hook before it passes the request on: [`ServerResponse::on_head`].
///
/// Write `middleware(async |req, res, next| …)`; implement the trait where the future of each call would cost too much: a
/// middleware that only adds hooks returns the [`Handling`] of [`Next::run`] and needs no memory of its own.
///
/// ```
/// use hearken::app::{App, Middleware, Next};
/// use hearken::server::Handling;
/// use hearken::{IncomingMessage, ServerResponse};
///
/// struct NoStore;
/// impl Middleware for NoStore {
///     fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
///         next.run(req, res.set("Cache-Control", "no-store"))
///     }
/// }
/// let mut app = App::new();
/// app.with(NoStore);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "expected a middleware",
    note = "an async function or closure becomes one by `hearken::app::middleware(async |req, res, next| …)`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// Answers the request, or passes it on.
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling;
}

impl<M: Middleware + ?Sized> Middleware for Arc<M> {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        (**self).handle(req, res, next)
    }
}

impl<M: Middleware + ?Sized> Middleware for Box<M> {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        (**self).handle(req, res, next)
    }
}

/// An async function or closure of a request, its response and the way on: what [`middleware`] takes. Implemented for every such
/// function, and not to be implemented elsewhere.
///
/// ```
/// use hearken::app::{App, MiddlewareFn, middleware};
/// use hearken::Answer;
/// fn twice<R: Answer + 'static>(app: &mut App, f: impl MiddlewareFn<R> + Clone + Send + Sync + 'static) {
///     app.with(middleware(f.clone()));
///     app.with(middleware(f));
/// }
/// let mut app = App::new();
/// twice(&mut app, async |req, res, next| next.run(req, res).await);
/// ```
#[diagnostic::on_unimplemented(
    message = "expected an async function or closure of a request, its response and `next`",
    label = "write `async |req, res, next| …`",
    note = "pass the request on by `next.run(req, res).await`, or answer it"
)]
pub trait MiddlewareFn<R>: AsyncFn(IncomingMessage, ServerResponse, Next) -> R {}

#[diagnostic::do_not_recommend]
impl<F, R> MiddlewareFn<R> for F where F: AsyncFn(IncomingMessage, ServerResponse, Next) -> R {}

/// Makes a middleware of an async function. What it returns is the answer, as for a handler; an error goes to the form of
/// failures.
///
/// ```
/// use hearken::Failure;
/// use hearken::app::{App, middleware};
/// let mut app = App::new();
/// app.with(middleware(async |req, res, next| {
///     if req.header("authorization").is_none() {
///         return Err(Failure::new(401, "expected an Authorization field"));
///     }
///     Ok(next.run(req, res).await)
/// }));
/// ```
pub fn middleware<F, R>(function: F) -> impl Middleware
where
    F: MiddlewareFn<R> + Send + Sync + 'static,
    R: Answer + 'static,
{
    OfFunction {
        function: Arc::new(function),
        answer: PhantomData,
    }
}

struct OfFunction<F, R> {
    function: Arc<F>,
    answer: PhantomData<fn() -> R>,
}

impl<F, R> Middleware for OfFunction<F, R>
where
    F: AsyncFn(IncomingMessage, ServerResponse, Next) -> R + Send + Sync + 'static,
    R: Answer + 'static,
{
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let function = Arc::clone(&self.function);
        Handling::new(async move {
            let again = res.again();
            let answer = function(req, res, next).await;
            answer.answer(again)
        })
    }
}
