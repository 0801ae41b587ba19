//! The server as its user holds it: what it serves, where it listens, how it runs and how it stops.

// Here: [`Server`]. Not here: the server with its address (`server/listening.rs`), the running server (`server/handle.rs`), the life
// of a worker (`server/worker.rs`), of a connection (`conn/`).
//
// May know: all rooms below, `message` and `pump` among them.
//
// Must not know: `client`, `session`, `fetch`.

pub(crate) mod accept;
pub(crate) mod addresses;
mod descriptors;
pub(crate) mod handle;
pub(crate) mod handler;
#[doc(hidden)]
pub mod handlers;
#[cfg(any(test, feature = "test-util"))]
mod in_memory;
mod intercept;
mod life;
mod listening;
pub(crate) mod runner;
mod settings;
mod signals;
mod stopping;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod wheel;
pub(crate) mod worker;

pub use crate::event::client_error::ClientError;
pub use crate::event::timeout::{Deadline, TimedOut};
#[cfg(feature = "tls")]
pub use crate::event::tls_client_error::TlsClientError;
pub use handle::ServerHandle;
pub use handler::{Handler, HandlerFn, Handling, WorkerHandler, handler};
pub use handlers::Interceptable;
pub use listening::Listening;

use crate::conn::context::Hooks;
use crate::event::observe::Observer;
use crate::event::{ServerEvent, sealed};
use crate::message::answer::Answer;
use crate::net::listen::{ListenError, ListenOptions, Listener, LocalAddr, ToListenAddr};
use crate::server::accept::ConnectionLimit;
use crate::server::addresses::{AddressLimit, PerAddress};
use crate::server::life::run_worker;
use crate::server::worker::WorkerConfig;
use handlers::SpecialHandlers;
use hearken_proto::Limits;
use listening::{Work, WorkerLife};
use std::fmt;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

/// An HTTP server: a function of a request and its response, and everything around it.
///
/// The handler is `Send + Sync`, its futures need not be: each runs on one worker from beginning to end. All limits and
/// timers have safe defaults ([`Limits`]).
///
/// ```no_run
/// use hearken::Server;
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
    per_address: PerAddress,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::ServerTls>,
}

impl Server {
    /// A server with this handler: an async function or closure. It may answer by its response or by a value ([`Answer`]).
    ///
    /// The compiler knows the types of `req` and `res` where the closure is an argument. A closure that is stored in a variable first
    /// names them (otherwise E0282, "type annotations needed"):
    ///
    /// ```
    /// use hearken::{IncomingMessage, Server, ServerResponse};
    /// let hello = async |req: IncomingMessage, res: ServerResponse| res.end(req.path().to_owned());
    /// let server = Server::new(hello);
    /// ```
    #[must_use]
    pub fn new<H, R>(handler: H) -> Self
    where
        H: HandlerFn<R> + Send + Sync + 'static,
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
            per_address: PerAddress::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Speaks TLS on every connection: https. The second call replaces the first. To change certificates while the
    /// server runs, keep the handle.
    ///
    /// Node: `https.createServer`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: &crate::tls::ServerTls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// Listens to an event. Listeners run on the workers, several at the same time; those for one event in the order in
    /// which they were added. All are added before [`listen`](Self::listen), which consumes the server:
    ///
    /// ```compile_fail
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// let listening = server.listen("127.0.0.1:0")?;
    /// server.on(event::Connection, |peer| println!("{peer:?}"));
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    ///
    /// # Panics
    /// While a `TestServer` of this server lives (feature `test-util`).
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
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn observer(&mut self, observer: impl Observer) -> &mut Self {
        self.hooks_mut().observer = Some(Arc::new(observer));
        self
    }

    /// Changes the handlers for kinds of requests, and notes for the connections which kinds have one.
    #[track_caller]
    fn change_special(&mut self, change: impl FnOnce(&mut SpecialHandlers)) {
        let special = Arc::get_mut(&mut self.special).expect(WITHOUT_TEST);
        change(special);
        let hooks = Arc::get_mut(&mut self.hooks).expect(WITHOUT_TEST);
        special.note(&mut hooks.intercepted);
    }

    #[track_caller]
    pub(crate) fn hooks_mut(&mut self) -> &mut Hooks {
        Arc::get_mut(&mut self.hooks).expect(WITHOUT_TEST)
    }

    /// Sets all limits and timers.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the options of the listening socket and of accepted ones.
    #[must_use]
    pub fn listen_options(mut self, options: ListenOptions) -> Self {
        self.options = options;
        self
    }

    /// Number of workers, each a thread. Default: one for each core that this process may use. Zero counts as one.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN));
        self
    }

    /// Most connections at the same time; more wait in the queue of the system, and none is turned away. Zero counts as one.
    /// Default: nine tenths of the descriptors that are free once the workers have started; the rest is left to handlers.
    #[doc(alias = "maxConnections")]
    #[must_use]
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.connections_max = Some(connections.max(1));
        self
    }

    /// Most connections of one client address at the same time. A connection beyond that is closed right after it was accepted,
    /// and [`event::DropConnection`](crate::event::DropConnection) is emitted. Zero counts as one. Default: no such bound, because
    /// many clients may share one address: behind a proxy, all of them do. Unix sockets and injected transports have no address
    /// and are not counted.
    ///
    /// An IPv6 client has a whole prefix to choose addresses from, so the addresses of one /64 count as one:
    /// [`ipv6_prefix`](Self::ipv6_prefix).
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::DropConnection, |peer| eprintln!("too many connections: {peer:?}"));
    /// let server = server.connections_per_address_max(100);
    /// ```
    #[must_use]
    pub fn connections_per_address_max(mut self, connections: usize) -> Self {
        self.per_address.max = Some(connections.max(1));
        self
    }

    /// How many leading bits of an IPv6 address tell clients apart for
    /// [`connections_per_address_max`](Self::connections_per_address_max). Default 64; 128 counts each address by itself, and
    /// 56 or 48 is what many providers give to one customer. More than 128 counts as 128.
    #[must_use]
    pub fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.per_address.ipv6_prefix = bits;
        self
    }

    /// Binds, and nothing more: connections queue up from here on, and are accepted when the result is run. A server listens on
    /// one address; for two, make two servers by a function of yours.
    ///
    /// # Errors
    /// When the address cannot be listened on; the text says what to do.
    pub fn listen(
        self, // it moves: call `on` and the settings before `listen`
        address: impl ToListenAddr,
    ) -> Result<Listening, ListenError> {
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
                self.connections_max,
                AddressLimit::new(self.per_address),
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

const WITHOUT_TEST: &str = "expected listeners, handlers and observers to be added while no `TestServer` of this server lives";
