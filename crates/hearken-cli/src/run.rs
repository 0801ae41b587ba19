//! Runs the server of `hearken echo`.
//!
//! Here: everything that is printed except the access log (`access.rs`). Not here: the endpoints (`echo/`).

use crate::access;
use crate::advice;
use crate::echo::{self, live};
use crate::plan::{CommandError, EchoPlan, LogMode};
use crate::tls;
use hearken::observe::{Observation, Observer};
use hearken::{Server, event};
use std::io::{self, Write};

/// Serves until a signal stops the server.
pub(crate) fn run(plan: EchoPlan) -> Result<(), CommandError> {
    let mut server = Server::new(echo::handle);
    if let Some(workers) = plan.workers {
        server.workers(workers.get());
    }
    if let Some(tls) = &plan.tls {
        tls::configure(&mut server, tls, plan.log)?;
    }
    if let LogMode::Lines { coloured } = plan.log {
        log_to_stderr(coloured);
        access::listen(&mut server, coloured);
    }
    match (plan.panel, plan.log) {
        (true, LogMode::Lines { coloured }) => {
            server.observer(Both(access::observer(coloured), live::Feed::start()));
        }
        (true, LogMode::Quiet) => {
            server.observer(live::Feed::start());
        }
        (false, _) => {}
    }
    // Emitted after the signal handlers are installed: a program that reads the URL may send a signal at once.
    server.on(event::Listening, |address| {
        print_url(&address.to_string());
    });
    let listening = server
        .listen(plan.address)
        .map_err(|error| CommandError::Usage(advice::listen::text(&error)))?;
    listening
        .run()
        .map_err(|error| CommandError::Failed(error.to_string()))
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

/// Logs warnings and errors of the library, one line each. The formatter escapes control characters.
fn log_to_stderr(coloured: bool) {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_target(false)
        .with_ansi(coloured)
        .with_writer(io::stderr)
        .init();
}
