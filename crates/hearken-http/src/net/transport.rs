//! What carries bytes: any duplex stream, boxed where its type does not matter.
//!
//! Here: [`Io`], [`Transport`] for the connections of servers, and [`SendFiles`] for files without a copy. Not here: moving
//! the bytes (`pump.rs`).

use crate::net::delegate::delegate;
use crate::net::file::FilePiece;
use crate::net::file_reader::FileReader;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Any transport that can be sent to another thread: TCP, TLS, a Unix socket, memory.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A transport of any type.
pub(crate) type BoxIo = Box<dyn Io>;

/// How a pump sends a file through a transport of type `T`. A type parameter of the pump without a value, so that it takes
/// no memory.
pub(crate) trait SendFiles<T: AsyncWrite + Unpin> {
    /// Sends some of a file, without a copy if the transport can.
    #[cold]
    fn poll_send(
        transport: &mut T,
        cx: &mut Context<'_>,
        file: &FilePiece,
    ) -> Poll<io::Result<usize>> {
        if let Some(polled) = Self::poll_send_file(transport, cx, file) {
            return polled;
        }
        let bytes = ready!(file.poll_bytes(FileReader::boxed, cx))?;
        Pin::new(transport).poll_write(cx, &bytes)
    }

    /// Sends some of a file without a copy. `None` when this transport takes bytes only.
    fn poll_send_file(
        transport: &T,
        cx: &mut Context<'_>,
        file: &FilePiece,
    ) -> Option<Poll<io::Result<usize>>>;
}

/// Reads files and writes their bytes, which every transport allows.
#[derive(Debug)]
pub(crate) enum AsBytes {}

impl<T: AsyncWrite + Unpin> SendFiles<T> for AsBytes {
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
            let mut refused = false;
            let sent = $socket.try_io(tokio::io::Interest::WRITABLE, || {
                $file.send_to($socket).unwrap_or_else(|| {
                    refused = true;
                    Ok(0)
                })
            });
            match sent {
                _ if refused => break None,
                // `try_io` has cleared the readiness: the next round registers the task.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => break Some(Poll::Ready(sent)),
            }
        }
    };
}

/// The transport of a server's connection.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the close that follows a failure that the peer can see, and drops bytes that were not sent yet.
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

/// Sends files by [`Transport::poll_send_file`].
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
        // The socket closes even if this fails; the peer may only notice later.
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
    /// A Unix socket has no reset.
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

/// A transport that the user has made.
impl Transport for BoxIo {
    /// Its type is not known, so it can only close.
    fn cut(&self) {}
}

/// A transport after an upgrade. `poll_write` goes through `poll_write_vectored`, so that the plain `poll_write` keeps one
/// caller and is inlined in the pump.
pub(crate) struct HandedOver<T>(pub(crate) T);

impl<T: Transport> HandedOver<T> {
    fn inner<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        call(Pin::new(&mut self.0), cx)
    }

    fn is_inner_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

impl<T: Transport> Transport for HandedOver<T> {
    fn cut(&self) {
        self.0.cut();
    }
}

impl<T: Transport> AsyncRead for HandedOver<T> {
    delegate!(poll_read);
}

impl<T: Transport> AsyncWrite for HandedOver<T> {
    delegate!(poll_write_vectored poll_flush poll_shutdown);

    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }
}
