//! The `hearken` binary: flags become a plan, the plan is run. The only crate of the house that prints or exits.
//!
//! Here: the way from the command line to an exit code. `cli.rs` has the flags, `plan.rs` what they mean as plain data,
//! `run.rs` carries it out, with `tls.rs` for https, `echo/` is the server that `hearken echo` runs, `access.rs` its log;
//! `fetch/` is the same for the client, `hearken fetch`.
#![forbid(unsafe_code)]

mod access;
mod cli;
mod echo;
mod fetch;
mod plan;
mod run;
mod tls;

use clap::Parser;
use std::process::ExitCode;

/// The server ran and could not go on.
const FAILED: u8 = 1;
/// The command cannot be carried out as it was given: wrong flags, an address that cannot be listened on.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    match cli::Cli::parse().command {
        cli::Command::Echo(echo) => serve(&echo),
        cli::Command::Fetch(flags) => fetch::run(*flags),
    }
}

fn serve(echo: &cli::Echo) -> ExitCode {
    let world = plan::World::look();
    let done = plan::plan(echo, &world).and_then(run::run);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            run::complain(&stop.to_string());
            ExitCode::from(match stop {
                plan::Stop::Refused(_) => REFUSED,
                plan::Stop::Failed(_) => FAILED,
            })
        }
    }
}
