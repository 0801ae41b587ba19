//! Runs the plan of `hearken fetch`: one URL after the other, over one pool of connections.
//!
//! Here: what is printed besides bodies, and trying again. Not here: one attempt (`exchange.rs`), exit codes (`exit.rs`),
//! writing bodies (`sink.rs`).

use super::client;
use super::content::Prepared;
use super::cookies::Cookies;
use super::exchange;
use super::exit::{Failure, FetchError, WRITE};
use super::plan::{FetchPlan, Output, Report, Target};
use super::report::{ErrorReport, Line, milliseconds};
use super::retry::Attempt;
use super::seen::{Seen, Watcher};
use super::shown::shown;
use super::sink::SinkError;
use super::trace::Trace;
use super::write_out::{self, Item, Values};
use crate::plan::CommandError;
use crate::run::print_error;
use hearken::Agent;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// What all fetches of a run have in common.
pub(super) struct Run<'a> {
    pub(super) plan: &'a FetchPlan,
    pub(super) agent: Agent,
    pub(super) content: Prepared,
    pub(super) cookies: Cookies<'a>,
    write_out: Vec<Item>,
    watcher: Option<Watcher>,
}

/// A URL that is done.
struct Fetched {
    line: Line,
    retries: u32,
    result: Result<(), FetchError>,
}

/// Fetches all URLs and returns the exit code of the first failure.
pub(crate) fn run(plan: &FetchPlan) -> Result<u8, CommandError> {
    let write_out = plan.write_out.as_ref().map(write_out::Template::read);
    let write_out = write_out.transpose()?.unwrap_or_default();
    let content = Prepared::of(plan)?;
    let watched = plan.verbose || !write_out.is_empty();
    let watcher = watched.then(|| {
        let trace = plan
            .verbose
            .then(|| Trace::new(plan.request.redirects.is_some()));
        Watcher::new(trace)
    });
    let run = Run {
        plan,
        agent: client::agent(&plan.connection, watcher.as_ref())?,
        content,
        cookies: Cookies::load(&plan.cookies)?,
        write_out,
        watcher,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Failed(format!("cannot start: {error}")))?;
    let exit = runtime.block_on(run.all());
    // A thread may still wait for stdin, which a server need not read to its end.
    runtime.shutdown_background();
    Ok(match run.cookies.save() {
        Ok(()) => exit,
        Err(text) => {
            run.print_failure(&text);
            if exit == 0 { WRITE } else { exit }
        }
    })
}

impl Run<'_> {
    async fn all(&self) -> u8 {
        let mut exit = 0;
        for (number, target) in self.plan.targets.iter().enumerate() {
            let mut fetched = self.with_retries(target).await;
            let failed = match fetched.result {
                Ok(()) => 0,
                Err(FetchError::StdoutClosed) => return exit,
                Err(FetchError::Failed(ref failure)) => failure.exit,
                // Only an attempt that is followed by another one ends so.
                Err(FetchError::Again { .. }) => 1,
            };
            exit = if exit == 0 { failed } else { exit };
            if let Err(FetchError::Failed(failure)) = fetched.result {
                fetched.line.error = Some(self.report(failure));
            }
            fetched.result = Ok(());
            if let Err(error) = self.print(number, target, &fetched, failed) {
                return match SinkError::of_stdout(error).into() {
                    FetchError::Failed(failure) => {
                        self.print_failure(&failure.message);
                        failure.exit
                    }
                    _ => exit,
                };
            }
        }
        exit
    }

    async fn with_retries(&self, target: &Target) -> Fetched {
        let began = Instant::now();
        let mut retries = 0;
        loop {
            let mut line = Line {
                url: shown(&target.url),
                ..Line::default()
            };
            if let Some(watcher) = &self.watcher {
                watcher.begin(&target.method, &target.url);
            }
            let start = Instant::now();
            let attempt = Attempt {
                retries,
                began,
                replayable: Prepared::is_replayable(target),
            };
            let result = exchange::fetch(self, target, &mut line, attempt).await;
            line.timings.total = milliseconds(start.elapsed());
            let wait = match &result {
                Err(FetchError::Again { wait, .. }) => Some(*wait),
                // What is on stdout cannot be taken back.
                Err(FetchError::Failed(failure)) if !is_printed(target, &line) => {
                    attempt.wait_after_failure(&self.plan.retry, failure)
                }
                _ => None,
            };
            let Some((wait, error)) = wait.zip(result.as_ref().err()) else {
                self.note_done(&result, &line);
                return Fetched {
                    line,
                    retries,
                    result,
                };
            };
            retries += 1;
            self.note_retry(error, wait, retries);
            tokio::time::sleep(wait).await;
        }
    }

    /// The last line of `-v`.
    fn note_done(&self, result: &Result<(), FetchError>, line: &Line) {
        if let (Ok(()), Some(watcher), Some(response)) = (result, &self.watcher, &line.response) {
            watcher.done(response.status, line.body_bytes);
        }
    }

    /// Says why there is another attempt, and when.
    fn note_retry(&self, error: &FetchError, wait: Duration, retries: u32) {
        let why = match error {
            FetchError::Again { status, .. } => format!("the server answered {status}"),
            FetchError::Failed(failure) => failure.message.clone(),
            FetchError::StdoutClosed => String::new(),
        };
        if !self.plan.silent {
            let (times, wait) = (self.plan.retry.times, wait.as_secs_f64());
            print_warning(&format!("{why}; retry {retries} of {times} in {wait} s"));
        }
    }

    /// Prints a failure to stderr, unless the line of `--json` contains it.
    fn report(&self, failure: Failure) -> ErrorReport {
        if self.plan.report != Report::Json {
            self.print_failure(&failure.message);
        }
        ErrorReport {
            phase: failure.phase.map(|phase| phase.to_string()),
            code: failure.code.into_owned(),
            exit: failure.exit,
            message: failure.message,
        }
    }

    fn print_failure(&self, text: &str) {
        if !self.plan.hides_errors {
            print_error(text);
        }
    }

    /// Prints the line of `--json`, and the text of `-w`.
    fn print(&self, number: usize, target: &Target, fetched: &Fetched, exit: u8) -> io::Result<()> {
        let mut text = Vec::new();
        if self.plan.report == Report::Json {
            text = serde_json::to_vec(&fetched.line)?;
            text.push(b'\n');
        }
        let values = Values {
            line: &fetched.line,
            target,
            seen: self
                .watcher
                .as_ref()
                .map_or_else(Seen::default, Watcher::seen),
            exit,
            retries: fetched.retries,
            number,
        };
        let printed = write_out::print(&self.write_out, &values);
        text.extend_from_slice(printed.stdout.as_bytes());
        let mut stdout = io::stdout().lock();
        stdout.write_all(&text)?;
        stdout.flush()?;
        io::stderr().lock().write_all(printed.stderr.as_bytes())
    }
}

/// Whether a part of the body was written to where it stays.
fn is_printed(target: &Target, line: &Line) -> bool {
    line.body_bytes > 0 && matches!(target.output, Output::Stdout | Output::StdoutAsIs)
}

/// Prints a warning to stderr in the format of clap.
fn print_warning(text: &str) {
    let mut stderr = anstream::stderr().lock();
    // The fetch goes on even if stderr is closed.
    let _ = writeln!(stderr, "\u{1b}[1;33mwarning:\u{1b}[0m {text}");
}
