//! Tests of the binary: flags, signals and exit codes, and the server over raw sockets.
//!
//! `program.rs` starts and stops it, `client.rs` connects to it, `scripted.rs` is a server for `hearken fetch`. Every wait is
//! bounded, and no test sleeps.

mod client;
mod coding;
mod command;
mod endpoints;
mod fetch;
mod fetch_failures;
mod fetch_flags;
mod fetch_tls;
mod fetch_verbose;
mod framing;
mod live;
mod log;
mod more_endpoints;
mod program;
mod scripted;
mod serve;
mod serve_flags;
mod serve_upload;
mod signals;
mod streams;
#[cfg(unix)]
mod terminal;
mod tls;
mod upgrade;
