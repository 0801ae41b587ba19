//! What a request asks for, as plain data: path, method and parameters, read before anything is answered.
//!
//! Here: [`Call`] and [`read`], [`Problem`] for what cannot be, and the list of [`ENDPOINTS`]. Not here: the answers
//! (`mod.rs`, `streams.rs`).

use super::parameters::{self as parameter, Query};
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
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
    /// What may be asked for here: the value of `Allow`.
    Options(&'static str),
}

/// Bytes that come slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drip {
    /// Before the head.
    pub(crate) delay: Duration,
    /// From the first byte to the last.
    pub(crate) duration: Duration,
    pub(crate) bytes: u64,
    pub(crate) status: u16,
}

/// An answer that breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// What comes of it.
    pub(crate) bytes: usize,
    /// What was told to come; chunks if nothing was.
    pub(crate) length: Option<u64>,
}

/// Why there is no such answer. The text says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    /// The value of `Allow`, for 405 (RFC 9110 §15.5.6).
    pub(crate) allow: Option<&'static str>,
    pub(crate) text: String,
}

impl Problem {
    /// 400.
    pub(crate) fn expected(text: impl Into<String>) -> Self {
        Self {
            status: 400,
            allow: None,
            text: text.into(),
        }
    }
}

/// An endpoint as people read of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    /// With its parameters in braces.
    pub(crate) path: &'static str,
    methods: Methods,
    read: fn(&str, &Query<'_>) -> Result<Call, Problem>,
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

    fn has(self, method: &str) -> bool {
        match self {
            Self::Get => matches!(method, "GET" | "HEAD"),
            Self::Post => method == "POST",
            Self::Any => true,
        }
    }
}

const ANY: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// All there is, in the order in which it is told.
pub(crate) const ENDPOINTS: &[Endpoint] = {
    const fn at(
        path: &'static str,
        methods: Methods,
        read: fn(&str, &Query<'_>) -> Result<Call, Problem>,
    ) -> Endpoint {
        Endpoint {
            path,
            methods,
            read,
        }
    }
    use Methods::{Any, Get, Post};
    &[
        at("/", Get, |_, _| Ok(Call::Page)),
        at("/echo/{text}", Get, |text, _| {
            Ok(Call::EchoText(text.to_owned()))
        }),
        at("/echo", Post, |_, _| Ok(Call::Echo)),
        at("/headers", Get, |_, _| Ok(Call::Headers)),
        at("/ip", Get, |_, _| Ok(Call::Ip)),
        at("/user-agent", Get, |_, _| Ok(Call::UserAgent)),
        at("/method", Any, |_, _| Ok(Call::Method)),
        at("/status/{code}", Any, |code, _| {
            Ok(Call::Status(parameter::status("code", code)?))
        }),
        at("/bytes/{n}", Get, bytes),
        at("/stream/{n}", Get, |n, _| {
            Ok(Call::Stream {
                lines: parameter::count("n", n, LINES_MAX)?,
            })
        }),
        at("/delay/{seconds}", Get, |seconds, _| {
            Ok(Call::Delay(parameter::seconds(
                "seconds",
                seconds,
                SECONDS_MAX,
            )?))
        }),
        at("/drip", Get, drip),
        at("/trailers", Any, |_, _| Ok(Call::Trailers)),
        at("/cut/{n}", Get, cut),
        at("/information", Get, |_, _| Ok(Call::Information)),
        at("/upgrade/echo", Get, |_, _| Ok(Call::Upgrade)),
        at("/plaintext", Get, |_, _| Ok(Call::Plaintext)),
        at("/json", Get, |_, _| Ok(Call::Json)),
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

fn bytes(n: &str, query: &Query<'_>) -> Result<Call, Problem> {
    query.only(&["seed"])?;
    Ok(Call::Bytes {
        count: parameter::count("n", n, BYTES_MAX)?,
        seed: query.read("seed", |name, text| parameter::count(name, text, u64::MAX))?,
    })
}

fn drip(_: &str, query: &Query<'_>) -> Result<Call, Problem> {
    query.only(&["duration", "numbytes", "delay", "code"])?;
    let seconds = |name: &str, text: &str| parameter::seconds(name, text, SECONDS_MAX);
    let bytes = query.read("numbytes", |name, text| {
        parameter::count(name, text, DRIP_BYTES_MAX)
    })?;
    Ok(Call::Drip(Drip {
        delay: query.read("delay", seconds)?.unwrap_or_default(),
        duration: query
            .read("duration", seconds)?
            .unwrap_or(Duration::from_secs(2)),
        bytes: bytes.unwrap_or(10),
        status: query.read("code", parameter::status)?.unwrap_or(200),
    }))
}

fn cut(n: &str, query: &Query<'_>) -> Result<Call, Problem> {
    query.only(&["length"])?;
    let bytes = parameter::count("n", n, CUT_BYTES_MAX)?;
    let length = query.read("length", |name, text| {
        parameter::count(name, text, u64::MAX)
    })?;
    if length.is_some_and(|length| length <= bytes) {
        return Err(Problem::expected(format!(
            "expected a length of more than {bytes}, or nothing would be cut"
        )));
    }
    Ok(Call::Cut(Cut {
        bytes: bytes as usize,
        length,
    }))
}

/// Reads a request. The path is decoded here, once.
pub(crate) fn read(method: &str, path: &str, query: Option<&str>) -> Result<Call, Problem> {
    // RFC 9110 §9.3.7: `*` is about the server as a whole.
    if path == "*" && method == "OPTIONS" {
        return Ok(Call::Options(ANY));
    }
    let found = ENDPOINTS
        .iter()
        .find_map(|endpoint| Some((endpoint, endpoint.parameter(path)?)));
    let Some((endpoint, parameter)) = found else {
        return Err(Problem {
            status: 404,
            allow: None,
            text: "there is nothing here; GET / lists what there is".to_owned(),
        });
    };
    let allow = endpoint.methods.allow();
    if method == "OPTIONS" {
        return Ok(Call::Options(allow));
    }
    if !endpoint.methods.has(method) {
        return Err(Problem {
            status: 405,
            allow: Some(allow),
            text: format!("expected one of these methods here: {allow}"),
        });
    }
    (endpoint.read)(&parameter::decoded(parameter)?, &Query::new(query))
}

impl Endpoint {
    /// What stands in the place of the parameter, not decoded; empty where there is none. `None` for another path. The
    /// parameter is the rest of the path, slashes included.
    fn parameter<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.split_once('{') {
            Some((before, _)) => path.strip_prefix(before),
            None => (path == self.path).then_some(""),
        }
    }
}

#[cfg(test)]
mod tests;
