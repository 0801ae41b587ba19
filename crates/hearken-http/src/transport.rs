//! What carries bytes: any duplex stream, boxed where its type does not matter.
//!
//! Here: [`Io`]. Not here: who moves the bytes (`pump.rs`).

use tokio::io::{AsyncRead, AsyncWrite};

/// Any transport that can be sent to another thread: TCP, TLS, a Unix socket, memory.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A transport of any kind.
pub(crate) type BoxIo = Box<dyn Io>;
