//! Sockets: transports that carry bytes, files that are sent through them, listening sockets.
//!
//! Here: [`listen`], and inside the crate transports, files, a transport after an upgrade, names of hosts. Connections hold
//! pieces of files (`file.rs`) and the new owner of their transport (`handover.rs`), and know how much may wait for it
//! (`window.rs`); these three files name no runtime.
//!
//! May know: `error`, tokio, the system.
//!
//! Must not know: HTTP messages, connections (`conn`), workers.

pub(crate) mod delegate;
pub(crate) mod file;
pub(crate) mod file_reader;
pub(crate) mod handover;
pub(crate) mod host;
pub mod listen;
pub(crate) mod rewind;
pub(crate) mod transport;
pub(crate) mod upgraded;
pub(crate) mod window;
