//! The meaning of the flags of `hearken fetch`, as plain data.
//!
//! Here: [`FetchPlan`], and [`plan`] that makes it. No file is opened. Not here: running it (`run.rs`).

use super::flags::Fetch;
use super::head_limit::HeadLimit;
use crate::plan::CommandError;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The URLs to fetch, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FetchPlan {
    pub(crate) targets: Vec<Target>,
    pub(crate) method: String,
    /// The fields to send, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    /// The maximum number; `None`: do not follow redirects.
    pub(crate) redirects: Option<u8>,
    pub(crate) compressed: bool,
    pub(crate) trust: Trust,
    pub(crate) max_time: Option<Duration>,
    pub(crate) max_head: Option<HeadLimit>,
    /// A status of 400 or above is a failure.
    pub(crate) fail: bool,
    pub(crate) report: Report,
    pub(crate) silent: bool,
}

/// One URL, and the destination of its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As given, with `http://` added if there is no scheme.
    pub(crate) url: String,
    pub(crate) output: Output,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Except a binary body to a terminal.
    Stdout,
    /// Also a binary body to a terminal.
    StdoutAsIs,
    File(PathBuf),
    /// Counted only.
    Nowhere,
}

/// Parts that are joined by `&`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// Without CR, LF and NUL when `stripped`, as curl does.
    File {
        path: PathBuf,
        stripped: bool,
    },
    Stdin {
        stripped: bool,
    },
}

/// The certificates that the client accepts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    SystemRoots,
    SystemRootsAnd(PathBuf),
    AnyCertificate,
}

/// What to print for a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Body,
    /// Status line and fields, then the body.
    HeadAndBody,
    Json,
}

/// Makes the plan.
pub(crate) fn plan(flags: Fetch) -> Result<FetchPlan, CommandError> {
    if flags.output.len() > flags.urls.len() {
        return usage(format!(
            "-o is given {} times for {} URLs; expected at most one for each",
            flags.output.len(),
            flags.urls.len()
        ));
    }
    let body = body(&flags);
    let headers = headers(&flags, body.is_some())?;
    let outputs = flags.output.iter().map(Some).chain(std::iter::repeat(None));
    let targets = flags.urls.iter().zip(outputs).map(|(url, file)| Target {
        url: with_scheme(url),
        output: output(file.map(PathBuf::as_path), flags.json),
    });
    Ok(FetchPlan {
        targets: targets.collect(),
        method: method(&flags, body.is_some())?,
        headers,
        body,
        redirects: flags.location.then_some(flags.max_redirs),
        compressed: flags.compressed,
        trust: match (flags.insecure, flags.cacert) {
            (true, _) => Trust::AnyCertificate,
            (false, Some(path)) => Trust::SystemRootsAnd(path),
            (false, None) => Trust::SystemRoots,
        },
        max_time: flags.max_time.as_deref().map(seconds).transpose()?,
        max_head: flags.max_head,
        fail: flags.fail,
        report: match (flags.json, flags.include || flags.head) {
            (true, _) => Report::Json,
            (false, true) => Report::HeadAndBody,
            (false, false) => Report::Body,
        },
        silent: flags.silent,
    })
}

fn usage<T>(text: String) -> Result<T, CommandError> {
    Err(CommandError::Usage(text))
}

/// Adds `http://` to a URL without a scheme, as curl does. A `://` after a slash, question mark or hash is not that of a scheme.
fn with_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => url.to_owned(),
        _ => format!("http://{url}"),
    }
}

fn output(file: Option<&Path>, json: bool) -> Output {
    match file {
        Some(path) if path == Path::new("-") && !json => Output::StdoutAsIs,
        Some(path) if path == Path::new("-") => Output::Nowhere,
        Some(path) => Output::File(path.to_owned()),
        None if json => Output::Nowhere,
        None => Output::Stdout,
    }
}

fn method(flags: &Fetch, has_body: bool) -> Result<String, CommandError> {
    let method = match &flags.request {
        Some(method) => method.as_str(),
        None if flags.head => "HEAD",
        None if has_body => "POST",
        None => "GET",
    };
    if method.is_empty() || !method.bytes().all(is_token) {
        return usage(format!(
            "-X {method:?} is not a method; expected a word such as PUT"
        ));
    }
    Ok(method.to_owned())
}

fn body(flags: &Fetch) -> Option<Body> {
    let stripped = !flags.data.is_empty();
    let given = if stripped {
        &flags.data
    } else {
        &flags.data_binary
    };
    let parts: Vec<Part> = given
        .iter()
        .map(|data| match data.strip_prefix('@') {
            Some("-") => Part::Stdin { stripped },
            Some(path) => Part::File {
                path: path.into(),
                stripped,
            },
            None => Part::Text(data.clone()),
        })
        .collect();
    (!parts.is_empty()).then_some(Body { parts })
}

/// The default fields that no flag removes or replaces, then those of the flags.
fn headers(flags: &Fetch, has_body: bool) -> Result<Vec<(String, String)>, CommandError> {
    let mut named = Vec::new();
    for header in &flags.header {
        named.push(parse_header(header)?);
    }
    let agent = flags.user_agent.clone();
    let agent = agent.unwrap_or_else(|| concat!("hearken/", env!("CARGO_PKG_VERSION")).to_owned());
    let mut headers = vec![
        ("User-Agent".to_owned(), agent),
        ("Accept".to_owned(), "*/*".to_owned()),
    ];
    if let Some(user) = &flags.user {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        headers.push(("Authorization".to_owned(), basic(name, password)));
    }
    if has_body {
        headers.push(("Content-Type".to_owned(), FORM.to_owned()));
    }
    headers.retain(|(name, _)| {
        !named
            .iter()
            .any(|(other, _)| name.eq_ignore_ascii_case(other))
    });
    let sent = named.into_iter();
    headers.extend(sent.filter_map(|(name, value)| Some((name, value?))));
    Ok(headers)
}

/// Name and value of a field; without a value it is not sent.
fn parse_header(text: &str) -> Result<(String, Option<String>), CommandError> {
    let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
        (Some((name, value)), _) => {
            let value = value.trim_matches([' ', '\t']);
            (name, (!value.is_empty()).then(|| value.to_owned()))
        }
        (None, Some(name)) => (name, Some(String::new())),
        (None, None) => return usage(format!("-H {text:?}: expected \"Name: value\"")),
    };
    if name.is_empty() || !name.bytes().all(is_token) {
        return usage(format!("-H {text:?}: {name:?} is not a field name"));
    }
    if value
        .as_deref()
        .is_some_and(|value| value.contains(['\r', '\n', '\0']))
    {
        return usage(format!("-H {text:?}: a value cannot contain line ends"));
    }
    Ok((name.to_owned(), value))
}

/// The value of `Authorization` for the scheme Basic (RFC 7617).
fn basic(name: &str, password: &str) -> String {
    use base64::Engine;
    let pair = base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {pair}")
}

fn seconds(text: &str) -> Result<Duration, CommandError> {
    let seconds = text.parse().ok().filter(|&seconds: &f64| seconds > 0.0);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.map_or_else(
        || {
            usage(format!(
                "--max-time {text:?}: expected a number of seconds above 0"
            ))
        },
        Ok,
    )
}

/// A character of a token (RFC 9110 §5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests;
