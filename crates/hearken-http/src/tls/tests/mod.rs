//! TLS in memory: certificates made for the occasion, both ends on a duplex.

mod authority;
mod client;
