//! What a handler returns when it cannot respond as it was meant to.
//!
//! Here: [`Failure`]. Not here: how it becomes a response (`conn/failing.rs`).

use super::{Error, FailedRequest, Status, error_of_ours, reason_phrase};
use hearken_proto::{Fields, Misuse};
use http::StatusCode;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why a handler has failed: a status, a text for the client, and the error behind it for the log. Cheap to clone.
///
/// `?` turns every error into one, those of `anyhow` included: with the status of an [`Error`] of this library, which knows that a
/// body that is not JSON is answered 400, and with 500 for any other. [`Failure::new`] sets the status; for an `Option` or a `Result`
/// [`OrFail`](crate::error::OrFail) does.
///
/// The client gets the status, the fields set by [`with_header`](Self::with_header), and as text the message if the status is below 500, else the
/// reason phrase. The rest goes to the log. To give all failures of a server one form, say JSON, see
/// [`Server::on_failure`](crate::Server::on_failure).
///
/// It does not implement [`std::error::Error`], or `?` could not turn every other error into it.
///
/// ```
/// use hearken::{Failure, Server};
///
/// fn number(text: &str) -> Result<u8, Failure> {
///     text.parse().map_err(|error| Failure::new(400, "expected a number below 256").caused_by(error))
/// }
///
/// let server = Server::new(async |mut req, res| {
///     let number = number(&req.text().await?)?;
///     std::fs::write("number", [number])?; // fails: 500, and the error in the log
///     Ok(res.end("stored\n"))
/// });
/// # assert_eq!(number("x").unwrap_err().status(), 400);
/// ```
#[derive(Clone)]
pub struct Failure {
    inner: Arc<Inner>,
}

#[derive(Clone, Default)]
struct Inner {
    status: StatusCode,
    message: Option<Cow<'static, str>>,
    /// The text for the client, where it is not the message.
    public: Option<Cow<'static, str>>,
    code: Option<Cow<'static, str>>,
    fields: Option<Result<Fields, Misuse>>,
    members: Option<serde_json::Map<String, serde_json::Value>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    request: Option<Arc<FailedRequest>>,
}

impl Failure {
    /// A failure with a status from 400 to 599 (any other becomes 500) and a message. The client gets the message if the status is
    /// below 500.
    #[must_use]
    pub fn new(status: impl Into<Status>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Inner {
            status: status.into().of_error(),
            message: Some(message.into()),
            ..Inner::default()
        })
    }

    fn of(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Sets the status, from 400 to 599; any other becomes 500.
    #[must_use]
    pub fn with_status(self, status: impl Into<Status>) -> Self {
        let status = status.into().of_error();
        self.change(|inner| inner.status = status)
    }

    /// Sets a name for the kind of failure, for programs: `note_missing`. The default response does not contain it.
    #[must_use]
    pub fn with_code(self, code: impl Into<Cow<'static, str>>) -> Self {
        self.change(|inner| inner.code = Some(code.into()))
    }

    /// Sets the text for the client, where it is not the message: also above 500.
    ///
    /// ```
    /// use hearken::Failure;
    /// let failure = Failure::new(503, "no connection to db-2").with_public_message("try again in a minute");
    /// assert_eq!(failure.public_message(), "try again in a minute");
    /// assert_eq!(failure.to_string(), "no connection to db-2");
    /// ```
    #[must_use]
    pub fn with_public_message(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.change(|inner| inner.public = Some(text.into()))
    }

    /// Adds a field to the response: `WWW-Authenticate`, `Retry-After`, `Allow`. A field that is not legal makes the response a
    /// 500, and the log says why.
    ///
    /// ```
    /// use hearken::Failure;
    /// let failure = Failure::new(429, "too many requests").with_header("Retry-After", "60");
    /// # assert_eq!(failure.status(), 429);
    /// ```
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        self.change(|inner| {
            if let Ok(fields) = inner.fields.get_or_insert_with(|| Ok(Fields::new()))
                && let Err(misuse) = fields.append(name, value)
            {
                inner.fields = Some(Err(misuse));
            }
        })
    }

    /// Adds a member to the problem that the client gets as JSON (RFC 9457 §3.2), where failures have that form, as those of an
    /// application have: a list of the fields that are wrong, for example. `type`, `title`, `detail` and `instance` replace the
    /// members with these names. The default response does not contain it.
    ///
    /// ```
    /// use hearken::Failure;
    /// let failure = Failure::new(422, "two fields are wrong")
    ///     .with_member("type", "https://example.com/problems/validation")
    ///     .with_member("errors", vec!["name: expected 1 to 40 characters", "age: expected a number"]);
    /// assert_eq!(failure.members().expect("some were added").len(), 2);
    /// ```
    #[must_use]
    pub fn with_member(self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.change(|inner| {
            let members = inner.members.get_or_insert_default();
            members.insert(name.to_owned(), value.into());
        })
    }

    /// Sets the error behind the failure, for the log.
    #[must_use]
    pub fn caused_by(self, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.change(|inner| inner.source = Some(Arc::from(error.into())))
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// The name for the kind of failure: [`with_code`](Self::with_code).
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let own = self.inner.code.as_deref();
        own.or_else(|| self.error()?.code())
    }

    /// What was added by [`with_member`](Self::with_member).
    #[must_use]
    pub fn members(&self) -> Option<&serde_json::Map<String, serde_json::Value>> {
        self.inner.members.as_ref()
    }

    /// The text for the client.
    #[must_use]
    pub fn public_message(&self) -> Cow<'_, str> {
        let inner = &*self.inner;
        if let Some(text) = &inner.public {
            return Cow::Borrowed(text);
        }
        let message = inner.message.as_deref();
        if let Some(text) = message.filter(|_| inner.status.is_client_error()) {
            return Cow::Borrowed(text);
        }
        let of_error = || self.error()?.public_message();
        match message {
            None => {
                of_error().map_or_else(|| Cow::Borrowed(reason_phrase(inner.status)), Cow::Owned)
            }
            Some(_) => Cow::Borrowed(reason_phrase(inner.status)),
        }
    }

    /// The error behind the failure, with its own [`source`](std::error::Error::source)s.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &(dyn StdError + 'static) = &**self.inner.source.as_ref()?;
        Some(source)
    }

    /// The first error of this library in the chain of [`source`](Self::source)s.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        error_of_ours(self.source()?)
    }

    /// The request whose handler has failed. Set by the server before it calls listeners and
    /// [`on_failure`](crate::Server::on_failure).
    #[must_use]
    pub fn request(&self) -> Option<&FailedRequest> {
        self.inner.request.as_deref()
    }

    /// Whether the exchange is over, so that no client waits for the response.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.error().is_some_and(Error::is_closed)
    }

    pub(crate) fn of_request(self, request: FailedRequest) -> Self {
        self.change(|inner| inner.request = Some(Arc::new(request)))
    }

    /// The fields of the response, or why they cannot be sent.
    pub(crate) fn fields(&self) -> Option<&Result<Fields, Misuse>> {
        self.inner.fields.as_ref()
    }
}

/// Every error, and text. The first [`Error`] in its chain of sources sets the status and the text for the client; without one the
/// status is 500. `anyhow::Error` hides the error that it was made of, unless a context was added to it.
impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        let source = match error.into().downcast::<hearken_proto::Error>() {
            Ok(error) => Box::new(Error::from(*error)),
            Err(error) => error,
        };
        let status =
            error_of_ours(&*source).map_or(StatusCode::INTERNAL_SERVER_ERROR, Error::status);
        Self::of(Inner {
            status,
            source: Some(Arc::from(source)),
            ..Inner::default()
        })
    }
}

/// The message, and the text of the error behind it.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.inner.message, &self.inner.source) {
            (Some(message), Some(source)) => write!(f, "{message}: {source}"),
            (Some(message), None) => f.write_str(message),
            (None, Some(source)) => source.fmt(f),
            (None, None) => f.write_str(reason_phrase(self.inner.status)),
        }
    }
}

/// The text of [`fmt::Display`], and every further error of the chain.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut source = self.source().and_then(StdError::source);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
