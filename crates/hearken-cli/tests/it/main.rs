//! The binary as a whole, from outside: flags, signals and exit codes, and the server over raw sockets.
//!
//! Here: one file for each side of it; `program.rs` starts and stops it, `client.rs` talks to it. Every wait is bounded,
//! and none is a sleep.

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
