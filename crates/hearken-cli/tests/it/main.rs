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
mod fetch_tls;
mod framing;
mod log;
mod program;
mod scripted;
mod signals;
mod streams;
mod tls;
mod upgrade;
