//! A running server.
//!
//! Here: [`ServerHandle`], which stops the server, closes its connections, adds some, and reports their number. Not here: the
//! server before it runs (`server/listening.rs`).

use crate::error::Error;
use crate::net::listen::LocalAddr;
use crate::net::transport::BoxIo;
use crate::race::race;
use crate::server::accept::ConnectionLimit;
use crate::server::stopping::End;
use crate::server::worker::{CloseCommands, Stop, reached};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime;
use tokio::sync::{mpsc, watch};

/// A running server: stops it, closes or adds connections, and waits for its end. Clones refer to the same server. Dropping
/// the last handle does not stop the server.
///
/// ```
/// use hearken::Server;
/// let handle = Server::new(async |_req, res| res.end("hi")).listen("127.0.0.1:0")?.start()?;
/// assert!(handle.address().to_string().starts_with("http://127.0.0.1:"));
/// handle.close();
/// handle.wait();
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandle {
    stop: Arc<watch::Sender<Stop>>,
    end: watch::Receiver<End>,
    inboxes: Arc<WorkerInboxes>,
    connections: Arc<ConnectionLimit>,
    address: LocalAddr,
}

/// Channels to the workers of a server.
#[derive(Debug)]
struct WorkerInboxes {
    workers: Vec<mpsc::UnboundedSender<BoxIo>>,
    /// Number of transports injected so far; the workers take turns.
    injected: AtomicUsize,
    close_commands: watch::Sender<CloseCommands>,
}

/// Commands to all workers, and the report of their end.
pub(crate) struct Orders {
    pub(crate) stop: watch::Sender<Stop>,
    pub(crate) close_commands: watch::Sender<CloseCommands>,
    pub(crate) end: watch::Receiver<End>,
}

impl Orders {
    /// Channels without a receiver yet. The second value takes how the server has ended.
    pub(crate) fn new() -> (Self, watch::Sender<End>) {
        let (ended, end) = watch::channel(End::Running);
        let orders = Self {
            stop: watch::Sender::new(Stop::Starting),
            close_commands: watch::Sender::new(CloseCommands::default()),
            end,
        };
        (orders, ended)
    }
}

impl ServerHandle {
    pub(crate) fn new(
        orders: Orders,
        workers: Vec<mpsc::UnboundedSender<BoxIo>>,
        connections: Arc<ConnectionLimit>,
        address: LocalAddr,
    ) -> Self {
        Self {
            stop: Arc::new(orders.stop),
            end: orders.end,
            inboxes: Arc::new(WorkerInboxes {
                workers,
                injected: AtomicUsize::new(0),
                close_commands: orders.close_commands,
            }),
            connections,
            address,
        }
    }

    /// Closes the connections that are idle now: between two requests, or before the first. The server keeps listening.
    /// Returns at once.
    #[doc(alias = "closeIdleConnections")]
    pub fn close_idle_connections(&self) {
        self.inboxes
            .close_commands
            .send_modify(|commands| commands.idle += 1);
    }

    /// Cuts all connections that are open now, in whatever state, upgraded ones included (in Node these stay open,
    /// nodejs/node#53536). The server keeps listening. Returns at once.
    #[doc(alias = "closeAllConnections")]
    pub fn close_all_connections(&self) {
        self.inboxes
            .close_commands
            .send_modify(|commands| commands.all += 1);
    }

    /// Serves a transport that the listener did not accept: a duplex stream in memory, for example, or one that was accepted
    /// or decrypted elsewhere. The workers take turns. It counts as a connection, without addresses. In Node:
    /// `server.emit('connection', stream)`.
    ///
    /// ```
    /// use hearken::Server;
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
    /// With status 503 when the server is stopping, or has `connections_max` connections.
    pub fn inject<T>(&self, transport: T) -> Result<(), Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if *self.stop.borrow() > Stop::Run {
            return Err(stopping());
        }
        if !self.connections.try_acquire() {
            return Err(Error::new(503, "expected fewer open connections"));
        }
        let workers = &self.inboxes.workers;
        let turn = self.inboxes.injected.fetch_add(1, Ordering::Relaxed) % workers.len();
        workers[turn].send(Box::new(transport)).map_err(|_| {
            self.connections.release();
            stopping()
        })
    }

    /// The address that the server listens on.
    #[must_use]
    pub const fn address(&self) -> &LocalAddr {
        &self.address
    }

    /// Number of open connections.
    #[must_use]
    #[doc(alias = "getConnections")]
    pub fn connections(&self) -> usize {
        self.connections.open()
    }

    /// Drains the server: stops accepting, closes idle connections, lets exchanges finish, and cuts those that still run
    /// after `limits.time.grace`. Returns at once; [`closed`](Self::closed) waits for the end. The second call has no effect.
    pub fn close(&self) {
        self.raise(Stop::Drain);
    }

    /// Stops the server and cuts all connections.
    pub fn close_now(&self) {
        self.raise(Stop::Kill);
    }

    /// As [`close_now`](Self::close_now), and waits for workers a shorter time.
    pub(crate) fn close_at_once(&self) {
        self.raise(Stop::AtOnce);
    }

    fn raise(&self, to: Stop) {
        self.stop.send_if_modified(|stop| {
            let raised = *stop < to;
            *stop = (*stop).max(to);
            raised
        });
    }

    /// Waits until the server begins to stop, for whatever reason. Code that runs beside the server, and handlers by
    /// [`IncomingMessage::closing`](crate::IncomingMessage::closing), end what would go on for ever.
    ///
    /// ```
    /// use hearken::Server;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let handle = Server::new(async |_req, res| res.end("hi")).listen("127.0.0.1:0")?.start()?;
    /// let closing = handle.closing();
    /// let refreshing = tokio::spawn(async move {
    ///     tokio::select! {
    ///         () = closing => "the server stops",
    ///         () = tokio::time::sleep(std::time::Duration::from_secs(3600)) => "an hour is over",
    ///     }
    /// });
    /// handle.close();
    /// assert_eq!(refreshing.await?, "the server stops");
    /// # Ok(()) }
    /// ```
    pub fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let (mut stop, mut end) = (self.stop.subscribe(), self.end.clone());
        async move {
            // A server whose workers have failed ends by itself.
            let ended = end.wait_for(|end| *end != End::Running);
            race(reached(&mut stop, Stop::Drain), ended).await;
        }
    }

    /// Waits until the server has stopped: at most half a second longer than `limits.time.grace` after [`close`](Self::close). A
    /// worker whose thread is blocked by a handler is left behind; [`event::Error`](crate::event::Error) and the log name it.
    pub async fn closed(&self) {
        let mut end = self.end.clone();
        // An error means that the sender was dropped, so the server has ended.
        let _ = end.wait_for(|end| *end != End::Running).await;
    }

    /// Whether all workers have ended.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        self.end.borrow().outcome()
    }

    /// As [`closed`](Self::closed), but blocks the thread.
    ///
    /// # Panics
    /// On a thread of a tokio runtime, which must not block.
    pub fn wait(&self) {
        let runtime = runtime::Builder::new_current_thread().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(self.closed());
        }
    }
}

fn stopping() -> Error {
    Error::new(503, "expected a server that is not stopping")
}
