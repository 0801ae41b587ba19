//! TLS in memory and over sockets: certificates made for the occasion.

mod authority;
mod client;
mod flush;
mod server;
mod serving;
mod truncation;
