//! The connection without I/O, by rule family. No test here waits for anything.

mod backpressure;
mod bodies;
mod ends;
mod events;
mod faults;
mod framing;
mod handlers;
pub(crate) mod harness;
mod keep_alive;
mod random;
mod solo;
mod stopping;
mod timers;
mod torture;
mod used;
