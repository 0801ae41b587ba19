//! Putting a request together: fields, query, body, and how to treat the answer.
//!
//! Here: [`RequestBuilder`]. It keeps the first error and returns it when it is sent, so that a chain of calls needs one `?`.
//! Not here: sending it (`send.rs`), the answer (`fetched.rs`).

use super::body::Body;
use super::cookies::CookieJar;
use super::fetched::Fetched;
use super::multipart::Form;
use super::redirect::Redirects;
use super::request::{Options, Request};
use super::send;
use super::url::ToUrl;
use crate::client::{Agent, basic};
use crate::error::Error;
use hearken_proto::{Fields, Limits};
use http::Method;
use serde_core::Serialize;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A request; `.await` or [`send`](Self::send) sends it. Made by [`get`](crate::get), [`post`](crate::post) and their siblings,
/// and by methods of the same names on an [`Agent`].
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// let answer = hearken::post("https://example.com/users")
///     .query(&[("notify", "yes")])
///     .json(&serde_json::json!({ "name": "Ada" }))
///     .deadline(std::time::Duration::from_secs(10))
///     .await?
///     .error_for_status()?;
/// println!("{} from {}", answer.status(), answer.url());
/// # Ok(()) }
/// ```
#[must_use = "a request does nothing until it is awaited"]
pub struct RequestBuilder {
    pub(super) request: Result<Request, Error>,
}

impl Agent {
    /// A request with any method over the connections of this agent.
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
        let zone = url.zone();
        let request = url.to_url().map_err(Error::from).map(|url| Request {
            agent,
            method,
            url,
            zone,
            fields: Fields::new(),
            body: Body::default(),
            options: Options::default(),
        });
        Self { request }
    }

    /// Applies a change, unless an earlier one has failed.
    fn with(mut self, change: impl FnOnce(&mut Request) -> Result<(), Error>) -> Self {
        if let Ok(request) = &mut self.request
            && let Err(error) = change(request)
        {
            self.request = Err(error);
        }
        self
    }

    /// The agent whose connections carry the request and its redirects. Default: the [global agent](Agent::global).
    pub fn agent(self, agent: &Agent) -> Self {
        self.with(|request| {
            request.agent = agent.clone();
            Ok(())
        })
    }

    /// Replaces all fields with this name.
    pub fn header(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.with(|request| Ok(request.fields.set(&name, &value)?))
    }

    /// Appends fields; names may repeat.
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

    /// Appends to the query of the URL: pairs, a map, or a struct with `Serialize` whose fields are plain values, options or
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
            request.body = serde_json::to_vec(value).map_err(Error::other)?.into();
            set_unless_there(&mut request.fields, "Content-Type", "application/json")
        })
    }

    /// Sends this value as a form, encoded as by [`query`](Self::query), with its `Content-Type` unless one is set.
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

    /// Sends a form with files, `multipart/form-data`, and sets its `Content-Type`. See [`Form`].
    ///
    /// ```no_run
    /// use hearken::fetch::Form;
    /// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
    /// let form = Form::new().text("title", "Holidays").file("photo", "beach.jpg");
    /// hearken::post("https://example.com/albums").multipart(form).await?;
    /// # Ok(()) }
    /// ```
    pub fn multipart(self, form: Form) -> Self {
        self.with(|request| {
            let (body, kind) = form.into_body()?;
            request.body = body;
            Ok(request.fields.set("Content-Type", kind)?)
        })
    }

    /// Sends this body: a text, bytes, or a [`Body`] that streams.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|request| {
            request.body = body.into();
            Ok(())
        })
    }

    /// Sets `Authorization` from name and password (RFC 7617). A redirect to another origin drops it. Name and password in
    /// the URL do the same.
    pub fn basic_auth(self, name: impl fmt::Display, password: impl fmt::Display) -> Self {
        self.header(
            "Authorization",
            basic(format!("{name}:{password}").as_bytes()),
        )
    }

    /// Sets `Authorization` from a token (RFC 6750). A redirect to another origin drops it.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// The time for the whole of it: connecting, redirects, and the body to its last byte. Default: none; each phase has the
    /// time-outs of the agent, and a body may take as long as it keeps coming.
    pub fn deadline(self, time: Duration) -> Self {
        self.with(|request| {
            request.options.deadline = Some(time);
            Ok(())
        })
    }

    /// The longest pause of the server: from the last byte of the request to the head of the answer, and within its body.
    /// Default: `response_timeout` of the agent (60 s) and `limits.time.body_idle`.
    pub fn read_timeout(self, time: Duration) -> Self {
        self.with(|request| {
            request.options.read_timeout = Some(time);
            Ok(())
        })
    }

    /// How often the request may be sent again when it fails and trying again may help. Default: 0.
    ///
    /// - After a failure: when nothing of the request was sent, or its method is idempotent and no byte of the answer has come
    ///   ([`is_retry_safe`](Error::is_retry_safe)).
    /// - After 408, 429, 500, 502, 503 and 504: when the method is idempotent. After 429 and 503 with `Retry-After` also
    ///   otherwise, since the server asks for it.
    ///
    /// The pause is that of `Retry-After`, else half a second, doubled each time up to 30 s, less up to half of it by chance. When
    /// the server asks for more than 60 s, or the pause would not end before the [`deadline`](Self::deadline), the
    /// answer or error is returned at once. A body that is a reader or a stream is sent once. An answer whose head has arrived
    /// is returned, whatever becomes of its body.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
    /// let answer = hearken::get("https://example.com/").retry(3).await?;
    /// # Ok(()) }
    /// ```
    pub fn retry(self, times: u32) -> Self {
        self.with(|request| {
            request.options.retries = times;
            Ok(())
        })
    }

    /// The same request once more, to send it twice. `None` if its body is a reader or a stream.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
    /// let request = hearken::post("https://example.com/ping").body("ping");
    /// if let Some(again) = request.try_clone() {
    ///     again.await?;
    /// }
    /// request.await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        let request = match &self.request {
            Ok(request) => Ok(request.try_clone()?),
            Err(error) => Err(error.clone()),
        };
        Some(Self { request })
    }

    /// Whether and how far redirects are followed. Default: ten in a row.
    pub fn redirects(self, redirects: Redirects) -> Self {
        self.with(|request| {
            request.options.redirects = redirects;
            Ok(())
        })
    }

    /// Whether to ask for a compressed answer and decompress it. Default: true. Has no effect if `Accept-Encoding` or `Range` is
    /// set by hand: the body is not decoded then.
    pub fn decompress(self, decompress: bool) -> Self {
        self.with(|request| {
            request.options.decompress = decompress;
            Ok(())
        })
    }

    /// Sends the cookies of this jar, and stores in it the cookies that the answers set. Default: no cookies.
    pub fn cookies(self, jar: &CookieJar) -> Self {
        self.with(|request| {
            request.options.cookies = Some(jar.clone());
            Ok(())
        })
    }

    /// The most bytes of the answer's body, after decompression. More are an error, also when the body is streamed. Default:
    /// 64 MiB for a body that is collected, no bound for one that is streamed.
    pub fn max_body(self, bytes: u64) -> Self {
        self.with(|request| {
            request.options.body_max = Some(bytes);
            Ok(())
        })
    }

    /// Changes limits for the answers to this request and its redirects, starting from those of the agent. The changes of
    /// several calls add up.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
    /// let answer = hearken::get("https://example.com/")
    ///     .limits(|limits| limits.head.bytes_max = 1024 * 1024)
    ///     .await?;
    /// # Ok(()) }
    /// ```
    #[doc(alias = "maxHeaderSize")]
    pub fn limits(self, change: impl Fn(&mut Limits) + Send + Sync + 'static) -> Self {
        self.with(|request| {
            request.options.limits.push(Arc::new(change));
            Ok(())
        })
    }

    /// Sends it and waits for the head of the answer. The same as `.await` on the request itself.
    ///
    /// # Errors
    /// The first error of the calls before; a failed exchange, see [`phase`](Error::phase); a redirect that cannot be
    /// followed, see [`is_redirect`](Error::is_redirect). A status such as 404 is not an error; see [`Fetched::error_for_status`].
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
