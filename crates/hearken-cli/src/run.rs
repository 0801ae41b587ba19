//! Carries a plan out: the server, its log, and the one line on stdout.
//!
//! Here: everything that is printed apart from the access log (`access.rs`). Not here: what is answered (`echo/`).

use crate::access;
use crate::echo;
use crate::plan::{Log, Plan, Stop};
use crate::tls;
use hearken::{Server, event};
use std::io::{self, Write};

/// Serves until it is told to stop.
pub(crate) fn run(plan: Plan) -> Result<(), Stop> {
    let mut server = Server::new(echo::answer);
    if let Some(workers) = plan.workers {
        server.workers(workers.get());
    }
    if let Some(plan_of_tls) = &plan.tls {
        tls::set_up(&mut server, plan_of_tls, plan.log)?;
    }
    if let Log::Lines { coloured } = plan.log {
        log_to_stderr(coloured);
        access::listen(&mut server, coloured);
    }
    // Fires when signals are already caught: whoever reads the URL may stop the server at once.
    server.on(event::Listening, |address| {
        announce(&address.to_string());
    });
    let listening = server
        .listen(plan.address)
        .map_err(|error| Stop::Refused(error.to_string()))?;
    listening
        .run()
        .map_err(|error| Stop::Failed(error.to_string()))
}

/// The URL, alone on one line, for whoever started this program. Nobody may be reading; that is no reason to stop.
fn announce(url: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{url}").and_then(|()| stdout.flush());
}

/// Tells why the program ends, as clap does.
pub(crate) fn complain(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "\u{1b}[1;31merror:\u{1b}[0m {text}");
}

/// Warnings and errors of the library, each on one line. The formatter escapes control characters.
fn log_to_stderr(coloured: bool) {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_target(false)
        .with_ansi(coloured)
        .with_writer(io::stderr)
        .init();
}
