//! The connection without I/O, by rule family. No test here waits for anything.

mod backpressure;
mod bodies;
mod ends;
mod events;
mod events_node;
mod faults;
mod framing;
mod handlers;
pub(crate) mod harness;
mod keep_alive;
mod random;
mod settings;
mod solo;
mod stopping;
mod takers;
mod timers;
mod torture;
mod used;
