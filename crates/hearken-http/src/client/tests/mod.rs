//! The client in memory: a server of the test at the other end of each connection, a clock that jumps, no socket.

mod events;
mod harness;
mod hostile;
#[cfg(feature = "tls")]
mod https;
mod reuse;
