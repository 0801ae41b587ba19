//! Accepts connections, up to the limit of the server, and without spinning when descriptors run out.
//!
//! Here: [`accept`], the task of one listener on one worker; [`ConnectionLimit`], the connection count of the whole server.
//! Not here: binding (`net/listen/`).

use crate::error::Error;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::net::listen::{ListenOptions, Listener, ListenerParts};
use crate::net::transport::BoxIo;
use crate::server::runner::Handlers;
use crate::server::worker::{Stop, Worker, reached};
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

/// Delay before the next attempt when descriptors or permits ran out. Costs nothing, and no client notices it.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// Counts the open connections of the whole server, and bounds them.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    open: AtomicUsize,
    max: usize,
    last_id: AtomicU64,
}

impl ConnectionLimit {
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            open: AtomicUsize::new(0),
            max,
            last_id: AtomicU64::new(0),
        }
    }

    /// Number of open connections.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes a permit for one more connection. False at the limit.
    pub(crate) fn try_acquire(&self) -> bool {
        let add = |open| (open < self.max).then_some(open + 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_ok()
    }

    /// Returns an unused connection id.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns the permit of a connection that has closed.
    pub(crate) fn release(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A listener registered with the runtime.
enum Socket {
    Tcp(TcpListener, ListenOptions),
    Unix(UnixListener),
}

enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Socket {
    fn accept_ready(
        &self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<Accepted>> {
        match self {
            Self::Tcp(listener, _) => listener
                .poll_accept(cx)
                .map_ok(|(stream, from)| Accepted::Tcp(stream, from)),
            Self::Unix(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    async fn accept(&self) -> io::Result<Accepted> {
        std::future::poll_fn(|cx| self.accept_ready(cx)).await
    }
}

/// Accepts until the server drains; connections that the system has queued by then are still accepted.
pub(crate) async fn accept<M, F>(
    listener: Listener,
    worker: Rc<Worker>,
    handlers: Rc<Handlers<M, F>>,
    mut stop: watch::Receiver<Stop>,
) where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    let options = listener.options().clone();
    let (socket, _file) = match listener.into_parts() {
        ListenerParts::Tcp(socket) => (
            TcpListener::from_std(socket).map(|socket| Socket::Tcp(socket, options)),
            None,
        ),
        ListenerParts::Unix(socket, file) => {
            (UnixListener::from_std(socket).map(Socket::Unix), Some(file))
        }
    };
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => return report(&worker, error),
    };
    let mut reserve = File::open("/dev/null").ok();
    loop {
        let accepted = tokio::select! {
            biased;
            () = reached(&mut stop, Stop::Drain) => break,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            // A permit is acquired after accepting: one held while waiting would be missing to other workers. At the
            // limit each worker holds one accepted connection, unread, and the system queues the rest.
            Ok(accepted) => tokio::select! {
                biased;
                () = acquire(&worker) => begin(accepted, &socket, &worker, &handlers),
                () = reached(&mut stop, Stop::Drain) => break,
            },
            Err(error) => recover(error, &socket, &worker, &mut reserve).await,
        }
    }
    accept_queued(&socket, &worker, &handlers).await;
}

/// Serves transports given to `ServerHandle::inject`, until the server drains; those queued by then are still served.
pub(crate) async fn injected<M, F>(
    mut queue: mpsc::UnboundedReceiver<BoxIo>,
    worker: Rc<Worker>,
    handlers: Rc<Handlers<M, F>>,
    mut stop: watch::Receiver<Stop>,
) where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    loop {
        let io = tokio::select! {
            biased;
            io = queue.recv() => io,
            () = reached(&mut stop, Stop::Drain) => {
                queue.close(); // queued transports are still received
                queue.recv().await
            }
        };
        let Some(io) = io else { return };
        worker.serve(io, (None, None), &handlers);
    }
}

/// Waits for a permit for one more connection, and takes it.
async fn acquire(worker: &Worker) {
    while !worker.census.try_acquire() {
        // `closed` is notified by this worker's connections only, so this also polls for those of other workers.
        let _ = tokio::time::timeout(RETRY_DELAY, worker.closed.notified()).await;
    }
}

fn begin<M, F>(
    accepted: Accepted,
    socket: &Socket,
    worker: &Rc<Worker>,
    handlers: &Rc<Handlers<M, F>>,
) where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    match accepted {
        Accepted::Tcp(stream, from) => {
            if let Socket::Tcp(_, options) = socket {
                // Best effort: the options may fail when the peer has disconnected.
                let _ = options.apply_to_accepted(&socket2::SockRef::from(&stream));
            }
            let local = stream.local_addr().ok();
            worker.serve(stream, (Some(from), local), handlers);
        }
        Accepted::Unix(stream) => worker.serve(stream, (None, None), handlers),
    }
}

/// Accepts the connections that the system queued before the server began to drain: for their clients they are open.
async fn accept_queued<M, F>(socket: &Socket, worker: &Rc<Worker>, handlers: &Rc<Handlers<M, F>>)
where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    while worker.census.try_acquire() {
        let ready =
            std::future::poll_fn(|cx| std::task::Poll::Ready(socket.accept_ready(cx))).await;
        match ready {
            std::task::Poll::Ready(Ok(accepted)) => begin(accepted, socket, worker, handlers),
            _ => return worker.census.release(),
        }
    }
}

/// Handles an error of `accept`. When descriptors ran out, it closes the reserve descriptor, so that one waiting client is
/// accepted and closed instead of staying in the queue. The delay keeps a permanent error from spinning.
async fn recover(error: io::Error, socket: &Socket, worker: &Worker, reserve: &mut Option<File>) {
    let kind = AcceptError::of(&error);
    if kind == AcceptError::Client {
        return;
    }
    report(worker, error);
    if kind == AcceptError::Exhausted && reserve.take().is_some() {
        let _ = tokio::time::timeout(RETRY_DELAY, socket.accept()).await;
    }
    tokio::time::sleep(RETRY_DELAY).await;
    if reserve.is_none() {
        *reserve = File::open("/dev/null").ok();
    }
}

/// The cause of an error of `accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptError {
    /// This connection failed before it was accepted; the next may succeed.
    Client,
    /// Out of descriptors or memory.
    Exhausted,
    /// The listener failed.
    Listener,
}

impl AcceptError {
    fn of(error: &io::Error) -> Self {
        use rustix::io::Errno;
        const CLIENT: [Errno; 9] = [
            Errno::CONNABORTED,
            Errno::INTR,
            Errno::PERM,
            Errno::PROTO,
            Errno::NETDOWN,
            Errno::NETUNREACH,
            Errno::HOSTDOWN,
            Errno::HOSTUNREACH,
            Errno::OPNOTSUPP,
        ];
        const EXHAUSTED: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(code) if CLIENT.contains(&code) => Self::Client,
            Some(code) if EXHAUSTED.contains(&code) => Self::Exhausted,
            _ => Self::Listener,
        }
    }
}

fn report(worker: &Worker, error: io::Error) {
    tracing::error!(%error, "accepting failed");
    worker.env.exchange.hooks.notify_error(&Error::from(error));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_of_one_connection_is_ignored() {
        let of = |code: rustix::io::Errno| AcceptError::of(&io::Error::from(code));
        assert_eq!(of(rustix::io::Errno::CONNABORTED), AcceptError::Client);
        assert_eq!(of(rustix::io::Errno::MFILE), AcceptError::Exhausted);
        assert_eq!(of(rustix::io::Errno::INVAL), AcceptError::Listener);
        assert_eq!(of(rustix::io::Errno::BADF), AcceptError::Listener);
        assert_eq!(
            AcceptError::of(&io::ErrorKind::Other.into()),
            AcceptError::Listener
        );
    }

    #[test]
    fn the_limit_grants_its_number_of_permits_and_no_more() {
        let limit = ConnectionLimit::new(2);
        assert!(limit.try_acquire() && limit.try_acquire());
        assert!(!limit.try_acquire());
        assert_eq!(limit.open(), 2);
        limit.release();
        assert!(limit.try_acquire());
        assert_eq!((limit.next_id(), limit.next_id()), (1, 2));
    }
}
