//! The meaning of the flags of `hearken fetch`, as plain data.
//!
//! Here: [`FetchPlan`], and [`plan`] that makes it. `request.rs` has method, fields and URLs, `content.rs` what is sent,
//! `form.rs` the parts of `-F`, `connection.rs` proxies and addresses. No file is opened. Not here: running it (`run.rs`).

mod check;
mod connection;
mod content;
mod form;
mod request;

pub(crate) use connection::{ConnectionPlan, HostAddresses, ProxyPlan, Trust};
pub(crate) use content::{Content, DataPart, Upload};
pub(crate) use form::{FormPart, PartContent};
pub(crate) use request::RequestPlan;

use check::{seconds, usage};

use super::flags::{AnswerFlags, CookieFlags, Fetch, RetryFlags};
use super::outputs::OutputFlag;
use super::write_out::Template;
use crate::plan::CommandError;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The URLs to fetch, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FetchPlan {
    pub(crate) targets: Vec<Target>,
    pub(crate) request: RequestPlan,
    pub(crate) connection: ConnectionPlan,
    pub(crate) cookies: CookiePlan,
    pub(crate) resume: Option<Resume>,
    pub(crate) retry: RetryPlan,
    pub(crate) report: Report,
    pub(crate) write_out: Option<Template>,
    /// A status of 400 or above is a failure.
    pub(crate) fail: bool,
    pub(crate) verbose: bool,
    /// No warnings, no progress.
    pub(crate) silent: bool,
    /// No errors on stderr.
    pub(crate) hides_errors: bool,
}

/// One URL, and the destination of its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As given, with `http://` added if there is no scheme. It may contain a password: see `super::shown`.
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) upload: Option<Upload>,
    pub(crate) output: Output,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Except a binary body to a terminal; JSON is indented there.
    Stdout,
    /// Any body, unchanged.
    StdoutAsIs,
    File(PathBuf),
    /// Counted only.
    Nowhere,
}

/// Where a download continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    At(u64),
    /// At the end of the file.
    FileSize,
}

/// When and how often to try again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RetryPlan {
    pub(crate) times: u32,
    /// `None`: 1 s, doubled each time, or what the server asks for.
    pub(crate) delay: Option<Duration>,
    pub(crate) max_time: Option<Duration>,
    pub(crate) connection_refused: bool,
    pub(crate) all_errors: bool,
}

/// The cookies of the command line and of files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CookiePlan {
    /// As given: `a=1; b=2`.
    pub(crate) data: Vec<String>,
    /// Files to read; an empty path starts the engine without cookies.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) drop_session: bool,
    pub(crate) write: Option<PathBuf>,
}

impl CookiePlan {
    /// Whether cookies of answers are kept for later requests.
    pub(crate) const fn has_engine(&self) -> bool {
        !self.files.is_empty() || self.write.is_some()
    }
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
    let targets = targets(&flags)?;
    let request = request::request(&flags)?;
    let connection = connection::connection(flags.connection, &flags.times)?;
    let answer = &flags.answer;
    let write_out = answer.write_out.as_deref().map(Template::parse);
    let resume = answer.continue_at.as_deref().map(resume).transpose()?;
    if resume == Some(Resume::FileSize) && targets.iter().any(|target| !target.is_file()) {
        return usage(
            "-C - takes the size of the file of each URL: add -o FILE or -O for each".to_owned(),
        );
    }
    Ok(FetchPlan {
        targets,
        request,
        connection,
        cookies: cookies(flags.cookies),
        resume,
        retry: retry(&flags.retry)?,
        report: match (answer.json, answer.include || flags.request.head) {
            (true, _) => Report::Json,
            (false, true) => Report::HeadAndBody,
            (false, false) => Report::Body,
        },
        write_out: write_out.transpose()?,
        fail: answer.fail,
        verbose: flags.verbose,
        silent: answer.silent,
        hides_errors: answer.silent && !answer.show_error,
    })
}

impl Target {
    const fn is_file(&self) -> bool {
        matches!(self.output, Output::File(_))
    }
}

fn targets(flags: &Fetch) -> Result<Vec<Target>, CommandError> {
    let (urls, answer) = (&flags.urls, &flags.answer);
    let given = [
        ("-o and -O are", answer.outputs.0.len()),
        ("-T is", flags.content.upload_file.len()),
    ];
    for (name, count) in given {
        if count > urls.len() {
            return usage(format!(
                "{name} given {count} times for {} URLs; expected at most one for each",
                urls.len()
            ));
        }
    }
    let mut targets = Vec::new();
    for (at, url) in urls.iter().enumerate() {
        let upload = flags
            .content
            .upload_file
            .get(at)
            .map(|path| Upload::of(path));
        let mut url = request::with_scheme(url);
        if let Some(upload) = &upload {
            url = upload.url(url)?;
        }
        targets.push(Target {
            output: output(answer, at, &url)?,
            method: request::method(flags, upload.is_some())?,
            url,
            upload,
        });
    }
    Ok(targets)
}

/// The destination of the body of the URL at this place.
fn output(flags: &AnswerFlags, at: usize, url: &str) -> Result<Output, CommandError> {
    Ok(match flags.outputs.0.get(at) {
        Some(OutputFlag::RemoteName) => Output::File(remote_name(url)?.into()),
        Some(OutputFlag::File(path)) if path == Path::new("-") && !flags.json => Output::StdoutAsIs,
        Some(OutputFlag::File(path)) if path == Path::new("-") => Output::Nowhere,
        Some(OutputFlag::File(path)) => Output::File(path.clone()),
        None if flags.json => Output::Nowhere,
        None => Output::Stdout,
    })
}

/// The last segment of the path, as it is written: percent-encoded, so that it contains no slash.
fn remote_name(url: &str) -> Result<String, CommandError> {
    let parsed = hearken::Url::parse(url).ok();
    let name = parsed
        .as_ref()
        .and_then(|url| url.path_segments()?.next_back());
    match name {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => usage(format!(
            "-O: {:?} does not end with the name of a file; expected one, as in http://host/name, or -o FILE",
            super::shown(url)
        )),
    }
}

fn resume(text: &str) -> Result<Resume, CommandError> {
    if text == "-" {
        return Ok(Resume::FileSize);
    }
    let number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse().ok().filter(|_| number) {
        Some(at) => Ok(Resume::At(at)),
        None => usage(format!("-C {text:?}: expected a number of bytes, or -")),
    }
}

fn cookies(flags: CookieFlags) -> CookiePlan {
    // curl's rule: what contains = is data.
    let (data, files): (Vec<_>, Vec<_>) = flags
        .cookie
        .into_iter()
        .partition(|text| text.contains('='));
    CookiePlan {
        data,
        files: files.into_iter().map(PathBuf::from).collect(),
        drop_session: flags.junk_session_cookies,
        write: flags.cookie_jar,
    }
}

fn retry(flags: &RetryFlags) -> Result<RetryPlan, CommandError> {
    let time = |name, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| seconds(name, text)).transpose()
    };
    Ok(RetryPlan {
        times: flags.retry,
        delay: time("--retry-delay", &flags.retry_delay)?,
        max_time: time("--retry-max-time", &flags.retry_max_time)?,
        connection_refused: flags.retry_connrefused,
        all_errors: flags.retry_all_errors,
    })
}

#[cfg(test)]
mod tests;
