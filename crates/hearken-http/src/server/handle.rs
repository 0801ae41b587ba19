//! A running server as whoever stops it holds it.
//!
//! Here: [`ServerHandle`]: stopping, ending connections, bringing some, asking. Not here: the server before it runs
//! (`server/mod.rs`).

use crate::error::Error;
use crate::net::listen::LocalAddr;
use crate::net::transport::BoxIo;
use crate::server::accept::ConnectionLimit;
use crate::server::worker::{CloseCommands, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime;
use tokio::sync::{mpsc, watch};

/// A running server, to stop it and to ask about it. Clones stand for the same server.
///
/// ```
/// use hearken_http::Server;
/// let handle = Server::new(async |_req, res| res.end("hi")).listen("127.0.0.1:0")?.start()?;
/// assert!(handle.address().to_string().starts_with("http://127.0.0.1:"));
/// handle.close();
/// handle.wait();
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandle {
    stop: Arc<watch::Sender<Stop>>,
    end: watch::Receiver<bool>,
    doors: Arc<WorkerInboxes>,
    census: Arc<ConnectionLimit>,
    address: LocalAddr,
}

/// The ways into the workers of a server.
#[derive(Debug)]
pub(crate) struct WorkerInboxes {
    workers: Vec<mpsc::UnboundedSender<BoxIo>>,
    /// Whose turn it is.
    next: AtomicUsize,
    sweeps: watch::Sender<CloseCommands>,
}

impl WorkerInboxes {
    pub(crate) const fn new(
        workers: Vec<mpsc::UnboundedSender<BoxIo>>,
        sweeps: watch::Sender<CloseCommands>,
    ) -> Self {
        Self {
            workers,
            next: AtomicUsize::new(0),
            sweeps,
        }
    }
}

impl ServerHandle {
    pub(crate) fn new(
        stop: watch::Sender<Stop>,
        end: watch::Receiver<bool>,
        doors: WorkerInboxes,
        census: Arc<ConnectionLimit>,
        address: LocalAddr,
    ) -> Self {
        Self {
            stop: Arc::new(stop),
            end,
            doors: Arc::new(doors),
            census,
            address,
        }
    }

    /// Ends the connections that are idle now: between two requests, or before the first. The server goes on listening.
    /// Returns at once. Node's `closeIdleConnections`.
    pub fn close_idle_connections(&self) {
        self.doors.sweeps.send_modify(|sweeps| sweeps.idle += 1);
    }

    /// Cuts all connections that are open now, whatever they are at, upgraded ones included. The server goes on listening.
    /// Returns at once. Node's `closeAllConnections`, which leaves upgraded ones alone (nodejs/node#53536).
    pub fn close_all_connections(&self) {
        self.doors.sweeps.send_modify(|sweeps| sweeps.all += 1);
    }

    /// Serves a transport that did not come from the listener: any duplex stream, in memory say, or one that was accepted or
    /// decrypted elsewhere. The workers take turns. It counts as a connection, without addresses. Node's
    /// `server.emit('connection', stream)`.
    ///
    /// ```
    /// use hearken_http::Server;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let handle = Server::new(async |_req, res| res.end("hi")).listen("127.0.0.1:0")?.start()?;
    /// let (mut client, server) = tokio::io::duplex(1024);
    /// handle.inject(server)?;
    /// client.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer).await?;
    /// assert!(answer.ends_with("\r\n\r\nhi"));
    /// handle.close();
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// With status 503 when the server has been told to stop, or has as many connections as it may have.
    pub fn inject<T>(&self, transport: T) -> Result<(), Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if *self.stop.borrow() > Stop::Run {
            return Err(Error::new(
                503,
                "expected a server that was not told to stop",
            ));
        }
        if !self.census.try_take() {
            return Err(Error::new(503, "expected room for one more connection"));
        }
        let turn = self.doors.next.fetch_add(1, Ordering::Relaxed) % self.doors.workers.len();
        self.doors.workers[turn]
            .send(Box::new(transport))
            .map_err(|_| {
                self.census.leave();
                Error::new(503, "expected a server that was not told to stop")
            })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn address(&self) -> &LocalAddr {
        &self.address
    }

    /// Connections that are open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.census.open()
    }

    /// Accepts nothing new, closes what is idle, lets exchanges end, and cuts them after `limits.time.grace`. Returns at
    /// once; the second call changes nothing.
    pub fn close(&self) {
        self.raise(Stop::Drain);
    }

    /// Cuts everything now.
    pub fn close_now(&self) {
        self.raise(Stop::Kill);
    }

    fn raise(&self, to: Stop) {
        self.stop.send_if_modified(|stop| {
            let raised = *stop < to;
            *stop = (*stop).max(to);
            raised
        });
    }

    /// Waits until the server has stopped.
    pub async fn closed(&self) {
        let mut end = self.end.clone();
        // An error would mean that the thread that tells has gone, and the server with it.
        let _ = end.wait_for(|&ended| ended).await;
    }

    /// [`closed`](Self::closed) for threads.
    ///
    /// # Panics
    /// Never on a thread of its own; inside of a runtime's thread, where blocking is refused.
    pub fn wait(&self) {
        let runtime = runtime::Builder::new_current_thread().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(self.closed());
        }
    }
}
