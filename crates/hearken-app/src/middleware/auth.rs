//! HTTP authentication: who sends a request.
//!
//! Here: [`BasicAuth`] (RFC 7617), [`BearerAuth`] (RFC 6750). Not here: logins by forms and sessions (`session.rs`), comparison of secrets
//! (`shared.rs`).

use super::Middleware;
use super::shared::{is_plain, same_secret};
use crate::next::Next;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

type Verdict<'a> = Pin<Box<dyn Future<Output = Result<bool, Failure>> + 'a>>;

/// Decides about credentials, as an object.
trait Check: Send + Sync {
    fn check<'a>(&'a self, req: &'a IncomingMessage, name: &'a str, secret: &'a str)
    -> Verdict<'a>;
}

/// What a check of credentials returns: `bool`, or a `Result` of it whose error answers the request, when the database cannot be reached for
/// example. Sealed.
pub trait Accepts: sealed::Sealed {
    #[doc(hidden)]
    fn accepts(self) -> Result<bool, Failure>;
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "nothing else implements the trait around it"
    )]
    pub trait Sealed {}
    impl Sealed for bool {}
    impl<E> Sealed for Result<bool, E> {}
}

impl Accepts for bool {
    fn accepts(self) -> Result<bool, Failure> {
        Ok(self)
    }
}

impl<E: Into<Failure>> Accepts for Result<bool, E> {
    fn accepts(self) -> Result<bool, Failure> {
        self.map_err(Into::into)
    }
}

/// Credentials that are known in advance. All are compared, so that the time does not depend on which one fits.
struct Known(Vec<(String, String)>);

impl Check for Known {
    fn check<'a>(
        &'a self,
        _req: &'a IncomingMessage,
        name: &'a str,
        secret: &'a str,
    ) -> Verdict<'a> {
        let fits = self.0.iter().fold(false, |fits, (own_name, own_secret)| {
            let same = same_secret(name.as_bytes(), own_name.as_bytes())
                & same_secret(secret.as_bytes(), own_secret.as_bytes());
            fits | same
        });
        Box::pin(ready(Ok(fits)))
    }
}

struct OfPair<F>(F);

impl<F, R> Check for OfPair<F>
where
    F: AsyncFn(&IncomingMessage, &str, &str) -> R + Send + Sync,
    R: Accepts,
{
    fn check<'a>(
        &'a self,
        req: &'a IncomingMessage,
        name: &'a str,
        secret: &'a str,
    ) -> Verdict<'a> {
        Box::pin(async move { self.0(req, name, secret).await.accepts() })
    }
}

struct OfToken<F>(F);

impl<F, R> Check for OfToken<F>
where
    F: AsyncFn(&IncomingMessage, &str) -> R + Send + Sync,
    R: Accepts,
{
    fn check<'a>(
        &'a self,
        req: &'a IncomingMessage,
        _name: &'a str,
        secret: &'a str,
    ) -> Verdict<'a> {
        Box::pin(async move { self.0(req, secret).await.accepts() })
    }
}

/// The name of the user that [`BasicAuth`] has accepted: `req.extension::<BasicUser>()`.
///
/// ```
/// use hearken::app::{App, BasicAuth, BasicUser};
/// let mut app = App::new();
/// app.with(BasicAuth::users([("ada", "lovelace")]));
/// app.get("/", async |req, res| {
///     let user = req.extension::<BasicUser>().expect("set by the middleware");
///     res.end(format!("hello, {}", user.name()))
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicUser(Box<str>);

impl BasicUser {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// Demands a user name and a password by HTTP Basic authentication (RFC 7617). npm: `express-basic-auth`.
///
/// | option | default |
/// |---|---|
/// | [`users`](Self::users) or [`check`](Self::check) | one of them is needed |
/// | [`realm`](Self::realm) | `Restricted` |
///
/// A request without credentials, or with wrong ones, is answered 401 with `WWW-Authenticate: Basic realm="…", charset="UTF-8"`. Names
/// and passwords are compared in constant time. Without TLS both can be read on the way. Limit the attempts by
/// [`RateLimit`](crate::RateLimit).
///
/// ```
/// use hearken::app::{App, BasicAuth};
/// let mut app = App::new();
/// app.with_at("/admin", BasicAuth::users([("ada", "lovelace")]).realm("Admin"));
/// // Or by a function, which may attach what it has found:
/// app.with_at("/files", BasicAuth::check(async |req, name, password| {
///     req.extend(name.len());
///     name == "bob" && password == "a hash that is checked elsewhere"
/// }));
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct BasicAuth {
    check: Arc<dyn Check>,
    challenge: Arc<str>,
}

impl BasicAuth {
    /// Accepts these pairs of name and password.
    pub fn users<N: Into<String>, P: Into<String>>(
        users: impl IntoIterator<Item = (N, P)>,
    ) -> Self {
        let users = users
            .into_iter()
            .map(|(name, password)| (name.into(), password.into()));
        Self::with_check(Arc::new(Known(users.collect())))
    }

    /// Accepts the pairs for which an async function of the request, the name and the password returns true, or `Ok(true)`. Compare
    /// hashes of passwords, by a crate made for them.
    pub fn check<F, R>(check: F) -> Self
    where
        F: AsyncFn(&IncomingMessage, &str, &str) -> R + Send + Sync + 'static,
        R: Accepts + 'static,
    {
        Self::with_check(Arc::new(OfPair(check)))
    }

    fn with_check(check: Arc<dyn Check>) -> Self {
        Self {
            check,
            challenge: "Basic realm=\"Restricted\", charset=\"UTF-8\"".into(),
        }
    }

    /// The name of the protected part, which browsers show.
    ///
    /// # Panics
    /// When it has quotation marks, backslashes, control characters or other than ASCII.
    #[track_caller]
    pub fn realm(mut self, realm: &str) -> Self {
        assert!(
            is_plain(realm),
            "expected a realm of ASCII without quotation marks and backslashes, got {realm:?}"
        );
        self.challenge = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"").into();
        self
    }
}

impl Middleware for BasicAuth {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let Self { check, challenge } = self.clone();
        Handling::new(async move {
            let accepted = match credentials(&req, "basic").and_then(basic_pair) {
                None => Ok(None),
                Some((name, password)) => {
                    let verdict = check.check(&req, &name, &password).await;
                    verdict.map(|accepted| accepted.then_some(name))
                }
            };
            match accepted {
                Ok(Some(name)) => {
                    req.extend(BasicUser(name.into()));
                    next.run(req, res).await
                }
                Ok(None) => {
                    let failure = Failure::new(401, "expected a user name and a password")
                        .with_code("auth.required");
                    res.fail(failure.with_header("WWW-Authenticate", &challenge))
                }
                Err(failure) => res.fail(failure),
            }
        })
    }
}

/// What follows the scheme in the one Authorization field. Of several fields none counts: another reader may take another one.
fn credentials<'a>(req: &'a IncomingMessage, scheme: &str) -> Option<&'a str> {
    let mut lines = req.raw_headers().get_all("authorization");
    let line = std::str::from_utf8(lines.next()?).ok()?;
    if lines.next().is_some() {
        return None;
    }
    let (own, rest) = line.split_once(' ')?;
    own.eq_ignore_ascii_case(scheme)
        .then(|| rest.trim_matches(' '))
}

/// Name and password. A control character is in neither (RFC 7617 §2).
fn basic_pair(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// Demands a bearer token (RFC 6750). npm: `express-bearer-token`, and the check that follows it.
///
/// | option | default |
/// |---|---|
/// | [`tokens`](Self::tokens) or [`check`](Self::check) | one of them is needed |
/// | [`realm`](Self::realm) | `Restricted` |
///
/// | request | answer |
/// |---|---|
/// | no token | 401, `WWW-Authenticate: Bearer realm="…"` |
/// | something else than one token in the field | 400, `error="invalid_request"` |
/// | a token that is not accepted | 401, `error="invalid_token"` |
///
/// A token in the query or in a form does not count: both end up in logs and histories.
///
/// ```
/// use hearken::app::{App, BearerAuth};
/// struct User(u64);
/// let mut app = App::new();
/// app.with_at("/api", BearerAuth::check(async |req, token| {
///     let Some(id) = token.strip_prefix("user-").and_then(|id| id.parse().ok()) else { return false };
///     req.extend(User(id)); // for the handlers
///     true
/// }));
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct BearerAuth {
    check: Arc<dyn Check>,
    realm: Arc<str>,
}

impl BearerAuth {
    /// Accepts these tokens, compared in constant time.
    pub fn tokens<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Self {
        let tokens = tokens
            .into_iter()
            .map(|token| (String::new(), token.into()));
        Self::with_check(Arc::new(Known(tokens.collect())))
    }

    /// Accepts the tokens for which an async function of the request and the token returns true, or `Ok(true)`.
    pub fn check<F, R>(check: F) -> Self
    where
        F: AsyncFn(&IncomingMessage, &str) -> R + Send + Sync + 'static,
        R: Accepts + 'static,
    {
        Self::with_check(Arc::new(OfToken(check)))
    }

    fn with_check(check: Arc<dyn Check>) -> Self {
        Self {
            check,
            realm: "Restricted".into(),
        }
    }

    /// The name of the protected part.
    ///
    /// # Panics
    /// As [`BasicAuth::realm`].
    #[track_caller]
    pub fn realm(mut self, realm: &str) -> Self {
        assert!(
            is_plain(realm),
            "expected a realm of ASCII without quotation marks and backslashes, got {realm:?}"
        );
        self.realm = realm.into();
        self
    }

    fn refusal(&self, status: u16, text: &'static str, error: &str) -> Failure {
        let mut challenge = format!("Bearer realm=\"{}\"", self.realm);
        if !error.is_empty() {
            challenge.push_str(&format!(", error=\"{error}\""));
        }
        Failure::new(status, text)
            .with_code("auth.required")
            .with_header("WWW-Authenticate", &challenge)
    }
}

impl Middleware for BearerAuth {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let own = self.clone();
        Handling::new(async move {
            if req.raw_headers().get("authorization").is_none() {
                return res.fail(own.refusal(401, "expected a bearer token", ""));
            }
            let Some(token) = credentials(&req, "bearer").filter(|token| is_token(token)) else {
                let text = "expected one Authorization field with a bearer token";
                return res.fail(own.refusal(400, text, "invalid_request"));
            };
            match own.check.check(&req, "", token).await {
                Ok(true) => next.run(req, res).await,
                Ok(false) => {
                    res.fail(own.refusal(401, "expected a valid bearer token", "invalid_token"))
                }
                Err(failure) => res.fail(failure),
            }
        })
    }
}

/// `b64token` (RFC 6750 §2.1).
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(legal)
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth")
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BearerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerAuth")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
