//! The connection without I/O, by rule family. No test here waits for anything.

mod bodies;
mod framing;
pub(crate) mod harness;
mod keep_alive;
