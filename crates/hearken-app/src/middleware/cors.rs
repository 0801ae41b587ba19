//! Which other sites may read responses: the CORS protocol (Fetch Standard §3.2).
//!
//! Here: [`Cors`]. Not here: refusing requests of other sites (`csrf.rs`): a browser sends simple requests whatever CORS allows.

use super::Middleware;
use super::shared::{set, vary};
use crate::next::Next;
use hearken_http::message::ResponseHead;
use hearken_http::server::Handling;
use hearken_http::{IncomingMessage, Method, ServerResponse};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Lets pages of other sites read responses. npm: `cors`.
///
/// | option | default |
/// |---|---|
/// | origins: [`any_origin`](Self::any_origin), [`origins`](Self::origins), [`origins_if`](Self::origins_if), [`reflect_origin`](Self::reflect_origin) | any: `*` |
/// | [`methods`](Self::methods) | GET, HEAD, PUT, PATCH, POST, DELETE |
/// | [`allowed_headers`](Self::allowed_headers) | those that the preflight request asks for |
/// | [`exposed_headers`](Self::exposed_headers) | none beyond those that are always exposed |
/// | [`credentials`](Self::credentials) | false |
/// | [`max_age`](Self::max_age) | none is sent; browsers take 5 s |
/// | [`preflight_continue`](Self::preflight_continue) | false: preflight requests are answered here |
/// | [`preflight_status`](Self::preflight_status) | 204 |
///
/// A preflight request is an OPTIONS with `Origin` and `Access-Control-Request-Method`; any other OPTIONS goes on to the routes. The
/// fields are added when the head leaves, so that error responses have them too. Where the answer depends on the origin, every response
/// has `Vary: Origin`, also to requests without an origin, so that no cache serves one site the answer for another.
///
/// `*` is never sent together with credentials. For other decisions, write a middleware that calls one of several `Cors`.
///
/// ```
/// use hearken::app::{App, Cors};
/// use std::time::Duration;
/// let mut app = App::new();
/// app.with(
///     Cors::new()
///         .origins(["https://example.org", "https://*.example.net"])
///         .credentials(true)
///         .max_age(Duration::from_secs(600)),
/// );
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct Cors {
    options: Arc<Options>,
}

#[derive(Clone)]
struct Options {
    origins: Origins,
    methods: String,
    allowed_headers: Option<String>,
    exposed_headers: Option<String>,
    credentials: bool,
    max_age: Option<String>,
    preflight_continue: bool,
    preflight_status: u16,
}

type Predicate = dyn Fn(&str, &IncomingMessage) -> bool + Send + Sync;

#[derive(Clone)]
enum Origins {
    Any,
    List(Vec<Pattern>),
    If(Arc<Predicate>),
    Reflect,
}

/// An origin, or all hosts below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// `https://`, `.example.org:8443`
    Below(String, String),
}

/// What a response gets.
struct Grant {
    origin: Option<Box<str>>,
    preflight: bool,
    /// What the client asks to send, to be reflected.
    asked_headers: Option<Box<str>>,
}

impl Default for Cors {
    fn default() -> Self {
        Self::new()
    }
}

impl Cors {
    /// Any origin, without credentials.
    pub fn new() -> Self {
        Self {
            options: Arc::new(Options {
                origins: Origins::Any,
                methods: "GET,HEAD,PUT,PATCH,POST,DELETE".to_owned(),
                allowed_headers: None,
                exposed_headers: None,
                credentials: false,
                max_age: None,
                preflight_continue: false,
                preflight_status: 204,
            }),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }

    /// Allows every origin, by `*`. With [`credentials`](Self::credentials) browsers would reject that, so credentials are not allowed
    /// then, and an error is logged: name the origins. npm: `origin: '*'`.
    pub fn any_origin(self) -> Self {
        self.change(|options| options.origins = Origins::Any)
    }

    /// Allows these origins: scheme, host, and the port if it is not that of the scheme. `https://*.example.org` stands for all hosts
    /// below the domain, not for the domain itself. `null`, the origin of sandboxed frames and local files, counts only when it is in the
    /// list. npm: `origin: [...]`.
    ///
    /// # Panics
    /// When one of them is no origin: the message says what was expected.
    #[track_caller]
    pub fn origins<O: AsRef<str>>(self, origins: impl IntoIterator<Item = O>) -> Self {
        let patterns = origins
            .into_iter()
            .map(|origin| Pattern::of(origin.as_ref()));
        let list = patterns.collect();
        self.change(|options| options.origins = Origins::List(list))
    }

    /// Allows the origins for which `predicate` returns true. It gets the origin as the browser sent it, `null` included. For an async
    /// decision, write a middleware that calls a `Cors` or passes the request on without it. npm: `origin: function`.
    ///
    /// ```
    /// use hearken::app::{App, Cors};
    /// let mut app = App::new();
    /// app.with(Cors::new().origins_if(|origin, _req| origin.ends_with(".example.org")));
    /// ```
    pub fn origins_if(
        self,
        predicate: impl Fn(&str, &IncomingMessage) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.change(|options| options.origins = Origins::If(Arc::new(predicate)))
    }

    /// Allows every origin but `null`, by its own name. With [`credentials`](Self::credentials) **every site on the web can act as the
    /// user and read the result**: only for services without users. npm: `origin: true`.
    pub fn reflect_origin(self) -> Self {
        self.change(|options| options.origins = Origins::Reflect)
    }

    /// The methods that a page may use.
    pub fn methods(self, methods: impl IntoIterator<Item = Method>) -> Self {
        let names: Vec<_> = methods
            .into_iter()
            .map(|method| method.to_string())
            .collect();
        self.change(|options| options.methods = names.join(","))
    }

    /// The request fields that a page may set beside those that are always allowed.
    ///
    /// # Panics
    /// When one is no field name.
    #[track_caller]
    pub fn allowed_headers<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let names = joined(names);
        self.change(|options| options.allowed_headers = Some(names))
    }

    /// The response fields that a page may read beside those that are always exposed.
    ///
    /// # Panics
    /// When one is no field name.
    #[track_caller]
    pub fn exposed_headers<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let names = joined(names);
        self.change(|options| options.exposed_headers = Some(names))
    }

    /// Whether a page may send cookies, client certificates and credentials of HTTP authentication. Browsers then take `*` in other
    /// fields as a name.
    pub fn credentials(self, allow: bool) -> Self {
        self.change(|options| options.credentials = allow)
    }

    /// How long a browser may keep the answer to a preflight request, in whole seconds. Browsers have bounds of their own: 7,200 s in
    /// Chromium.
    pub fn max_age(self, age: Duration) -> Self {
        self.change(|options| options.max_age = Some(age.as_secs().to_string()))
    }

    /// Passes preflight requests on, with the fields, to a route that answers them.
    pub fn preflight_continue(self, pass_on: bool) -> Self {
        self.change(|options| options.preflight_continue = pass_on)
    }

    /// The status of the answer to preflight requests. For old clients that expect 200. npm: `optionsSuccessStatus`.
    pub fn preflight_status(self, status: u16) -> Self {
        self.change(|options| options.preflight_status = status)
    }
}

impl Options {
    /// The value of Access-Control-Allow-Origin.
    fn allow(&self, req: &IncomingMessage) -> Option<Box<str>> {
        if matches!(self.origins, Origins::Any) {
            return Some("*".into());
        }
        let mut lines = req.raw_headers().get_all("origin");
        let origin = std::str::from_utf8(lines.next()?).ok()?;
        let allowed = lines.next().is_none()
            && match &self.origins {
                Origins::Any => true,
                Origins::List(list) => list.iter().any(|pattern| pattern.matches(origin)),
                Origins::If(predicate) => predicate(origin, req),
                Origins::Reflect => origin != "null",
            };
        allowed.then(|| origin.into())
    }

    fn add(&self, grant: &Grant, head: &mut ResponseHead<'_>) {
        let any = matches!(self.origins, Origins::Any);
        if !any {
            vary(head, "Origin");
        }
        if grant.preflight && self.allowed_headers.is_none() {
            vary(head, "Access-Control-Request-Headers");
        }
        let Some(origin) = &grant.origin else { return };
        set(head, "Access-Control-Allow-Origin", origin);
        if self.credentials && !any {
            set(head, "Access-Control-Allow-Credentials", "true");
        }
        if let Some(names) = &self.exposed_headers {
            set(head, "Access-Control-Expose-Headers", names);
        }
        if !grant.preflight {
            return;
        }
        set(head, "Access-Control-Allow-Methods", &self.methods);
        let names = self
            .allowed_headers
            .as_deref()
            .or(grant.asked_headers.as_deref());
        if let Some(names) = names.filter(|names| !names.is_empty()) {
            set(head, "Access-Control-Allow-Headers", names);
        }
        if let Some(age) = &self.max_age {
            set(head, "Access-Control-Max-Age", age);
        }
    }
}

impl Middleware for Cors {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let options = &self.options;
        if options.credentials && matches!(options.origins, Origins::Any) {
            warn_of_credentials();
        }
        let preflight = req.head().method_bytes() == b"OPTIONS"
            && req.header("access-control-request-method").is_some()
            && req.header("origin").is_some();
        let asked_headers = if preflight {
            req.header("access-control-request-headers").map(Into::into)
        } else {
            None
        };
        let grant = Grant {
            origin: options.allow(&req),
            preflight,
            asked_headers,
        };
        let own = Arc::clone(options);
        res.on_head(move |head| own.add(&grant, head));
        if preflight && !options.preflight_continue {
            let sent = res.status(options.preflight_status).end("");
            return Handling::new(std::future::ready(sent));
        }
        next.run(req, res)
    }
}

/// Logs once: it is a fault of the program, and the same for each request.
#[cold]
fn warn_of_credentials() {
    static LOGGED: AtomicBool = AtomicBool::new(false);
    if !LOGGED.swap(true, Ordering::Relaxed) {
        tracing::error!(
            "CORS credentials were not allowed: browsers reject them together with any origin; name the origins by `Cors::origins`"
        );
    }
}

impl Pattern {
    #[track_caller]
    fn of(text: &str) -> Self {
        let lower = text.trim_end_matches('/').to_ascii_lowercase();
        if lower == "null" {
            return Self::Exact(lower);
        }
        let parts = lower.split_once("://").filter(|(scheme, host)| {
            let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]*".contains(&byte);
            !scheme.is_empty() && !host.is_empty() && host.bytes().all(is_host)
        });
        let Some((scheme, host)) = parts else {
            panic!(
                "expected an origin like https://example.org or https://*.example.org:8443, got {text:?}"
            );
        };
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let bare = host.strip_suffix(default_port).unwrap_or(host);
        match bare.strip_prefix('*') {
            Some(domain)
                if domain.starts_with('.') && !domain.contains('*') && domain.len() > 1 =>
            {
                Self::Below(format!("{scheme}://"), domain.to_owned())
            }
            None if !bare.contains('*') => Self::Exact(format!("{scheme}://{bare}")),
            _ => panic!(
                "expected `*` only as the first label of a host, as in https://*.example.org, got {text:?}"
            ),
        }
    }

    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Exact(known) => known.eq_ignore_ascii_case(origin),
            Self::Below(scheme, domain) => {
                let lower = origin.to_ascii_lowercase();
                let below = lower
                    .strip_prefix(&**scheme)
                    .and_then(|host| host.strip_suffix(&**domain));
                // Of an origin no other byte can come: it is what a browser writes, but clients write anything.
                let is_label = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                below.is_some_and(|labels| !labels.is_empty() && labels.bytes().all(is_label))
            }
        }
    }
}

#[track_caller]
fn joined<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> String {
    let mut joined = String::new();
    for name in names {
        let name = name.as_ref();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        assert!(
            !name.is_empty() && name.bytes().all(token),
            "expected the name of a field, got {name:?}"
        );
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(name);
    }
    joined
}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors")
            .field("methods", &self.options.methods)
            .field("credentials", &self.options.credentials)
            .finish_non_exhaustive()
    }
}
