//! Which connections of an agent are idle, how many are open, and which requests wait for one. No I/O, no clock, no lock.
//!
//! Here: [`Pool`], generic in the connection. Its methods get the facts as arguments and return what the caller must do: close,
//! hand over, wake. The bounds hold over all runtimes of a process, though a connection serves requests of its own runtime
//! alone: to make room for another runtime, an idle connection is closed. Not here: the lock and the hand-over (`shared.rs`),
//! connecting (`client/connect/`).

use slab::Slab;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Id;

/// What two requests must have in common to use one connection, for a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyRef<'a, R> {
    pub(crate) https: bool,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) zone: Option<&'a str>,
    /// Deviations from the usual way of connecting.
    pub(crate) route: Option<&'a R>,
}

/// The same, as the pool keeps it.
#[derive(Debug)]
struct Key<R> {
    https: bool,
    host: Box<str>,
    port: u16,
    zone: Option<Box<str>>,
    route: Option<Arc<R>>,
}

/// How many connections there may be, and which is used first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) sockets: usize,
    pub(crate) total: usize,
    pub(crate) free: usize,
    pub(crate) fifo: bool,
}

/// Counters since the pool was made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) created: u64,
    pub(crate) reused: u64,
    pub(crate) stale: u64,
    pub(crate) retried: u64,
    pub(crate) excess: u64,
}

/// The connections of one key.
struct HostPool<C, W, R> {
    key: Key<R>,
    hash: u64,
    /// In use, being opened, or idle.
    open: usize,
    /// Sorted by `until`.
    idle: VecDeque<Idle<C>>,
    /// By ticket number.
    waiting: BTreeMap<u64, Waiting<W>>,
    /// How often in a row the request that has waited longest was passed over, because a connection of another runtime came back.
    passed_over: usize,
}

struct Idle<C> {
    connection: C,
    until: Instant,
    /// A connection belongs to the runtime that watches its socket.
    runtime: Id,
}

struct Waiting<W> {
    waiter: W,
    runtime: Id,
}

/// So often a request that waits at one runtime lets later ones of another runtime use a connection of theirs again. Without
/// a bound it would wait forever while they are busy; with none of it, each hand-over between runtimes would cost a connection.
const PASSED_OVER_MAX: usize = 32;

/// What a request for a connection gets.
#[derive(Debug)]
pub(crate) enum Checkout<C> {
    /// A connection that was used before, and until when it may be used.
    Idle(C, Instant),
    /// The right to open one. To make room, an idle one of another host may have to be closed.
    Open(Option<C>),
    /// A bound is reached: the request must [`enqueue`](Pool::enqueue).
    Wait,
}

/// What becomes of a connection that was given back, or of its room.
#[derive(Debug)]
pub(crate) enum Next<C, W> {
    /// It is idle now.
    Kept,
    /// The caller closes it and then calls [`release`](Pool::release).
    Close(C),
    /// The connection, or the right to open one, goes to this waiter, at this host.
    Give(W, usize, Option<C>),
    /// No request waits.
    Unclaimed,
}

/// See the module.
pub(crate) struct Pool<C, W, R> {
    bounds: Bounds,
    hosts: Slab<HostPool<C, W, R>>,
    index: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
    /// Totals over all hosts.
    open: usize,
    idle: usize,
    waiting: usize,
    tickets: u64,
    pub(crate) counts: Counts,
}

impl<C, W, R: PartialEq + Hash> Pool<C, W, R> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            hosts: Slab::new(),
            index: HashMap::new(),
            hasher: RandomState::new(),
            open: 0,
            idle: 0,
            waiting: 0,
            tickets: 0,
            counts: Counts::default(),
        }
    }

    /// The number of the host with this key. Valid until the host is unused.
    pub(crate) fn host(&mut self, key: &KeyRef<'_, R>, route: Option<&Arc<R>>) -> usize {
        let hash = self.hasher.hash_one(key);
        let found = self.index.get(&hash).and_then(|hosts| {
            let mut hosts = hosts.iter().copied();
            hosts.find(|&host| self.hosts[host].key.is(key))
        });
        found.unwrap_or_else(|| {
            let host = self.hosts.insert(HostPool {
                key: Key {
                    https: key.https,
                    host: key.host.into(),
                    port: key.port,
                    zone: key.zone.map(Into::into),
                    route: route.cloned(),
                },
                hash,
                open: 0,
                idle: VecDeque::new(),
                waiting: BTreeMap::new(),
                passed_over: 0,
            });
            self.index.entry(hash).or_default().push(host);
            host
        })
    }

    /// An idle connection of this runtime, or the right to open one unless other requests wait already.
    pub(crate) fn checkout(&mut self, host: usize, runtime: Id) -> Checkout<C> {
        let here = &mut self.hosts[host];
        let own = |idle: &Idle<C>| idle.runtime == runtime;
        let at = if self.bounds.fifo {
            here.idle.iter().position(own)
        } else {
            here.idle.iter().rposition(own)
        };
        if let Some(idle) = at.and_then(|at| here.idle.remove(at)) {
            self.idle -= 1;
            return Checkout::Idle(idle.connection, idle.until);
        }
        if !here.waiting.is_empty() {
            return Checkout::Wait;
        }
        let full = here.open >= self.bounds.sockets;
        let mut evicted = None;
        if full || self.open >= self.bounds.total {
            evicted = if full {
                self.evict_at(host) // idle at another runtime
            } else {
                self.evict(host)
            };
            if evicted.is_none() {
                return Checkout::Wait;
            }
        }
        self.hosts[host].open += 1;
        self.open += 1;
        Checkout::Open(evicted)
    }

    /// Removes the idle connection that would be closed first anyway, to make room at the host `for_host`, which stays.
    fn evict(&mut self, for_host: usize) -> Option<C> {
        let hosts = self.hosts.iter();
        let (_, oldest) = hosts
            .filter_map(|(at, host)| Some((host.idle.front()?.until, at)))
            .min()?;
        let evicted = self.evict_at(oldest);
        if oldest != for_host {
            self.remove_if_unused(oldest);
        }
        evicted
    }

    fn evict_at(&mut self, host: usize) -> Option<C> {
        let host = &mut self.hosts[host];
        let idle = host.idle.pop_front()?;
        host.open -= 1;
        self.open -= 1;
        self.idle -= 1;
        Some(idle.connection)
    }

    /// Appends a request to the queue of a host; returns the number of its ticket, for [`leave`](Self::leave).
    pub(crate) fn enqueue(&mut self, host: usize, runtime: Id, waiter: W) -> u64 {
        self.tickets += 1;
        self.waiting += 1;
        let waiting = Waiting { waiter, runtime };
        self.hosts[host].waiting.insert(self.tickets, waiting);
        self.tickets
    }

    /// Removes a request from the queue. `None` if it was served already; its host number may be another's by then, but a
    /// ticket number is never used twice.
    pub(crate) fn leave(&mut self, host: usize, ticket: u64) -> Option<W> {
        let waiting = self.hosts.get_mut(host)?.waiting.remove(&ticket)?;
        self.waiting -= 1;
        self.remove_if_unused(host);
        Some(waiting.waiter)
    }

    /// Takes back a connection of a runtime that may be used again until then.
    pub(crate) fn put_back(
        &mut self,
        host: usize,
        runtime: Id,
        connection: C,
        until: Instant,
    ) -> Next<C, W> {
        if let Some(waiter) = self.next_for(host, runtime) {
            return Next::Give(waiter, host, Some(connection));
        }
        if !self.hosts[host].waiting.is_empty() {
            return Next::Close(connection); // its room goes to a request of another runtime
        }
        // A request to another host may wait for room.
        let crowded = self.open >= self.bounds.total && self.waiting > 0;
        let here = &mut self.hosts[host];
        if crowded || here.idle.len() >= self.bounds.free {
            return Next::Close(connection);
        }
        let at = here.idle.partition_point(|idle| idle.until <= until);
        let idle = Idle {
            connection,
            until,
            runtime,
        };
        if at == here.idle.len() {
            here.idle.push_back(idle);
        } else {
            here.idle.insert(at, idle);
        }
        self.idle += 1;
        Next::Kept
    }

    /// A connection is closed, or was not opened after all.
    pub(crate) fn release(&mut self, host: usize) -> Next<C, W> {
        self.hosts[host].open -= 1;
        self.open -= 1;
        let next = self.give_room();
        self.remove_if_unused(host);
        next
    }

    /// Gives the right to open one connection to the request that has waited longest and may have one.
    pub(crate) fn give_room(&mut self) -> Next<C, W> {
        if self.waiting == 0 || self.open >= self.bounds.total {
            return Next::Unclaimed;
        }
        let hosts = self.hosts.iter();
        let longest = hosts
            .filter(|(_, host)| host.open < self.bounds.sockets)
            .filter_map(|(at, host)| Some((*host.waiting.first_key_value()?.0, at)))
            .min();
        let Some((_, host)) = longest else {
            return Next::Unclaimed;
        };
        let Some((_, first)) = self.hosts[host].waiting.pop_first() else {
            return Next::Unclaimed;
        };
        self.waiting -= 1;
        self.hosts[host].passed_over = 0;
        self.hosts[host].open += 1;
        self.open += 1;
        Next::Give(first.waiter, host, None)
    }

    /// Removes the request that has waited longest at a host for a connection of this runtime. `None` also when the turn is that
    /// of another runtime.
    fn next_for(&mut self, host: usize, runtime: Id) -> Option<W> {
        let here = &mut self.hosts[host];
        let mut waiting = here.waiting.iter();
        let (&ticket, _) = waiting.find(|(_, waiting)| waiting.runtime == runtime)?;
        let (&longest, _) = here.waiting.first_key_value()?;
        if ticket == longest {
            here.passed_over = 0;
        } else if here.passed_over >= PASSED_OVER_MAX {
            return None;
        } else {
            here.passed_over += 1;
        }
        let waiting = here.waiting.remove(&ticket)?;
        self.waiting -= 1;
        Some(waiting.waiter)
    }

    /// Removes the idle connections of one runtime that are `over`; returns them, and when the next is due. Call
    /// [`give_room`](Self::give_room) for each that is closed.
    pub(crate) fn reap(
        &mut self,
        runtime: Option<Id>,
        mut over: impl FnMut(&mut C, Instant) -> bool,
    ) -> (Vec<C>, Option<Instant>) {
        let (mut reaped, mut next, mut empty) = (Vec::new(), None, Vec::new());
        for (at, host) in &mut self.hosts {
            for _ in 0..host.idle.len() {
                let Some(mut idle) = host.idle.pop_front() else {
                    break;
                };
                if runtime.is_some_and(|runtime| runtime != idle.runtime) {
                    host.idle.push_back(idle); // all are taken once, so the order stays
                } else if over(&mut idle.connection, idle.until) {
                    host.open -= 1;
                    self.open -= 1;
                    self.idle -= 1;
                    reaped.push(idle.connection);
                } else {
                    next = Some(next.map_or(idle.until, |next: Instant| next.min(idle.until)));
                    host.idle.push_back(idle);
                }
            }
            if host.is_unused() {
                empty.push(at);
            }
        }
        empty
            .into_iter()
            .for_each(|host| self.remove_if_unused(host));
        (reaped, next)
    }

    fn remove_if_unused(&mut self, host: usize) {
        if !self.hosts.get(host).is_some_and(HostPool::is_unused) {
            return;
        }
        let hash = self.hosts.remove(host).hash;
        if let Some(hosts) = self.index.get_mut(&hash) {
            hosts.retain(|&other| other != host);
            if hosts.is_empty() {
                self.index.remove(&hash);
            }
        }
    }

    /// Open, idle, waiting.
    pub(crate) const fn totals(&self) -> (usize, usize, usize) {
        (self.open, self.idle, self.waiting)
    }

    /// The same for each host, with its scheme, name and port.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (bool, &str, u16, (usize, usize, usize))> {
        self.hosts.iter().map(|(_, host)| {
            let counts = (host.open, host.idle.len(), host.waiting.len());
            (host.key.https, &*host.key.host, host.key.port, counts)
        })
    }
}

impl<C, W, R> HostPool<C, W, R> {
    fn is_unused(&self) -> bool {
        self.open == 0 && self.waiting.is_empty()
    }
}

impl<R: PartialEq> Key<R> {
    fn is(&self, other: &KeyRef<'_, R>) -> bool {
        self.port == other.port
            && self.https == other.https
            && *self.host == *other.host
            && self.zone.as_deref() == other.zone
            && self.route.as_deref() == other.route
    }
}

#[cfg(test)]
mod tests;
