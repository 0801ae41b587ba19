//! Tests on real sockets: few, bounded in time and size, on loopback and Unix sockets only.

mod agent;
mod bodies;
mod child;
mod client;
mod events;
mod fairness;
mod files;
mod hostile;
mod limits;
mod proxies;
mod reaching;
mod running;
mod serving;
mod sessions;
mod signals;
mod stopping;
mod upgrades;
