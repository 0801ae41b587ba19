//! The client in memory: a server of the test at the other end of each connection, a clock that jumps, no socket.

mod abort;
mod bodies;
mod events;
mod harness;
#[cfg(feature = "tls")]
mod https;
mod observing;
mod piping;
mod reuse;
