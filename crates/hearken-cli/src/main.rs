//! The `hearken` binary: parses flags, makes a plan, runs it. The only crate that prints or exits.
//!
//! Here: from the command line to an exit code. `cli.rs` has the flags, `plan.rs` their meaning as plain data, `run.rs` runs
//! the server of `hearken echo`, with `tls.rs` for https, `echo/` for its endpoints, `access.rs` for its log and `advice/` for
//! the texts of errors. `serve/` and `fetch/` have the same parts for `hearken serve` and `hearken fetch`.
#![forbid(unsafe_code)]

mod access;
mod advice;
mod cli;
mod echo;
mod fetch;
mod plan;
mod run;
mod serve;
mod tls;

use clap::Parser;
use std::process::ExitCode;

/// Exit code of a failure at run time.
const FAILED: u8 = 1;
/// Exit code of wrong flags, and of an address that the server cannot listen on.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match cli::Cli::parse().command {
        cli::Command::Echo(echo) => end(plan::plan(&echo, &environment()).and_then(run::run)),
        cli::Command::Serve(flags) => {
            end(serve::plan::plan(*flags, &environment()).and_then(serve::run::run))
        }
        cli::Command::Fetch(flags) => fetch::run(*flags),
    }
}

fn environment() -> plan::Environment {
    plan::Environment::read()
}

/// The exit code of a server.
fn end(result: Result<(), plan::CommandError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit_with(&error),
    }
}

/// Prints an error and returns its exit code.
fn exit_with(error: &plan::CommandError) -> ExitCode {
    let code = match error {
        plan::CommandError::Usage(_) => USAGE,
        plan::CommandError::Failed(_) => FAILED,
        // As a shell reports a process that a signal has ended. The user has sent it, and needs no words.
        plan::CommandError::Stopped(signal) => return ExitCode::from(128 + signal),
    };
    run::print_last_error(&error.to_string());
    ExitCode::from(code)
}
