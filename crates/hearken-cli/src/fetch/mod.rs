//! `hearken fetch`: the client at the command line.
//!
//! Here: the way from its flags to an exit code. `flags.rs` has the flags, `plan.rs` what they mean as plain data, `run.rs`
//! carries it out, `sink.rs` takes the bodies, `report.rs` writes the lines of `--json`, `exit.rs` knows what each failure is
//! called. Not here: the client itself (hearken-http).

mod exit;
pub(crate) mod flags;
mod plan;
mod report;
mod run;
mod sink;

use crate::plan::Stop;
use std::process::ExitCode;

/// Does what the flags say.
pub(crate) fn run(flags: flags::Fetch) -> ExitCode {
    match plan::plan(flags).and_then(|plan| run::run(&plan)) {
        Ok(exit) => ExitCode::from(exit),
        Err(stop) => {
            crate::run::complain(&stop.to_string());
            ExitCode::from(match stop {
                Stop::Refused(_) => crate::REFUSED,
                Stop::Failed(_) => crate::FAILED,
            })
        }
    }
}
