//! What the parameters of each endpoint mean, and their bounds.

use super::{Action, Cut, Drip, Events, Rejection};
use crate::echo::parameters::{self as parameter, Parameter, Query};
use std::time::Duration;

/// Most bytes of `/bytes/{n}` and `/range/{n}`: 100 MiB.
const BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Most lines of `/stream/{n}`, and most events of `/sse`.
const LINES_MAX: u64 = 1000;
/// Longest wait of `/delay/{seconds}`, of each of the two of `/drip`, and between two events of `/sse`.
const SECONDS_MAX: u32 = 10;
/// Most bytes of `/drip`: 10 MiB.
const DRIP_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Most bytes of `/cut/{n}`: 64 KiB.
const CUT_BYTES_MAX: u64 = 64 * 1024;
/// Most redirects of `/redirect/{n}`.
const REDIRECTS_MAX: u64 = 100;
/// Longest life in a cache: a year.
const AGE_MAX: u64 = 365 * 24 * 60 * 60;
/// Longest time of `/live?seconds=`.
const LIVE_SECONDS_MAX: u32 = 3600;

pub(super) fn echo_text(text: Parameter<'_>, _: Query<'_>) -> Result<Action, Rejection> {
    Ok(Action::EchoText(text.text()?.into_owned()))
}

pub(super) fn status(code: Parameter<'_>, _: Query<'_>) -> Result<Action, Rejection> {
    Ok(Action::Status(parameter::status("code", &code.text()?)?))
}

pub(super) fn bytes(n: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["seed"])?;
    Ok(Action::Bytes {
        count: parameter::count("n", &n.text()?, BYTES_MAX)?,
        seed: query.get("seed", |name, text| parameter::count(name, text, u64::MAX))?,
    })
}

pub(super) fn range(n: Parameter<'_>, _: Query<'_>) -> Result<Action, Rejection> {
    Ok(Action::Range {
        bytes: parameter::count("n", &n.text()?, BYTES_MAX)?,
    })
}

pub(super) fn stream(n: Parameter<'_>, _: Query<'_>) -> Result<Action, Rejection> {
    Ok(Action::Stream {
        lines: parameter::count("n", &n.text()?, LINES_MAX)?,
    })
}

pub(super) fn delay(seconds: Parameter<'_>, _: Query<'_>) -> Result<Action, Rejection> {
    let text = seconds.text()?;
    Ok(Action::Delay(parameter::seconds(
        "seconds",
        &text,
        SECONDS_MAX,
    )?))
}

pub(super) fn events(_: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["count", "interval"])?;
    let count = query.get("count", |name, text| {
        parameter::count(name, text, LINES_MAX)
    })?;
    let interval = query.get("interval", |name, text| {
        parameter::seconds(name, text, SECONDS_MAX)
    })?;
    Ok(Action::Events(Events {
        count: count.unwrap_or(10),
        interval: interval.unwrap_or(Duration::from_secs(1)),
    }))
}

pub(super) fn live(_: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["seconds"])?;
    let seconds = |name: &str, text: &str| parameter::seconds(name, text, LIVE_SECONDS_MAX);
    Ok(Action::Live(query.get("seconds", seconds)?))
}

pub(super) fn drip(_: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
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

pub(super) fn cut(n: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["length"])?;
    let bytes = parameter::count("n", &n.text()?, CUT_BYTES_MAX)?;
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

/// `/redirect/3` redirects to `/redirect/2`, and `/redirect/1` to `/anything`.
pub(super) fn redirect(n: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["status"])?;
    let given = query.get("status", redirect_status)?;
    let location = match parameter::count("n", &n.text()?, REDIRECTS_MAX)? {
        0 => {
            return Err(Rejection::expected(
                "expected a whole number from 1 to 100 as n",
            ));
        }
        1 => "/anything".to_owned(),
        n => match given {
            Some(status) => format!("/redirect/{}?status={status}", n - 1),
            None => format!("/redirect/{}", n - 1),
        },
    };
    Ok(Action::Redirect {
        location,
        status: given.unwrap_or(302),
    })
}

pub(super) fn redirect_to(_: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&["url", "status", "status_code"])?;
    let url = query.get("url", |_, text| Ok(text.to_owned()))?;
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        return Err(Rejection::expected(
            "expected the parameter url, as in /redirect-to?url=/anything",
        ));
    };
    // A Location is ASCII (RFC 3986), and a line end would end the field.
    if !url.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
        return Err(Rejection::expected(
            "expected a url of visible ASCII; encode other characters twice, as %25C3%25A9",
        ));
    }
    let status = match query.get("status", redirect_status)? {
        // The name that httpbin has.
        None => query.get("status_code", redirect_status)?,
        given => given,
    };
    Ok(Action::Redirect {
        location: url,
        status: status.unwrap_or(302),
    })
}

fn redirect_status(name: &str, text: &str) -> Result<u16, Rejection> {
    match text {
        "301" => Ok(301),
        "302" => Ok(302),
        "303" => Ok(303),
        "307" => Ok(307),
        "308" => Ok(308),
        _ => Err(Rejection::expected(format!(
            "expected 301, 302, 303, 307 or 308 as {name}"
        ))),
    }
}

pub(super) fn set_cookies(_: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    let mut cookies = Vec::new();
    for (name, value) in query.pairs() {
        cookies.push(checked_cookie(&name, Some(&value))?);
    }
    several(cookies, "/cookies/set?name=value")
}

pub(super) fn set_cookie(pair: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&[])?;
    let (name, value) = pair.pair("/cookies/set/{name}/{value}")?;
    Ok(Action::SetCookies(vec![checked_cookie(
        &name,
        Some(&value),
    )?]))
}

pub(super) fn delete_cookies(_: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    let mut cookies = Vec::new();
    for (name, _) in query.pairs() {
        cookies.push(checked_cookie(&name, None)?);
    }
    several(cookies, "/cookies/delete?name")
}

/// At least one and at most 50 cookies, which browsers keep for a host.
fn several(cookies: Vec<(String, Option<String>)>, form: &str) -> Result<Action, Rejection> {
    if (1..=50).contains(&cookies.len()) {
        return Ok(Action::SetCookies(cookies));
    }
    Err(Rejection::expected(format!(
        "expected 1 to 50 cookies, as in {form}"
    )))
}

/// RFC 6265 §4.1.1: a name is a token, a value has no spaces, quotes, commas, semicolons and backslashes.
fn checked_cookie(name: &str, value: Option<&str>) -> Result<(String, Option<String>), Rejection> {
    let of_value = |byte: u8| matches!(byte, b'!'..=b'~') && !b"\",;\\".contains(&byte);
    let legal = hearken::proto::is_token(name.as_bytes())
        && value.unwrap_or_default().bytes().all(of_value);
    if legal {
        return Ok((name.to_owned(), value.map(str::to_owned)));
    }
    Err(Rejection::expected(
        "expected cookies whose names are words and whose values are visible ASCII without spaces, quotes, commas, \
         semicolons and backslashes",
    ))
}

pub(super) fn basic_auth(pair: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&[])?;
    let (user, password) = pair.pair("/basic-auth/{user}/{password}")?;
    if user.contains(':') {
        return Err(Rejection::expected(
            "expected a user without a colon, which ends the name (RFC 7617 §2)",
        ));
    }
    Ok(Action::BasicAuth { user, password })
}

/// RFC 9110 §8.8.3: the tag without its quotes.
pub(super) fn etag(tag: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&[])?;
    let tag = tag.text()?;
    if tag.is_empty() || !tag.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'~')) {
        return Err(Rejection::expected(
            "expected a tag of visible ASCII without quotes",
        ));
    }
    Ok(Action::Etag(tag.into_owned()))
}

pub(super) fn cache(seconds: Parameter<'_>, query: Query<'_>) -> Result<Action, Rejection> {
    query.allow_only(&[])?;
    let seconds = parameter::count("seconds", &seconds.text()?, AGE_MAX)?;
    Ok(Action::Cache(Some(seconds)))
}
