//! Accepting connections, up to the number that can be served, and without a spin when descriptors run out.
//!
//! Here: [`accept`], the task of one listener on one worker, and [`ConnectionLimit`], the count of connections of the whole
//! server. Not here: binding (`listener/`).

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

/// Without descriptors or room, until the next try. Long enough to cost nothing, short enough to be missed by nobody.
const PAUSE: Duration = Duration::from_millis(50);

/// How many connections there are in the whole server, and how many there may be.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    open: AtomicUsize,
    most: usize,
    ids: AtomicU64,
}

impl ConnectionLimit {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            open: AtomicUsize::new(0),
            most,
            ids: AtomicU64::new(0),
        }
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn try_take(&self) -> bool {
        let take = |open| (open < self.most).then_some(open + 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    /// The number of a connection that uses the room that was taken for it.
    pub(crate) fn enter(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A connection has closed.
    pub(crate) fn leave(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A listener of any kind that the runtime watches.
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

/// Accepts until the server is to stop; what has been queued by then is still accepted.
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
            // An acceptor takes no room before it has somebody to give it to, or it would take it from the others. Above
            // the limit each holds one connection, unread, and leaves the rest to the system.
            Ok(accepted) => tokio::select! {
                biased;
                () = room(&worker) => begin(accepted, &socket, &worker, &handlers),
                () = reached(&mut stop, Stop::Drain) => break,
            },
            Err(error) => refused(error, &socket, &worker, &mut reserve).await,
        }
    }
    sweep(&socket, &worker, &handlers).await;
}

/// Serves transports that somebody else brought, until the server is to stop; those that were taken by then are still served.
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
                queue.close(); // what is in it is still received
                queue.recv().await
            }
        };
        let Some(io) = io else { return };
        worker.serve(io, (None, None), &handlers);
    }
}

/// Waits until there is room for one more connection and takes it.
async fn room(worker: &Worker) {
    while !worker.census.try_take() {
        // Another worker's connection may be the one that closes, so a look now and then as well.
        let _ = tokio::time::timeout(PAUSE, worker.closed.notified()).await;
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
                // The connection works without them, only less well; its peer may even be gone already.
                let _ = options.apply_to_accepted(&socket2::SockRef::from(&stream));
            }
            let local = stream.local_addr().ok();
            worker.serve(stream, (Some(from), local), handlers);
        }
        Accepted::Unix(stream) => worker.serve(stream, (None, None), handlers),
    }
}

/// Connections that the system has queued before the order to stop came: their clients think that they are connected.
async fn sweep<M, F>(socket: &Socket, worker: &Rc<Worker>, handlers: &Rc<Handlers<M, F>>)
where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    while worker.census.try_take() {
        let ready =
            std::future::poll_fn(|cx| std::task::Poll::Ready(socket.accept_ready(cx))).await;
        match ready {
            std::task::Poll::Ready(Ok(accepted)) => begin(accepted, socket, worker, handlers),
            _ => return worker.census.leave(),
        }
    }
}

/// Accepting failed. Out of descriptors, the one kept in reserve lets us refuse the client instead of leaving it in the
/// queue. The pause keeps an error that stays from becoming a loop at full speed.
async fn refused(error: io::Error, socket: &Socket, worker: &Worker, reserve: &mut Option<File>) {
    let trouble = Trouble::of(&error);
    if trouble == Trouble::OfClient {
        return;
    }
    report(worker, error);
    if trouble == Trouble::Exhausted && reserve.take().is_some() {
        let _ = tokio::time::timeout(PAUSE, socket.accept()).await;
    }
    tokio::time::sleep(PAUSE).await;
    if reserve.is_none() {
        *reserve = File::open("/dev/null").ok();
    }
}

/// What an error of accepting means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The client gave up before it was accepted, or was turned away on its way: the next may be better.
    OfClient,
    /// No descriptors or memory.
    Exhausted,
    /// The listener itself.
    Ours,
}

impl Trouble {
    fn of(error: &io::Error) -> Self {
        use rustix::io::Errno;
        const OF_CLIENT: [Errno; 9] = [
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
            Some(code) if OF_CLIENT.contains(&code) => Self::OfClient,
            Some(code) if EXHAUSTED.contains(&code) => Self::Exhausted,
            _ => Self::Ours,
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
    fn only_the_clients_own_trouble_is_passed_over_at_once() {
        let of = |code: rustix::io::Errno| Trouble::of(&io::Error::from(code));
        assert_eq!(of(rustix::io::Errno::CONNABORTED), Trouble::OfClient);
        assert_eq!(of(rustix::io::Errno::MFILE), Trouble::Exhausted);
        assert_eq!(of(rustix::io::Errno::INVAL), Trouble::Ours);
        assert_eq!(of(rustix::io::Errno::BADF), Trouble::Ours);
        assert_eq!(Trouble::of(&io::ErrorKind::Other.into()), Trouble::Ours);
    }

    #[test]
    fn the_census_has_room_for_so_many_and_no_more() {
        let census = ConnectionLimit::new(2);
        assert!(census.try_take() && census.try_take());
        assert!(!census.try_take());
        assert_eq!(census.open(), 2);
        census.leave();
        assert!(census.try_take());
        assert_eq!((census.enter(), census.enter()), (1, 2));
    }
}
