//! Redirects: which request follows a 3xx response (RFC 9110 §15.4, §10.2.2), and what it must not take along.
//!
//! Here: [`Redirects`], the rule of one request, and [`next`], which judges one response; no I/O. Not here: sending the
//! next request (`send.rs`), cookies, which belong to their host and are looked up for each hop (`cookies.rs`).
//!
//! Where the text leaves a choice: a 301 or 302 turns POST into GET and leaves other methods alone, as browsers do (§15.4.2,
//! §15.4.3). `Referer` is never added.

use http::{Method, StatusCode};
use std::fmt;
use std::sync::Arc;
use url::Url;

/// Whether and how far redirects are followed. The default follows up to ten.
///
/// What is followed is 301, 302, 303, 307 and 308 with a `Location` to an `http` or `https` URL. When scheme, host or port
/// change, `Authorization`, `Cookie`, `Proxy-Authorization` and a `Host` that was set stay behind. A body is sent again
/// only by 307 and 308, or when a 301 or 302 keeps the method, only if it can be (a stream cannot), and never from
/// `https` to `http`; where it could not be, that is an error.
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

/// A redirect that is about to be followed, as [`Redirects::custom`] sees it.
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

/// What a rule of one's own decides.
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
    /// Ask there. More than 50 in a row are an error even so.
    Follow,
    /// Hand out the 3xx response.
    Stop,
    /// End with an error that holds this text.
    Fail(String),
}

/// The most redirects that anything follows.
const MAX: usize = 50;
/// What is followed by default; curl and browsers follow 50 and 20.
const DEFAULT: usize = 10;

impl Default for Redirects {
    fn default() -> Self {
        Self::follow(DEFAULT)
    }
}

impl Redirects {
    /// Hands out every 3xx response as it came.
    #[must_use]
    pub const fn none() -> Self {
        Self(Rule::None)
    }

    /// Follows at most `max` in a row; one more is an error with the whole chain in it. More than 50 count as 50.
    #[must_use]
    pub const fn follow(max: usize) -> Self {
        Self(Rule::Follow(if max > MAX { MAX } else { max }))
    }

    /// Asks a function each time. It cannot loosen the rules about methods, bodies and credentials.
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
    /// The status that redirects.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The method that the next request will have.
    #[must_use]
    pub const fn method(&self) -> &Method {
        self.method
    }

    /// Where the next request will go.
    #[must_use]
    pub const fn url(&self) -> &Url {
        self.url
    }

    /// The URLs asked so far, the first one first; never empty.
    #[must_use]
    pub const fn history(&self) -> &[Url] {
        self.history
    }
}

/// A response that may redirect, and the request it answers.
#[derive(Debug)]
pub(crate) struct RedirectResponse<'a> {
    pub(crate) status: StatusCode,
    /// The value of each `Location`.
    pub(crate) locations: &'a [&'a [u8]],
    pub(crate) method: &'a Method,
    pub(crate) body: BodyState,
    /// The URLs asked so far; the last one is that of this response.
    pub(crate) history: &'a [Url],
}

/// The body of a request, as far as redirects care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyState {
    None,
    /// It can be sent again.
    Kept,
    /// It was a stream.
    Gone,
}

/// The next request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NextRequest {
    pub(crate) url: Url,
    pub(crate) method: Method,
    /// Otherwise body and the fields that tell of it are dropped.
    pub(crate) keeps_body: bool,
    /// Whether scheme, host and port are the same. Otherwise credentials are dropped.
    pub(crate) same_origin: bool,
}

/// A redirect that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedirectError {
    /// More than the rule allows; the URLs asked so far and the one that was not.
    TooMany { chain: Vec<String> },
    /// A `Location` that leads nowhere.
    BadLocation {
        from: String,
        text: String,
        why: String,
    },
    /// Several that differ.
    Ambiguous { from: String },
    /// The body was a stream.
    BodyGone { status: u16, to: String },
    /// The body came by TLS and would leave without.
    BodyInClear { status: u16, to: String },
    /// A rule of the user's own refused.
    Refused { to: String, text: String },
}

/// Which request follows this response; `None`: none, it is the answer.
pub(crate) fn next(
    rule: &Redirects,
    answered: &RedirectResponse<'_>,
) -> Result<Option<NextRequest>, RedirectError> {
    let Some(rewrites) = rewrites(answered.status, answered.method) else {
        return Ok(None);
    };
    if matches!(rule.0, Rule::None) || answered.locations.is_empty() {
        return Ok(None);
    }
    let Some(from) = answered.history.last() else {
        return Ok(None);
    };
    let url = target(from, answered.locations)?;
    let followed = NextRequest {
        method: if rewrites {
            Method::GET
        } else {
            answered.method.clone()
        },
        keeps_body: !rewrites && answered.body != BodyState::None,
        same_origin: from.origin() == url.origin(),
        url,
    };
    if !allowed(rule, answered, &followed)? {
        return Ok(None);
    }
    if followed.keeps_body {
        let (status, to) = (answered.status.as_u16(), shown(&followed.url));
        if from.scheme() == "https" && followed.url.scheme() == "http" {
            return Err(RedirectError::BodyInClear { status, to });
        }
        if answered.body == BodyState::Gone {
            return Err(RedirectError::BodyGone { status, to });
        }
    }
    Ok(Some(followed))
}

/// Whether the next request is a GET without a body; `None`: the status does not redirect.
fn rewrites(status: StatusCode, method: &Method) -> Option<bool> {
    Some(match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::HEAD && *method != Method::GET,
        307 | 308 => false,
        _ => return None,
    })
}

fn allowed(
    rule: &Redirects,
    answered: &RedirectResponse<'_>,
    followed: &NextRequest,
) -> Result<bool, RedirectError> {
    let max = match &rule.0 {
        Rule::None => return Ok(false),
        Rule::Follow(max) => *max,
        Rule::Custom(decide) => {
            let attempt = RedirectAttempt {
                status: answered.status,
                method: &followed.method,
                url: &followed.url,
                history: answered.history,
            };
            match decide(&attempt) {
                RedirectAction::Follow => MAX,
                RedirectAction::Stop => return Ok(false),
                RedirectAction::Fail(text) => {
                    let to = shown(&followed.url);
                    return Err(RedirectError::Refused { to, text });
                }
            }
        }
    };
    if answered.history.len() > max {
        let chain = answered.history.iter().chain([&followed.url]);
        return Err(RedirectError::TooMany {
            chain: chain.map(shown).collect(),
        });
    }
    Ok(true)
}

/// Where `Location` leads, seen from the URL that was asked.
fn target(from: &Url, locations: &[&[u8]]) -> Result<Url, RedirectError> {
    if locations.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(RedirectError::Ambiguous { from: shown(from) });
    }
    let text = as_text(locations.first().copied().unwrap_or_default());
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
        // §10.2.2: the fragment of the request's URL is inherited.
        url.set_fragment(from.fragment());
    }
    // A server has no say in who we are. These fail for URLs without a host, which http has none of.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(url)
}

/// Bytes beyond ASCII as they are, in their escaped form: whatever charset they are in, the server gets back what it sent.
fn as_text(location: &[u8]) -> String {
    percent_encoding::percent_encode(location, BEYOND_ASCII).to_string()
}

/// Bytes from 0x80 are always escaped; nothing else is.
const BEYOND_ASCII: &percent_encoding::AsciiSet = &percent_encoding::AsciiSet::EMPTY;

/// Fields that tell who we are, or whom we meant, and stay behind when the origin changes.
pub(crate) const ORIGIN_FIELDS: [&str; 4] =
    ["Authorization", "Cookie", "Proxy-Authorization", "Host"];
/// Fields that tell of a body, and go with it (RFC 9110 §15.4).
pub(crate) const BODY_FIELDS: [&str; 10] = [
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Content-Digest",
    "Digest",
    "Transfer-Encoding",
    "Trailer",
    "Expect",
];

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
                    "{from} redirects to {text:?}, where nothing can be asked: {why}"
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
                "a {status} to {to} wants the body again, and it was a stream that can be sent once; give bytes, or turn redirects off"
            ),
            Self::BodyInClear { status, to } => write!(
                f,
                "a {status} from https to {to} wants the body again, which would send it in clear"
            ),
            Self::Refused { to, text } => write!(f, "the redirect to {to} was refused: {text}"),
        }
    }
}

impl std::error::Error for RedirectError {}

/// Whether some URL was asked twice.
fn goes_round(chain: &[String]) -> bool {
    let mut seen = std::collections::HashSet::new();
    !chain.iter().all(|url| seen.insert(url))
}

/// The URL as it may stand in a message: without user and password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // These fail for URLs without a host, which http has none of.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests;
