//! A transport that another protocol uses from here on (RFC 9110 §7.8, §9.3.6).
//!
//! Here: [`Upgraded`], the transport as users hold it; [`Upgrading`], the future that returns it. Not here: the cell that user and
//! connection share (`upgraded/cell.rs`), when a connection gives its transport away (`conn/switch.rs`), what the connection
//! does afterwards (`conn/server/tunnel.rs`).

mod cell;

pub(crate) use cell::Handover;

use crate::error::Error;
use crate::net::delegate::delegate;
use crate::net::rewind::Rewind;
#[cfg(feature = "client")]
use crate::net::transport::BoxIo;
use crate::net::transport::{Io, Transport};
#[cfg(feature = "client")]
use bytes::Bytes;
use cell::Moved;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport after `101 Switching Protocols`, or after a 2xx response to CONNECT. Reads return the bytes that were read
/// ahead of the switch first, then the bytes of the peer. Node's `socket` and `head` of `'upgrade'` and `'connect'`.
///
/// On a server it still counts as a connection: [`closing`](Self::closing) resolves when the server stops. A transport that
/// is open after `limits.time.grace`, or when `close_all_connections` is called, is closed: reads and writes then fail with
/// [`io::ErrorKind::ConnectionAborted`]. One that is idle for `limits.time.upgraded_idle` is closed too, and they fail with
/// [`io::ErrorKind::TimedOut`]: see [`set_idle_timeout`](Self::set_idle_timeout). It can be sent to other threads. Dropping it
/// closes the transport at once; over TLS the peer cannot distinguish that from a truncation, unless `shutdown` was called
/// before.
///
/// ```no_run
/// # async fn check(mut upgraded: hearken::Upgraded) -> std::io::Result<()> {
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// let closing = upgraded.closing();
/// let mut buffer = [0; 1024];
/// tokio::select! {
///     read = upgraded.read(&mut buffer) => println!("{} bytes", read?),
///     () = closing => upgraded.write_all(b"bye").await?,
/// }
/// # Ok(()) }
/// ```
pub struct Upgraded {
    io: Rewind<Owned>,
}

/// Whose the transport is.
enum Owned {
    /// The user's alone.
    #[cfg(feature = "client")]
    Whole(BoxIo),
    Borrowed(Borrowed),
}

impl Upgraded {
    #[cfg(feature = "client")]
    pub(crate) const fn new(io: BoxIo, read_ahead: Bytes) -> Self {
        Self {
            io: Rewind::new(Owned::Whole(io), read_ahead),
        }
    }

    /// Bytes that were read ahead and that no read has returned yet. Node's `head`.
    #[doc(alias = "head")]
    #[must_use]
    pub fn read_ahead(&self) -> &[u8] {
        self.io.prefix()
    }

    /// Resolves when the server stops: the protocol that runs here should end within `limits.time.grace`. Never resolves on
    /// a client. It does not keep the transport open. Each call returns a future of its own.
    pub fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let handover = self.handover().cloned();
        poll_fn(move |cx| match &handover {
            Some(handover) => handover.poll_closing(cx),
            None => Poll::Pending,
        })
    }

    /// Sets how long no byte may move in either direction until the server closes the transport; `Duration::MAX` means for ever.
    /// It counts from the last byte, so it may close at once. A protocol whose peers may be silent for longer sends something
    /// meanwhile, as a WebSocket sends a ping. Default: `limits.time.upgraded_idle` of the server, or of the request
    /// ([`IncomingMessage::limits`](crate::IncomingMessage::limits)). Has no effect on a client.
    ///
    /// ```
    /// use hearken::{Error, Server};
    /// use std::time::Duration;
    /// let server = Server::new(async |_req, res| {
    ///     let (sent, upgrading) = res.upgrade("chat")?;
    ///     let stream = upgrading.await?;
    ///     stream.set_idle_timeout(Duration::from_secs(600));
    ///     drop(stream);
    ///     Ok(sent)
    /// });
    /// ```
    #[doc(alias = "setTimeout")]
    pub fn set_idle_timeout(&self, idle: Duration) {
        if let Some(handover) = self.handover() {
            handover.set_idle(idle);
        }
    }

    /// What a server shares with its connection.
    fn handover(&self) -> Option<&Arc<Handover>> {
        match self.io.get_ref() {
            #[cfg(feature = "client")]
            Owned::Whole(_) => None,
            Owned::Borrowed(Borrowed(handover)) => Some(handover),
        }
    }

    fn inner<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(Pin<&mut Rewind<Owned>>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        call(Pin::new(&mut self.io), cx)
    }

    fn is_inner_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl AsyncRead for Upgraded {
    delegate!(poll_read);
}

impl AsyncWrite for Upgraded {
    delegate!(poll_write poll_write_vectored poll_flush);

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded")
            .field("read_ahead", &self.read_ahead().len())
            .finish_non_exhaustive()
    }
}

/// Resolves to the transport once the switch has been sent. It can be awaited inside the handler, which then continues with
/// the transport, or in a task of its own, on any thread. Dropping it closes the connection. After it has resolved it stays
/// pending.
///
/// # Errors
/// When the peer has closed the connection, or the server has stopped, before the switch was sent.
#[must_use = "dropping it closes the connection"]
pub struct Upgrading {
    /// `None` once the result was returned.
    handover: Option<Arc<Handover>>,
}

impl Upgrading {
    pub(crate) const fn new(handover: Arc<Handover>) -> Self {
        Self {
            handover: Some(handover),
        }
    }
}

impl Future for Upgrading {
    type Output = Result<Upgraded, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(handover) = &self.handover else {
            return Poll::Pending;
        };
        let read_ahead = ready!(handover.poll_given(cx));
        // From here on dropping `Borrowed`, not `Upgrading`, closes the transport.
        let Some(handover) = self.handover.take() else {
            return Poll::Pending;
        };
        let io = Owned::Borrowed(Borrowed(handover));
        Poll::Ready(read_ahead.map(|read_ahead| Upgraded {
            io: Rewind::new(io, read_ahead),
        }))
    }
}

impl Drop for Upgrading {
    fn drop(&mut self) {
        if let Some(handover) = &self.handover {
            handover.abort();
        }
    }
}

impl fmt::Debug for Upgrading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrading")
    }
}

impl Owned {
    fn inner<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(Pin<&mut dyn Io>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        match self {
            #[cfg(feature = "client")]
            Self::Whole(io) => call(Pin::new(&mut **io), cx),
            Self::Borrowed(io) => call(Pin::new(io), cx),
        }
    }

    fn is_inner_vectored(&self) -> bool {
        match self {
            #[cfg(feature = "client")]
            Self::Whole(io) => io.is_write_vectored(),
            Self::Borrowed(io) => io.is_write_vectored(),
        }
    }
}

impl AsyncRead for Owned {
    delegate!(poll_read);
}

impl AsyncWrite for Owned {
    delegate!(poll_write poll_write_vectored poll_flush poll_shutdown);
}

/// The transport of a server's connection in use by its new owner. The server may close it at any time.
struct Borrowed(Arc<Handover>);

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Borrowed {
    fn inner<R: Moved>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(Pin<&mut dyn Transport>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        self.0.with_transport(cx, |wakers| &mut wakers.writer, call)
    }

    fn is_inner_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

impl AsyncRead for Borrowed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = self.0.with_transport(
            cx,
            |wakers| &mut wakers.reader,
            |io, cx| {
                let read = ready!(io.poll_read(cx, buf));
                Poll::Ready(read.map(|()| buf.filled().len() - before))
            },
        );
        polled.map_ok(|_| ())
    }
}

impl AsyncWrite for Borrowed {
    delegate!(poll_write poll_write_vectored poll_flush poll_shutdown);
}
