//! What carries bytes: any duplex stream, boxed where its type does not matter.
//!
//! Here: [`Io`], and [`Transport`], by which a server is connected. Not here: who moves the bytes (`pump.rs`).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Any transport that can be sent to another thread: TCP, TLS, a Unix socket, memory.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A transport of any kind.
pub(crate) type BoxIo = Box<dyn Io>;

/// What a server is connected by.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Lets the peer see a failure when it is closed, and drops what was not sent yet.
    fn cut(&self);
}

impl Transport for TcpStream {
    fn cut(&self) {
        // It closes in any case; without this a peer may wait longer.
        let _ = self.set_zero_linger();
    }
}

impl Transport for UnixStream {
    /// It has no way to say so.
    fn cut(&self) {}
}

/// A transport in other hands. Single buffers take the way of vectors, so that the way that answers take has one user and is
/// inlined there.
pub(crate) struct Moved<T>(pub(crate) T);

impl<T: Transport> Transport for Moved<T> {
    fn cut(&self) {
        self.0.cut();
    }
}

impl<T: Transport> AsyncRead for Moved<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<T: Transport> AsyncWrite for Moved<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A transport that somebody else brought.
pub(crate) struct Injected(pub(crate) BoxIo);

impl Transport for Injected {
    /// Nothing is known of it.
    fn cut(&self) {}
}

impl AsyncRead for Injected {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Injected {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
