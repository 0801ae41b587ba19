//! The kit itself: what it says it does, it does; and what it says a careful client makes of that is so, shown with a small
//! client of hearken-proto alone.

mod client;
mod recording;
mod sockets;
mod verdicts;
