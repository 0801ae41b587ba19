//! Method, URL and fields of the requests.

use super::check::{seconds, usage};
use super::content::{self, Content};
use crate::fetch::flags::Fetch;
use crate::plan::CommandError;
use hearken::proto::is_token;
use std::time::Duration;

/// What all requests have in common.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestPlan {
    /// The fields to send, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Option<Content>,
    /// The maximum number; `None`: do not follow redirects.
    pub(crate) redirects: Option<u8>,
    pub(crate) compressed: bool,
    pub(crate) max_time: Option<Duration>,
}

pub(super) fn request(flags: &Fetch) -> Result<RequestPlan, CommandError> {
    let content = content::content(&flags.content)?;
    let max_time = flags.times.max_time.as_deref();
    Ok(RequestPlan {
        headers: headers(flags, content.as_ref())?,
        content,
        redirects: flags.request.location.then_some(flags.request.max_redirs),
        compressed: flags.request.compressed,
        max_time: max_time
            .map(|text| seconds("--max-time", text))
            .transpose()?,
    })
}

/// Adds `http://` to a URL without a scheme, as curl does. A `://` after a slash, question mark or hash is not that of a scheme.
pub(super) fn with_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => url.to_owned(),
        _ => format!("http://{url}"),
    }
}

pub(super) fn method(flags: &Fetch, uploads: bool) -> Result<String, CommandError> {
    let content = &flags.content;
    let posts = [
        &content.data,
        &content.data_binary,
        &content.form,
        &content.form_string,
    ];
    let method = match &flags.request.request {
        Some(method) => method.as_str(),
        None if flags.request.head => "HEAD",
        None if uploads => "PUT",
        None if posts.iter().any(|given| !given.is_empty()) => "POST",
        None => "GET",
    };
    if !is_token(method.as_bytes()) {
        return usage(format!(
            "-X {method:?} is not a method; expected a word such as PUT"
        ));
    }
    Ok(method.to_owned())
}

/// The default fields that no flag removes or replaces, then those of the flags.
fn headers(
    flags: &Fetch,
    content: Option<&Content>,
) -> Result<Vec<(String, String)>, CommandError> {
    let request = &flags.request;
    let mut named = Vec::new();
    for header in &request.header {
        named.push(parse_header(header)?);
    }
    let agent = request.user_agent.clone();
    let agent = agent.unwrap_or_else(|| concat!("hearken/", env!("CARGO_PKG_VERSION")).to_owned());
    let mut headers = vec![
        ("User-Agent".to_owned(), agent),
        ("Accept".to_owned(), "*/*".to_owned()),
    ];
    if let Some(user) = &request.user {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        headers.push(("Authorization".to_owned(), basic(name, password)));
    }
    if let Some(range) = &request.range {
        headers.push((
            "Range".to_owned(),
            format!("bytes={}", checked_range(range)?),
        ));
    }
    // The content type of a multipart form has its boundary, which is made when the form is sent.
    if let Some(Content::Data(_)) = content {
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
pub(super) fn parse_header(text: &str) -> Result<(String, Option<String>), CommandError> {
    let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
        (Some((name, value)), _) => {
            let value = value.trim_matches([' ', '\t']);
            (name, (!value.is_empty()).then(|| value.to_owned()))
        }
        (None, Some(name)) => (name, Some(String::new())),
        (None, None) => return usage(format!("-H {text:?}: expected \"Name: value\"")),
    };
    if !is_token(name.as_bytes()) {
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

/// Ranges of bytes (RFC 9110 §14.1.2) without their unit: `0-499`, `500-`, `-500`.
fn checked_range(text: &str) -> Result<&str, CommandError> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let legal = |range: &str| {
        let bounds = range.trim().split_once('-');
        bounds.is_some_and(|(first, last)| {
            let both_empty = first.is_empty() && last.is_empty();
            digits(first) && digits(last) && !both_empty
        })
    };
    if text.split(',').all(legal) {
        return Ok(text);
    }
    usage(format!(
        "-r {text:?}: expected ranges of bytes such as 0-499, 500- or -500"
    ))
}

/// The value of `Authorization` for the scheme Basic (RFC 7617).
fn basic(name: &str, password: &str) -> String {
    use base64::Engine;
    let pair = base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {pair}")
}

const FORM: &str = "application/x-www-form-urlencoded";
