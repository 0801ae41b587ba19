//! The crate on real sockets: few tests, bounded in time and size, on loopback and Unix sockets alone.

mod agent;
mod bodies;
mod child;
mod client;
mod events;
mod hostile;
mod limits;
mod reaching;
mod serving;
mod sessions;
mod signals;
mod stopping;
mod upgrades;
