//! Tests of the connection without I/O, one file for each family of rules. No test waits for real time.

mod backpressure;
mod bodies;
#[cfg(feature = "client")]
mod client_connection;
mod client_errors;
mod conditional;
mod cuts;
mod endings;
mod events;
mod events_node;
mod expect;
mod faults;
mod files;
mod framing;
mod handlers;
mod handlers_special;
pub(crate) mod harness;
mod heads;
mod keep_alive;
pub(crate) mod memory;
mod messages;
mod observing;
mod piping;
mod random;
mod responses;
mod session;
mod settings;
mod stopping;
mod timers;
