//! The application: a router with settings, shared values and a server.
//!
//! Here: [`App`]. Not here: routes (`router.rs`), the server itself (hearken-http).

use crate::failures;
use crate::locals::json_of;
use crate::router::Router;
use crate::settings::Settings;
use crate::state::States;
use crate::table::{RouteError, Table};
use crate::templates::{Engine, Views};
use crate::worker::{AppHandler, Shared};
use hearken_http::listen::{ListenError, ToListenAddr};
use hearken_http::server::Listening;
use hearken_http::{Failure, Server};
use serde::Serialize;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// An application: a [`Router`] with settings, shared values and a server. Express's `app`.
///
/// ```no_run
/// use hearken::app::{App, prelude::*};
///
/// let mut app = App::new();
/// app.get("/", async |_req, res| res.end("Hello, World!"));
/// app.get("/users/:id", async |req, res| {
///     let id: u64 = req.param("id")?;
///     Ok(res.json(&serde_json::json!({ "id": id })))
/// });
/// app.listen("127.0.0.1:3000")?.run()?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Default)]
pub struct App {
    router: Router,
    settings: Settings,
    states: States,
    views: Views,
}

impl App {
    /// An application without routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the settings: Express's `set`, `enable` and `disable`.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.settings(|settings| settings.case_sensitive_routing = true);
    /// ```
    #[doc(alias("set", "enable", "disable"))]
    pub fn settings(&mut self, change: impl FnOnce(&mut Settings)) -> &mut Self {
        change(&mut self.settings);
        self
    }

    /// Shares a value with all handlers, which read it by its type: [`State`](crate::State). A second value of a type replaces the first.
    ///
    /// Express: `app.locals`; values for templates are set by [`local`](Self::local).
    pub fn state<T: Send + Sync + 'static>(&mut self, value: T) -> &mut Self {
        self.states.insert(value);
        self
    }

    /// Sets the engine that renders templates: [`ResponseExt::render`](crate::ResponseExt::render). The second call replaces the first.
    /// With the feature `templates`, `Templates` is one.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.engine(|name: &str, values: &serde_json::Value| Ok(format!("{name}: {}", values["title"])));
    /// app.get("/", async |_req, res| res.render("index", &serde_json::json!({ "title": "Hello" })));
    /// ```
    pub fn engine(&mut self, engine: impl Engine) -> &mut Self {
        self.views.engine = Some(Arc::new(engine));
        self
    }

    /// Sets a value that all templates see: Express's `app.locals`. The second of a name replaces the first.
    ///
    /// # Panics
    /// When the value has no JSON form.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.local("site", "Example").local("year", 2026);
    /// ```
    #[doc(alias = "locals")]
    #[track_caller]
    pub fn local(&mut self, name: impl Into<String>, value: impl Serialize) -> &mut Self {
        self.views.locals.insert(name.into(), json_of(value));
        self
    }

    /// The text of a template with these values and those of the application: for mails. To send it as a response use
    /// [`ResponseExt::render`](crate::ResponseExt::render).
    ///
    /// # Errors
    /// With status 500 when there is no engine, or it returns an error.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.engine(|name: &str, _values: &serde_json::Value| Ok(format!("this is {name}")));
    /// assert_eq!(app.render("mail.txt", &())?, "this is mail.txt");
    /// # Ok::<(), hearken::Failure>(())
    /// ```
    pub fn render<T: Serialize + ?Sized>(&self, name: &str, values: &T) -> Result<String, Failure> {
        self.views.render(name, None, values)
    }

    /// The server of this application, to be configured further: TLS, limits, workers, events.
    ///
    /// # Errors
    /// When a route cannot be: a text that is not a pattern, a route that no request can reach. All faults, with their places in the
    /// source.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.get("/", async |_req, res| res.end("hello"));
    /// let server = app.server()?.workers(2);
    /// # Ok::<(), hearken::app::RouteError>(())
    /// ```
    pub fn server(self) -> Result<Server, RouteError> {
        let form = self.router.form.clone();
        let shared = Arc::new(Shared {
            table: Table::new(self.router, &self.settings)?,
            settings: self.settings,
            states: self.states,
            views: self.views,
        });
        let development = shared.settings.development;
        let mut server = Server::with_handler(AppHandler(shared));
        match form {
            Some(form) => server.on_failure(move |failure, req, res| form(failure, req, res)),
            None => server.on_failure(move |failure, req, res| {
                failures::respond_as(failure, req, res, development)
            }),
        };
        Ok(server)
    }

    /// The table of all routes.
    pub(crate) fn table(&self) -> Result<Table, RouteError> {
        Table::new(self.router.clone(), &self.settings)
    }

    /// Serves one request in memory: as [`Server::inject`], which says more. For several requests, and for a clock, make a
    /// [`TestServer`](hearken_http::test::TestServer) of [`server`](Self::server).
    ///
    /// ```
    /// use hearken::app::App;
    /// use hearken::test::Request;
    /// let mut app = App::new();
    /// app.get("/", async |_req, res| res.end("hello"));
    /// assert_eq!(app.inject(Request::get("/"))?.text(), "hello");
    /// assert_eq!(app.inject(Request::get("/nope"))?.status(), 404);
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    ///
    /// # Errors
    /// As [`server`](Self::server), or when no whole response comes.
    #[cfg(feature = "test-util")]
    pub fn inject(
        &self,
        request: hearken_http::test::Request,
    ) -> Result<hearken_http::test::Response, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.clone().server()?.inject(request)?)
    }

    /// Binds: as [`Server::listen`].
    ///
    /// # Errors
    /// As [`server`](Self::server), or when the address cannot be listened on.
    pub fn listen(self, address: impl ToListenAddr) -> Result<Listening, StartError> {
        Ok(self.server()?.listen(address)?)
    }
}

impl Deref for App {
    type Target = Router;

    fn deref(&self) -> &Router {
        &self.router
    }
}

impl DerefMut for App {
    fn deref_mut(&mut self) -> &mut Router {
        &mut self.router
    }
}

impl From<Router> for App {
    fn from(router: Router) -> Self {
        Self {
            router,
            ..Self::default()
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("router", &self.router)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Why an application cannot start.
///
/// ```
/// use hearken::app::{App, StartError};
/// let mut app = App::new();
/// app.get("/(", async |_req, res| res.end(""));
/// assert!(matches!(app.listen("127.0.0.1:0"), Err(StartError::Routes(_))));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Its routes.
    Routes(RouteError),
    /// Its address.
    Listen(ListenError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Routes(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<RouteError> for StartError {
    fn from(error: RouteError) -> Self {
        Self::Routes(error)
    }
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        Self::Listen(error)
    }
}
