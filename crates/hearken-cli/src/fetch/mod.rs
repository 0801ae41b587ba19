//! `hearken fetch`: the client at the command line.
//!
//! Here: from its flags to an exit code. `flags.rs` has the flags, `head_limit.rs` the value of one, `plan/` their meaning as plain data, `run.rs` runs it,
//! `exchange.rs` makes one attempt, `client.rs` the agent, `content.rs` and `multipart.rs` what is sent, `sink.rs` and `json.rs`
//! write the bodies; `trace.rs` prints the steps of `-v`, `report.rs` has the lines of `--json`, `write_out.rs` the text of `-w`,
//! `exit.rs` the exit codes. Not here: the client itself (hearken-http).

mod client;
mod content;
mod cookies;
mod exchange;
mod exit;
pub(crate) mod flags;
mod head_limit;
pub(crate) mod help;
mod json;
mod multipart;
mod outputs;
mod plan;
mod progress;
mod report;
mod retry;
mod run;
mod seen;
pub(crate) mod shown;
mod sink;
mod trace;
mod write_out;

use shown::shown;
use std::process::ExitCode;

pub(crate) fn run(flags: flags::Fetch) -> ExitCode {
    match plan::plan(flags).and_then(|plan| run::run(&plan)) {
        Ok(exit) => ExitCode::from(exit),
        Err(error) => crate::exit_with(&error),
    }
}
