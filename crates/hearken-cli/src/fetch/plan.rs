//! What the flags of `hearken fetch` mean together, as plain data that can be looked at before anything is done.
//!
//! Here: [`Plan`], and [`plan`] that makes it. Nothing is read or opened. Not here: carrying it out (`run.rs`).

use super::flags::Fetch;
use crate::plan::Stop;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is to be fetched, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) targets: Vec<Target>,
    pub(crate) method: String,
    /// To be sent in this order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    /// How many are followed; `None`: none, a redirect is an answer.
    pub(crate) redirects: Option<u8>,
    pub(crate) compressed: bool,
    pub(crate) trust: Trust,
    pub(crate) max_time: Option<Duration>,
    /// A status of 400 and more is a failure.
    pub(crate) fail: bool,
    pub(crate) report: Report,
    pub(crate) silent: bool,
}

/// One URL, and where its body goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As it was given, but for the scheme.
    pub(crate) url: String,
    pub(crate) output: Output,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Unless it looks binary and stdout is a terminal.
    Stdout,
    /// In any case.
    StdoutAsIs,
    File(PathBuf),
    /// Counted, and no more.
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

/// Whom to believe that it is the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    System,
    SystemAnd(PathBuf),
    Anybody,
}

/// What is said of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Body,
    /// Status line and fields, then the body.
    HeadAndBody,
    Json,
}

/// Makes the plan.
pub(crate) fn plan(flags: Fetch) -> Result<Plan, Stop> {
    if flags.output.len() > flags.urls.len() {
        return refused(format!(
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
    Ok(Plan {
        targets: targets.collect(),
        method: method(&flags, body.is_some())?,
        headers,
        body,
        redirects: flags.location.then_some(flags.max_redirs),
        compressed: flags.compressed,
        trust: match (flags.insecure, flags.cacert) {
            (true, _) => Trust::Anybody,
            (false, Some(path)) => Trust::SystemAnd(path),
            (false, None) => Trust::System,
        },
        max_time: flags.max_time.as_deref().map(seconds).transpose()?,
        fail: flags.fail,
        report: match (flags.json, flags.include || flags.head) {
            (true, _) => Report::Json,
            (false, true) => Report::HeadAndBody,
            (false, false) => Report::Body,
        },
        silent: flags.silent,
    })
}

fn refused<T>(text: String) -> Result<T, Stop> {
    Err(Stop::Refused(text))
}

/// As curl: whatever has no scheme is http. A scheme has no slash, question mark or the like before its `://`.
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

fn method(flags: &Fetch, has_body: bool) -> Result<String, Stop> {
    let method = match &flags.request {
        Some(method) => method.as_str(),
        None if flags.head => "HEAD",
        None if has_body => "POST",
        None => "GET",
    };
    if method.is_empty() || !method.bytes().all(is_token) {
        return refused(format!(
            "-X {method:?} is no method; expected a word such as PUT"
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

/// The defaults that no flag leaves out or sets otherwise, and then what the flags say.
fn headers(flags: &Fetch, has_body: bool) -> Result<Vec<(String, String)>, Stop> {
    let mut named = Vec::new();
    for header in &flags.header {
        named.push(header_of(header)?);
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

/// The name, and the value; no value means that the field is not sent.
fn header_of(text: &str) -> Result<(String, Option<String>), Stop> {
    let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
        (Some((name, value)), _) => {
            let value = value.trim_matches([' ', '\t']);
            (name, (!value.is_empty()).then(|| value.to_owned()))
        }
        (None, Some(name)) => (name, Some(String::new())),
        (None, None) => return refused(format!("-H {text:?}: expected \"Name: value\"")),
    };
    if name.is_empty() || !name.bytes().all(is_token) {
        return refused(format!("-H {text:?}: {name:?} is no name of a field"));
    }
    if value
        .as_deref()
        .is_some_and(|value| value.contains(['\r', '\n', '\0']))
    {
        return refused(format!("-H {text:?}: a value cannot have line ends in it"));
    }
    Ok((name.to_owned(), value))
}

fn basic(name: &str, password: &str) -> String {
    use base64::Engine;
    let pair = base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {pair}")
}

fn seconds(text: &str) -> Result<Duration, Stop> {
    let seconds = text.parse().ok().filter(|&seconds: &f64| seconds > 0.0);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.map_or_else(
        || {
            refused(format!(
                "--max-time {text:?}: expected a number of seconds above 0"
            ))
        },
        Ok,
    )
}

/// RFC 9110 §5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests;
