//! What carries bytes: any duplex stream, boxed where its type does not matter.
//!
//! Here: [`Io`], [`Transport`], by which a server is connected, and [`SendFiles`] for files without a copy. Not here: who moves
//! the bytes (`pump.rs`).

use crate::net::file::FilePiece;
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

/// How a pump gets a file into its transport. A type without values, so that no connection carries it.
pub(crate) trait SendFiles<T> {
    /// Sends some of a file. `None` when this transport takes bytes only.
    fn poll_send_file(
        transport: &T,
        cx: &mut Context<'_>,
        file: &FilePiece,
    ) -> Option<Poll<io::Result<usize>>>;
}

/// Any transport: its files are read and written like everything else.
#[derive(Debug)]
pub(crate) enum AsBytes {}

impl<T> SendFiles<T> for AsBytes {
    fn poll_send_file(
        _transport: &T,
        _cx: &mut Context<'_>,
        _file: &FilePiece,
    ) -> Option<Poll<io::Result<usize>>> {
        None
    }
}

/// Sends from the page cache of the system to a socket.
#[cfg(target_os = "linux")]
macro_rules! poll_send_file {
    ($socket:expr, $cx:expr, $file:expr) => {
        loop {
            match $socket.poll_write_ready($cx) {
                Poll::Pending => break Some(Poll::Pending),
                Poll::Ready(Err(error)) => break Some(Poll::Ready(Err(error))),
                Poll::Ready(Ok(())) => {}
            }
            let mut by_hand = false;
            let sent = $socket.try_io(tokio::io::Interest::WRITABLE, || {
                $file.send_to($socket).unwrap_or_else(|| {
                    by_hand = true;
                    Ok(0)
                })
            });
            match sent {
                _ if by_hand => break None,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {} // it is watched from the next turn on
                sent => break Some(Poll::Ready(sent)),
            }
        }
    };
}

/// What a server is connected by.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Lets the peer see a failure when it is closed, and drops what was not sent yet.
    fn cut(&self);

    /// Sends some of a file without a copy. `None` when this transport cannot.
    fn poll_send_file(
        &self,
        _cx: &mut Context<'_>,
        _file: &FilePiece,
    ) -> Option<Poll<io::Result<usize>>> {
        None
    }
}

/// Files go as the transport can.
pub(crate) enum ByTransport {}

impl<T: Transport> SendFiles<T> for ByTransport {
    fn poll_send_file(
        transport: &T,
        cx: &mut Context<'_>,
        file: &FilePiece,
    ) -> Option<Poll<io::Result<usize>>> {
        transport.poll_send_file(cx, file)
    }
}

impl Transport for TcpStream {
    fn cut(&self) {
        // It closes in any case; without this a peer may wait longer.
        let _ = self.set_zero_linger();
    }

    #[cfg(target_os = "linux")]
    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &FilePiece,
    ) -> Option<Poll<io::Result<usize>>> {
        poll_send_file!(self, cx, file)
    }
}

impl Transport for UnixStream {
    /// It has no way to say so.
    fn cut(&self) {}

    #[cfg(target_os = "linux")]
    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &FilePiece,
    ) -> Option<Poll<io::Result<usize>>> {
        poll_send_file!(self, cx, file)
    }
}

/// One that somebody else brought.
impl Transport for BoxIo {
    /// Nothing is known of it.
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
