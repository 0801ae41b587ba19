//! One route: patterns, and what answers each method.
//!
//! Here: [`Route`], which a router's methods return, and what it collects. Not here: finding a route (`table/`).

use crate::middleware::Middleware;
use crate::paths::Paths;
use hearken_http::server::{Handler, HandlerFn, handler as boxed};
use hearken_http::{Answer, Limits, Method};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Changes the limits of one exchange.
pub(crate) type ChangeLimits = Arc<dyn Fn(&mut Limits) + Send + Sync>;

/// A route that is being added: [`Router::route`](crate::Router::route), `get` and its siblings return it.
///
/// ```
/// use hearken::app::App;
/// use std::time::Duration;
/// let mut app = App::new();
/// app.post("/upload", async |mut req, res| Ok(res.end(req.bytes().await?)))
///     .limits(|limits| {
///         limits.body.buffered_bytes_max = 100 * 1024 * 1024;
///         limits.time.body_idle = Duration::from_secs(120);
///     });
/// ```
pub struct Route<'a> {
    data: &'a mut RouteData,
}

/// What a route consists of.
#[derive(Clone)]
pub(crate) struct RouteData {
    pub(crate) paths: Paths,
    pub(crate) from: &'static Location<'static>,
    /// Added so far: each handler is behind those that were there before it.
    middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) limits: Option<ChangeLimits>,
    pub(crate) name: Option<Box<str>>,
}

/// What answers a method.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// `None`: every method.
    pub(crate) method: Option<Method>,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) handler: Arc<dyn Handler>,
    #[cfg(feature = "openapi")]
    pub(crate) described: Option<Arc<crate::openapi::Described>>,
}

impl RouteData {
    pub(crate) const fn new(paths: Paths, from: &'static Location<'static>) -> Self {
        Self {
            paths,
            from,
            middleware: Vec::new(),
            endpoints: Vec::new(),
            limits: None,
            name: None,
        }
    }
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        #[doc = concat!("Answers ", stringify!($method), " by a handler.")]
        pub fn $name<H, R>(self, handler: H) -> Self
        where
            H: HandlerFn<R> + Send + Sync + 'static,
            R: Answer + 'static,
        {
            self.on(Method::$method, handler)
        }
    )*};
}

impl<'a> Route<'a> {
    pub(crate) const fn new(data: &'a mut RouteData) -> Self {
        Self { data }
    }

    methods! {
        get GET;
        post POST;
        put PUT;
        patch PATCH;
        delete DELETE;
        head HEAD;
        options OPTIONS;
        trace TRACE;
    }

    /// Answers a method by a handler.
    pub fn on<H, R>(self, method: Method, handler: H) -> Self
    where
        H: HandlerFn<R> + Send + Sync + 'static,
        R: Answer + 'static,
    {
        self.endpoint(Some(method), boxed(handler))
    }

    /// Answers all methods by a handler.
    pub fn all<H, R>(self, handler: H) -> Self
    where
        H: HandlerFn<R> + Send + Sync + 'static,
        R: Answer + 'static,
    {
        self.endpoint(None, boxed(handler))
    }

    /// Answers a method, or all, by a handler that is an object.
    pub fn endpoint(self, method: Option<Method>, handler: impl Handler) -> Self {
        self.data.endpoints.push(Endpoint {
            method,
            middleware: self.data.middleware.clone(),
            handler: Arc::new(handler),
            #[cfg(feature = "openapi")]
            described: None,
        });
        self
    }

    /// As [`endpoint`](Self::endpoint), with what the document says about it.
    #[cfg(feature = "openapi")]
    pub(crate) fn described_endpoint(
        self,
        method: Method,
        handler: impl Handler,
        described: Arc<crate::openapi::Described>,
    ) -> Self {
        let route = self.endpoint(Some(method), handler);
        if let Some(endpoint) = route.data.endpoints.last_mut() {
            endpoint.described = Some(described);
        }
        route
    }

    /// Adds middleware before the handlers that are added to this route after it. It may leave the route by
    /// [`Next::skip_route`](crate::Next::skip_route).
    pub fn with(self, middleware: impl Middleware) -> Self {
        self.data.middleware.push(Arc::new(middleware));
        self
    }

    /// Changes the limits of the exchanges of this route: [`IncomingMessage::limits`](hearken_http::IncomingMessage::limits).
    pub fn limits(self, change: impl Fn(&mut Limits) + Send + Sync + 'static) -> Self {
        self.data.limits = Some(Arc::new(change));
        self
    }

    /// Names the route, for the route table and for logs, in place of its pattern.
    pub fn name(self, name: impl Into<Box<str>>) -> Self {
        self.data.name = Some(name.into());
        self
    }
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("paths", &self.data.paths)
            .finish_non_exhaustive()
    }
}
