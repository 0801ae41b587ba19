//! Routes and middleware in the order in which they were added.
//!
//! Here: [`Router`], which only collects. Not here: one route (`route.rs`), what a request finds (`table/`), the application
//! around it (`app.rs`).

use crate::middleware::Middleware;
use crate::params::{ParamFn, ParamHandler, of_function};
use crate::paths::Paths;
use crate::route::{Route, RouteData};
use hearken_http::error::FailedRequest;
use hearken_http::server::HandlerFn;
use hearken_http::{Answer, Failure, Method, Sent, ServerResponse};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// The form of the failures of a router.
pub(crate) type FailureForm =
    dyn Fn(&Failure, &FailedRequest, ServerResponse) -> Sent + Send + Sync;

/// Routes and middleware in the order in which they were added: Express's `Router`. An [`App`](crate::App) is one with settings and
/// a server.
///
/// A request passes all middleware whose path it begins with, up to the first route that fits its path and method. The order of
/// adding decides, as in Express; what a request costs does not depend on how many routes there are.
///
/// | what comes | answer |
/// |---|---|
/// | HEAD, and the path has only GET | that of GET, without content |
/// | OPTIONS, and the path has no OPTIONS | 200, `Allow` with the methods of the path |
/// | another method than those of the path | 405, `Allow` |
/// | a path without a route | 404 |
/// | a path with a `%` that escapes nothing, or that is not UTF-8 | 400 |
///
/// ```
/// use hearken::app::{App, prelude::*};
/// let mut users = Router::new();
/// users.get("/:id", async |req, res| {
///     let id: u64 = req.param("id")?; // not a number: 400
///     Ok(res.end(format!("user {id}")))
/// });
/// let mut app = App::new();
/// app.mount("/users", users);
/// ```
#[derive(Clone, Default)]
pub struct Router {
    pub(crate) entries: Vec<Entry>,
    pub(crate) params: Vec<(Box<str>, Arc<dyn ParamHandler>)>,
    pub(crate) form: Option<Arc<FailureForm>>,
    pub(crate) case_sensitive: Option<bool>,
    pub(crate) strict: Option<bool>,
}

/// What was added to a router.
#[derive(Clone)]
pub(crate) enum Entry {
    Middleware {
        /// `None`: every path.
        paths: Option<Paths>,
        middleware: Arc<dyn Middleware>,
        from: &'static Location<'static>,
    },
    Route(RouteData),
    Mount {
        paths: Paths,
        /// `None`: every host.
        host: Option<Box<str>>,
        router: Router,
        from: &'static Location<'static>,
    },
}

/// The methods that have a function of their own name.
macro_rules! methods {
    ($($name:ident $method:ident $example:literal;)*) => {$(
        #[doc = concat!("Adds a route for ", stringify!($method), ".")]
        ///
        /// ```
        /// use hearken::app::App;
        /// let mut app = App::new();
        #[doc = $example]
        /// ```
        #[track_caller]
        pub fn $name<H, R>(&mut self, paths: impl Into<Paths>, handler: H) -> Route<'_>
        where
            H: HandlerFn<R> + Send + Sync + 'static,
            R: Answer + 'static,
        {
            self.on(Method::$method, paths, handler)
        }
    )*};
}

impl Router {
    /// A router without routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    methods! {
        get GET "app.get(\"/\", async |_req, res| res.end(\"hello\"));";
        post POST "app.post(\"/notes\", async |mut req, res| Ok(res.status(201).end(req.text().await?)));";
        put PUT "app.put(\"/notes/:id\", async |mut req, res| Ok(res.end(req.text().await?)));";
        patch PATCH "app.patch(\"/notes/:id\", async |_req, res| res.status(204).end(\"\"));";
        delete DELETE "app.delete(\"/notes/:id\", async |_req, res| res.status(204).end(\"\"));";
        head HEAD "app.head(\"/notes\", async |_req, res| res.set(\"X-Notes\", \"3\").end(\"\"));";
        options OPTIONS "app.options(\"/notes\", async |_req, res| res.set(\"Allow\", \"GET\").end(\"\"));";
        trace TRACE "app.trace(\"/notes\", async |_req, res| res.status(403).end(\"\"));";
    }

    /// Adds a route for any method. Of a name that is not registered too: `"PURGE".parse()?`.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.on("PURGE".parse()?, "/cache/*path", async |_req, res| res.status(204).end(""));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn on<H, R>(&mut self, method: Method, paths: impl Into<Paths>, handler: H) -> Route<'_>
    where
        H: HandlerFn<R> + Send + Sync + 'static,
        R: Answer + 'static,
    {
        self.route(paths).on(method, handler)
    }

    /// Adds a route for all methods.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.all("/echo", async |req, res| res.end(req.method().to_string()));
    /// ```
    #[track_caller]
    pub fn all<H, R>(&mut self, paths: impl Into<Paths>, handler: H) -> Route<'_>
    where
        H: HandlerFn<R> + Send + Sync + 'static,
        R: Answer + 'static,
    {
        self.route(paths).all(handler)
    }

    /// Begins a route, to which middleware and handlers are added: Express's `route`, and the place of middleware of one route.
    ///
    /// ```
    /// use hearken::Failure;
    /// use hearken::app::{App, middleware};
    /// let mut app = App::new();
    /// app.route("/notes/:id")
    ///     .get(async |_req, res| res.end("a note"))
    ///     .with(middleware(async |req, res, next| {
    ///         if req.header("authorization").is_none() {
    ///             return Err(Failure::new(401, "log in first"));
    ///         }
    ///         Ok(next.run(req, res).await)
    ///     }))
    ///     .delete(async |_req, res| res.status(204).end("")); // behind the middleware, unlike GET
    /// ```
    #[track_caller]
    pub fn route(&mut self, paths: impl Into<Paths>) -> Route<'_> {
        let data = RouteData::new(paths.into(), Location::caller());
        self.entries.push(Entry::Route(data));
        match self.entries.last_mut() {
            Some(Entry::Route(data)) => Route::new(data),
            _ => unreachable!("it was pushed above"),
        }
    }

    /// Adds middleware for every path. It sees the requests that no earlier route has answered.
    ///
    /// Express: `use`.
    ///
    /// ```
    /// use hearken::app::{App, middleware};
    /// let mut app = App::new();
    /// app.with(middleware(async |req, res, next| {
    ///     println!("{} {}", req.method(), req.url());
    ///     next.run(req, res).await
    /// }));
    /// ```
    #[doc(alias = "use")]
    #[track_caller]
    pub fn with(&mut self, middleware: impl Middleware) -> &mut Self {
        self.entries.push(Entry::Middleware {
            paths: None,
            middleware: Arc::new(middleware),
            from: Location::caller(),
        });
        self
    }

    /// Adds middleware for paths that begin with the segments of a pattern.
    ///
    /// ```
    /// use hearken::app::{App, middleware};
    /// let mut app = App::new();
    /// app.with_at("/api", middleware(async |req, res, next| next.run(req, res.set("X-API", "1")).await));
    /// ```
    #[track_caller]
    pub fn with_at(&mut self, paths: impl Into<Paths>, middleware: impl Middleware) -> &mut Self {
        self.entries.push(Entry::Middleware {
            paths: Some(paths.into()),
            middleware: Arc::new(middleware),
            from: Location::caller(),
        });
        self
    }

    /// Adds a router for the paths that begin with the segments of a pattern. Its own patterns continue the pattern, and it sees the
    /// parameters of both; of two with one name, its own.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut comments = Router::new();
    /// comments.get("/:number", async |req, res| {
    ///     let (article, number): (String, u32) = (req.param("article")?, req.param("number")?);
    ///     Ok(res.end(format!("comment {number} on {article}")))
    /// });
    /// let mut app = App::new();
    /// app.mount("/articles/:article/comments", comments);
    /// ```
    #[doc(alias = "use")]
    #[track_caller]
    pub fn mount(&mut self, paths: impl Into<Paths>, router: impl Into<Self>) -> &mut Self {
        self.entries.push(Entry::Mount {
            paths: paths.into(),
            host: None,
            router: router.into(),
            from: Location::caller(),
        });
        self
    }

    /// Adds a router for the requests of a host. A `*` stands for one label, or for a part of one: [`VhostLabels`](crate::VhostLabels)
    /// has what it stands for. Case and port do not count. The host is that of trusted proxies, if there are some
    /// ([`RequestExt::hostname`](crate::RequestExt::hostname)). A request that finds no route there goes on, as behind
    /// [`mount`](Self::mount). npm: `vhost`.
    ///
    /// ```
    /// use hearken::app::{App, Router};
    /// let (mut api, mut users) = (Router::new(), Router::new());
    /// api.get("/", async |_req, res| res.end("the API"));
    /// users.get("/", async |_req, res| res.end("a user's page"));
    /// let mut app = App::new();
    /// app.vhost("api.example.org", api);
    /// app.vhost("*.users.example.org", users);
    /// ```
    #[track_caller]
    pub fn vhost(&mut self, host: &str, router: impl Into<Self>) -> &mut Self {
        self.entries.push(Entry::Mount {
            paths: "/".into(),
            host: Some(host.into()),
            router: router.into(),
            from: Location::caller(),
        });
        self
    }

    /// Runs `handler` before the first middleware or route of this router whose pattern has the parameter `name`: once for each
    /// value in a request. It passes the request on, or answers it.
    ///
    /// ```
    /// use hearken::Failure;
    /// use hearken::app::{App, prelude::*};
    /// struct User { id: u64 }
    /// let mut app = App::new();
    /// app.param("user", async |req, res, next, value| {
    ///     let id = value.parse().map_err(|_| Failure::new(404, "no such user"))?;
    ///     req.extend(User { id });
    ///     Ok(next.run(req, res).await)
    /// });
    /// app.get("/users/:user", async |req, res| {
    ///     let user = req.extension::<User>().expect("set above");
    ///     res.end(user.id.to_string())
    /// });
    /// ```
    pub fn param<F, R>(&mut self, name: &str, handler: F) -> &mut Self
    where
        F: ParamFn<R> + Send + Sync + 'static,
        R: Answer + 'static,
    {
        self.params.push((name.into(), of_function(handler)));
        self
    }

    /// Gives the failures of this router, and of those mounted in it that have none of their own, one form: an error that a handler
    /// returns, a panic, a path without a route. The response has the status of the failure and the fields that it carries. The
    /// second call replaces the first.
    ///
    /// Express: a middleware with four arguments.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.error(|failure, _req, res| res.json(&serde_json::json!({ "error": failure.public_message() })));
    /// ```
    pub fn error<R: Answer>(
        &mut self,
        form: impl Fn(&Failure, &FailedRequest, ServerResponse) -> R + Send + Sync + 'static,
    ) -> &mut Self {
        self.form = Some(Arc::new(move |failure, request, res| {
            let again = res.again();
            form(failure, request, res).answer(again)
        }));
        self
    }

    /// Whether ASCII case counts in the patterns of this router. Default: as the router in which it is mounted, and that of the
    /// application as its settings say.
    pub const fn case_sensitive(&mut self, sensitive: bool) -> &mut Self {
        self.case_sensitive = Some(sensitive);
        self
    }

    /// Whether a slash at the end of a path counts. Default: as [`case_sensitive`](Self::case_sensitive).
    pub const fn strict(&mut self, strict: bool) -> &mut Self {
        self.strict = Some(strict);
        self
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Router with {} entries", self.entries.len())
    }
}
