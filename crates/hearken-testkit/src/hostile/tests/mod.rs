//! The kit itself: each behaviour sends what its name says, and leads to its verdict in a small client of hearken-proto
//! alone.

mod client;
mod recording;
mod sockets;
mod verdicts;
