//! `bench`: measures Hearken and its peers side by side. See `docs/benchmarking.md`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(harness::run(std::env::args().skip(1)))
}
