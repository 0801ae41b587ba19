//! TLS in memory and over sockets: with certificates made by the tests.

mod authority;
mod client;
mod flush;
mod server;
mod serving;
mod truncation;
