//! Express for Rust: routes in their order and found in a tree, middleware, shared state, on hearken-http.
//!
//! ```no_run
//! use hearken::app::{App, prelude::*};
//!
//! let mut app = App::new();
//! app.get("/users/:id", async |req, res| {
//!     let id: u64 = req.param("id")?; // not a number: 400
//!     Ok(res.json(&serde_json::json!({ "id": id })))
//! });
//! app.listen("127.0.0.1:3000")?.run()?;
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```
//!
//! | to | use |
//! |---|---|
//! | add routes | [`Router::get`] and its siblings, [`Router::route`], [`Router::mount`] |
//! | add code around handlers | [`Router::with`], [`Middleware`], [`middleware()`] |
//! | take arguments by their types, as in axum | [`extract`], [`Extract`] |
//! | see all routes | [`App::routes`] |
//! | serve files | [`StaticFiles`] |
//! | read parameters, shared values, the client behind proxies | [`RequestExt`], [`App::state`] |
//! | send pages, files, one of several representations, templates | [`ResponseExt`], [`App::engine`] |
//! | give errors one form | [`Router::error`] |
//! | start | [`App::listen`], [`App::server`] |
//!
//! In the picture of the house (ARCHITECTURE.md) this crate stands on hearken-http and knows neither `ws` nor `inspect`.
#![forbid(unsafe_code)]

mod app;
mod bodies;
mod failures;
mod host;
mod locals;
mod middleware;
mod next;
#[cfg(feature = "openapi")]
mod openapi;
mod params;
mod paths;
mod pattern;
mod request;
mod response;
mod route;
mod router;
mod routes;
mod settings;
mod state;
mod table;
mod templates;
mod typed;
#[cfg(feature = "multipart")]
mod upload;
mod worker;

pub use app::{App, StartError};
pub use bodies::{Bodies, Charset};
/// The ETag of responses that have none: [`Settings::etag`]. As a middleware it is the choice of some routes.
///
/// ```
/// use hearken::app::{App, ETag};
/// let mut app = App::new();
/// app.settings(|settings| settings.etag = ETag::Strong);
/// app.route("/now").with(ETag::Off).get(async |_req, res| res.end("changes each time"));
/// ```
pub use hearken_http::message::ContentTag as ETag;
#[cfg(feature = "compress")]
pub use hearken_http::message::{Compression, ContentCoding};
pub use host::VhostLabels;
pub use locals::Locals;
pub use middleware::{
    Accepts, BasicAuth, BasicUser, BearerAuth, BodyLimit, ConcurrencyLimit, Cors, Csp, CspNonce,
    Csrf, DirectoryListing, Dotfiles, Favicon, Hsts, LogValues, LoggedRequest, Logger,
    MemoryRateLimitStore, MethodOverride, Middleware, MiddlewareFn, OriginalMethod, Quota,
    RateLimit, RateLimitHeaders, RateLimitStore, RequestId, RequestIds, ResponseTime,
    SecurityHeaders, ServedFile, ServerTiming, StaticFiles, StoreFuture, Symlinks, Taken, Timeout,
    Timings, middleware,
};
#[cfg(feature = "signed-cookies")]
pub use middleware::{
    CookieKeys, CsrfToken, KeyError, MemorySessionStore, Session, SessionExt, SessionStore,
    Sessions, SetSignedCookies, SignedCookies,
};
pub use next::Next;
#[cfg(feature = "openapi")]
pub use openapi::{
    ApiRoute, DescribeAnswer, DescribeArgument, DescribeArguments, Info, Operation, SecurityScheme,
};
pub use params::ParamFn;
pub use paths::Paths;
pub use pattern::{Pattern, PatternError};
pub use request::RequestExt;
pub use response::{Content, Format, IntoContent, ResponseExt};
pub use route::Route;
pub use router::Router;
pub use routes::{RouteInfo, Routes};
pub use settings::{NestedQuery, Settings};
pub use state::State;
pub use table::RouteError;
pub use templates::Engine;
#[cfg(feature = "templates")]
pub use templates::Templates;
#[cfg(feature = "multipart")]
pub use typed::Multipart;
pub use typed::{
    Accepted, Arguments, BodyOnce, Cookies, Created, Extension, Extract, ExtractFn, ExtractOption,
    Form, HeadOnly, Headers, Invalid, InvalidField, NoContent, Path, Query, Reads, WithBody,
    WithStatus, extract,
};
#[cfg(feature = "validate")]
pub use typed::{Valid, Validated};
#[cfg(feature = "multipart")]
pub use upload::{FileHead, IncomingFile, Upload, UploadedFile, UploadedForm};

/// The names that most applications need.
///
/// ```
/// use hearken::app::prelude::*;
/// let mut app = App::new();
/// app.get("/:name", async |req, res| Ok(res.end(req.param::<String>("name")?)));
/// ```
pub mod prelude {
    pub use crate::{
        App, Extension, Extract, Form, Middleware, Next, Path, Query, RequestExt, ResponseExt,
        Router, State, extract, middleware,
    };
    #[cfg(feature = "signed-cookies")]
    pub use crate::{SessionExt, SetSignedCookies, SignedCookies};
    pub use hearken_http::error::OrFail;
    pub use hearken_http::{
        Answer, Bytes, Failure, IncomingMessage, Json, Sent, ServerResponse, StatusCode,
    };
}
