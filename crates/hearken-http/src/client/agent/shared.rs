//! What the clones of an agent share: its options, and its pool behind a lock.
//!
//! Here: [`Shared`]; the [`Permit`] to hold a connection; the [`QueueTicket`] of a request that waits for one; the task that
//! closes connections that have been idle for too long. Not here: which connection goes to which request (`pool.rs`).

use crate::client::agent::connection::PooledConnection;
use crate::client::agent::options::{AgentOptions, Route, Scheduling};
use crate::client::agent::pool::{Bounds, Checkout, Counts, KeyRef, Next, Pool};
use crate::client::agent::stats::AgentStats;
use crate::client::runtime::now;
use crate::conn::limits::{MAX_DURATION, clamp_all};
use hearken_proto::Limits;
use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Id;
use tokio::sync::oneshot;

/// The shortest sleep of the task that closes idle connections: it need not be exact, only cheap.
const REAP_PAUSE: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct Shared {
    pub(crate) options: AgentOptions,
    pub(crate) limits: Arc<Limits>,
    state: Mutex<State>,
    destroyed: AtomicBool,
}

struct State {
    pool: Pool<Box<PooledConnection>, Waiter, Route>,
    /// Runtimes on which a task closes idle connections.
    reapers: HashSet<Id>,
}

/// The other end of a [`QueueTicket`].
type Waiter = oneshot::Sender<Acquired>;

/// What a request gets from the pool.
pub(crate) enum Acquired {
    /// A connection that was used before.
    Connection(Box<PooledConnection>),
    /// The right to open one.
    Permit(Permit),
}

/// One of the connections that the pool allows. Dropping it lets another request open one.
#[derive(Default)]
pub(crate) struct Permit {
    /// `None` for an idle connection, which the pool counts itself, and for one of no pool.
    shared: Option<Arc<Shared>>,
    host: usize,
}

/// A place in the queue of a host. Dropping it leaves the queue.
pub(crate) struct QueueTicket {
    shared: Arc<Shared>,
    host: usize,
    number: u64,
    granted: oneshot::Receiver<Acquired>,
}

impl Future for QueueTicket {
    type Output = Result<Acquired, oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.granted).poll(cx)
    }
}

impl Drop for QueueTicket {
    fn drop(&mut self) {
        // What was granted meanwhile returns to the pool when `granted` is dropped, after this.
        let waiter = self.shared.state().pool.leave(self.host, self.number);
        drop(waiter); // without the lock
    }
}

impl Permit {
    fn new(shared: &Arc<Shared>, host: usize) -> Self {
        Self {
            shared: Some(Arc::clone(shared)),
            host,
        }
    }

    /// Leaves the count to the pool; returns the host. `None` for a connection of no pool.
    fn detach(&mut self) -> Option<usize> {
        self.shared.take().map(|_| self.host)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            let next = shared.state().pool.release(self.host);
            shared.hand_over(next);
        }
    }
}

impl Shared {
    pub(crate) fn new(mut options: AgentOptions) -> Self {
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
        Self {
            limits: Arc::new(options.limits.clone()),
            options,
            state: Mutex::new(State {
                pool: Pool::new(bounds),
                reapers: HashSet::new(),
            }),
            destroyed: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection, or the right to open one.
    ///
    /// # Errors
    /// A place in the queue when a bound is reached.
    pub(crate) fn acquire(
        self: &Arc<Self>,
        key: &KeyRef<'_, Route>,
        route: Option<&Arc<Route>>,
        runtime: Id,
    ) -> Result<Acquired, QueueTicket> {
        loop {
            let (mut connection, until) = {
                let mut state = self.state();
                let host = state.pool.host(key, route);
                match state.pool.checkout(host, runtime) {
                    Checkout::Idle(mut connection, until) => {
                        connection.permit = Permit::new(self, host);
                        (connection, until)
                    }
                    Checkout::Open(evicted) => {
                        drop(state);
                        drop(evicted);
                        return Ok(Acquired::Permit(Permit::new(self, host)));
                    }
                    Checkout::Wait => {
                        let (waiter, granted) = oneshot::channel();
                        return Err(QueueTicket {
                            number: state.pool.enqueue(host, runtime, waiter),
                            shared: Arc::clone(self),
                            host,
                            granted,
                        });
                    }
                }
            };
            if now() < until && connection.is_quiet() {
                self.state().pool.counts.reused += 1;
                return Ok(Acquired::Connection(connection));
            }
            // Bytes on an idle connection belong to no request: mostly the end, or a response without a request.
            self.state().pool.counts.stale += 1;
        }
    }

    /// Takes back a connection whose exchange has ended well: it goes to a waiting request, lies idle, or is closed.
    pub(crate) fn put_back(self: &Arc<Self>, mut connection: Box<PooledConnection>) {
        let Some(time) = self.idle_time(&mut connection) else {
            return;
        };
        let Some(host) = connection.permit.detach() else {
            return;
        };
        let runtime = connection.runtime.clone();
        let mut state = self.state();
        let next = state
            .pool
            .put_back(host, runtime.id(), connection, now() + time);
        let unwatched = matches!(next, Next::Kept) && state.reapers.insert(runtime.id());
        drop(state);
        if unwatched {
            runtime.spawn(reap(Arc::downgrade(self), Reaping::new(self, runtime.id())));
        }
        if let Next::Close(connection) = next {
            drop(connection);
            drop(Permit::new(self, host));
        } else {
            self.hand_over(next);
        }
    }

    /// How long this connection may lie idle; `None` when it must not be used again.
    fn idle_time(&self, connection: &mut PooledConnection) -> Option<Duration> {
        let (announced, left) = connection.http().hint;
        // `max=1` is the last request for some servers, and the last but one for others.
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

    /// Sends a waiting request what the pool has for it. If the request is gone, dropping it gives it back.
    fn hand_over(self: &Arc<Self>, next: Next<Box<PooledConnection>, Waiter>) {
        if let Next::Give(waiter, host, connection) = next {
            let permit = Permit::new(self, host);
            let acquired = match connection {
                Some(mut connection) => {
                    self.state().pool.counts.reused += 1;
                    connection.permit = permit;
                    Acquired::Connection(connection)
                }
                None => Acquired::Permit(permit),
            };
            let _ = waiter.send(acquired);
        }
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.state().pool.counts);
    }

    pub(crate) fn stats(&self) -> AgentStats {
        AgentStats::of(&self.state().pool)
    }

    /// Open, idle, waiting.
    pub(crate) fn totals(&self) -> (usize, usize, usize) {
        self.state().pool.totals()
    }

    pub(crate) fn close_idle(self: &Arc<Self>) {
        let (reaped, _) = self.state().pool.reap(None, |_, _| true);
        self.close(reaped);
    }

    pub(crate) fn destroy(self: &Arc<Self>) {
        self.destroyed.store(true, Ordering::Relaxed);
        self.close_idle();
    }

    /// Closes idle connections of one runtime that are due or have received something; returns when the next is due.
    fn reap(self: &Arc<Self>, runtime: Id) -> Option<Instant> {
        let mut state = self.state();
        let now = now();
        let (reaped, next) = state.pool.reap(Some(runtime), |connection, until| {
            until <= now || !connection.is_quiet()
        });
        if next.is_none() {
            state.reapers.remove(&runtime);
        }
        drop(state);
        self.close(reaped);
        next
    }

    fn close(self: &Arc<Self>, reaped: impl IntoIterator<Item = Box<PooledConnection>>) {
        for connection in reaped {
            drop(connection);
            let next = self.state().pool.give_room();
            self.hand_over(next);
        }
    }
}

/// Held by the task that watches the idle connections of a runtime. They are useless when the runtime ends, and with it the task.
struct Reaping {
    shared: Weak<Shared>,
    runtime: Id,
}

impl Reaping {
    fn new(shared: &Arc<Shared>, runtime: Id) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            runtime,
        }
    }
}

impl Drop for Reaping {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let mut state = shared.state();
            if state.reapers.remove(&self.runtime) {
                let (reaped, _) = state.pool.reap(Some(self.runtime), |_, _| true);
                drop(state);
                shared.close(reaped);
            }
        }
    }
}

/// Closes connections that have been idle for too long, until none is idle.
async fn reap(agent: Weak<Shared>, reaping: Reaping) {
    loop {
        let Some(shared) = agent.upgrade() else {
            return;
        };
        let Some(next) = shared.reap(reaping.runtime) else {
            return;
        };
        drop(shared);
        let at = next.max(now() + REAP_PAUSE);
        tokio::time::sleep_until(at.into()).await;
    }
}
