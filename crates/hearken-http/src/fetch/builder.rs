//! A request that is being put together: fields, query, body, and how the answer is to be treated.
//!
//! Here: [`RequestBuilder`]. Its first mistake is kept and told when it is sent, so that a chain of calls needs one `?`. Not
//! here: sending it (`send.rs`), the answer (`fetched.rs`).

use super::body::Body;
use super::cookies::CookieJar;
use super::fetched::Fetched;
use super::redirect::Redirects;
use super::send;
use super::url::ToUrl;
use crate::client::{Agent, basic};
use crate::error::Error;
use hearken_proto::Fields;
use http::Method;
use serde::Serialize;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;
use url::Url;

/// A request to be sent by `.await` or [`send`](Self::send). Made by [`get`](crate::get), [`post`](crate::post) and their
/// siblings, and by methods of the same names on an [`Agent`].
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken_http::Error> {
/// let answer = hearken_http::post("https://example.com/users")
///     .query(&[("notify", "yes")])
///     .json(&serde_json::json!({ "name": "Ada" }))
///     .timeout(std::time::Duration::from_secs(10))
///     .await?
///     .error_for_status()?;
/// println!("{} from {}", answer.status(), answer.url());
/// # Ok(()) }
/// ```
#[must_use = "a request does nothing until it is awaited"]
pub struct RequestBuilder {
    pub(super) request: Result<Request, Error>,
}

/// All that is known of a request.
pub(super) struct Request {
    pub(super) agent: Agent,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) fields: Fields,
    pub(super) body: Body,
    pub(super) options: Options,
}

/// How to treat what comes.
pub(super) struct Options {
    pub(super) timeout: Option<Duration>,
    pub(super) redirects: Redirects,
    pub(super) decompress: bool,
    pub(super) cookies: Option<CookieJar>,
    pub(super) body_max: Option<u64>,
}

impl Agent {
    /// A request over the connections of this agent, by any method.
    pub fn fetch(&self, method: Method, url: impl ToUrl) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, &url)
    }

    /// [`get`](crate::get) over the connections of this agent.
    pub fn get(&self, url: impl ToUrl) -> RequestBuilder {
        self.fetch(Method::GET, url)
    }

    /// [`head`](crate::head) over the connections of this agent.
    pub fn head(&self, url: impl ToUrl) -> RequestBuilder {
        self.fetch(Method::HEAD, url)
    }

    /// [`post`](crate::post) over the connections of this agent.
    pub fn post(&self, url: impl ToUrl) -> RequestBuilder {
        self.fetch(Method::POST, url)
    }

    /// [`put`](crate::put) over the connections of this agent.
    pub fn put(&self, url: impl ToUrl) -> RequestBuilder {
        self.fetch(Method::PUT, url)
    }

    /// [`patch`](crate::patch) over the connections of this agent.
    pub fn patch(&self, url: impl ToUrl) -> RequestBuilder {
        self.fetch(Method::PATCH, url)
    }

    /// [`delete`](crate::delete) over the connections of this agent.
    pub fn delete(&self, url: impl ToUrl) -> RequestBuilder {
        self.fetch(Method::DELETE, url)
    }
}

impl RequestBuilder {
    pub(super) fn new(agent: Agent, method: Method, url: &impl ToUrl) -> Self {
        let request = url.to_url().map_err(Error::from).map(|url| Request {
            agent,
            method,
            url,
            fields: Fields::new(),
            body: Body::default(),
            options: Options {
                timeout: None,
                redirects: Redirects::default(),
                decompress: true,
                cookies: None,
                body_max: None,
            },
        });
        Self { request }
    }

    /// Sets what can be set unless a mistake was made before.
    fn with(mut self, change: impl FnOnce(&mut Request) -> Result<(), Error>) -> Self {
        if let Ok(request) = &mut self.request
            && let Err(error) = change(request)
        {
            self.request = Err(error);
        }
        self
    }

    /// Another agent, whose connections carry the request and its redirects.
    pub fn agent(self, agent: &Agent) -> Self {
        self.with(|request| {
            request.agent = agent.clone();
            Ok(())
        })
    }

    /// Sets a field in the place of all with this name.
    pub fn header(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.with(|request| Ok(request.fields.set(&name, &value)?))
    }

    /// Adds fields, each behind those that are there; names may come again.
    pub fn headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.with(|request| {
            for (name, value) in headers {
                request.fields.append(&name, &value)?;
            }
            Ok(())
        })
    }

    /// Adds to the query of the URL: pairs, a map, or a struct with `Serialize` whose fields are plain values, options or
    /// lists of them.
    pub fn query(self, query: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| {
            let text = serde_html_form::to_string(query).map_err(|error| {
                Error::new(
                    500,
                    format!("expected a query of plain names and values: {error}"),
                )
            })?;
            if text.is_empty() {
                return Ok(());
            }
            let whole = match request.url.query() {
                Some(own) if !own.is_empty() => format!("{own}&{text}"),
                _ => text,
            };
            request.url.set_query(Some(&whole));
            Ok(())
        })
    }

    /// Sends this value as JSON, with its `Content-Type` unless one is set.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| {
            request.body = serde_json::to_vec(value)?.into();
            set_unless_there(&mut request.fields, "Content-Type", "application/json")
        })
    }

    /// Sends this value as a form, as [`query`](Self::query) reads it, with its `Content-Type` unless one is set.
    pub fn form(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| {
            let text = serde_html_form::to_string(value).map_err(|error| {
                Error::new(
                    500,
                    format!("expected a form of plain names and values: {error}"),
                )
            })?;
            request.body = text.into();
            let form = "application/x-www-form-urlencoded";
            set_unless_there(&mut request.fields, "Content-Type", form)
        })
    }

    /// Sends this body: a text, bytes, or a [`Body`] that streams.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|request| {
            request.body = body.into();
            Ok(())
        })
    }

    /// `Authorization` with name and password (RFC 7617). A redirect to another host does not take it along. Name and
    /// password in the URL do the same.
    pub fn basic_auth(self, name: impl fmt::Display, password: impl fmt::Display) -> Self {
        self.header(
            "Authorization",
            basic(format!("{name}:{password}").as_bytes()),
        )
    }

    /// `Authorization` with a token (RFC 6750). A redirect to another host does not take it along.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// The most time for all of it: connecting, redirects, and the body to its last byte. Without it each phase has the
    /// bounds of the agent, and a body may take as long as it keeps coming.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|request| {
            request.options.timeout = Some(timeout);
            Ok(())
        })
    }

    /// Whether redirects are followed, and how far. Default: ten of them.
    pub fn redirects(self, redirects: Redirects) -> Self {
        self.with(|request| {
            request.options.redirects = redirects;
            Ok(())
        })
    }

    /// Whether a compressed answer is asked for and decompressed. Default: yes, unless `Accept-Encoding` or `Range` is set
    /// by hand: then the body is handed out as it comes.
    pub fn decompress(self, decompress: bool) -> Self {
        self.with(|request| {
            request.options.decompress = decompress;
            Ok(())
        })
    }

    /// Sends the cookies of this jar, and keeps in it what the answers set. Default: no cookies.
    pub fn cookies(self, jar: &CookieJar) -> Self {
        self.with(|request| {
            request.options.cookies = Some(jar.clone());
            Ok(())
        })
    }

    /// The most bytes of a body, decompressed. More is an error, also when they are streamed. Default: 64 MiB for what is
    /// collected, and no bound for what is streamed.
    pub fn max_body(self, bytes: u64) -> Self {
        self.with(|request| {
            request.options.body_max = Some(bytes);
            Ok(())
        })
    }

    /// Sends it, and waits for the head of the answer. The same as `.await` on the request itself.
    ///
    /// # Errors
    /// The first mistake of what was set; or what went wrong, by [`phase`](Error::phase); or a redirect that cannot be
    /// followed, [`is_redirect`](Error::is_redirect). A status such as 404 is none; see [`Fetched::error_for_status`].
    pub async fn send(self) -> Result<Fetched, Error> {
        send::send(self.request?).await
    }
}

fn set_unless_there(fields: &mut Fields, name: &str, value: &str) -> Result<(), Error> {
    if fields.view().get(name).is_none() {
        fields.set(name, value)?;
    }
    Ok(())
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Fetched, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.request {
            Ok(request) => write!(
                f,
                "{} {}",
                request.method,
                super::redirect::shown(&request.url)
            ),
            Err(error) => error.fmt(f),
        }
    }
}
