//! A transport that another protocol uses from here on (RFC 9110 §7.8, §9.3.6).
//!
//! Here: [`Upgraded`], the transport as users hold it; [`Upgrading`], the future that returns it; [`Handover`], the cell that
//! user and connection share, so that a server can still close the transport. Not here: when a connection gives its
//! transport away (`conn/server/switch.rs`), what the connection does afterwards (`conn/server/tunnel.rs`).

use crate::error::{Closed, Error};
use crate::net::delegate::delegate;
use crate::net::handover::Recipient;
use crate::net::rewind::Rewind;
use crate::net::transport::{BoxIo, Transport};
use bytes::Bytes;
use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
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
    io: Rewind<BoxIo>,
    /// Shared with the connection on a server; `None` on a client.
    handover: Option<Arc<Handover>>,
}

impl Upgraded {
    #[cfg(feature = "client")]
    pub(crate) const fn new(io: BoxIo, read_ahead: Bytes) -> Self {
        Self {
            io: Rewind::new(io, read_ahead),
            handover: None,
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
        let handover = self.handover.clone();
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
        if let Some(handover) = &self.handover {
            handover.set_idle(idle);
        }
    }

    fn inner<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(Pin<&mut Rewind<BoxIo>>, &mut Context<'_>) -> Poll<R>,
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
        Poll::Ready(read_ahead.map(|read_ahead| Upgraded {
            io: Rewind::new(Box::new(Borrowed(Arc::clone(&handover))), read_ahead),
            handover: Some(handover),
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
        let slot = self.0.slot();
        slot.io.as_ref().is_some_and(|io| io.is_write_vectored())
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

/// The result of a call of the transport.
trait Moved {
    /// Whether bytes have moved.
    fn moved(&self) -> bool;
}

impl Moved for usize {
    fn moved(&self) -> bool {
        *self > 0
    }
}

impl Moved for () {
    fn moved(&self) -> bool {
        false
    }
}

/// Progress of a handover.
#[derive(Debug)]
enum Stage {
    /// The connection has the transport: the switch is being sent.
    Waiting,
    /// The user has the transport, or can take it.
    Given,
    /// The switch failed.
    Failed(Error),
    /// The user has dropped the transport, or the server has closed it.
    Over,
}

#[derive(Default)]
struct Wakers {
    /// Waits for the transport.
    receiver: Option<Waker>,
    /// The task of the connection: waits until the transport is closed.
    task: Option<Waker>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Wait until the server stops.
    closing: Vec<Waker>,
}

struct Slot {
    stage: Stage,
    io: Option<Box<dyn Transport>>,
    read_ahead: Bytes,
    closing: bool,
    /// The last byte was moved at this time.
    moved: Instant,
    /// How long none may move.
    idle: Duration,
    /// None was moved for that long.
    timed_out: bool,
    wakers: Wakers,
}

impl Slot {
    /// Why there is no transport any more.
    fn missing(&self) -> io::Error {
        if self.timed_out {
            let text = format!("no byte was sent or received for {:?}", self.idle);
            return io::Error::new(io::ErrorKind::TimedOut, text);
        }
        io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the server has closed this connection",
        )
    }
}

/// The time of the runtime, as workers read it: a test can set it forward.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The transport between a connection and its new owner, which may be on different threads. The lock is held for one call of
/// the transport and hardly ever contended.
pub(crate) struct Handover {
    slot: Mutex<Slot>,
}

impl Handover {
    /// `idle`: how long no byte may move.
    pub(crate) fn new(idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            slot: Mutex::new(Slot {
                stage: Stage::Waiting,
                io: None,
                read_ahead: Bytes::new(),
                closing: false,
                moved: now(),
                idle,
                timed_out: false,
                wakers: Wakers::default(),
            }),
        })
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // A panic inside the transport leaves the slot itself consistent.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the transport, if it is still open. `cut` wakes a pending caller by the waker that `waker` selects.
    fn with_transport<R: Moved>(
        &self,
        cx: &mut Context<'_>,
        waker: impl FnOnce(&mut Wakers) -> &mut Option<Waker>,
        call: impl FnOnce(Pin<&mut dyn Transport>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let slot = &mut *self.slot();
        let Some(io) = &mut slot.io else {
            return Poll::Ready(Err(slot.missing()));
        };
        let polled = call(Pin::new(&mut **io), cx);
        match &polled {
            Poll::Ready(Ok(result)) if result.moved() => slot.moved = now(),
            Poll::Ready(_) => {}
            Poll::Pending => {
                let waker = waker(&mut slot.wakers);
                if !waker.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
                    *waker = Some(cx.waker().clone());
                }
            }
        }
        polled
    }

    fn set_idle(&self, idle: Duration) {
        let mut slot = self.slot();
        slot.idle = idle;
        let task = slot.wakers.task.take();
        drop(slot);
        task.into_iter().for_each(Waker::wake);
    }

    /// Takes the transport away, and wakes all tasks that wait for it.
    fn end(&self, timed_out: bool) -> Option<Box<dyn Transport>> {
        let mut slot = self.slot();
        slot.stage = Stage::Over;
        slot.timed_out = timed_out;
        let io = slot.io.take();
        let wakers = std::mem::take(&mut slot.wakers);
        drop(slot);
        [wakers.receiver, wakers.reader, wakers.writer]
            .into_iter()
            .flatten()
            .chain(wakers.closing)
            .for_each(Waker::wake);
        io
    }

    fn poll_given(&self, cx: &Context<'_>) -> Poll<Result<Bytes, Error>> {
        let mut slot = self.slot();
        Poll::Ready(match &slot.stage {
            Stage::Waiting => {
                slot.wakers.receiver = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Stage::Given => Ok(std::mem::take(&mut slot.read_ahead)),
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

    /// Closes the transport because its user has dropped it.
    fn abort(&self) {
        let mut slot = self.slot();
        slot.stage = Stage::Over;
        let (io, task) = (slot.io.take(), slot.wakers.task.take());
        drop(slot);
        drop(io);
        task.into_iter().for_each(Waker::wake);
    }

    /// Gives the transport of a connection, and the bytes that were read ahead, to a recipient that its connection holds.
    pub(crate) fn give_to(
        recipient: &Arc<dyn Recipient>,
        io: Box<dyn Transport>,
        read_ahead: Bytes,
    ) {
        let recipient: &dyn Any = &**recipient;
        if let Some(handover) = recipient.downcast_ref::<Self>() {
            handover.give(io, read_ahead);
        }
    }

    fn give(&self, io: Box<dyn Transport>, read_ahead: Bytes) {
        let mut slot = self.slot();
        if !matches!(slot.stage, Stage::Waiting) {
            return; // `Upgrading` was dropped: the transport closes
        }
        slot.stage = Stage::Given;
        slot.moved = now();
        slot.io = Some(io);
        slot.read_ahead = read_ahead;
        let receiver = slot.wakers.receiver.take();
        drop(slot);
        receiver.into_iter().for_each(Waker::wake);
    }
}

impl Recipient for Handover {
    fn fail(&self, error: Error) {
        let mut slot = self.slot();
        if !matches!(slot.stage, Stage::Waiting) {
            return;
        }
        slot.stage = Stage::Failed(error);
        let receiver = slot.wakers.receiver.take();
        drop(slot);
        receiver.into_iter().for_each(Waker::wake);
    }

    fn cut(&self) {
        if let Some(io) = self.end(false) {
            io.cut();
        }
    }

    fn idle_deadline(&self) -> Option<Instant> {
        let slot = self.slot();
        slot.io.as_ref()?;
        slot.moved.checked_add(slot.idle)
    }

    fn time_out(&self) {
        drop(self.end(true));
    }

    fn notify_closing(&self) {
        let mut slot = self.slot();
        slot.closing = true;
        let waiting = std::mem::take(&mut slot.wakers.closing);
        drop(slot);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
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
