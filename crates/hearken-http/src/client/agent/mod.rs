//! Who keeps connections for later: Node's `Agent`.
//!
//! Here: [`Agent`], the lock around its [`Pool`], the hand-over of connections and of the right to open one, and the one task
//! that closes what has been idle for too long. Not here: which connection goes to whom (`pool.rs`), connecting
//! (`connect.rs`), requests (`request.rs`).

pub(crate) mod connection;
pub(crate) mod options;
pub(crate) mod pool;
pub(crate) mod proxies;
pub(crate) mod stats;

use crate::client::agent::connection::{Wire, now};
use crate::client::agent::options::{AgentOptions, Route, Scheduling};
use crate::client::agent::pool::{Bounds, KeyRef, Next, Pool, Take};
use crate::client::request::ClientRequest;
use crate::conn::limits::{MAX_DURATION, clamp_all};
use crate::error::Error;
use hearken_proto::Limits;
use http::Method;
use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

/// The task that closes idle connections sleeps at least this long: it need not be exact, only cheap.
const REAP_PAUSE: Duration = Duration::from_millis(100);

/// Keeps connections for later requests to the same host, bounds their number, and lets requests wait for their turn. Node's
/// `Agent`; https included. Clones are the same agent.
///
/// A connection belongs to the tokio runtime it was made on and is never used on another. An idle one costs no task; one task
/// for each runtime closes those that have been idle for too long, and ends when there is none.
///
/// ```no_run
/// use hearken_http::Agent;
/// # async fn example() -> Result<(), hearken_http::Error> {
/// let agent = Agent::default();
/// for n in 0..3 {
///     let url = format!("http://127.0.0.1:3000/{n}");
///     let mut response = agent.request("GET", &url)?.end("").await?;
///     println!("{}", response.text().await?);
/// }
/// assert_eq!(agent.stats().created, 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Agent {
    pub(crate) inner: Arc<Inner>,
}

/// What the clones of an agent share.
pub(crate) struct Inner {
    pub(crate) options: AgentOptions,
    pub(crate) limits: Arc<Limits>,
    state: Mutex<State>,
    destroyed: AtomicBool,
}

pub(crate) struct State {
    pub(crate) pool: Pool<Box<Wire>, Waiting, Route>,
    /// Runtimes on which a task closes idle connections.
    reapers: HashSet<Id>,
}

pub(crate) type Waiting = oneshot::Sender<Grant>;

/// What somebody who waited is given: a connection, or the right to open one.
pub(crate) struct Grant {
    pub(crate) lease: Lease,
    pub(crate) wire: Option<Box<Wire>>,
}

/// The room of one connection in the pool. Given back when it is dropped.
pub(crate) struct Lease {
    inner: Option<Arc<Inner>>,
    place: usize,
}

/// A connection in use.
pub(crate) struct Leased {
    pub(crate) wire: Box<Wire>,
    pub(crate) lease: Lease,
}

/// What [`Inner::take`] found.
pub(crate) enum Taken {
    Idle(Leased),
    Open(Lease),
    Wait(Turn),
}

/// A place in the queue, given up when it is dropped.
pub(crate) struct Turn {
    inner: Arc<Inner>,
    place: usize,
    number: u64,
    granted: oneshot::Receiver<Grant>,
}

impl Future for Turn {
    type Output = Result<Grant, oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.granted).poll(cx)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // What was granted meanwhile is given back by dropping it, after this.
        let left = self.inner.state().pool.leave(self.place, self.number);
        drop(left); // without the lock
    }
}

impl Lease {
    /// Of a connection that belongs to no pool.
    pub(crate) const fn none() -> Self {
        Self {
            inner: None,
            place: 0,
        }
    }

    fn new(inner: &Arc<Inner>, place: usize) -> Self {
        Self {
            inner: Some(Arc::clone(inner)),
            place,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            let next = inner.state().pool.freed(self.place);
            inner.hand_over(next);
        }
    }
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection that can be used, the right to open one, or a place in the queue.
    pub(crate) fn take(
        self: &Arc<Self>,
        key: &KeyRef<'_, Route>,
        route: Option<&Arc<Route>>,
    ) -> Taken {
        loop {
            let (mut wire, until, lease) = {
                let mut state = self.state();
                let place = state.pool.place(key, route);
                match state.pool.take(place) {
                    Take::Idle(wire, until) => (wire, until, Lease::new(self, place)),
                    Take::Open(evicted) => {
                        drop(state);
                        drop(evicted);
                        return Taken::Open(Lease::new(self, place));
                    }
                    Take::Wait => {
                        let (sender, granted) = oneshot::channel();
                        return Taken::Wait(Turn {
                            number: state.pool.wait(place, sender),
                            inner: Arc::clone(self),
                            place,
                            granted,
                        });
                    }
                }
            };
            if now() < until && wire.is_quiet() {
                self.state().pool.counts.reused += 1;
                return Taken::Idle(Leased { wire, lease });
            }
            // Whatever an idle connection says belongs to no request: an end mostly, or an answer that nobody asked for.
            self.state().pool.counts.stale += 1;
        }
    }

    /// A connection whose exchange has ended well lies idle from now on, or goes to whoever waits.
    pub(crate) fn put(self: &Arc<Self>, leased: Leased) {
        let Leased {
            mut wire,
            mut lease,
        } = leased;
        let time = self.idle_time(&mut wire);
        let (Some(time), true) = (time, lease.inner.is_some()) else {
            return; // dropped, and with it the lease
        };
        let runtime = wire.runtime.clone();
        lease.inner = None;
        let mut state = self.state();
        let next = state.pool.put(lease.place, wire, now() + time);
        let unwatched = matches!(next, Next::Kept) && state.reapers.insert(runtime.id());
        drop(state);
        if unwatched {
            runtime.spawn(reap(Arc::downgrade(self), Reaping::new(self, runtime.id())));
        }
        if let Next::Close(wire) = next {
            drop(wire);
            drop(Lease::new(self, lease.place));
        } else {
            self.hand_over(next);
        }
    }

    /// How long this connection may lie idle; `None` when it is not to be used again.
    fn idle_time(&self, wire: &mut Wire) -> Option<Duration> {
        let (announced, left) = wire.used().hint;
        // `max=1` is the last one for some servers, and the last but one for others.
        let last = left.is_some_and(|left| left <= 1);
        if !self.options.keep_alive || self.destroyed.load(Ordering::Relaxed) || last {
            return None;
        }
        let announced = announced.map(|time| time.saturating_sub(self.options.timeout_buffer));
        let time = announced.map_or(self.options.idle_timeout, |time| {
            time.min(self.options.idle_timeout)
        });
        (!time.is_zero()).then_some(time)
    }

    /// Gives somebody who waits what is his. Who has gone meanwhile gives it back by dropping it.
    fn hand_over(self: &Arc<Self>, next: Next<Box<Wire>, Waiting>) {
        if let Next::Give(who, place, wire) = next {
            let lease = Lease::new(self, place);
            if wire.is_some() {
                self.state().pool.counts.reused += 1;
            }
            let _ = who.send(Grant { lease, wire });
        }
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut pool::Counts)) {
        count(&mut self.state().pool.counts);
    }

    /// Closes idle connections whose time is over or that have something to say, of one runtime; tells when the next is due.
    fn reap(self: &Arc<Self>, runtime: Id) -> Option<Instant> {
        let mut state = self.state();
        let now = now();
        let (reaped, next) = state.pool.reap(Some(runtime), |wire, until| {
            until <= now || !wire.is_quiet()
        });
        if next.is_none() {
            state.reapers.remove(&runtime);
        }
        drop(state);
        self.close(reaped);
        next
    }

    fn close(self: &Arc<Self>, reaped: impl IntoIterator<Item = Box<Wire>>) {
        for wire in reaped {
            drop(wire);
            let next = self.state().pool.next_in_line();
            self.hand_over(next);
        }
    }
}

/// That a runtime's idle connections are looked after. When the runtime ends, its connections are of no use.
struct Reaping {
    inner: Weak<Inner>,
    runtime: Id,
}

impl Reaping {
    fn new(inner: &Arc<Inner>, runtime: Id) -> Self {
        Self {
            inner: Arc::downgrade(inner),
            runtime,
        }
    }
}

impl Drop for Reaping {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            let mut state = inner.state();
            if state.reapers.remove(&self.runtime) {
                let (reaped, _) = state.pool.reap(Some(self.runtime), |_, _| true);
                drop(state);
                inner.close(reaped);
            }
        }
    }
}

/// Closes what has been idle for too long, until nothing is idle.
async fn reap(agent: Weak<Inner>, reaping: Reaping) {
    loop {
        let Some(inner) = agent.upgrade() else { return };
        let Some(next) = inner.reap(reaping.runtime) else {
            return;
        };
        drop(inner);
        let at = next.max(now() + REAP_PAUSE);
        tokio::time::sleep_until(at.into()).await;
    }
}

impl Agent {
    /// An agent of its own, with a pool of its own.
    #[must_use]
    pub fn new(mut options: AgentOptions) -> Self {
        clamp_all(&mut options.limits);
        for time in [
            &mut options.idle_timeout,
            &mut options.response_timeout,
            &mut options.continue_timeout,
        ] {
            *time = MAX_DURATION.min(*time);
        }
        let bounds = Bounds {
            sockets: options.max_sockets.max(1),
            total: options.max_total_sockets.max(1),
            free: options.max_free_sockets,
            fifo: options.scheduling == Scheduling::Fifo,
        };
        let state = State {
            pool: Pool::new(bounds),
            reapers: HashSet::new(),
        };
        Self {
            inner: Arc::new(Inner {
                limits: Arc::new(options.limits.clone()),
                options,
                state: Mutex::new(state),
                destroyed: AtomicBool::new(false),
            }),
        }
    }

    /// The agent of [`request`](crate::request) and [`get`](crate::get), with the default options. Node's `globalAgent`.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Agent> = OnceLock::new();
        GLOBAL.get_or_init(Self::default)
    }

    /// What it may do and how long it waits.
    #[must_use]
    pub fn options(&self) -> &AgentOptions {
        &self.inner.options
    }

    /// A request that uses this agent. Nothing is sent before it is awaited. Node's `http.request` with the option `agent`.
    ///
    /// # Errors
    /// When the method is no token, or the URL is none of http or https.
    pub fn request(&self, method: &str, url: &str) -> Result<ClientRequest, Error> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| {
            Error::new(
                500,
                format!("expected a method of token characters, not {method:?}"),
            )
        })?;
        ClientRequest::new(self, method, url)
    }

    /// Closes all idle connections. Those in use are kept, and may lie idle later.
    pub fn close_idle(&self) {
        let (reaped, _) = self.inner.state().pool.reap(None, |_, _| true);
        self.inner.close(reaped);
    }

    /// Closes all idle connections now, and those in use when their exchange ends; none is used again, and each later request
    /// gets a connection of its own. To end what runs, drop it. Node's `destroy`.
    pub fn destroy(&self) {
        self.inner.destroyed.store(true, Ordering::Relaxed);
        self.close_idle();
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self::new(AgentOptions::default())
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, idle, waiting) = self.inner.state().pool.totals();
        f.debug_struct("Agent")
            .field("open", &open)
            .field("idle", &idle)
            .field("waiting", &waiting)
            .finish()
    }
}

/// The runtime that is running now.
pub(crate) fn runtime() -> Result<Handle, Error> {
    Handle::try_current()
        .map_err(|_| Error::new(500, "expected to be awaited within a tokio runtime"))
}
