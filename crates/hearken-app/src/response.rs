//! What an application adds to a response.
//!
//! Here: [`ResponseExt`]. Not here: what every response has (hearken-http), a representation for each media type
//! (`response/format.rs`), JSON as a script (`response/jsonp.rs`), fields that are lists (`response/fields.rs`), templates
//! (`templates.rs`).

mod fields;
mod format;
mod jsonp;
mod send;

pub use format::Format;
pub use send::{Content, IntoContent};
pub(crate) use send::{last_modified, send_typed};

use crate::locals::Locals;
use crate::request::Sealed;
use hearken_http::error::Status;
use hearken_http::message::{SendFile, encode_url};
use hearken_http::{Failure, OutgoingMessage, Sent, ServerResponse};
use serde::Serialize;
use std::path::Path;

/// What an application adds to a response: Express's methods that hearken-http does not have.
///
/// `json`, `redirect`, `cookie`, `clear_cookie`, `attachment`, `send_file` and `append` are methods of [`ServerResponse`] itself.
///
/// ```
/// use hearken::app::{App, prelude::*};
/// let mut app = App::new();
/// app.get("/", async |_req, res| res.vary("Accept-Language").send("<p>hello"));
/// ```
pub trait ResponseExt: Sealed + Sized {
    /// Ends the response with this content. Unlike [`end`](ServerResponse::end) it says what the content is, unless a Content-Type was
    /// set:
    ///
    /// | content | Content-Type |
    /// |---|---|
    /// | text | `text/html; charset=utf-8`, as in Express; a text that a handler *returns* is `text/plain` |
    /// | bytes | `application/octet-stream` |
    ///
    /// A successful response to GET and HEAD gets an ETag by [`Settings::etag`](crate::Settings::etag), and is a 304 if the client has
    /// this content. A status of 204, 205 or 304 sends no content.
    ///
    /// **Text that a user has written is not escaped.** Use a template, which escapes it, or `res.content_type("txt")`.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/page", async |_req, res| res.send("<h1>Hello</h1>"));
    /// app.get("/text", async |_req, res| res.content_type("txt").send("hello"));
    /// app.get("/bytes", async |_req, res| res.send(vec![1, 2, 3]));
    /// ```
    fn send(self, content: impl IntoContent) -> Sent;

    /// Ends the response with this status and its reason phrase as text.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/gone", async |_req, res| res.send_status(410)); // Gone
    /// ```
    #[doc(alias = "sendStatus")]
    fn send_status(self, status: impl Into<Status>) -> Sent;

    /// Ends the response with a value as a script that calls the function named by the parameter `callback` of the query, or of the name
    /// of [`Settings::jsonp_callback_name`](crate::Settings::jsonp_callback_name); without the parameter as JSON.
    ///
    /// The name of the function keeps only letters, digits, `_`, `$`, `.`, `[` and `]`. The script begins with `/**/`, against content
    /// that another program takes for its own, and has `X-Content-Type-Options: nosniff`. Any site can read such a response: prefer
    /// CORS, and never answer so what belongs to a user.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// // GET /users?callback=show
    /// app.get("/users", async |_req, res| res.jsonp(&["ada", "alan"]));
    /// ```
    fn jsonp<T: Serialize + ?Sized>(self, value: &T) -> Sent;

    /// Begins a choice of representations by the Accept field of the request: [`Format`].
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/", async |_req, res| {
    ///     res.format()
    ///         .on("text", |res| res.send("hello"))
    ///         .on("html", |res| res.send("<p>hello"))
    ///         .on("json", |res| res.json("hello"))
    ///         .end() // 406 for a client that accepts none of them
    /// });
    /// ```
    fn format<'a>(self) -> Format<'a>;

    /// Adds links to the Link field: pairs of relation and target.
    ///
    /// A target is percent-encoded as [`location`](Self::location) does; a relation that has other characters than letters, digits,
    /// `.`, `-`, `:`, `/` and spaces turns the response into a 500.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/page/2", async |_req, res| {
    ///     res.links([("prev", "/page/1"), ("next", "/page/3")]).send("page 2")
    /// });
    /// ```
    #[must_use]
    fn links<R: AsRef<str>, T: AsRef<str>>(self, links: impl IntoIterator<Item = (R, T)>) -> Self;

    /// Sets Location. Characters that a URI cannot contain are percent-encoded; a percent sign is not.
    ///
    /// **A URL that a client has chosen** can lead to another site: check it before.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.post("/notes", async |_req, res| res.status(201).location("/notes/7").send(""));
    /// ```
    #[must_use]
    fn location(self, url: impl AsRef<str>) -> Self;

    /// Adds a field name, or several in one text, to Vary, unless it is a member. `*` replaces all.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/", async |req, res| {
    ///     let language = req.accepts_languages(&["en", "de"]).unwrap_or("en");
    ///     res.vary("Accept-Language").send(language)
    /// });
    /// ```
    #[must_use]
    fn vary(self, names: &str) -> Self;

    /// Sets Content-Type: to a media type, or to that of a file with this ending (`html`, `.json`, `page.html`);
    /// `application/octet-stream` for an unknown one.
    ///
    /// Express: `type`.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/feed", async |_req, res| res.content_type("application/atom+xml").send("<feed/>"));
    /// app.get("/data", async |_req, res| res.content_type("csv").send("a,b\n"));
    /// ```
    #[must_use]
    #[doc(alias("type", "contentType"))]
    fn content_type(self, of: &str) -> Self;

    /// Sends a file that the browser is to store, under its own name or under `name`: the Content-Disposition of
    /// [`attachment`](ServerResponse::attachment), and the rest as [`send_file`](ServerResponse::send_file), ranges and conditions
    /// included.
    ///
    /// **The path is opened as it is.** One that a client has chosen belongs to the static files middleware, which keeps it in its
    /// directory.
    ///
    /// # Errors
    /// With status 404 when there is no such file, or it is a directory; with 403 when it may not be read; otherwise as
    /// [`send_file`](ServerResponse::send_file).
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/report", async |_req, res| res.download("files/2026-q1.pdf", Some("Bericht für Mai.pdf")).await);
    /// ```
    fn download(
        self,
        path: impl AsRef<Path>,
        name: Option<&str>,
    ) -> impl Future<Output = Result<Sent, Failure>>;

    /// The values of this exchange for its template: the `res.locals` of Express. Middleware sets them, [`render`](Self::render) merges
    /// them with those of the application and those of the call.
    ///
    /// ```
    /// use hearken::app::{App, middleware, prelude::*};
    /// let mut app = App::new();
    /// app.with(middleware(async |req, res, next| {
    ///     res.locals().set("user", "ada");
    ///     next.run(req, res).await
    /// }));
    /// app.get("/", async |_req, res| {
    ///     let user = res.locals().get::<String>("user");
    ///     res.send(user.unwrap_or_default())
    /// });
    /// ```
    fn locals(&self) -> std::rc::Rc<Locals>;

    /// Ends the response with a template and the values for it, as [`send`](Self::send): the engine is that of
    /// [`App::engine`](crate::App::engine). Of values with the same name those of the call win, then [`locals`](Self::locals), then
    /// those of the application: [`App::local`](crate::App::local).
    ///
    /// The Content-Type is that of a file with the name of the template, unless one was set; a name without an ending is HTML.
    ///
    /// An application without an engine, a template that does not exist, values that have no JSON form, or a fault of the template: 500,
    /// and the reason in the log.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.engine(|name: &str, values: &serde_json::Value| Ok(format!("{name}: {}", values["title"])));
    /// app.get("/", async |_req, res| res.render("index.html", &serde_json::json!({ "title": "Hello" })));
    /// ```
    fn render<T: Serialize + ?Sized>(self, name: &str, values: &T) -> Sent;
}

impl ResponseExt for ServerResponse {
    fn send(self, content: impl IntoContent) -> Sent {
        send::send(self, content.into_content())
    }

    fn send_status(self, status: impl Into<Status>) -> Sent {
        let res = self.status(status);
        let status = res.status_code();
        let phrase = status.canonical_reason();
        let text = phrase.map_or_else(|| status.as_str().to_owned(), str::to_owned);
        send::send(res.content_type("txt"), text.into_content())
    }

    fn jsonp<T: Serialize + ?Sized>(self, value: &T) -> Sent {
        jsonp::jsonp(self, value)
    }

    fn format<'a>(self) -> Format<'a> {
        Format::new(self)
    }

    fn links<R: AsRef<str>, T: AsRef<str>>(self, links: impl IntoIterator<Item = (R, T)>) -> Self {
        fields::links(self, links)
    }

    fn location(self, url: impl AsRef<str>) -> Self {
        let url = encode_url(url.as_ref());
        self.set("Location", url)
    }

    fn vary(self, names: &str) -> Self {
        fields::vary(self, names)
    }

    fn content_type(self, of: &str) -> Self {
        let media_type = fields::media_type(of);
        self.set("Content-Type", media_type)
    }

    async fn download(self, path: impl AsRef<Path>, name: Option<&str>) -> Result<Sent, Failure> {
        let path = path.as_ref();
        let own = || path.file_name().unwrap_or_default().to_string_lossy();
        let res = self.attachment(&name.map_or_else(own, Into::into));
        let file = tokio::fs::File::open(path).await.map_err(|error| {
            let status = match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => 404,
                std::io::ErrorKind::PermissionDenied => 403,
                _ => 500,
            };
            Failure::new(status, "the file cannot be sent").caused_by(error)
        })?;
        if file.metadata().await?.is_dir() {
            return Err(Failure::new(404, "the file cannot be sent")
                .caused_by(format!("{} is a directory", path.display())));
        }
        let file = SendFile::from(file).named(path).with_validators();
        res.send_file(file).await
    }

    fn locals(&self) -> std::rc::Rc<Locals> {
        Locals::of(self)
    }

    fn render<T: Serialize + ?Sized>(self, name: &str, values: &T) -> Sent {
        crate::templates::render(self, name, values)
    }
}

/// Whether the handler has said what the content is.
pub(crate) fn has_type(res: &ServerResponse) -> bool {
    res.has_header("content-type")
}
