//! Adding described routes.
//!
//! Here: [`ApiRoute`], [`Router::api`]. Not here: what becomes of the description (`document.rs`).

use super::{Declared, DescribeAnswer, DescribeArguments, Described};
use crate::middleware::Middleware;
use crate::paths::Paths;
use crate::route::Route;
use crate::router::Router;
use crate::typed::{Arguments, BodyOnce, ExtractFn, extract};
use hearken_http::server::handler as boxed;
use hearken_http::{Answer, Limits, Method};
use std::fmt;
use std::sync::Arc;

impl Router {
    /// Begins a described route: as [`route`](Self::route), with handlers of extractors, whose types describe it. See [`ApiRoute`].
    #[track_caller]
    pub fn api(&mut self, paths: impl Into<Paths>) -> ApiRoute<'_> {
        ApiRoute {
            route: self.route(paths),
            next: About::default(),
        }
    }
}

/// A described route that is being added: [`Router::api`]. Its handlers are functions of [extractors](crate::Extract), whose types say
/// what it reads and what it answers.
///
/// | call | describes | holds for |
/// |---|---|---|
/// | [`summary`](Self::summary), [`description`](Self::description), [`operation_id`](Self::operation_id) | what it is for | the next handler |
/// | [`deprecated`](Self::deprecated), [`response`](Self::response), [`response_of`](Self::response_of) | how it answers | the next handler |
/// | [`tag`](Self::tag), [`security`](Self::security), [`public`](Self::public) | where it belongs, who may call it | all handlers behind it |
///
/// ```
/// use hearken::app::{App, Created, Info, Path, Query, prelude::*};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, Serialize, JsonSchema)]
/// struct Article { title: String, body: String }
/// #[derive(Deserialize, JsonSchema)]
/// struct Page { limit: Option<u32> }
///
/// let mut app = App::new();
/// app.api("/articles")
///     .tag("articles")
///     .summary("All articles")
///     .get(async |Query(page): Query<Page>| Json(Vec::<Article>::with_capacity(page.limit.unwrap_or(20) as usize)))
///     .summary("Adds an article")
///     .post(async |Json(article): Json<Article>| Created(Json(article)));
/// app.api("/articles/:slug")
///     .summary("One article")
///     .response(404, "There is none")
///     .get(async |Path(slug): Path<String>| -> Result<Json<Article>, Failure> {
///         Err(Failure::new(404, format!("there is no article {slug}")))
///     });
///
/// let document = app.openapi(&Info::new("Articles", "1"))?;
/// assert_eq!(document["paths"]["/articles/{slug}"]["get"]["summary"], "One article");
/// assert_eq!(document["paths"]["/articles"]["post"]["responses"]["201"]["description"], "Created");
/// # Ok::<(), hearken::app::RouteError>(())
/// ```
pub struct ApiRoute<'a> {
    route: Route<'a>,
    next: About,
}

/// What is said about the next handler.
#[derive(Clone, Default)]
struct About {
    summary: Option<String>,
    description: Option<String>,
    operation_id: Option<String>,
    tags: Vec<String>,
    deprecated: bool,
    security: Option<Vec<(String, Vec<String>)>>,
    responses: Vec<Declared>,
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        #[doc = concat!("Answers ", stringify!($method), " by a handler of extractors.")]
        pub fn $name<F, A, R>(self, handler: F) -> Self
        where
            F: ExtractFn<A, R> + Send + Sync + 'static,
            A: Arguments<Reads: BodyOnce> + DescribeArguments + 'static,
            R: Answer + DescribeAnswer + 'static,
        {
            self.on(Method::$method, handler)
        }
    )*};
}

impl ApiRoute<'_> {
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

    /// Answers a method by a handler of extractors. OpenAPI 3.1 knows the eight methods that have a function here; the document leaves
    /// out any other.
    pub fn on<F, A, R>(mut self, method: Method, handler: F) -> Self
    where
        F: ExtractFn<A, R> + Send + Sync + 'static,
        A: Arguments<Reads: BodyOnce> + DescribeArguments + 'static,
        R: Answer + DescribeAnswer + 'static,
    {
        let kept = About {
            tags: self.next.tags.clone(),
            security: self.next.security.clone(),
            ..About::default()
        };
        let about = std::mem::replace(&mut self.next, kept);
        let described = Described {
            summary: about.summary,
            description: about.description,
            operation_id: about.operation_id,
            tags: about.tags,
            deprecated: about.deprecated,
            security: about.security,
            responses: about.responses,
            arguments: A::describe,
            answer: R::describe,
        };
        self.route =
            self.route
                .described_endpoint(method, boxed(extract(handler)), Arc::new(described));
        self
    }

    /// What it does, in one line.
    pub fn summary(mut self, text: &str) -> Self {
        self.next.summary = Some(text.to_owned());
        self
    }

    /// What it does, at length; CommonMark in OpenAPI's readers.
    pub fn description(mut self, text: &str) -> Self {
        self.next.description = Some(text.to_owned());
        self
    }

    /// The name of the operation, by which generated clients call it. Default: made of the method and the path. Two operations with
    /// one name are an error of [`App::openapi`](crate::App::openapi).
    #[doc(alias = "operationId")]
    pub fn operation_id(mut self, id: &str) -> Self {
        self.next.operation_id = Some(id.to_owned());
        self
    }

    /// Adds a tag, by which readers group operations.
    pub fn tag(mut self, name: &str) -> Self {
        self.next.tags.push(name.to_owned());
        self
    }

    /// Callers should stop to use it.
    pub const fn deprecated(mut self) -> Self {
        self.next.deprecated = true;
        self
    }

    /// Asks for a scheme of [`Info::security_scheme`](crate::Info::security_scheme), in place of those of
    /// [`Info::security`](crate::Info::security). Call it again for an alternative. It describes, and checks nothing.
    pub fn security(mut self, scheme: &str, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let alternatives = self.next.security.get_or_insert_default();
        alternatives.push((scheme.to_owned(), scopes));
        self
    }

    /// Asks for no scheme.
    pub fn public(mut self) -> Self {
        self.next.security = Some(Vec::new());
        self
    }

    /// Describes the response with this status: its text. From 400 on its content is problem+json, unless it has another.
    pub fn response(mut self, status: u16, text: &str) -> Self {
        self.next.responses.push(Declared {
            status,
            text: text.to_owned(),
            answer: None,
        });
        self
    }

    /// As [`response`](Self::response), with the content of an answer: `response_of::<Json<Report>>(202, "Begun")`.
    pub fn response_of<T: DescribeAnswer>(mut self, status: u16, text: &str) -> Self {
        self.next.responses.push(Declared {
            status,
            text: text.to_owned(),
            answer: Some(T::describe),
        });
        self
    }

    /// Adds middleware: as [`Route::with`].
    pub fn with(mut self, middleware: impl Middleware) -> Self {
        self.route = self.route.with(middleware);
        self
    }

    /// Changes limits: as [`Route::limits`].
    pub fn limits(mut self, change: impl Fn(&mut Limits) + Send + Sync + 'static) -> Self {
        self.route = self.route.limits(change);
        self
    }

    /// Names the route: as [`Route::name`].
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.route = self.route.name(name);
        self
    }
}

impl fmt::Debug for ApiRoute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.route.fmt(f)
    }
}
