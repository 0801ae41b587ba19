//! The secured transport of a server's connection: rustls keeps encrypted bytes that the socket does not take, at first few.
//!
//! Here: [`ServerStream`]. Not here: the handshake (`handshake.rs`).

use crate::net::delegate::delegate;
use crate::net::rewind::Rewind;
use crate::net::transport::Transport;
use crate::net::window::grown;
use rustls::ServerConnection;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

/// Encrypted bytes that rustls keeps for a client that takes nothing. It may hold twice that: a record of which little is left
/// counts little, and takes the memory of a whole one.
const KEPT_MIN: u64 = 8 * 1024;

/// Encrypted bytes that rustls keeps at most: its own default.
const KEPT_MAX: u64 = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct ServerStream<T> {
    stream: TlsStream<Rewind<T>>,
    /// Content that was encrypted so far.
    taken: u64,
}

impl<T> ServerStream<T> {
    pub(super) fn new(stream: TlsStream<Rewind<T>>) -> Self {
        let mut secured = Self { stream, taken: 0 };
        secured.limit(KEPT_MIN);
        secured
    }

    pub(super) fn session(&self) -> &ServerConnection {
        self.stream.get_ref().1
    }

    fn limit(&mut self, bytes: u64) {
        let limit = usize::try_from(bytes).ok();
        self.stream.get_mut().1.set_buffer_limit(limit);
    }

    /// More was encrypted: more may be kept.
    fn took(&mut self, count: usize) {
        let before = grown(self.taken, KEPT_MIN, KEPT_MAX);
        self.taken += count as u64;
        let after = grown(self.taken, KEPT_MIN, KEPT_MAX);
        if after != before {
            self.limit(after);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> ServerStream<T> {
    fn inner<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(Pin<&mut TlsStream<Rewind<T>>>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        call(Pin::new(&mut self.stream), cx)
    }
}

impl<T: Transport> Transport for ServerStream<T> {
    fn cut(&self) {
        self.stream.get_ref().0.get_ref().cut();
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for ServerStream<T> {
    delegate!(poll_read);
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ServerStream<T> {
    delegate!(poll_flush poll_shutdown);

    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = written {
            self.took(count);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(count)) = written {
            self.took(count);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
