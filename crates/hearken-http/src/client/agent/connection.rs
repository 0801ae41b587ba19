//! A connection of a client, as it lies in the pool and in an exchange: transport, protocol, one timer.
//!
//! Here: [`Wire`]. Whoever waits for something of its exchange polls it; nobody else does. Not here: what the bytes mean
//! (`conn/client/mod.rs`), which connection is used when (`pool.rs`).

use crate::client::info::Origin;
use crate::conn::client::ClientConnection;
use crate::net::transport::BoxIo;
use crate::pump::Pump;
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::Sleep;

const SCRATCH: usize = 16 * 1024;

thread_local! {
    /// One for each thread: a connection owns no buffer while nobody reads.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// The time of the runtime, which a test may stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// See the module.
pub(crate) struct Wire {
    pump: Pump<BoxIo, ClientConnection>,
    /// Fires at the deadline or before it, and is then moved: a deadline that comes later, as they mostly do, costs nothing.
    sleep: Option<Pin<Box<Sleep>>>,
    pub(crate) origin: Arc<Origin>,
    /// The one that watches the socket.
    pub(crate) runtime: Handle,
    /// Exchanges that were begun on it.
    pub(crate) exchanges: u32,
}

impl Wire {
    pub(crate) fn new(
        transport: BoxIo,
        used: ClientConnection,
        origin: Origin,
        runtime: Handle,
    ) -> Self {
        Self {
            pump: Pump::new(transport, used),
            sleep: None,
            origin: Arc::new(origin),
            runtime,
            exchanges: 0,
        }
    }

    pub(crate) const fn used(&mut self) -> &mut ClientConnection {
        self.pump.drive()
    }

    /// Moves what can be moved. Ready when the exchange is over, one way or the other.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = now();
            let due = self.pump.deadline().is_some_and(|at| at <= now);
            let polled = BUFFER.with(|buffer| match buffer.try_borrow_mut() {
                Ok(mut buffer) => self.pump.poll(cx, now, due, &mut buffer),
                // A transport that is itself made of such a connection.
                Err(_) => self.pump.poll(cx, now, due, &mut vec![0; SCRATCH]),
            });
            if polled.is_ready() || self.poll_sleep(cx).is_pending() {
                return polled;
            }
        }
    }

    /// Ready when the deadline has come.
    fn poll_sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.pump.deadline() else {
            return Poll::Pending;
        };
        let at = tokio::time::Instant::from_std(at);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        loop {
            if sleep.deadline() > at || sleep.is_elapsed() {
                sleep.as_mut().reset(at);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if tokio::time::Instant::now() >= at {
                return Poll::Ready(());
            }
        }
    }

    /// Whether nothing has come while nobody asked for anything: no byte, no end. Costs no system call when nothing has, for
    /// the runtime knows.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        let mut buffer = ReadBuf::new(&mut byte);
        Pin::new(self.pump.transport_mut())
            .poll_read(&mut cx, &mut buffer)
            .is_pending()
    }

    pub(crate) fn into_transport(self) -> BoxIo {
        self.pump.into_parts().0
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({:?}, {})", self.origin, self.exchanges)
    }
}
