//! The router: from method, path and query to an [`Action`], as plain data.
//!
//! Here: [`route`], the list of [`ENDPOINTS`], and [`Rejection`] for a request that no endpoint accepts; what the parameters mean
//! (`route/parse.rs`). Not here: the responses (`mod.rs`, `streams.rs`).

mod parse;

use super::parameters::{Parameter, Query};
use std::borrow::Cow;
use std::time::Duration;

/// What the handler does, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Page,
    EchoText(String),
    Echo,
    Headers,
    Ip,
    UserAgent,
    Method,
    Status(u16),
    Bytes {
        count: u64,
        seed: Option<u64>,
    },
    Stream {
        lines: u64,
    },
    Delay(Duration),
    Drip(Drip),
    Trailers,
    Cut(Cut),
    Information,
    Upgrade,
    Plaintext,
    Json,
    Anything,
    /// To this target.
    Redirect {
        location: String,
        status: u16,
    },
    Cookies,
    /// Name and value; `None` deletes.
    SetCookies(Vec<(String, Option<String>)>),
    BasicAuth {
        user: String,
        password: String,
    },
    Bearer,
    Range {
        bytes: u64,
    },
    Etag(String),
    /// With the seconds for which a cache may keep it; without them a response with validators.
    Cache(Option<u64>),
    Events(Events),
    /// The steps of requests, for this time.
    Live(Option<Duration>),
    /// With the value of `Allow`.
    Options(&'static str),
}

/// Bytes spread evenly over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drip {
    /// Time before the head.
    pub(crate) delay: Duration,
    /// Time from the first byte to the last.
    pub(crate) duration: Duration,
    pub(crate) bytes: u64,
    pub(crate) status: u16,
}

/// A truncated response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Content that is sent before the connection closes.
    pub(crate) bytes: usize,
    /// The Content-Length, greater than `bytes`; `None` for chunks.
    pub(crate) length: Option<u64>,
}

/// Server-sent events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Events {
    pub(crate) count: u64,
    pub(crate) interval: Duration,
}

/// A request that no endpoint accepts. The text says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) status: u16,
    /// The value of `Allow`, for 405 (RFC 9110 §15.5.6).
    pub(crate) allow: Option<&'static str>,
    pub(crate) text: Cow<'static, str>,
}

impl Rejection {
    /// The client accepts none of the content codings.
    pub(crate) const NOT_ACCEPTABLE: Self = Self {
        status: 406,
        allow: None,
        text: Cow::Borrowed("expected an Accept-Encoding that allows identity or gzip"),
    };

    /// 400.
    pub(crate) fn expected(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: 400,
            allow: None,
            text: text.into(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    /// As documented, with the parameter in braces.
    #[cfg(test)]
    pub(crate) path: &'static str,
    /// The path up to the parameter.
    prefix: &'static str,
    has_parameter: bool,
    methods: Methods,
    parse: Parse,
}

type Parse = fn(Parameter<'_>, Query<'_>) -> Result<Action, Rejection>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Methods {
    Get,
    Post,
    Any,
}

impl Methods {
    const fn allow(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD, OPTIONS",
            Self::Post => "POST, OPTIONS",
            Self::Any => ANY,
        }
    }

    fn contains(self, method: &str) -> bool {
        match self {
            Self::Get => matches!(method, "GET" | "HEAD"),
            Self::Post => method == "POST",
            Self::Any => true,
        }
    }
}

const ANY: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// All endpoints. A request is matched against them in this order; the first two are for benchmarks.
pub(crate) const ENDPOINTS: &[Endpoint] = {
    const fn at(path: &'static str, methods: Methods, parse: Parse) -> Endpoint {
        let mut end = 0;
        while end < path.len() && path.as_bytes()[end] != b'{' {
            end += 1;
        }
        Endpoint {
            #[cfg(test)]
            path,
            prefix: path.split_at(end).0,
            has_parameter: end < path.len(),
            methods,
            parse,
        }
    }
    use Methods::{Any, Get, Post};
    &[
        at("/plaintext", Get, |_, _| Ok(Action::Plaintext)),
        at("/json", Get, |_, _| Ok(Action::Json)),
        at("/", Get, |_, _| Ok(Action::Page)),
        at("/echo/{text}", Get, parse::echo_text),
        at("/echo", Post, |_, _| Ok(Action::Echo)),
        at("/anything", Any, |_, _| Ok(Action::Anything)),
        at("/anything/{path}", Any, |_, _| Ok(Action::Anything)),
        at("/headers", Get, |_, _| Ok(Action::Headers)),
        at("/ip", Get, |_, _| Ok(Action::Ip)),
        at("/user-agent", Get, |_, _| Ok(Action::UserAgent)),
        at("/method", Any, |_, _| Ok(Action::Method)),
        at("/status/{code}", Any, parse::status),
        at("/redirect/{n}", Any, parse::redirect),
        at("/redirect-to", Any, parse::redirect_to),
        at("/cookies", Get, |_, _| Ok(Action::Cookies)),
        at("/cookies/set", Get, parse::set_cookies),
        at("/cookies/set/{name}/{value}", Get, parse::set_cookie),
        at("/cookies/delete", Get, parse::delete_cookies),
        at("/basic-auth/{user}/{password}", Any, parse::basic_auth),
        at("/bearer", Any, |_, _| Ok(Action::Bearer)),
        at("/bytes/{n}", Get, parse::bytes),
        at("/range/{n}", Get, parse::range),
        at("/etag/{tag}", Get, parse::etag),
        at("/cache", Get, |_, _| Ok(Action::Cache(None))),
        at("/cache/{seconds}", Get, parse::cache),
        at("/stream/{n}", Get, parse::stream),
        at("/sse", Get, parse::events),
        at("/delay/{seconds}", Get, parse::delay),
        at("/drip", Get, parse::drip),
        at("/trailers", Any, |_, _| Ok(Action::Trailers)),
        at("/cut/{n}", Get, parse::cut),
        at("/information", Get, |_, _| Ok(Action::Information)),
        at("/upgrade/echo", Get, |_, _| Ok(Action::Upgrade)),
        at("/live", Get, parse::live),
    ]
};

/// Finds the endpoint and parses its parameters.
pub(crate) fn route(method: &str, path: &str, query: Option<&str>) -> Result<Action, Rejection> {
    // RFC 9110 §9.3.7: `*` means the server as a whole.
    if path == "*" && method == "OPTIONS" {
        return Ok(Action::Options(ANY));
    }
    let found = ENDPOINTS
        .iter()
        .find_map(|endpoint| Some((endpoint, endpoint.parameter(path)?)));
    let Some((endpoint, parameter)) = found else {
        return Err(Rejection {
            status: 404,
            allow: None,
            text: "there is nothing here; GET / lists what there is".into(),
        });
    };
    let allow = endpoint.methods.allow();
    if method == "OPTIONS" {
        return Ok(Action::Options(allow));
    }
    if !endpoint.methods.contains(method) {
        return Err(Rejection {
            status: 405,
            allow: Some(allow),
            text: format!("expected one of these methods here: {allow}").into(),
        });
    }
    (endpoint.parse)(Parameter(parameter), Query::new(query))
}

impl Endpoint {
    /// The parameter, not decoded: the rest of the path, slashes included. Empty for an endpoint without one; `None` if the
    /// path is that of another endpoint.
    fn parameter<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.prefix)?;
        (self.has_parameter || rest.is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests;
