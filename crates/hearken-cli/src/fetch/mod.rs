//! `hearken fetch`: the client at the command line.
//!
//! Here: from its flags to an exit code. `flags.rs` has the flags, `head_limit.rs` the value of one, `plan.rs` their meaning as plain data, `run.rs` runs it,
//! `sink.rs` writes the bodies, `report.rs` has the lines of `--json`, `exit.rs` the exit codes. Not here: the client itself
//! (hearken-http).

mod exit;
pub(crate) mod flags;
mod head_limit;
mod plan;
mod report;
mod run;
mod sink;

use std::process::ExitCode;

pub(crate) fn run(flags: flags::Fetch) -> ExitCode {
    match plan::plan(flags).and_then(|plan| run::run(&plan)) {
        Ok(exit) => ExitCode::from(exit),
        Err(error) => crate::exit_with(&error),
    }
}
