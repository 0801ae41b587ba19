//! The connection without I/O, by rule family. No test here waits for anything.

mod backpressure;
mod bodies;
mod ends;
mod events;
mod events_node;
mod faults;
mod files;
mod framing;
mod handlers;
pub(crate) mod harness;
mod keep_alive;
pub(crate) mod memory;
mod messages;
mod observing;
mod random;
mod responses;
mod settings;
mod solo;
mod special;
mod stopping;
mod timers;
mod torture;
#[cfg(feature = "client")]
mod used;
