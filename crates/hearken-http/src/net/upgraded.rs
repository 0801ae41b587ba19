//! A transport that belongs to another protocol from here on (RFC 9110 §7.8, §9.3.6).
//!
//! Here: [`Upgraded`] as its user holds it, [`Upgrading`], who waits for it, and [`Handover`], the cell that user and connection
//! share, so that a server can still take the transport away. Not here: when a connection gives its transport away
//! (`conn/server/switch.rs`), what it does from then on (`conn/server/tunnel.rs`).

use crate::error::{Closed, Error};
use crate::message::response::{Sent, ServerResponse};
use crate::net::transport::{BoxIo, Transport};
use bytes::{Buf, Bytes};
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport after `101 Switching Protocols`, or after 2xx to CONNECT. What was read ahead of the switch comes first;
/// from there on it is the peer's bytes as they are. Node's `socket` and `head` of `'upgrade'` and `'connect'`.
///
/// On a server it still counts as a connection: [`closing`](Self::closing) tells when the server is to stop, and what is open
/// after `limits.time.grace`, or when `close_all_connections` is called, is taken away: reading and writing then fail with
/// [`io::ErrorKind::ConnectionAborted`]. It can be sent to other threads. Dropping it closes the transport as it
/// stands; over TLS the peer then cannot tell the end from a cut, unless `shutdown` has said it.
///
/// ```no_run
/// # async fn check(mut upgraded: hearken_http::Upgraded) -> std::io::Result<()> {
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
    io: BoxIo,
    rest: Bytes,
    /// The connection of a server, which may take the transport away.
    lender: Option<Arc<Handover>>,
}

impl Upgraded {
    #[cfg(feature = "client")]
    pub(crate) const fn new(io: BoxIo, rest: Bytes) -> Self {
        Self {
            io,
            rest,
            lender: None,
        }
    }

    /// Bytes that were read ahead and not handed out yet. Node's `head`.
    #[must_use]
    pub fn read_ahead(&self) -> &[u8] {
        &self.rest
    }

    /// Waits until the server is told to stop: what runs here is to come to its end within `limits.time.grace`. Never resolves
    /// on a client. It does not hold on to the transport.
    pub fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let lender = self.lender.clone();
        poll_fn(move |cx| match &lender {
            Some(lender) => lender.poll_closing(cx),
            None => Poll::Pending,
        })
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

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
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

/// Waits for the transport, which comes once the switch has been sent. It works inside the handler, which then goes on with
/// it, and in a task of its own, on any thread. Dropping it gives the transport up: the connection closes.
///
/// The error tells that there will be none: the peer is gone, or the server stopped. After its end it stays pending.
#[must_use = "dropping it closes the connection"]
pub struct Upgrading {
    /// There until the transport, or its failure, was given out.
    handover: Option<Arc<Handover>>,
}

impl Future for Upgrading {
    type Output = Result<Upgraded, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(handover) = &self.handover else {
            return Poll::Pending;
        };
        let rest = ready!(handover.poll_given(cx));
        // From here on the transport's user is whoever holds what is made here, or nobody.
        let Some(handover) = self.handover.take() else {
            return Poll::Pending;
        };
        Poll::Ready(rest.map(|rest| Upgraded {
            io: Box::new(Lent(Arc::clone(&handover))),
            rest,
            lender: Some(handover),
        }))
    }
}

impl Drop for Upgrading {
    fn drop(&mut self) {
        if let Some(handover) = &self.handover {
            handover.give_up();
        }
    }
}

impl fmt::Debug for Upgrading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrading")
    }
}

/// The transport of a server's connection in the hands of its user.
struct Lent(Arc<Handover>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.with(|io, wakers| {
            let polled = io.poll_read(cx, buf);
            remember(&mut wakers.reader, &polled, cx);
            polled
        })
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.with(|io, wakers| {
            let polled = io.poll_write(cx, buf);
            remember(&mut wakers.writer, &polled, cx);
            polled
        })
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.with(|io, wakers| {
            let polled = io.poll_write_vectored(cx, slices);
            remember(&mut wakers.writer, &polled, cx);
            polled
        })
    }

    fn is_write_vectored(&self) -> bool {
        let slot = self.0.slot();
        slot.io.as_ref().is_some_and(|io| io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(|io, wakers| {
            let polled = io.poll_flush(cx);
            remember(&mut wakers.writer, &polled, cx);
            polled
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(|io, wakers| {
            let polled = io.poll_shutdown(cx);
            remember(&mut wakers.writer, &polled, cx);
            polled
        })
    }
}

/// Whoever waits for the transport must also hear when it is taken away.
fn remember<T>(waker: &mut Option<Waker>, polled: &Poll<T>, cx: &Context<'_>) {
    if polled.is_pending() && !waker.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
        *waker = Some(cx.waker().clone());
    }
}

/// How far a hand-over has come.
#[derive(Debug)]
enum Stage {
    /// The connection still has the transport: the switch is on its way.
    Waiting,
    /// The user may have it, or has it.
    Given,
    /// There will be none.
    Failed(Error),
    /// The user has let go of it, or it was taken away.
    Over,
}

/// Who waits for what.
#[derive(Default)]
struct Wakers {
    /// The transport.
    receiver: Option<Waker>,
    /// The connection: for the user to let go.
    task: Option<Waker>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The end of the server.
    closing: Vec<Waker>,
}

struct Slot {
    stage: Stage,
    io: Option<Box<dyn Transport>>,
    rest: Bytes,
    closing: bool,
    wakers: Wakers,
}

/// Where a connection leaves its transport for its new user. The two may be on different threads; the lock is held for one
/// call of the transport and hardly ever waited for.
pub(crate) struct Handover {
    slot: Mutex<Slot>,
}

impl Handover {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            slot: Mutex::new(Slot {
                stage: Stage::Waiting,
                io: None,
                rest: Bytes::new(),
                closing: false,
                wakers: Wakers::default(),
            }),
        })
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // A transport that panicked is as broken as one that failed; its slot is whole.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the transport, if it is still there.
    fn with<T>(
        &self,
        call: impl FnOnce(Pin<&mut dyn Transport>, &mut Wakers) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut slot = self.slot();
        let Slot { io, wakers, .. } = &mut *slot;
        match io {
            Some(io) => call(Pin::new(&mut **io), wakers),
            None => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the server has closed this connection",
            ))),
        }
    }

    fn poll_given(&self, cx: &Context<'_>) -> Poll<Result<Bytes, Error>> {
        let mut slot = self.slot();
        Poll::Ready(match &slot.stage {
            Stage::Waiting => {
                slot.wakers.receiver = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Stage::Given => Ok(std::mem::take(&mut slot.rest)),
            Stage::Failed(error) => Err(error.clone()),
            Stage::Over => Err(Error::closed(Closed::Stopped)),
        })
    }

    fn poll_closing(&self, cx: &Context<'_>) -> Poll<()> {
        let mut slot = self.slot();
        if slot.closing || matches!(slot.stage, Stage::Over) {
            return Poll::Ready(());
        }
        let waiting = &mut slot.wakers.closing;
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The user wants it no more.
    fn give_up(&self) {
        let mut slot = self.slot();
        slot.stage = Stage::Over;
        let (io, task) = (slot.io.take(), slot.wakers.task.take());
        drop(slot);
        drop(io);
        task.into_iter().for_each(Waker::wake);
    }

    /// The connection gives its transport away, with what was read ahead.
    pub(crate) fn give(&self, io: Box<dyn Transport>, rest: Bytes) {
        let mut slot = self.slot();
        if !matches!(slot.stage, Stage::Waiting) {
            return; // nobody wants it: it closes
        }
        slot.stage = Stage::Given;
        slot.io = Some(io);
        slot.rest = rest;
        let receiver = slot.wakers.receiver.take();
        drop(slot);
        receiver.into_iter().for_each(Waker::wake);
    }

    /// There will be no transport. Nothing happens when it was given already.
    pub(crate) fn fail(&self, error: Error) {
        let mut slot = self.slot();
        if !matches!(slot.stage, Stage::Waiting) {
            return;
        }
        slot.stage = Stage::Failed(error);
        let receiver = slot.wakers.receiver.take();
        drop(slot);
        receiver.into_iter().for_each(Waker::wake);
    }

    /// Takes the transport away, in a way that its peer can tell from an end. Whoever waits for it is told.
    pub(crate) fn cut(&self) {
        let mut slot = self.slot();
        slot.stage = Stage::Over;
        let io = slot.io.take();
        let wakers = std::mem::take(&mut slot.wakers);
        drop(slot);
        if let Some(io) = io {
            io.cut();
        }
        let closing = wakers.closing.into_iter();
        [wakers.receiver, wakers.reader, wakers.writer]
            .into_iter()
            .flatten()
            .chain(closing)
            .for_each(Waker::wake);
    }

    /// The server is to stop.
    pub(crate) fn tell_closing(&self) {
        let mut slot = self.slot();
        slot.closing = true;
        let waiting = std::mem::take(&mut slot.wakers.closing);
        drop(slot);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether nobody has the transport any more; if somebody has, `cx` is woken when that ends.
    pub(crate) fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        let mut slot = self.slot();
        if matches!(slot.stage, Stage::Over) {
            return Poll::Ready(());
        }
        slot.wakers.task = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover")
            .field("stage", &self.slot().stage)
            .finish_non_exhaustive()
    }
}

impl ServerResponse {
    /// Answers `101 Switching Protocols` with this protocol and hands the transport over, once that has been sent. What was set
    /// on the response goes with it; a status that was set does not. Node's `'upgrade'`, with the answer written for you.
    ///
    /// A plain handler may call it too. The exchange is over with it; the connection lives until the transport is dropped.
    ///
    /// # Errors
    /// With status 400 when the request does not offer this protocol (RFC 9110 §7.8: a server must not switch to
    /// another), and with 500 when the head is out or cannot be sent. The handler may pass the error on and answers
    /// with it.
    ///
    /// ```
    /// use hearken_http::{Error, Server};
    /// let server = Server::new(async |_req, res| {
    ///     let (sent, upgrading) = res.set("X-A", "1").upgrade("echo")?;
    ///     let stream = upgrading.await?;
    ///     drop(stream); // closes
    ///     Ok::<_, Error>(sent)
    /// });
    /// ```
    pub fn upgrade(self, protocol: &str) -> Result<(Sent, Upgrading), Error> {
        self.switch(Some(protocol))
    }

    /// Answers CONNECT with 200, or with another 2xx that was set, and hands the transport over, once that has been sent.
    ///
    /// # Errors
    /// With status 400 when the request is no CONNECT, and as [`upgrade`](Self::upgrade).
    pub fn accept_tunnel(self) -> Result<(Sent, Upgrading), Error> {
        self.switch(None)
    }

    fn switch(self, protocol: Option<&str>) -> Result<(Sent, Upgrading), Error> {
        let handover = Handover::new();
        self.exchange
            .order(|state, env| state.switch(env, protocol, &handover))?;
        Ok((
            Sent(()),
            Upgrading {
                handover: Some(handover),
            },
        ))
    }

    /// Hands the transport over as it is, with nothing sent: whoever takes it writes the answer, if there is to be one. What
    /// of the request's body had come is read from the request, the rest is among the bytes of the transport. Node's raw
    /// socket of `'upgrade'` and `'connect'`. When a response has begun, or the connection is to be closed, there is none, and
    /// waiting for it fails.
    pub fn into_socket(self) -> (Sent, Upgrading) {
        let handover = Handover::new();
        self.exchange.order(|state, _| state.surrender(&handover));
        (
            Sent(()),
            Upgrading {
                handover: Some(handover),
            },
        )
    }
}
