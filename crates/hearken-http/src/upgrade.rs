//! A transport that belongs to another protocol from here on (RFC 9110 §7.8, §9.3.6).
//!
//! Here: [`Upgraded`]. Not here: how a connection comes to give its transport away.

use crate::transport::BoxIo;
use bytes::{Buf, Bytes};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport after `101 Switching Protocols`, or after 2xx to CONNECT. What was read ahead of the switch comes first;
/// from there on it is the peer's bytes as they are. Node's `socket` and `head` of `'upgrade'` and `'connect'`.
pub struct Upgraded {
    io: BoxIo,
    rest: Bytes,
}

impl Upgraded {
    pub(crate) const fn new(io: BoxIo, rest: Bytes) -> Self {
        Self { io, rest }
    }

    /// Bytes that were read ahead and not handed out yet. Node's `head`.
    #[must_use]
    pub fn read_ahead(&self) -> &[u8] {
        &self.rest
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let count = self.rest.len().min(buf.remaining());
        buf.put_slice(&self.rest[..count]);
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded")
            .field("read_ahead", &self.rest.len())
            .finish_non_exhaustive()
    }
}
