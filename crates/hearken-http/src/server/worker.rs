//! One worker: a thread with its own runtime, listeners, buffers, timers and date. A connection lives and dies here.
//!
//! Here: [`Worker`] and the task of a connection. Not
//! here: accepting (`server/accept.rs`), what a connection does (`conn/`), from the first accept of a worker to its last close
//! (`server/life.rs`), threads and signals (`server/listening.rs`).

use crate::conn::clock::Clock;
use crate::conn::context::{Hooks, WorkerContext};
use crate::conn::server::tunnel::Tunnel;
use crate::conn::server::{Runner, ServedConnection, ServerConnection};
use crate::conn::{Drive, Ending};
use crate::event::peer::Peer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::net::listen::Listener;
use crate::net::transport::{BoxIo, ByTransport, HandedOver, Transport};
use crate::net::upgraded::Handover;
use crate::pump::Pump;
use crate::race::race;
use crate::server::accept::ConnectionLimit;
use crate::server::addresses::ClientPermit;
use crate::server::handlers::SpecialHandlers;
use crate::server::runner::{HandlerRunner, Handlers};
use crate::server::wheel::Wheel;
use hearken_proto::Limits;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, mpsc, watch};

/// How often one reading of the time is used while the thread does not sleep.
const TURNS_PER_READ: u32 = 16;

/// What is read at once from one connection. One buffer serves all connections of a worker.
const SCRATCH: usize = 64 * 1024;

/// How far stopping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// The workers start; nothing is accepted, so that clients take no descriptors that workers need.
    Starting,
    /// Not at all.
    Run,
    /// No new connections; every exchange is the last of its connection.
    Drain,
    /// Now.
    Kill,
    /// Now, and workers that do not end are not waited for.
    AtOnce,
}

/// What a worker is made of.
pub(crate) struct WorkerConfig {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) limits: Limits,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) special: Arc<SpecialHandlers>,
    pub(crate) census: Arc<ConnectionLimit>,
    pub(crate) stop: watch::Receiver<Stop>,
    pub(crate) sweeps: watch::Receiver<CloseCommands>,
    pub(crate) injected: mpsc::UnboundedReceiver<BoxIo>,
    /// The thread has slept since the worker last read the time.
    pub(crate) slept: Arc<AtomicBool>,
    /// Date at the start of the worker. `None`: that of the system.
    pub(crate) date: Option<SystemTime>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::ServerTls>,
}

/// How often the connections that there are were to be ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CloseCommands {
    /// The idle ones.
    pub(crate) idle: u64,
    /// All.
    pub(crate) all: u64,
}

/// See the module.
pub(crate) struct Worker {
    pub(crate) env: Rc<WorkerContext>,
    pub(crate) census: Arc<ConnectionLimit>,
    pub(super) wheel: RefCell<Wheel>,
    /// The wheel has an earlier slot than it had.
    earlier: Notify,
    /// A connection of this worker has closed.
    pub(crate) closed: Notify,
    /// The permits of clients, by the keys of their connections. Empty without a bound for each address.
    clients: RefCell<HashMap<u32, ClientPermit>>,
    scratch: Cell<Option<Box<[u8]>>>,
    /// The time as it was read last, and how often it was used since.
    time: Cell<(Instant, u32)>,
    /// The thread has slept since the time was read.
    slept: Arc<AtomicBool>,
    /// A moment and its date, from which dates are computed. `None`: the system is asked for the date.
    dated: Option<(Instant, SystemTime)>,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::ServerTls>,
    #[cfg(feature = "tls")]
    pub(crate) permits: crate::tls::HandshakePermits,
}

impl Worker {
    pub(super) fn new(seed: &WorkerConfig) -> Rc<Self> {
        let now = monotonic_now();
        let dated = seed.date.map(|date| (now, date));
        let clock = Clock::new(now, date_at(now, dated)).read_by(monotonic_now);
        Rc::new(Self {
            env: WorkerContext::new(seed.limits.clone(), Arc::clone(&seed.hooks), clock),
            census: Arc::clone(&seed.census),
            wheel: RefCell::new(Wheel::new(now)),
            earlier: Notify::new(),
            closed: Notify::new(),
            clients: RefCell::default(),
            scratch: Cell::new(None),
            time: Cell::new((now, 0)),
            slept: Arc::clone(&seed.slept),
            dated,
            #[cfg(feature = "tls")]
            tls: seed.tls.clone(),
            #[cfg(feature = "tls")]
            permits: crate::tls::HandshakePermits::new(),
        })
    }

    /// The time, read from the system when the thread has slept since, and after some turns at the latest: those that
    /// woke together are served in microseconds, and asking costs as much as parsing a small head.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        let (at, turns) = self.time.get();
        if turns < TURNS_PER_READ && !self.slept.load(Ordering::Relaxed) {
            self.time.set((at, turns + 1));
            return at;
        }
        self.read_time()
    }

    pub(super) fn read_time(&self) -> Instant {
        let slept = self.slept.swap(false, Ordering::Relaxed);
        let now = monotonic_now();
        if slept {
            self.env.exchange.budget.begin_round(now);
        }
        let clock = &self.env.exchange.clock;
        clock.set(now, || date_at(now, self.dated));
        // An observer needs the moment, not the turn.
        let turns = if self.env.exchange.observed.get() {
            TURNS_PER_READ
        } else {
            0
        };
        self.time.set((now, turns));
        now
    }

    pub(super) fn connections(&self) -> usize {
        self.wheel.borrow().len()
    }

    /// Sleeps from slot to slot of the wheel and wakes the tasks that are due.
    pub(super) async fn turn_wheel(self: Rc<Self>) {
        loop {
            let next = self.wheel.borrow().next();
            match next {
                None => self.earlier.notified().await,
                Some(at) => {
                    let slept = tokio::time::sleep_until(at.into());
                    race(slept, self.earlier.notified()).await;
                }
            }
            let now = self.read_time();
            self.wheel.borrow_mut().turn(now);
        }
    }

    /// Takes over an accepted transport, whose room in the census is taken. On a server with TLS the handshake comes first.
    pub(crate) fn serve<T, M, F>(
        self: &Rc<Self>,
        transport: T,
        ends: Ends,
        handlers: &Rc<Handlers<M, F>>,
    ) where
        T: Transport + 'static,
        M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
        F: Future + 'static,
    {
        let now = self.now();
        let id = self.census.next_id();
        let peer = Rc::new(Peer::new(id, ends.remote, ends.local));
        let limits = &self.env.exchange.limits;
        let served = ServerConnection::new(
            &self.env,
            peer,
            now,
            now + age(limits.time.connection_age, id),
        );
        let drive = ServedConnection {
            served,
            runner: HandlerRunner::new(handlers),
        };
        let key = self.wheel.borrow_mut().add();
        if let Some(permit) = ends.permit {
            self.clients.borrow_mut().insert(key, permit);
        }
        let seat = ConnectionSlot {
            key,
            #[cfg(feature = "tls")]
            born: self.env.epochs.get().last,
            worker: Rc::clone(self),
        };
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return self.secure(tls, transport, (drive, seat));
        }
        seat.start(transport, drive);
    }
}

/// The two ends of a transport, and the permit of its client, as far as there are some.
#[derive(Default)]
pub(crate) struct Ends {
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) permit: Option<ClientPermit>,
}

/// The time of the runtime, whose clock a test can set forward. Without a test that of the system.
#[inline]
fn monotonic_now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn date_at(now: Instant, dated: Option<(Instant, SystemTime)>) -> SystemTime {
    dated.map_or_else(SystemTime::now, |(start, date)| date + (now - start))
}

/// A place among the connections of a worker, and in the census. Free again when it is dropped.
pub(crate) struct ConnectionSlot {
    worker: Rc<Worker>,
    key: u32,
    /// The last order to all connections when it was taken.
    #[cfg(feature = "tls")]
    born: u32,
}

impl ConnectionSlot {
    #[cfg(feature = "tls")]
    pub(crate) const fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }

    /// Whether all connections were to be cut since this one began.
    #[cfg(feature = "tls")]
    pub(crate) fn is_cut(&self) -> bool {
        self.worker.env.epochs.get().all > self.born
    }

    /// Has the wheel wake this task at a time.
    #[cfg(feature = "tls")]
    pub(crate) fn wake_at(&self, at: Instant, waker: &std::task::Waker) {
        let mut wheel = self.worker.wheel.borrow_mut();
        wheel.set_waker(self.key, waker);
        if wheel.set(self.key, Some(at)) {
            self.worker.earlier.notify_one();
        }
    }

    /// Serves the connection, in a task of its own.
    pub(crate) fn start<T, R>(self, transport: T, drive: ServedConnection<R>)
    where
        T: Transport + 'static,
        R: Runner + Unpin + 'static,
    {
        tokio::task::spawn_local(Connection {
            life: Life::Http(Pump::new(transport, drive)),
            seat: self,
            armed: None,
        });
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.worker.wheel.borrow_mut().remove(self.key);
        if self.worker.census.addresses.is_some() {
            self.worker.clients.borrow_mut().remove(&self.key);
        }
        self.worker.census.release();
        self.worker.closed.notify_waiters();
    }
}

/// Shortens a connection's age by up to a tenth, so that those accepted together do not all come back together. The
/// number of the connection is spread by a multiplication; nothing here needs to be unpredictable.
fn age(most: Duration, id: u64) -> Duration {
    let spread = (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as u32; // 10 bits
    most - most / 10 * spread / 1024
}

/// The task of one connection.
struct Connection<T, R: Runner> {
    life: Life<T, R>,
    seat: ConnectionSlot,
    /// When the wheel wakes us at the latest. Nothing, until it knows whom to wake.
    armed: Option<Option<Instant>>,
}

/// What a connection carries.
enum Life<T, R: Runner> {
    Http(Pump<T, ServedConnection<R>, ByTransport>),
    /// Another protocol, in other hands.
    Tunnel(Box<Tunnel<R>>),
    /// Nothing any more.
    Over,
}

impl<T: Transport + 'static, R: Runner + Unpin> Future for Connection<T, R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let (worker, key) = (&this.seat.worker, this.seat.key);
        let armed = *this.armed.get_or_insert_with(|| {
            worker.wheel.borrow_mut().set_waker(key, cx.waker());
            None
        });
        let Life::Http(pump) = &mut this.life else {
            return this.poll_tunnel(cx);
        };
        let now = worker.now();
        let due = armed.is_some_and(|armed| armed <= now);
        let mut scratch = worker
            .scratch
            .take()
            .unwrap_or_else(|| vec![0; SCRATCH].into_boxed_slice());
        let budget = &worker.env.exchange.budget;
        budget.begin();
        let polled = pump.poll(cx, now, due, &mut scratch);
        budget.end();
        worker.scratch.set(Some(scratch));
        if polled.is_ready() {
            return this.pumped(cx);
        }
        let next = pump.deadline();
        this.arm(next, due);
        Poll::Pending
    }
}

impl<T: Transport + 'static, R: Runner + Unpin> Connection<T, R> {
    /// Has the wheel wake this task at its next deadline. `due`: the one that the wheel knows has passed.
    #[inline(always)]
    fn arm(&mut self, next: Option<Instant>, due: bool) {
        let (worker, armed) = (&self.seat.worker, self.armed.flatten());
        // A deadline that moves back, as it does with every request, leaves the wheel alone: it wakes us at the old
        // one, and we look again.
        let earlier = next.is_some_and(|next| armed.is_none_or(|armed| next < armed));
        if due || earlier {
            self.armed = Some(next);
            if worker.wheel.borrow_mut().set(self.seat.key, next) {
                worker.earlier.notify_one();
            }
        }
    }

    /// There is nothing more to carry.
    #[cold]
    fn pumped(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Life::Http(pump) = &mut self.life else {
            return Poll::Ready(());
        };
        match pump.drive().served.ending {
            Some(Ending::Cut) => pump.transport.cut(),
            Some(Ending::HandOver) => return self.hand_over(cx),
            _ => {}
        }
        Poll::Ready(())
    }

    /// The transport goes to its new user; what is left of the connection goes on without it.
    fn hand_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Life::Http(pump) = std::mem::replace(&mut self.life, Life::Over) else {
            return Poll::Ready(());
        };
        let (transport, drive) = pump.into_parts();
        let Some((tunnel, rest)) = drive.into_tunnel() else {
            return Poll::Ready(());
        };
        Handover::give_to(&tunnel.recipient, Box::new(HandedOver(transport)), rest);
        self.life = Life::Tunnel(Box::new(tunnel));
        self.poll_tunnel(cx)
    }

    #[cold]
    fn poll_tunnel(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Life::Tunnel(tunnel) = &mut self.life else {
            return Poll::Ready(());
        };
        let now = self.seat.worker.now();
        if tunnel.poll(cx, now).is_ready() {
            return Poll::Ready(());
        }
        let next = tunnel.deadline();
        let due = self.armed.flatten().is_some_and(|armed| armed <= now);
        self.arm(next, due);
        Poll::Pending
    }
}

impl<T, R: Runner> Drop for Connection<T, R> {
    fn drop(&mut self) {
        let now = self.seat.worker.now();
        match std::mem::replace(&mut self.life, Life::Over) {
            Life::Http(mut pump) => pump.drive().handle_closed(now),
            Life::Tunnel(mut tunnel) => tunnel.by.handle_closed(now),
            Life::Over => {}
        }
    }
}

/// Waits until stopping has come this far. A server whose handle is gone can no longer be told, and runs on.
pub(crate) async fn reached(stop: &mut watch::Receiver<Stop>, point: Stop) {
    if stop.wait_for(|&now| now >= point).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    /// The runtime puts 96 bytes around it and rounds up to 128: past this bound every idle connection costs 128 bytes more.
    #[test]
    fn the_task_of_an_idle_connection_stays_small() {
        type Done = std::future::Ready<()>;
        type Plain = HandlerRunner<fn(IncomingMessage, ServerResponse) -> Done, Done>;
        let size = size_of::<Connection<TcpStream, Plain>>();
        assert!(size <= 160, "{size}");
    }
}
