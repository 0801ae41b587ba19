//! The router: from method, path and query to an [`Action`], as plain data.
//!
//! Here: [`route`], the list of [`ENDPOINTS`], and [`Rejection`] for a request that no endpoint accepts. Not here: the
//! responses (`mod.rs`, `streams.rs`).

use super::parameters::{self as parameter, Query};
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
    parse: fn(&str, Query<'_>) -> Result<Action, Rejection>,
}

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
    const fn at(
        path: &'static str,
        methods: Methods,
        parse: fn(&str, Query<'_>) -> Result<Action, Rejection>,
    ) -> Endpoint {
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
        at("/echo/{text}", Get, |text, _| {
            Ok(Action::EchoText(text.to_owned()))
        }),
        at("/echo", Post, |_, _| Ok(Action::Echo)),
        at("/headers", Get, |_, _| Ok(Action::Headers)),
        at("/ip", Get, |_, _| Ok(Action::Ip)),
        at("/user-agent", Get, |_, _| Ok(Action::UserAgent)),
        at("/method", Any, |_, _| Ok(Action::Method)),
        at("/status/{code}", Any, |code, _| {
            Ok(Action::Status(parameter::status("code", code)?))
        }),
        at("/bytes/{n}", Get, bytes),
        at("/stream/{n}", Get, |n, _| {
            Ok(Action::Stream {
                lines: parameter::count("n", n, LINES_MAX)?,
            })
        }),
        at("/delay/{seconds}", Get, |seconds, _| {
            Ok(Action::Delay(parameter::seconds(
                "seconds",
                seconds,
                SECONDS_MAX,
            )?))
        }),
        at("/drip", Get, drip),
        at("/trailers", Any, |_, _| Ok(Action::Trailers)),
        at("/cut/{n}", Get, cut),
        at("/information", Get, |_, _| Ok(Action::Information)),
        at("/upgrade/echo", Get, |_, _| Ok(Action::Upgrade)),
    ]
};

/// Most bytes of `/bytes/{n}`: 100 MiB.
const BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Most lines of `/stream/{n}`.
const LINES_MAX: u64 = 1000;
/// Longest wait of `/delay/{seconds}`, and of each of the two of `/drip`.
const SECONDS_MAX: u32 = 10;
/// Most bytes of `/drip`: 10 MiB.
const DRIP_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Most bytes of `/cut/{n}`: 64 KiB.
const CUT_BYTES_MAX: u64 = 64 * 1024;

fn bytes(n: &str, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["seed"])?;
    Ok(Action::Bytes {
        count: parameter::count("n", n, BYTES_MAX)?,
        seed: query.get("seed", |name, text| parameter::count(name, text, u64::MAX))?,
    })
}

fn drip(_: &str, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["duration", "numbytes", "delay", "code"])?;
    let seconds = |name: &str, text: &str| parameter::seconds(name, text, SECONDS_MAX);
    let bytes = query.get("numbytes", |name, text| {
        parameter::count(name, text, DRIP_BYTES_MAX)
    })?;
    Ok(Action::Drip(Drip {
        delay: query.get("delay", seconds)?.unwrap_or_default(),
        duration: query
            .get("duration", seconds)?
            .unwrap_or(Duration::from_secs(2)),
        bytes: bytes.unwrap_or(10),
        status: query.get("code", parameter::status)?.unwrap_or(200),
    }))
}

fn cut(n: &str, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["length"])?;
    let bytes = parameter::count("n", n, CUT_BYTES_MAX)?;
    let length = query.get("length", |name, text| {
        parameter::count(name, text, u64::MAX)
    })?;
    if length.is_some_and(|length| length <= bytes) {
        return Err(Rejection::expected(format!(
            "expected a length of more than {bytes}, or nothing would be cut"
        )));
    }
    Ok(Action::Cut(Cut {
        bytes: bytes as usize,
        length,
    }))
}

/// Finds the endpoint and parses its parameters. The path is decoded once.
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
    (endpoint.parse)(&parameter::decode(parameter)?, Query::new(query))
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
