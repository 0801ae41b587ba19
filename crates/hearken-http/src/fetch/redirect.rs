//! Redirects: the request that follows a 3xx response (RFC 9110 §15.4, §10.2.2), and what it must drop.
//!
//! Here: [`Redirects`], the policy of one request, and [`next`], which applies it to one response; no I/O. Not here: sending
//! the next request (`send.rs`); cookies, which are looked up for each URL (`cookies.rs`).
//!
//! Where the RFC leaves a choice: a 301 or 302 turns POST into GET and keeps other methods, as browsers do (§15.4.2,
//! §15.4.3). `Referer` is never added.

use http::{Method, StatusCode};
use std::fmt;
use std::sync::Arc;
use url::Url;

/// Whether and how far redirects are followed. The default follows up to ten.
///
/// Redirects are 301, 302, 303, 307 and 308 with a `Location` to an `http` or `https` URL. A `Location` that is empty, or a
/// fragment alone, leads back to where the request went: such a response is returned, as one without `Location` is. When scheme, host or port change,
/// the next request drops `Authorization`, `Cookie`, `Proxy-Authorization` and a `Host` that was set. It sends the body again
/// for 307 and 308, and for a 301 or 302 that keeps the method; else it drops the body and each `Content-*` field. A body that cannot be sent again (a stream), or would
/// go from `https` to `http`, is an error.
///
/// ```
/// use hearken_http::fetch::{RedirectAction, Redirects};
/// let same_host = Redirects::custom(|attempt| {
///     if attempt.url().host() == attempt.history()[0].host() {
///         RedirectAction::Follow
///     } else {
///         RedirectAction::Stop
///     }
/// });
/// assert_eq!(format!("{:?} {same_host:?}", Redirects::default()), "Follow(10) Custom");
/// ```
#[derive(Clone)]
pub struct Redirects(Rule);

#[derive(Clone)]
enum Rule {
    None,
    Follow(usize),
    Custom(Arc<dyn Fn(&RedirectAttempt<'_>) -> RedirectAction + Send + Sync>),
}

/// A redirect that [`Redirects::custom`] decides about.
///
/// ```
/// use hearken_http::fetch::{RedirectAction, Redirects};
/// let policy = Redirects::custom(|attempt| match attempt.status().as_u16() {
///     308 => RedirectAction::Follow,
///     other => RedirectAction::Fail(format!("a {other} from {}", attempt.history()[0])),
/// });
/// ```
#[derive(Debug)]
pub struct RedirectAttempt<'a> {
    status: StatusCode,
    method: &'a Method,
    url: &'a Url,
    history: &'a [Url],
}

/// The decision of [`Redirects::custom`].
///
/// ```
/// use hearken_http::fetch::{RedirectAction, Redirects};
/// let policy = Redirects::custom(|attempt| {
///     if attempt.history().len() > 3 { RedirectAction::Stop } else { RedirectAction::Follow }
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectAction {
    /// Follow it. More than 50 in a row are an error even so.
    Follow,
    /// Return the 3xx response.
    Stop,
    /// Fail with this text.
    Fail(String),
}

/// The most redirects in a row, for any policy.
const MAX: usize = 50;
/// The default; curl follows 50, browsers 20.
const DEFAULT: usize = 10;

impl Default for Redirects {
    fn default() -> Self {
        Self::follow(DEFAULT)
    }
}

impl Redirects {
    /// Returns every 3xx response.
    #[must_use]
    pub const fn none() -> Self {
        Self(Rule::None)
    }

    /// Follows at most `max` in a row; one more is an error that names all of them. More than 50 count as 50.
    #[must_use]
    pub const fn follow(max: usize) -> Self {
        Self(Rule::Follow(if max > MAX { MAX } else { max }))
    }

    /// Calls a function for each redirect. It cannot change the rules about methods, bodies and credentials.
    #[must_use]
    pub fn custom(
        rule: impl Fn(&RedirectAttempt<'_>) -> RedirectAction + Send + Sync + 'static,
    ) -> Self {
        Self(Rule::Custom(Arc::new(rule)))
    }
}

impl fmt::Debug for Redirects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::None => f.write_str("None"),
            Rule::Follow(max) => write!(f, "Follow({max})"),
            Rule::Custom(_) => f.write_str("Custom"),
        }
    }
}

impl RedirectAttempt<'_> {
    /// The status of the redirect.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The method of the next request.
    #[must_use]
    pub const fn method(&self) -> &Method {
        self.method
    }

    /// The URL of the next request.
    #[must_use]
    pub const fn url(&self) -> &Url {
        self.url
    }

    /// The URLs so far, the first one first; never empty.
    #[must_use]
    pub const fn history(&self) -> &[Url] {
        self.history
    }
}

/// A response that may redirect, and its request.
#[derive(Debug)]
pub(crate) struct RedirectResponse<'a> {
    pub(crate) status: StatusCode,
    /// The value of each `Location`.
    pub(crate) locations: &'a [&'a [u8]],
    pub(crate) method: &'a Method,
    pub(crate) body: BodyState,
    /// The URLs so far; the last one is that of this response.
    pub(crate) history: &'a [Url],
}

/// Whether a request has a body, and whether it can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyState {
    None,
    Kept,
    /// It was a stream.
    Gone,
}

/// The next request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NextRequest {
    pub(crate) url: Url,
    pub(crate) method: Method,
    /// False: the body and its fields are dropped.
    pub(crate) keeps_body: bool,
    /// False: scheme, host or port differ, and credentials are dropped.
    pub(crate) same_origin: bool,
}

/// A redirect that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedirectError {
    /// More than the policy allows; the URLs so far and the next one.
    TooMany { chain: Vec<String> },
    /// An unusable `Location`.
    BadLocation {
        from: String,
        text: String,
        why: String,
    },
    /// Several `Location` fields that differ.
    Ambiguous { from: String },
    /// The body was a stream.
    BodyGone { status: u16, to: String },
    /// The body would go from https to http.
    BodyInClear { status: u16, to: String },
    /// A custom policy refused.
    Refused { to: String, text: String },
}

/// The request that follows this response. `None`: the response is the answer.
pub(crate) fn next(
    rule: &Redirects,
    response: &RedirectResponse<'_>,
) -> Result<Option<NextRequest>, RedirectError> {
    let Some((method, keeps_body)) = rewritten(response.status, response.method) else {
        return Ok(None);
    };
    if matches!(rule.0, Rule::None) || response.locations.is_empty() {
        return Ok(None);
    }
    let Some(from) = response.history.last() else {
        return Ok(None);
    };
    let Some(url) = target(from, response.locations)? else {
        return Ok(None);
    };
    let next = NextRequest {
        method,
        keeps_body,
        same_origin: from.origin() == url.origin(),
        url,
    };
    if !allowed(rule, response, &next)? {
        return Ok(None);
    }
    if next.keeps_body && response.body != BodyState::None {
        let (status, to) = (response.status.as_u16(), shown(&next.url));
        if from.scheme() == "https" && next.url.scheme() == "http" {
            return Err(RedirectError::BodyInClear { status, to });
        }
        if response.body == BodyState::Gone {
            return Err(RedirectError::BodyGone { status, to });
        }
    }
    Ok(Some(next))
}

/// The method of the next request, and whether it keeps the body; `None`: the status does not redirect.
fn rewritten(status: StatusCode, method: &Method) -> Option<(Method, bool)> {
    Some(match (status.as_u16(), method) {
        (301 | 302, &Method::POST) => (Method::GET, false),
        (303, &Method::HEAD) => (Method::HEAD, false),
        (303, _) => (Method::GET, false),
        (301 | 302 | 307 | 308, _) => (method.clone(), true),
        _ => return None,
    })
}

fn allowed(
    rule: &Redirects,
    response: &RedirectResponse<'_>,
    next: &NextRequest,
) -> Result<bool, RedirectError> {
    let max = match &rule.0 {
        Rule::None => return Ok(false),
        Rule::Follow(max) => *max,
        Rule::Custom(decide) => {
            let attempt = RedirectAttempt {
                status: response.status,
                method: &next.method,
                url: &next.url,
                history: response.history,
            };
            match decide(&attempt) {
                RedirectAction::Follow => MAX,
                RedirectAction::Stop => return Ok(false),
                RedirectAction::Fail(text) => {
                    let to = shown(&next.url);
                    return Err(RedirectError::Refused { to, text });
                }
            }
        }
    };
    if response.history.len() > max {
        let chain = response.history.iter().chain([&next.url]);
        return Err(RedirectError::TooMany {
            chain: chain.map(shown).collect(),
        });
    }
    Ok(true)
}

/// The URL of `Location`, relative to that of the request. `None`: it is a reference to the same document (RFC 3986 §4.4), and
/// the same request would get the same response.
fn target(from: &Url, locations: &[&[u8]]) -> Result<Option<Url>, RedirectError> {
    if locations.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(RedirectError::Ambiguous { from: shown(from) });
    }
    let text = as_text(locations.first().copied().unwrap_or_default());
    let reference = text.trim_matches(|c: char| c <= ' ');
    if reference.is_empty() || reference.starts_with('#') {
        return Ok(None);
    }
    let bad = |why: &dyn fmt::Display| RedirectError::BadLocation {
        from: shown(from),
        text: text.clone(),
        why: why.to_string(),
    };
    let mut url = from.join(&text).map_err(|error| bad(&error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(&"expected http or https"));
    }
    if url.fragment().is_none() {
        // §10.2.2: the next URL inherits the fragment.
        url.set_fragment(from.fragment());
    }
    // A server must not choose credentials. Both fail only for URLs without a host, which http excludes.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Some(url))
}

/// Percent-encodes bytes beyond ASCII: the server gets back the bytes that it sent, in whatever charset.
fn as_text(location: &[u8]) -> String {
    percent_encoding::percent_encode(location, BEYOND_ASCII).to_string()
}

/// `percent_encode` always encodes bytes from 0x80.
const BEYOND_ASCII: &percent_encoding::AsciiSet = &percent_encoding::AsciiSet::EMPTY;

/// Fields that are dropped when the origin changes: credentials, and the host.
pub(crate) const ORIGIN_FIELDS: [&str; 4] =
    ["Authorization", "Cookie", "Proxy-Authorization", "Host"];
/// Fields that describe the body and are dropped with it (RFC 9110 §15.4), beside those whose names begin with `Content-`.
const BODY_FIELDS: [&str; 6] = [
    "Digest",
    "Expect",
    "Last-Modified",
    "Repr-Digest",
    "Trailer",
    "Transfer-Encoding",
];

/// Whether a field is dropped with the body.
pub(crate) fn describes_body(name: &[u8]) -> bool {
    let content = b"content-";
    let begins = name.get(..content.len());
    begins.is_some_and(|begins| begins.eq_ignore_ascii_case(content))
        || BODY_FIELDS
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { chain } => {
                let followed = chain.len().saturating_sub(2);
                if goes_round(chain) {
                    write!(
                        f,
                        "redirects go round in a loop, gave up after {followed}: "
                    )?;
                } else {
                    write!(
                        f,
                        "expected an answer within {followed} redirects, got one more: "
                    )?;
                }
                if let Some(first) = chain.first()
                    && chain.iter().all(|url| url == first)
                {
                    return write!(f, "{first}, the same URL {} times", chain.len());
                }
                for (at, url) in chain.iter().enumerate() {
                    let arrow = if at == 0 { "" } else { " -> " };
                    write!(f, "{arrow}{url}")?;
                }
                Ok(())
            }
            Self::BadLocation { from, text, why } => {
                write!(
                    f,
                    "{from} redirects to {text:?}, where no request can go: {why}"
                )
            }
            Self::Ambiguous { from } => {
                write!(
                    f,
                    "{from} redirects to several places at once, expected one Location"
                )
            }
            Self::BodyGone { status, to } => write!(
                f,
                "a {status} to {to} needs the body again, and it was a stream that can be sent once; send bytes, or turn redirects off"
            ),
            Self::BodyInClear { status, to } => write!(
                f,
                "a {status} from https to {to} needs the body again, which would send it in clear"
            ),
            Self::Refused { to, text } => write!(f, "the redirect to {to} was refused: {text}"),
        }
    }
}

impl std::error::Error for RedirectError {}

/// Whether a URL occurs twice.
fn goes_round(chain: &[String]) -> bool {
    let mut seen = std::collections::HashSet::new();
    !chain.iter().all(|url| seen.insert(url))
}

/// The URL for error texts: without user and password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which http excludes.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests;
