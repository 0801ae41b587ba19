//! The tests of hearken-proto, one binary: vectors, dialogues by rule family, two ends on a link, properties, parity.

mod parity;
mod properties;
mod vectors;
