//! Runs the server of `hearken echo`, and what all servers need for that.
//!
//! Here: everything that is printed except the access log (`access.rs`) and the lines at the start of `hearken serve`
//! (`serve/banner.rs`). Not here: the endpoints (`echo/`), the files (`serve/`).

use crate::access::{Log, print_within};
use crate::advice;
use crate::echo::{self, live};
use crate::plan::{CommandError, EchoPlan, LogMode, ServerPlan};
use crate::tls;
use hearken::listen::ListenAddr;
use hearken::observe::{Observation, Observer};
use hearken::{Error, Server, event};
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// How long the end of the process waits for its error to be printed.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Serves until a signal stops the server.
pub(crate) fn run(plan: EchoPlan) -> Result<(), CommandError> {
    logged(plan.server.log, |log| {
        let lines = lines(&plan.server, log);
        let mut server = prepare(Server::new(echo::handle), &plan.server, lines)?;
        if let Some(log) = lines
            && plan.panel
        {
            server.observer(Both(log.clone(), live::Feed::start()));
        }
        listen(server, plan.server.address, print_url)
    })
}

/// Calls `run` with the log of the process, and waits a moment for its last lines.
pub(crate) fn logged<T>(mode: LogMode, run: impl FnOnce(&Log) -> T) -> T {
    let log = Log::start(mode == LogMode::Lines { coloured: true });
    let result = run(&log);
    log.flush();
    result
}

/// The log, unless it is to be quiet.
pub(crate) fn lines<'a>(plan: &ServerPlan, log: &'a Log) -> Option<&'a Log> {
    (plan.log != LogMode::Quiet).then_some(log)
}

/// Gives a server its workers, its certificate and its log.
pub(crate) fn prepare(
    mut server: Server,
    plan: &ServerPlan,
    lines: Option<&Log>,
) -> Result<Server, CommandError> {
    if let Some(workers) = plan.workers {
        server = server.workers(workers.get());
    }
    if let Some(tls) = &plan.tls {
        server = tls::configure(server, tls, lines)?;
    }
    if let Some(log) = lines {
        log.listen(&mut server);
    }
    Ok(server)
}

/// Serves until a signal stops the server. `started` gets the URL as soon as clients can connect.
pub(crate) fn listen(
    mut server: Server,
    address: ListenAddr,
    started: impl FnOnce(&str) + Send + Sync + 'static,
) -> Result<(), CommandError> {
    // Emitted after the signal handlers are installed: a program that reads the URL may send a signal at once.
    let started = std::sync::Mutex::new(Some(started));
    server.on(event::Listening, move |address| {
        let url = address.to_string();
        let started = started.lock().ok().and_then(|mut started| started.take());
        // On a thread of its own: a pipe that is not read must not keep signals from being handled.
        drop(thread::spawn(move || started.map(|started| started(&url))));
    });
    let listening = server
        .listen(address)
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
pub(crate) fn print_url(url: &str) {
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
