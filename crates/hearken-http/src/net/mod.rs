//! Sockets: transports that carry bytes, files that go out through them, listening sockets.
//!
//! Here: [`listen`], and inside the crate transports, files, a transport after an upgrade, names of hosts.
//!
//! May know: `error`, tokio, the system.
//!
//! Must not know: HTTP messages, connections (`conn`), workers.

pub(crate) mod file;
pub(crate) mod host;
pub mod listen;
pub(crate) mod transport;
pub(crate) mod upgraded;
