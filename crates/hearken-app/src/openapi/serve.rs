//! Serving the document and its page.
//!
//! Here: [`App::openapi`], [`App::serve_openapi`]. Both are made of the table that the server runs on, at the first request on each
//! worker.

use super::document::document;
use super::{Info, page};
use crate::app::App;
use crate::paths::Paths;
use crate::request::chain;
use crate::table::{RouteError, Table};
use hearken_http::server::{Handler, Handling, WorkerHandler};
use hearken_http::{Bytes, Failure, IncomingMessage, Method, ServerResponse};
use serde_json::Value;
use std::cell::OnceCell;
use std::sync::Arc;

impl App {
    /// The OpenAPI 3.1 document of all routes that were added by [`api`](crate::Router::api).
    ///
    /// # Errors
    /// As [`server`](Self::server), and when a description does not fit: a type of the path with other names than the pattern, an
    /// operation id that is used twice, a security scheme without a definition. All faults, with their places in the source.
    ///
    /// ```
    /// use hearken::app::{App, Info, extract};
    /// let mut app = App::new();
    /// app.api("/").get(async || "hello");
    /// let document = app.openapi(&Info::new("Greetings", "1"))?;
    /// assert_eq!(document["paths"]["/"]["get"]["responses"]["200"]["content"]["text/plain"]["schema"]["type"], "string");
    /// # Ok::<(), hearken::app::RouteError>(())
    /// ```
    pub fn openapi(&self, info: &Info) -> Result<Value, RouteError> {
        document(&self.table()?, info)
    }

    /// Adds two routes: one with the document of [`openapi`](Self::openapi), one with a page for people, which needs no script and no
    /// network. Routes that are added later are in both.
    ///
    /// They have `Cache-Control: no-cache` and, the page, a Content-Security-Policy that allows its own style and nothing else. To keep
    /// them from strangers add middleware with [`with_at`](crate::Router::with_at) before.
    ///
    /// ```
    /// use hearken::app::{App, Info};
    /// use hearken::test::Request;
    /// let mut app = App::new();
    /// app.serve_openapi(Info::new("Notes", "1"), "/openapi.json", "/docs");
    /// app.api("/notes").summary("All notes").get(async || "none");
    /// assert!(app.inject(Request::get("/docs"))?.text().contains("All notes"));
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    #[track_caller]
    pub fn serve_openapi(
        &mut self,
        info: Info,
        document: impl Into<Paths>,
        page: impl Into<Paths>,
    ) -> &mut Self {
        let info = Arc::new(info);
        let document = document.into();
        let address = document.0.first().cloned().unwrap_or_default();
        let serve = |address: Option<String>| Serve {
            info: Arc::clone(&info),
            address,
        };
        let with_page = serve(Some(address));
        self.route(document)
            .endpoint(Some(Method::GET), serve(None));
        self.route(page).endpoint(Some(Method::GET), with_page);
        self
    }
}

struct Serve {
    info: Arc<Info>,
    /// For the page: where the document is.
    address: Option<String>,
}

impl Handler for Serve {
    fn on_worker(&self) -> Box<dyn WorkerHandler> {
        Box::new(OnWorker {
            info: Arc::clone(&self.info),
            address: self.address.clone(),
            made: OnceCell::new(),
        })
    }
}

struct OnWorker {
    info: Arc<Info>,
    address: Option<String>,
    made: OnceCell<Result<Bytes, Arc<RouteError>>>,
}

impl OnWorker {
    fn make(&self, table: &Table) -> Result<Bytes, Arc<RouteError>> {
        let document = document(table, &self.info)?;
        Ok(match &self.address {
            Some(address) => page::page(&document, address).into(),
            None => format!("{document:#}\n").into(),
        })
    }
}

impl WorkerHandler for OnWorker {
    fn start(&self, req: IncomingMessage, res: ServerResponse) -> Handling {
        let made = self.made.get_or_init(|| match chain(&req) {
            Some(chain) => self.make(chain.app.table()),
            None => Ok(Bytes::new()),
        });
        let made = made.clone();
        let is_page = self.address.is_some();
        Handling::new(async move {
            let content = match made {
                Ok(content) => content,
                Err(error) => return res.fail(Failure::new(500, error.to_string())),
            };
            let res = res
                .set("Cache-Control", "no-cache")
                .set("X-Content-Type-Options", "nosniff");
            if !is_page {
                return res.set("Content-Type", "application/json").end(content);
            }
            res.set("Content-Type", "text/html; charset=utf-8")
                .set("Content-Security-Policy", page::POLICY)
                .end(content)
        })
    }
}
