//! The tests of hearken-proto, one binary: vectors, dialogues by rule family, two ends on a link, properties, parity.

mod bodyless;
mod client;
mod closing;
mod early_response;
mod encoder;
mod fast_path;
mod fields;
mod handover;
mod keep_alive;
mod limits;
mod link;
mod misuse;
mod parity;
mod properties;
mod seeds;
mod vectors;
mod without;
