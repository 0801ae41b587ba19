//! The client in memory: the test is the server of each connection, the clock jumps, there is no socket.

mod abort;
mod bodies;
mod events;
mod events_of_failures;
mod framing;
mod harness;
#[cfg(feature = "tls")]
mod https;
mod limits;
mod observing;
mod piping;
mod reuse;
