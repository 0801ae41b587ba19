//! A client's connection, idle in the pool or in use by an exchange: transport, protocol, one timer.
//!
//! Here: [`PooledConnection`]. The task that waits for its exchange polls it; it has no task of its own. Not here: what the
//! bytes mean (`conn/client/mod.rs`), which connection is used when (`pool.rs`).

use crate::client::agent::shared::Permit;
use crate::client::info::ConnectionFacts;
use crate::client::runtime::now;
use crate::conn::client::ClientConnection;
use crate::net::transport::BoxIo;
use crate::pump::Pump;
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::Sleep;

const READ_BUFFER: usize = 16 * 1024;

thread_local! {
    /// One for each thread: a connection owns no buffer between two reads.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BUFFER].into_boxed_slice());
}

/// See the module.
pub(crate) struct PooledConnection {
    pump: Pump<BoxIo, ClientConnection>,
    /// Fires at the deadline or before it, and is reset then: a deadline that moves back, as most do, costs nothing.
    sleep: Option<Pin<Box<Sleep>>>,
    pub(crate) facts: Arc<ConnectionFacts>,
    /// The runtime that watches the socket.
    pub(crate) runtime: Handle,
    /// Exchanges that were begun on it.
    pub(crate) exchanges: u32,
    /// The last field: the transport is closed before another may be opened.
    pub(crate) permit: Permit,
}

impl PooledConnection {
    pub(crate) fn new(
        transport: BoxIo,
        http: ClientConnection,
        facts: ConnectionFacts,
        runtime: Handle,
        permit: Permit,
    ) -> Self {
        Self {
            pump: Pump::new(transport, http),
            sleep: None,
            facts: Arc::new(facts),
            runtime,
            exchanges: 0,
            permit,
        }
    }

    /// The protocol on it.
    pub(crate) const fn http(&mut self) -> &mut ClientConnection {
        self.pump.drive()
    }

    /// Moves the bytes that can be moved. Ready when the exchange has ended, well or not.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = now();
            let due = self.pump.deadline().is_some_and(|at| at <= now);
            let polled = BUFFER.with(|buffer| match buffer.try_borrow_mut() {
                Ok(mut buffer) => self.pump.poll(cx, now, due, &mut buffer),
                // The transport is itself made of such a connection, which holds the buffer.
                Err(_) => self.pump.poll(cx, now, due, &mut vec![0; READ_BUFFER]),
            });
            if polled.is_ready() || self.poll_sleep(cx).is_pending() {
                return polled;
            }
        }
    }

    /// Ready when the deadline has passed.
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

    /// Whether an idle connection has received neither a byte nor the end. Costs no system call then, for the runtime knows.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        let mut buffer = ReadBuf::new(&mut byte);
        Pin::new(&mut self.pump.transport)
            .poll_read(&mut cx, &mut buffer)
            .is_pending()
    }

    pub(crate) fn into_transport(self) -> BoxIo {
        self.pump.into_parts().0
    }
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PooledConnection({:?}, {})", self.facts, self.exchanges)
    }
}
