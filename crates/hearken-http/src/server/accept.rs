//! Accepts connections, up to the limit of the server, and without spinning when descriptors run out.
//!
//! Here: [`accept`], the task of one listener on one worker; [`ConnectionLimit`], the connection count of the whole server.
//! Not here: binding (`net/listen/`), the bound for each client address (`addresses.rs`), the default bound (`descriptors.rs`).

use crate::error::Error;
use crate::event::peer::Peer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::net::listen::{ListenOptions, Listener, ListenerParts};
use crate::net::transport::BoxIo;
use crate::race::{First, race};
use crate::server::addresses::{AddressLimit, ClientPermit};
use crate::server::runner::Handlers;
use crate::server::worker::{Ends, Stop, Worker, reached};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

/// Delay before the next attempt when descriptors or permits ran out. Costs nothing, and no client notices it.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// Between two reports that accepting fails.
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);

/// Counts the open connections of the whole server, and bounds them.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    open: AtomicUsize,
    max: AtomicUsize,
    /// The bound is not that of a user.
    by_default: bool,
    last_id: AtomicU64,
    pub(crate) addresses: Option<Arc<AddressLimit>>,
    failures: Mutex<AcceptFailures>,
}

/// Failures of `accept` that were not reported.
#[derive(Debug, Default)]
struct AcceptFailures {
    reported: Option<Instant>,
    count: u64,
}

impl ConnectionLimit {
    /// Without a bound of a user there is none until [`bound_by_default`](Self::bound_by_default).
    pub(crate) fn new(max: Option<usize>, addresses: Option<Arc<AddressLimit>>) -> Self {
        Self {
            open: AtomicUsize::new(0),
            max: AtomicUsize::new(max.unwrap_or(usize::MAX)),
            by_default: max.is_none(),
            last_id: AtomicU64::new(0),
            addresses,
            failures: Mutex::default(),
        }
    }

    /// Sets the bound, unless the user has set one.
    pub(crate) fn bound_by_default(&self, bound: impl FnOnce() -> usize) {
        if self.by_default {
            self.max.store(bound(), Ordering::Relaxed);
        }
    }

    /// Number of open connections.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes a permit for one more connection. False at the limit.
    pub(crate) fn try_acquire(&self) -> bool {
        let max = self.max.load(Ordering::Relaxed);
        let add = |open| (open < max).then_some(open + 1);
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

    /// Counts a failure of `accept` on any worker. Returns how many there were since the last report, if it is time for one.
    fn count_failure(&self, now: Instant) -> Option<u64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.count += 1;
        let reported = failures.reported;
        if reported.is_some_and(|at| now.saturating_duration_since(at) < BETWEEN_REPORTS) {
            return None;
        }
        failures.reported = Some(now);
        Some(std::mem::take(&mut failures.count))
    }
}

/// A listener registered with the runtime.
enum Socket {
    Tcp(TcpListener, ListenOptions),
    Unix(UnixListener),
}

enum Accepted {
    Tcp(TcpStream, Client),
    Unix(UnixStream),
}

/// The client of an accepted connection.
struct Client {
    remote: SocketAddr,
    permit: Option<ClientPermit>,
}

impl Socket {
    fn accept_ready(
        &self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<Accepted>> {
        match self {
            Self::Tcp(listener, _) => listener.poll_accept(cx).map_ok(|(stream, remote)| {
                let permit = None;
                Accepted::Tcp(stream, Client { remote, permit })
            }),
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
    F: Future + 'static,
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
    reached(&mut stop, Stop::Run).await;
    loop {
        let First::Right(accepted) = race(reached(&mut stop, Stop::Drain), socket.accept()).await
        else {
            break;
        };
        match accepted {
            // A permit is acquired after accepting: one held while waiting would be missing to other workers. At the
            // limit each worker holds one accepted connection, unread, and the system queues the rest.
            Ok(mut accepted) => {
                if !admit(&mut accepted, &worker) {
                    continue;
                }
                match race(acquire(&worker), reached(&mut stop, Stop::Drain)).await {
                    First::Left(()) => begin(accepted, &socket, &worker, &handlers),
                    First::Right(()) => break,
                }
            }
            Err(error) => recover(error, &worker).await,
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
    F: Future + 'static,
{
    loop {
        let io = match race(queue.recv(), reached(&mut stop, Stop::Drain)).await {
            First::Left(io) => io,
            First::Right(()) => {
                queue.close(); // queued transports are still received
                queue.recv().await
            }
        };
        let Some(io) = io else { return };
        worker.serve(io, Ends::default(), &handlers);
    }
}

/// Counts the connection for its client. False if the client has as many as it may: then the connection closes.
fn admit(accepted: &mut Accepted, worker: &Worker) -> bool {
    let (Accepted::Tcp(stream, from), Some(limit)) = (&mut *accepted, &worker.census.addresses)
    else {
        return true;
    };
    match limit.acquire(from.remote.ip()) {
        Ok(permit) => {
            from.permit = Some(permit);
            true
        }
        Err(open) => {
            let local = stream.local_addr().ok();
            let peer = Peer::new(worker.census.next_id(), Some(from.remote), local);
            worker.notify_dropped(&peer, open);
            false
        }
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
    F: Future + 'static,
{
    match accepted {
        Accepted::Tcp(stream, from) => {
            if let Socket::Tcp(_, options) = socket {
                // Best effort: the options may fail when the peer has disconnected.
                let _ = options.apply_to_accepted(&socket2::SockRef::from(&stream));
            }
            let ends = Ends {
                remote: Some(from.remote),
                local: stream.local_addr().ok(),
                permit: from.permit,
            };
            worker.serve(stream, ends, handlers);
        }
        Accepted::Unix(stream) => worker.serve(stream, Ends::default(), handlers),
    }
}

/// Accepts the connections that the system queued before the server began to drain: for their clients they are open.
async fn accept_queued<M, F>(socket: &Socket, worker: &Rc<Worker>, handlers: &Rc<Handlers<M, F>>)
where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future + 'static,
{
    while worker.census.try_acquire() {
        let ready =
            std::future::poll_fn(|cx| std::task::Poll::Ready(socket.accept_ready(cx))).await;
        match ready {
            std::task::Poll::Ready(Ok(mut accepted)) => {
                if admit(&mut accepted, worker) {
                    begin(accepted, socket, worker, handlers);
                } else {
                    worker.census.release();
                }
            }
            _ => return worker.census.release(),
        }
    }
}

/// Handles an error of `accept`. When descriptors ran out, clients wait in the queue of the system. The delay keeps a permanent
/// error from spinning.
async fn recover(error: io::Error, worker: &Worker) {
    if AcceptError::of(&error) == AcceptError::Client {
        return;
    }
    report(worker, error);
    tokio::time::sleep(RETRY_DELAY).await;
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

/// Reports that accepting failed, at most once a second for the whole server.
fn report(worker: &Worker, error: io::Error) {
    let Some(count) = worker.census.count_failure(worker.now()) else {
        return;
    };
    let advice = if AcceptError::of(&error) == AcceptError::Exhausted {
        "clients wait until connections close; raise the limit of open files, or lower `connections_max`"
    } else {
        "accepting is tried again"
    };
    tracing::error!(%error, count, "accepting failed: {advice}");
    let error = Error::other(AcceptFailed { error, count });
    worker.env.exchange.hooks.notify_error(&error);
}

/// What `event::Error` gets. Its source is the error of the system.
#[derive(Debug)]
struct AcceptFailed {
    error: io::Error,
    count: u64,
}

impl fmt::Display for AcceptFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accepting failed: {}", self.error)?;
        match self.count {
            1 => Ok(()),
            count => write!(f, ", {count} times since the last report"),
        }
    }
}

impl std::error::Error for AcceptFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
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
        let limit = ConnectionLimit::new(Some(2), None);
        limit.bound_by_default(|| 1); // the bound of a user counts
        assert!(limit.try_acquire() && limit.try_acquire());
        assert!(!limit.try_acquire());
        assert_eq!(limit.open(), 2);
        limit.release();
        assert!(limit.try_acquire());
        assert_eq!((limit.next_id(), limit.next_id()), (1, 2));
    }

    #[test]
    fn failures_are_reported_once_a_second_with_their_number() {
        let limit = ConnectionLimit::new(None, None);
        let began = Instant::now();
        let after = |millis| limit.count_failure(began + Duration::from_millis(millis));
        assert_eq!(after(0), Some(1));
        assert_eq!((after(1), after(500), after(999)), (None, None, None));
        assert_eq!(after(1000), Some(4));
        assert_eq!(after(5000), Some(1));
    }
}
