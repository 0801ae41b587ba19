//! The cell that the user of a transport and its server's connection share, so that the server can still close it.
//!
//! Here: [`Handover`]. Every upgraded connection has one, so its size counts. Not here: the transport as users hold it
//! (`net/upgraded.rs`), how connections see the cell (`net/handover.rs`).

use crate::error::{Closed, Error};
use crate::net::handover::Recipient;
use crate::net::transport::Transport;
use bytes::Bytes;
use std::any::Any;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// The result of a call of the transport.
pub(super) trait Moved {
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
pub(super) struct Wakers {
    /// The task of the connection: waits until the transport is closed.
    task: Option<Waker>,
    /// Waits for the transport, and then for its bytes.
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// Wait until the server stops.
    closing: Vec<Waker>,
}

struct Slot {
    stage: Stage,
    io: Option<Box<dyn Transport>>,
    /// Hardly ever there.
    read_ahead: Option<Box<Bytes>>,
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
                read_ahead: None,
                closing: false,
                moved: now(),
                idle,
                timed_out: false,
                wakers: Wakers::default(),
            }),
        })
    }

    /// Whether the transport writes several slices at once.
    pub(super) fn is_write_vectored(&self) -> bool {
        let slot = self.slot();
        slot.io.as_ref().is_some_and(|io| io.is_write_vectored())
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // A panic inside the transport leaves the slot itself consistent.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the transport, if it is still open. `cut` wakes a pending caller by the waker that `waker` selects.
    pub(super) fn with_transport<R: Moved>(
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

    pub(super) fn set_idle(&self, idle: Duration) {
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
        [wakers.reader, wakers.writer]
            .into_iter()
            .flatten()
            .chain(wakers.closing)
            .for_each(Waker::wake);
        io
    }

    pub(super) fn poll_given(&self, cx: &Context<'_>) -> Poll<Result<Bytes, Error>> {
        let mut slot = self.slot();
        Poll::Ready(match &slot.stage {
            Stage::Waiting => {
                slot.wakers.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Stage::Given => Ok(slot
                .read_ahead
                .take()
                .map_or_else(Bytes::new, |bytes| *bytes)),
            Stage::Failed(error) => Err(error.clone()),
            Stage::Over => Err(Error::closed(Closed::Stopped)),
        })
    }

    pub(super) fn poll_closing(&self, cx: &Context<'_>) -> Poll<()> {
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
    pub(super) fn abort(&self) {
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
        slot.read_ahead = (!read_ahead.is_empty()).then(|| Box::new(read_ahead));
        let receiver = slot.wakers.reader.take();
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
        let receiver = slot.wakers.reader.take();
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
