//! A server in memory: one worker on a runtime whose clock only the test moves.
//!
//! Here: [`TestServer`]. Not here: what a client does (`connection.rs`), the worker itself (`server/worker.rs`).

use super::connection::Connection;
use super::pipe::pipe;
use crate::server::{Server, ServerHandle};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

/// Real time for which [`Connection::response`] waits while nothing happens, until it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at a runtime in which nothing happens.
const PAUSE: Duration = Duration::from_millis(1);

/// A [`Server`] in memory: all of it but sockets, TLS and threads. Its clock stands still until [`advance`](Self::advance)
/// moves it, for the limits of the server and for `tokio::time` in handlers alike.
///
/// Handlers, listeners, observer and limits are those of the server at the time of [`new`](Self::new). The server runs
/// only inside of calls of this type and of [`Connection`], on the thread of the caller, until nothing happens any more.
///
/// ```
/// use hearken::Server;
/// use hearken::test::{Request, TestServer};
/// use std::time::Duration;
///
/// let server = Server::new(async |_req, res| {
///     tokio::time::sleep(Duration::from_secs(3)).await;
///     res.end("slow")
/// });
/// let test = TestServer::new(&server);
/// let mut connection = test.connect();
/// connection.request(Request::get("/"))?;
/// assert!(connection.response_so_far()?.is_none());
/// test.advance(Duration::from_secs(3));
/// assert_eq!(connection.response()?.text(), "slow");
///
/// // The same clock drives the limits: the connection is idle for longer than `limits.time.keep_alive`.
/// test.advance(Duration::from_secs(60));
/// assert!(!connection.is_open());
/// # Ok::<(), hearken::test::InjectError>(())
/// ```
pub struct TestServer {
    inner: Rc<Inner>,
}

/// What a server and its connections share.
pub(super) struct Inner {
    runtime: LocalRuntime,
    handle: ServerHandle,
    idle: Arc<Idle>,
    start: Instant,
    patience: Cell<Duration>,
}

/// Waits until the runtime has no task to run.
#[derive(Default)]
struct Idle {
    waiting: Mutex<Option<Waker>>,
}

impl TestServer {
    /// A server in memory. `server` can still listen, and be tested more than once.
    ///
    /// # Panics
    /// When the system refuses a runtime.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        let slept = Arc::new(AtomicBool::new(true));
        let idle = Arc::<Idle>::default();
        let (parking, unparked) = (Arc::clone(&idle), Arc::clone(&slept));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .on_thread_park(move || parking.reached())
            .on_thread_unpark(move || unparked.store(true, Ordering::Relaxed))
            .build_local(LocalOptions::default())
            .expect("expected the system to grant a runtime");
        let (worker, handle) = server.in_memory(SystemTime::UNIX_EPOCH, slept);
        runtime.spawn_local(worker);
        let start = runtime.block_on(async { now() });
        let inner = Inner {
            runtime,
            handle,
            idle,
            start,
            patience: Cell::new(PATIENCE),
        };
        inner.settle();
        Self {
            inner: Rc::new(inner),
        }
    }

    /// A client connects. The server closes the connection at once if it is stopping or has as many connections as it may.
    #[must_use]
    pub fn connect(&self) -> Connection {
        let (client, server) = pipe();
        // A transport that is refused is dropped, and so closed.
        let _ = self.inner.handle.inject(server);
        self.inner.settle();
        Connection::new(Rc::clone(&self.inner), client)
    }

    /// Lets time pass. Timers fire in their order, each at its own time. Deadlines of the server fire on the next multiple
    /// of 25 ms since [`new`](Self::new), as in production.
    pub fn advance(&self, time: Duration) {
        self.inner.settle();
        // A paused clock jumps from timer to timer while the runtime is idle.
        self.inner
            .runtime
            .block_on(async { tokio::time::sleep(time).await });
        self.inner.settle();
    }

    /// How far the clock has moved since [`new`](Self::new). The `Date` of responses starts at 1 January 1970 and moves
    /// with it.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let now = self.inner.runtime.block_on(async { now() });
        now - self.inner.start
    }

    /// Lets the server go on until nothing happens any more. Needed only after something that the harness cannot see: a
    /// call of [`handle`](Self::handle), a channel that wakes a handler.
    pub fn settle(&self) {
        self.inner.settle();
    }

    /// Stops the server, closes its connections and counts them, as the handle of a running server does. Calls take
    /// effect with the next call that lets the server go on, for example [`settle`](Self::settle). Its address is
    /// unspecified.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::test::{Request, TestServer};
    /// let server = Server::new(async |_req, res| res.end("hi"));
    /// let test = TestServer::new(&server);
    /// let mut connection = test.connect();
    /// assert_eq!(connection.inject(Request::get("/"))?.text(), "hi");
    /// test.handle().close();
    /// test.settle();
    /// assert!(!connection.is_open(), "an idle connection is closed when the server stops");
    /// # Ok::<(), hearken::test::InjectError>(())
    /// ```
    #[must_use]
    pub fn handle(&self) -> &ServerHandle {
        &self.inner.handle
    }

    /// How long [`Connection::inject`] and [`Connection::response`] wait, in real time, while nothing happens: for a file, a
    /// thread, a socket of the handler's own. Default 5 s.
    pub fn set_patience(&self, patience: Duration) {
        self.inner.patience.set(patience);
    }
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer")
            .field("connections", &self.inner.handle.connections())
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(super) fn patience(&self) -> Duration {
        self.patience.get()
    }

    /// Lets the server go on until nothing happens any more.
    pub(super) fn settle(&self) {
        // The second round runs the tasks that the driver woke at the end of the first.
        for _ in 0..2 {
            self.runtime.block_on(self.idle.reach());
        }
    }

    /// Waits a moment in real time, then lets the server go on.
    pub(super) fn pause(&self) {
        thread::sleep(PAUSE);
        self.settle();
    }
}

impl Idle {
    fn waiting(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runtime is about to park. A runtime with a paused clock moves it to the next timer when it parks, unless a
    /// task was woken.
    fn reached(&self) {
        let waker = self.waiting().take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Waits for the next call of [`reached`](Self::reached).
    async fn reach(&self) {
        let mut begun = false;
        std::future::poll_fn(|cx| {
            let mut waiting = self.waiting();
            if std::mem::replace(&mut begun, true) && waiting.is_none() {
                return Poll::Ready(());
            }
            *waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// The clock of the runtime.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
