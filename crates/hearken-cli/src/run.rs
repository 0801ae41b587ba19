//! Runs the server of `hearken echo`.
//!
//! Here: everything that is printed except the access log (`access.rs`). Not here: the endpoints (`echo/`).

use crate::access::{Log, print_within};
use crate::advice;
use crate::echo::{self, live};
use crate::plan::{CommandError, EchoPlan, LogMode};
use crate::tls;
use hearken::observe::{Observation, Observer};
use hearken::{Error, Server, event};
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// How long the end of the process waits for its error to be printed.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Serves until a signal stops the server.
pub(crate) fn run(plan: EchoPlan) -> Result<(), CommandError> {
    let log = Log::start(plan.log == LogMode::Lines { coloured: true });
    let result = serve(plan, &log);
    log.flush();
    result
}

fn serve(plan: EchoPlan, log: &Log) -> Result<(), CommandError> {
    let mut server = Server::new(echo::handle);
    if let Some(workers) = plan.workers {
        server = server.workers(workers.get());
    }
    let lines = (plan.log != LogMode::Quiet).then_some(log);
    if let Some(tls) = &plan.tls {
        server = tls::configure(server, tls, lines)?;
    }
    if let Some(log) = lines {
        log.listen(&mut server);
        if plan.panel {
            server.observer(Both(log.clone(), live::Feed::start()));
        }
    }
    // Emitted after the signal handlers are installed: a program that reads the URL may send a signal at once.
    server.on(event::Listening, |address| {
        let url = address.to_string();
        // On a thread of its own: a pipe that is not read must not keep signals from being handled.
        drop(thread::spawn(move || print_url(&url)));
    });
    let listening = server
        .listen(plan.address)
        .map_err(|error| CommandError::Usage(advice::listen::text(&error)))?;
    listening.run().map_err(|error| failed(&error))
}

fn failed(error: &Error) -> CommandError {
    match error.signal() {
        Some(signal) => CommandError::Stopped(signal),
        None => CommandError::Failed(error.to_string()),
    }
}

/// Two observers as one.
struct Both<A, B>(A, B);

impl<A: Observer, B: Observer> Observer for Both<A, B> {
    fn observe(&self, seen: &Observation<'_>) {
        self.0.observe(seen);
        self.1.observe(seen);
    }
}

/// Prints the URL, alone on one line. The server runs even if stdout is closed.
fn print_url(url: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{url}").and_then(|()| stdout.flush());
}

/// Prints an error to stderr in the format of clap.
pub(crate) fn print_error(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "\u{1b}[1;31merror:\u{1b}[0m {text}");
}

/// Prints an error as the last words of a server. The process ends even if stderr is a pipe that is not read.
pub(crate) fn print_last_error(text: &str) {
    let text = text.to_owned();
    print_within(LAST_WORDS, move || print_error(&text));
}
