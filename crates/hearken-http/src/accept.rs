//! Accepting connections, up to the number that can be served, and without a spin when descriptors run out.
//!
//! Here: [`accept`], the task of one listener on one worker, and [`Census`], the count of connections of the whole
//! server. Not here: binding (`listener/`).

use crate::error::Error;
use crate::listener::{ListenOptions, Listener, ListenerParts};
use crate::message::IncomingMessage;
use crate::response::ServerResponse;
use crate::runner::Handlers;
use crate::worker::{Stop, Worker, reached};
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

/// Without descriptors or room, until the next try. Long enough to cost nothing, short enough to be missed by nobody.
const PAUSE: Duration = Duration::from_millis(50);

/// How many connections there are in the whole server, and how many there may be.
#[derive(Debug)]
pub(crate) struct Census {
    /// Connections, and acceptors that have room for the next one.
    taken: AtomicUsize,
    open: AtomicUsize,
    most: usize,
    ids: AtomicU64,
}

impl Census {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most,
            ids: AtomicU64::new(0),
        }
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn try_take(&self) -> bool {
        let take = |taken| (taken < self.most).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection uses the room that was taken for it. Returns its number.
    pub(crate) fn enter(&self) -> u64 {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A connection has closed.
    pub(crate) fn leave(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.give_back();
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
            () = room(&worker) => tokio::select! {
                () = reached(&mut stop, Stop::Drain) => {
                    worker.census.give_back();
                    break;
                }
                accepted = socket.accept() => accepted,
            },
        };
        match accepted {
            Ok(accepted) => begin(accepted, &socket, &worker, &handlers),
            Err(error) => {
                worker.census.give_back();
                refused(error, &socket, &worker, &mut reserve).await;
            }
        }
    }
    sweep(&socket, &worker, &handlers).await;
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
            _ => return worker.census.give_back(),
        }
    }
}

/// Accepting failed. Out of descriptors, the one kept in reserve lets us refuse the client instead of leaving it in the
/// queue, and the pause keeps this from becoming a loop at full speed.
async fn refused(error: io::Error, socket: &Socket, worker: &Worker, reserve: &mut Option<File>) {
    let code = error
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error);
    let exhausted = [
        rustix::io::Errno::MFILE,
        rustix::io::Errno::NFILE,
        rustix::io::Errno::NOBUFS,
        rustix::io::Errno::NOMEM,
    ];
    if !code.is_some_and(|code| exhausted.contains(&code)) {
        return; // the client's affair: it gave up before it was accepted
    }
    report(worker, error);
    if reserve.take().is_some() {
        let _ = tokio::time::timeout(PAUSE, socket.accept()).await;
    }
    tokio::time::sleep(PAUSE).await;
    *reserve = File::open("/dev/null").ok();
}

fn report(worker: &Worker, error: io::Error) {
    tracing::error!(%error, "accepting failed");
    worker.env.hooks.tell_error(&Error::from(error));
}
