//! A server whose address is bound: how it is run, and how it stops.
//!
//! Here: [`Listening`]. Not here: binding (`net/listen/`), the end of the workers (`stopping.rs`), signals (`signals.rs`).

use super::accept::ConnectionLimit;
use super::descriptors;
use super::handle::{Orders, ServerHandle};
use super::handlers::SpecialHandlers;
use super::signals::Signals;
use super::stopping::{Report, Watch, name_of};
use super::worker::{Stop, WorkerConfig};
use crate::conn::context::Hooks;
use crate::error::Error;
use crate::event::callbacks::{catch_panic, notify_all};
use crate::net::listen::{Listener, LocalAddr};
use crate::net::transport::BoxIo;
use crate::race::{First, race};
use hearken_proto::Limits;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, mpsc as threads};
use std::thread;
use tokio::runtime;
use tokio::sync::mpsc;

/// Makes the whole life of one worker, where the type of the handler is known.
pub(super) type Work = Arc<dyn Fn(WorkerConfig) -> WorkerLife + Send + Sync>;
pub(super) type WorkerLife = Pin<Box<dyn Future<Output = ()>>>;

/// A server whose address is bound. Run it on this thread ([`run`](Self::run)), in the background
/// ([`start`](Self::start)), or wait for it in async code ([`serve`](Self::serve)).
#[must_use = "a server accepts connections only when it is run"]
pub struct Listening {
    pub(super) address: LocalAddr,
    pub(super) listeners: Vec<Listener>,
    pub(super) work: Work,
    pub(super) hooks: Arc<Hooks>,
    pub(super) special: Arc<SpecialHandlers>,
    pub(super) limits: Limits,
    pub(super) census: Arc<ConnectionLimit>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<crate::tls::ServerTls>,
}

impl Listening {
    /// The address, with the port that the system chose if 0 was asked for. Prints as a URL.
    #[must_use]
    pub fn address(&self) -> &LocalAddr {
        &self.address
    }

    /// Starts the workers and returns when each has its runtime. Signals are left alone: stop it by the handle. When the last
    /// handle is dropped, the server runs on until the process ends.
    ///
    /// # Errors
    /// When the system grants no thread, or no descriptors for one.
    pub fn start(mut self) -> Result<ServerHandle, Error> {
        notify_all(&self.hooks.listeners.listening, |listener| {
            listener(&self.address)
        });
        let (orders, ended) = Orders::new();
        let (reports, reported) = mpsc::unbounded_channel(); // one for each worker
        let (ready, readied) = threads::channel();
        let mut inboxes = Vec::new();
        let listeners = std::mem::take(&mut self.listeners);
        let workers = listeners.len();
        for (number, listener) in listeners.into_iter().enumerate() {
            let (inbox, config) = self.worker(vec![listener], &orders);
            inboxes.push(inbox);
            let thread = WorkerThread {
                number,
                work: Arc::clone(&self.work),
                ready: ready.clone(),
                reports: reports.clone(),
            };
            let spawned = thread::Builder::new()
                .name(name_of(number))
                .spawn(move || thread.run(config));
            if let Err(error) = spawned {
                orders.stop.send_replace(Stop::Kill);
                return Err(error.into());
            }
        }
        drop((ready, reports));
        for started in readied.iter().take(workers) {
            if let Err(error) = started {
                orders.stop.send_replace(Stop::Kill);
                return Err(error.into());
            }
        }
        // By now the workers have opened what they need.
        self.census
            .bound_by_default(|| descriptors::room_for_connections(workers));
        orders.stop.send_if_modified(|stop| {
            let starting = *stop == Stop::Starting;
            if starting {
                *stop = Stop::Run;
            }
            starting
        });
        let watch = Watch {
            running: (0..workers).collect(),
            reports: reported,
            stop: orders.stop.subscribe(),
            grace: self.limits.time.grace,
            hooks: Arc::clone(&self.hooks),
            census: Arc::clone(&self.census),
            ended,
        };
        watch.start()?;
        Ok(self.handle(inboxes, orders))
    }

    /// What one worker is made of, and the way to bring it connections.
    pub(super) fn worker(
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

    pub(super) fn handle(
        self,
        inboxes: Vec<mpsc::UnboundedSender<BoxIo>>,
        orders: Orders,
    ) -> ServerHandle {
        ServerHandle::new(orders, inboxes, self.census, self.address)
    }

    /// Serves until SIGINT or SIGTERM, then lets what runs end: nothing new is accepted, idle connections close, every
    /// request whose head was read gets its answer. Handlers that would run for ever, such as event streams, end when they
    /// await [`IncomingMessage::closing`](crate::IncomingMessage::closing). While connections are open the log says each second
    /// at most how many. Blocks this thread; inside of async code use [`serve`](Self::serve).
    ///
    /// It always returns: what still runs after `limits.time.grace` is cut, and half a second later it returns even if a
    /// handler blocks the thread of its worker. A second signal cuts everything and makes it return within half a second.
    ///
    /// # Errors
    /// When threads or signal handlers cannot be set up. When a worker did not end in time: the error names its thread, which
    /// lives until the process ends. After a second signal, always: [`Error::signal`] has its number, for the exit code.
    ///
    /// ```no_run
    /// use hearken::Server;
    /// use std::process::ExitCode;
    /// fn main() -> ExitCode {
    ///     let server = Server::new(async |_req, res| res.end("hi"));
    ///     match server.listen("127.0.0.1:3000").map(|listening| listening.run()) {
    ///         Ok(Ok(())) => ExitCode::SUCCESS,
    ///         // The convention of shells: 130 after SIGINT, 143 after SIGTERM.
    ///         Ok(Err(error)) => error.signal().map_or(ExitCode::FAILURE, |signal| ExitCode::from(128 + signal)),
    ///         Err(_) => ExitCode::from(2),
    ///     }
    /// }
    /// ```
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
        let First::Left(_) = race(signals.next(), handle.closed()).await else {
            return handle.outcome();
        };
        handle.close();
        let First::Left(signal) = race(signals.next(), handle.closed()).await else {
            return handle.outcome();
        };
        handle.close_at_once();
        handle.closed().await;
        Err(Error::second_signal(signal))
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

/// What the thread of a worker does.
struct WorkerThread {
    number: usize,
    work: Work,
    /// Takes whether the system has granted a runtime.
    ready: Sender<io::Result<()>>,
    reports: mpsc::UnboundedSender<Report>,
}

impl WorkerThread {
    fn run(self, config: WorkerConfig) {
        let Self {
            number,
            work,
            ready,
            reports,
        } = self;
        let panicked = |text| Err(Error::new(500, format!("a worker panicked: {text}")));
        let result = catch_panic(|| run_on_thread(&work, config, &ready)).unwrap_or_else(panicked);
        // An error means that the server was not waited for.
        let _ = reports.send(Report { number, result });
    }
}

/// Runs a worker on this thread to its end.
fn run_on_thread(
    work: &Work,
    config: WorkerConfig,
    ready: &Sender<io::Result<()>>,
) -> Result<(), Error> {
    let slept = Arc::clone(&config.slept);
    let built = runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_unpark(move || slept.store(true, Ordering::Relaxed))
        .build_local(runtime::LocalOptions::default());
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => {
            // An error means that another worker has failed before.
            let _ = ready.send(Err(error));
            return Ok(());
        }
    };
    let _ = ready.send(Ok(()));
    runtime.block_on(work(config));
    // Threads of `spawn_blocking` that still compute are not waited for.
    runtime.shutdown_background();
    Ok(())
}
