//! The server as its user holds it: what it serves, where it listens, how it runs and how it stops.
//!
//! Here: [`Server`], [`Listening`]. Not here: the running server (`server/handle.rs`), the life of a worker (`server/worker.rs`), of
//! a connection (`conn/`).
//!
//! May know: all rooms below, `message` and `pump` among them.
//!
//! Must not know: `client`, `session`, `fetch`.

pub(crate) mod accept;
pub(crate) mod handle;
pub(crate) mod handler;
#[doc(hidden)]
pub mod handlers;
#[cfg(any(test, feature = "test-util"))]
mod in_memory;
mod intercept;
pub(crate) mod runner;
mod settings;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod wheel;
pub(crate) mod worker;

pub use crate::event::client_error::ClientError;
pub use crate::event::timeout::{Deadline, TimedOut};
#[cfg(feature = "tls")]
pub use crate::event::tls_client_error::TlsClientError;
pub use handle::ServerHandle;
pub use handler::{Handler, Handling, WorkerHandler, handler};
pub use handlers::Interceptable;

use crate::conn::context::Hooks;
use crate::error::Error;
use crate::event::callbacks::notify_all;
use crate::event::observe::Observer;
use crate::event::{ServerEvent, sealed};
use crate::message::answer::Answer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::net::listen::{ListenError, ListenOptions, Listener, LocalAddr, ToListenAddr};
use crate::net::transport::BoxIo;
use crate::server::accept::ConnectionLimit;
use crate::server::handle::Orders;
use crate::server::worker::{Stop, WorkerConfig, run_worker};
use handlers::SpecialHandlers;
use hearken_proto::Limits;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use tokio::runtime;
use tokio::sync::{mpsc, watch};

/// Makes the whole life of one worker, where the type of the handler is known.
type Work = Arc<dyn Fn(WorkerConfig) -> WorkerLife + Send + Sync>;
type WorkerLife = Pin<Box<dyn Future<Output = ()>>>;

/// An HTTP server: a function of a request and its response, and everything around it.
///
/// The handler is `Send + Sync`, its futures need not be: each runs on one worker from beginning to end. All limits and
/// timers have safe defaults ([`Limits`]).
///
/// ```no_run
/// use hearken_http::Server;
/// Server::new(async |_req, res| res.end("Hello, World!")).listen("127.0.0.1:3000")?.run()?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub struct Server {
    work: Work,
    hooks: Arc<Hooks>,
    special: Arc<SpecialHandlers>,
    limits: Limits,
    options: ListenOptions,
    workers: Option<NonZeroUsize>,
    connections_max: Option<usize>,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::ServerTls>,
}

impl Server {
    /// A server with this handler. It may answer by its response or by a value ([`Answer`]).
    #[must_use]
    pub fn new<H, R>(handler: H) -> Self
    where
        H: AsyncFn(IncomingMessage, ServerResponse) -> R + Send + Sync + 'static,
        R: Answer + 'static,
    {
        let handler = Arc::new(handler);
        Self::run_by(move |config| {
            // Counted without atomics from here on: the futures of a worker stay on it.
            let handler = Rc::new(Arc::clone(&handler));
            Box::pin(run_worker(config, move |req, res| {
                handler::respond(Rc::clone(&handler), req, res)
            }))
        })
    }

    /// A server with a handler that is an object, such as a router.
    #[must_use]
    pub fn with_handler(handler: impl Handler) -> Self {
        Self::run_by(move |config| {
            let handler = handler.on_worker();
            Box::pin(run_worker(config, move |req, res| handler.start(req, res)))
        })
    }

    fn run_by(work: impl Fn(WorkerConfig) -> WorkerLife + Send + Sync + 'static) -> Self {
        Self {
            work: Arc::new(work),
            hooks: Arc::new(Hooks::default()),
            special: Arc::new(SpecialHandlers::default()),
            limits: Limits::default(),
            options: ListenOptions::new(),
            workers: None,
            connections_max: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Speaks TLS on every connection: https. The second call replaces the first. To change certificates while the
    /// server runs, keep the handle.
    ///
    /// Node: `https.createServer`.
    #[cfg(feature = "tls")]
    pub fn tls(&mut self, tls: &crate::tls::ServerTls) -> &mut Self {
        self.tls = Some(tls.clone());
        self
    }

    /// Listens to an event. Listeners run on the workers, several at the same time; those for one event in the order in
    /// which they were added.
    ///
    /// # Panics
    /// After [`listen`](Self::listen): the workers hold the listeners by then.
    #[track_caller]
    pub fn on<E: ServerEvent>(
        &mut self,
        event: E,
        listener: impl for<'a> Fn(<E as sealed::Server>::Args<'a>) + Send + Sync + 'static,
    ) -> &mut Self {
        event.add(listener, &mut self.hooks_mut().listeners);
        self
    }

    /// Shows every step of every exchange to `observer`. The second call replaces the first.
    ///
    /// # Panics
    /// After [`listen`](Self::listen).
    #[track_caller]
    pub fn observer(&mut self, observer: impl Observer) -> &mut Self {
        self.hooks_mut().observer = Some(Arc::new(observer));
        self
    }

    /// Changes the handlers for kinds of requests, and notes for the connections which kinds have one.
    #[track_caller]
    fn change_special(&mut self, change: impl FnOnce(&mut SpecialHandlers)) {
        let special = Arc::get_mut(&mut self.special).expect(BEFORE_LISTEN);
        change(special);
        let hooks = Arc::get_mut(&mut self.hooks).expect(BEFORE_LISTEN);
        special.note(&mut hooks.intercepted);
    }

    #[track_caller]
    pub(crate) fn hooks_mut(&mut self) -> &mut Hooks {
        Arc::get_mut(&mut self.hooks).expect(BEFORE_LISTEN)
    }

    /// Sets all limits and timers.
    pub fn limits(&mut self, limits: Limits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// Sets the options of the listening socket and of accepted ones.
    pub fn listen_options(&mut self, options: ListenOptions) -> &mut Self {
        self.options = options;
        self
    }

    /// Number of workers, each a thread. Default: one for each core that this process may use. Zero counts as one.
    pub fn workers(&mut self, workers: usize) -> &mut Self {
        self.workers = Some(NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN));
        self
    }

    /// Most connections at the same time; more wait in the queue of the system. Default: nine tenths of the descriptors
    /// that this process may open.
    #[doc(alias = "maxConnections")]
    pub fn connections_max(&mut self, connections: usize) -> &mut Self {
        self.connections_max = Some(connections);
        self
    }

    /// Binds, and nothing more: connections queue up from here on, and are accepted when the result is run.
    ///
    /// # Errors
    /// When the address cannot be listened on; the text says what to do.
    pub fn listen(&mut self, address: impl ToListenAddr) -> Result<Listening, ListenError> {
        let available = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let workers = self.workers.unwrap_or_else(available).get();
        let first = self.options.bind(&address.to_listen_addr()?)?;
        let mut listeners = first.bind_more(workers - 1)?;
        listeners.insert(0, first);
        let address = listeners[0].local_addr();
        #[cfg(feature = "tls")]
        let address = if self.tls.is_some() {
            address.secured()
        } else {
            address
        };
        Ok(self.listening(address, listeners))
    }

    fn listening(&self, address: LocalAddr, listeners: Vec<Listener>) -> Listening {
        Listening {
            address,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
            listeners,
            work: Arc::clone(&self.work),
            hooks: Arc::clone(&self.hooks),
            special: Arc::clone(&self.special),
            limits: self.limits.clone(),
            census: Arc::new(ConnectionLimit::new(
                self.connections_max.unwrap_or_else(descriptors).max(1),
            )),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("limits", &self.limits)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

const BEFORE_LISTEN: &str =
    "expected listeners, handlers and observers to be added before `listen`";

/// Runs a worker on this thread to its end.
fn run_on_thread(work: &Work, config: WorkerConfig) -> Result<(), Error> {
    let slept = Arc::clone(&config.slept);
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_unpark(move || slept.store(true, Ordering::Relaxed))
        .build_local(runtime::LocalOptions::default())?;
    runtime.block_on(work(config));
    Ok(())
}

/// Nine tenths of the descriptors that this process may open.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit / 10 * 9).unwrap_or(usize::MAX)
    })
}

/// A server whose address is bound. Run it on this thread ([`run`](Self::run)), in the background
/// ([`start`](Self::start)), or wait for it in async code ([`serve`](Self::serve)).
#[must_use = "a server accepts connections only when it is run"]
pub struct Listening {
    address: LocalAddr,
    listeners: Vec<Listener>,
    work: Work,
    hooks: Arc<Hooks>,
    special: Arc<SpecialHandlers>,
    limits: Limits,
    census: Arc<ConnectionLimit>,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::ServerTls>,
}

impl Listening {
    /// The address, with the port that the system chose if 0 was asked for. Prints as a URL.
    #[must_use]
    pub fn address(&self) -> &LocalAddr {
        &self.address
    }

    /// Starts the workers and returns at once. Signals are left alone: stop it by the handle. When the last handle is
    /// dropped, the server runs on until the process ends.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(mut self) -> Result<ServerHandle, Error> {
        notify_all(&self.hooks.listeners.listening, |listener| {
            listener(&self.address)
        });
        let (orders, ended) = Orders::new();
        let mut inboxes = Vec::new();
        let mut threads = Vec::new();
        for (number, listener) in std::mem::take(&mut self.listeners).into_iter().enumerate() {
            let (inbox, config) = self.worker(vec![listener], &orders);
            inboxes.push(inbox);
            let work = Arc::clone(&self.work);
            let thread = thread::Builder::new()
                .name(format!("hearken-{number}"))
                .spawn(move || run_on_thread(&work, config));
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    orders.stop.send_replace(Stop::Kill);
                    return Err(error.into());
                }
            }
        }
        let hooks = Arc::clone(&self.hooks);
        thread::Builder::new()
            .name("hearken-end".to_owned())
            .spawn(move || watch_over(threads, &hooks, &ended))?;
        Ok(self.handle(inboxes, orders))
    }

    /// What one worker is made of, and the way to bring it connections.
    fn worker(
        &self,
        listeners: Vec<Listener>,
        orders: &Orders,
    ) -> (mpsc::UnboundedSender<BoxIo>, WorkerConfig) {
        let (inbox, injected) = mpsc::unbounded_channel(); // bounded by the census
        let config = WorkerConfig {
            listeners,
            limits: self.limits.clone(),
            hooks: Arc::clone(&self.hooks),
            special: Arc::clone(&self.special),
            census: Arc::clone(&self.census),
            stop: orders.stop.subscribe(),
            sweeps: orders.close_commands.subscribe(),
            injected,
            slept: Arc::new(AtomicBool::new(true)),
            date: None,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        };
        (inbox, config)
    }

    fn handle(self, inboxes: Vec<mpsc::UnboundedSender<BoxIo>>, orders: Orders) -> ServerHandle {
        ServerHandle::new(orders, inboxes, self.census, self.address)
    }

    /// Serves until SIGINT or SIGTERM, then lets what runs end: nothing new is accepted, idle connections close, every
    /// request whose head was read gets its answer. What still runs after `limits.time.grace`, or at a second signal, is
    /// cut. Blocks this thread; inside of async code use [`serve`](Self::serve).
    ///
    /// # Errors
    /// When threads or signal handlers cannot be set up.
    pub fn run(self) -> Result<(), Error> {
        // On a thread of its own, so that it works wherever it is called, a runtime's thread included.
        let waiter = thread::Builder::new()
            .name("hearken-signals".to_owned())
            .spawn(move || {
                let runtime = runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                runtime.block_on(self.serve())
            })?;
        waiter.join().unwrap_or_else(|_| {
            Err(Error::new(
                500,
                "the thread that waits for signals panicked",
            ))
        })
    }

    /// [`run`](Self::run) for async code: the workers have threads of their own, this future waits for signals and for
    /// the end. Dropping it is an order to stop, as [`ServerHandle::close`] is.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn serve(self) -> Result<(), Error> {
        let mut signals = Signals::new()?;
        let started = Started(self.start()?);
        let handle = &started.0;
        tokio::select! {
            () = signals.next() => handle.close(),
            () = handle.closed() => return Ok(()),
        }
        tokio::select! {
            () = signals.next() => handle.close_now(),
            () = handle.closed() => return Ok(()),
        }
        handle.closed().await;
        Ok(())
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A server whose only handle belongs to a future: when that is dropped, nothing else could stop it.
struct Started(ServerHandle);

impl Drop for Started {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Waits for the workers and reports their end.
fn watch_over(
    threads: Vec<JoinHandle<Result<(), Error>>>,
    hooks: &Hooks,
    ended: &watch::Sender<bool>,
) {
    for thread in threads {
        let failed = match thread.join() {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(Error::new(500, "a worker panicked")),
        };
        if let Some(error) = failed {
            tracing::error!(%error, "a worker ended");
            hooks.notify_error(&error);
        }
    }
    notify_all(&hooks.listeners.close, |listener| listener(()));
    ended.send_replace(true);
}

/// SIGINT and SIGTERM.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    fn new() -> Result<Self, Error> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
