//! Requests that another site makes a browser send.
//!
//! Here: [`Csrf`]. Not here: its token (`csrf/token.rs`), what other sites may read (`cors.rs`).

#[cfg(feature = "signed-cookies")]
mod token;

#[cfg(feature = "signed-cookies")]
pub use token::CsrfToken;

use super::Middleware;
use crate::next::Next;
use crate::request::RequestExt;
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use std::fmt;
use std::future::ready;
use std::sync::Arc;

type SkipFn = dyn Fn(&IncomingMessage) -> bool + Send + Sync;

/// Rejects requests that another site has made a browser send: 403 with the code `csrf.cross_site` or `csrf.token`. npm: `csurf`,
/// `csrf-csrf`.
///
/// GET, HEAD, OPTIONS and TRACE pass: they must not change anything. Of any other method the first row that fits decides:
///
/// | request | without a token | with a token |
/// |---|---|---|
/// | `Origin` is one of [`trusted_origins`](Self::trusted_origins) | passes | passes |
/// | `Sec-Fetch-Site: same-origin` or `none` | passes | passes |
/// | `Sec-Fetch-Site: same-site` | 403, or passes by [`allow_same_site`](Self::allow_same_site) | the same |
/// | another `Sec-Fetch-Site` | 403 | 403 |
/// | `Origin` names the host of the request | passes | passes |
/// | another `Origin`, `null` included | 403 | 403 |
/// | neither field: a program, or a browser before 2020 | passes | needs the token |
///
/// | option | default |
/// |---|---|
/// | [`trusted_origins`](Self::trusted_origins) | none |
/// | [`allow_same_site`](Self::allow_same_site) | false |
/// | [`skip`](Self::skip) | none |
/// | `double_submit`, `session_token` (feature `signed-cookies`) | no token |
/// | `always_token` | false: only where the fields do not decide |
/// | `header`, `form_field` | `X-CSRF-Token`, `_csrf` |
///
/// Browsers set both fields themselves, and no page can change them. The host of the request is that of trusted proxies, if there are
/// some; behind others that replace Host, name the site in `trusted_origins`.
///
/// ```
/// use hearken::app::{App, Csrf};
/// let mut app = App::new();
/// app.with(Csrf::new().trusted_origins(["https://admin.example.org"]));
/// app.post("/transfer", async |_req, res| res.end("done"));
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct Csrf {
    options: Arc<Options>,
}

#[derive(Clone, Default)]
struct Options {
    trusted: Vec<String>,
    same_site: bool,
    skip: Option<Arc<SkipFn>>,
    #[cfg(feature = "signed-cookies")]
    token: token::TokenOptions,
}

/// What the fields of a request say about where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Here,
    Elsewhere,
    Unknown,
}

impl Default for Csrf {
    fn default() -> Self {
        Self::new()
    }
}

impl Csrf {
    /// Decides by the fields of the request alone.
    pub fn new() -> Self {
        Self {
            options: Arc::default(),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }

    /// Lets the pages of these origins send requests: `https://admin.example.org`.
    ///
    /// # Panics
    /// When one has no scheme and host, or more than these and a port.
    #[track_caller]
    pub fn trusted_origins<O: AsRef<str>>(self, origins: impl IntoIterator<Item = O>) -> Self {
        let trusted = origins.into_iter().map(|origin| {
            let origin = origin.as_ref().trim_end_matches('/').to_ascii_lowercase();
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            let legal = !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ' ']);
            assert!(
                legal,
                "expected an origin like https://example.org, got {origin:?}"
            );
            origin
        });
        let trusted = trusted.collect();
        self.change(|options| options.trusted = trusted)
    }

    /// Lets pages of the same site, `https://blog.example.org` for `https://example.org`, send requests.
    pub fn allow_same_site(self, allow: bool) -> Self {
        self.change(|options| options.same_site = allow)
    }

    /// Does not check the requests for which this returns true: a webhook that is signed, for example.
    pub fn skip(self, skip: impl Fn(&IncomingMessage) -> bool + Send + Sync + 'static) -> Self {
        self.change(|options| options.skip = Some(Arc::new(skip)))
    }
}

impl Options {
    fn origin_of(&self, req: &IncomingMessage) -> From {
        let mut origins = req.raw_headers().get_all("origin");
        let origin = match (origins.next(), origins.next()) {
            (None, _) => None,
            (Some(origin), None) => Some(String::from_utf8_lossy(origin).to_ascii_lowercase()),
            (Some(_), Some(_)) => return From::Elsewhere,
        };
        if let Some(origin) = &origin
            && self.trusted.contains(origin)
        {
            return From::Here;
        }
        let mut sites = req.raw_headers().get_all("sec-fetch-site");
        match (sites.next(), sites.next()) {
            (None, _) => {}
            (Some(b"same-origin" | b"none"), None) => return From::Here,
            (Some(b"same-site"), None) if self.same_site => return From::Here,
            _ => return From::Elsewhere,
        }
        match (origin, req.host()) {
            (None, _) => From::Unknown,
            (Some(origin), Some(host)) if is_of_host(&origin, &host) => From::Here,
            _ => From::Elsewhere,
        }
    }
}

/// Whether an origin names this host and port. Its scheme is not compared: behind a proxy it is not known. `origin` is in lower case.
fn is_of_host(origin: &str, host: &str) -> bool {
    let Some((scheme, of_origin)) = origin.split_once("://") else {
        return false;
    };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let host = host.to_ascii_lowercase();
    let bare = |text: &'_ str| text.strip_suffix(port).unwrap_or(text).to_owned();
    !of_origin.is_empty() && bare(of_origin) == bare(&host)
}

fn is_safe(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
}

fn rejection(text: &'static str, code: &'static str) -> Failure {
    Failure::new(403, text).with_code(code)
}

impl Middleware for Csrf {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let options = &self.options;
        // Of the method that was received: one that a form names in its body came as POST.
        let free = is_safe(req.head().method_bytes())
            || options.skip.as_ref().is_some_and(|skip| skip(&req));
        let from = if free {
            From::Here
        } else {
            options.origin_of(&req)
        };
        if from == From::Elsewhere {
            let failure = rejection(
                "expected a request of this site: another one has sent it",
                "csrf.cross_site",
            );
            return Handling::new(ready(res.fail(failure)));
        }
        #[cfg(feature = "signed-cookies")]
        if options.token.is_used() {
            let needed = !free && (from == From::Unknown || options.token.always);
            return options.token.handle(needed, req, res, next);
        }
        next.run(req, res)
    }
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csrf")
            .field("trusted_origins", &self.options.trusted)
            .field("allow_same_site", &self.options.same_site)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_host;

    #[test]
    fn origins_are_compared_with_hosts() {
        for (origin, host, same) in [
            ("https://a.example", "a.example", true),
            ("https://a.example", "A.example:443", true),
            ("http://a.example", "a.example:80", true),
            ("http://a.example:8080", "a.example:8080", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("https://a.example", "a.example:8443", false),
            ("https://a.example:80", "a.example", false),
            ("https://b.a.example", "a.example", false),
            ("https://a.example.evil", "a.example", false),
            ("ftp://a.example", "a.example", false),
            ("null", "null", false),
            ("https://", "", false),
        ] {
            assert_eq!(is_of_host(origin, host), same, "{origin} {host}");
        }
    }
}
