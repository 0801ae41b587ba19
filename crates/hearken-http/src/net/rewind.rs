//! A transport of which some bytes have been read ahead.
//!
//! Here: [`Rewind`], which returns those bytes first. Not here: who reads ahead (`tls/handshake.rs`, connections before a
//! switch of protocols).

use crate::net::delegate::delegate;
use bytes::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads return `prefix` first, then what comes from the transport.
#[derive(Debug)]
pub(crate) struct Rewind<T> {
    io: T,
    prefix: Bytes,
}

impl<T> Rewind<T> {
    pub(crate) const fn new(io: T, prefix: Bytes) -> Self {
        Self { io, prefix }
    }

    pub(crate) const fn get_ref(&self) -> &T {
        &self.io
    }

    /// The bytes that were read ahead and not returned yet.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }
}

impl<T: Unpin> Rewind<T> {
    fn inner<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        call(Pin::new(&mut self.io), cx)
    }
}

impl<T: AsyncWrite> Rewind<T> {
    fn is_inner_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Rewind<T> {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let count = self.prefix.len().min(buf.remaining());
        buf.put_slice(&self.prefix[..count]);
        self.prefix.advance(count);
        if self.prefix.is_empty() {
            self.prefix = Bytes::new(); // frees its memory
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Rewind<T> {
    delegate!(poll_write poll_write_vectored poll_flush poll_shutdown);
}
