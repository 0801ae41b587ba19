//! Which connections of an agent lie idle, how many there are, and who waits for one. No I/O, no clock, no lock.
//!
//! Here: [`Pool`], generic in what a connection is. Every method takes what was decided outside and returns what has to
//! be done outside: closing, handing over, waking. Not here: the lock and the hand-over (`agent.rs`), connecting
//! (`connect.rs`).

use slab::Slab;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

/// What two requests must have in common to use one connection, as it is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyRef<'a, R> {
    pub(crate) https: bool,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// Everything about the way there that is not usual.
    pub(crate) route: Option<&'a R>,
    /// A connection belongs to the runtime that watches its socket.
    pub(crate) runtime: tokio::runtime::Id,
}

/// The same, as it is kept.
#[derive(Debug)]
struct Key<R> {
    https: bool,
    host: Box<str>,
    port: u16,
    route: Option<Arc<R>>,
    runtime: tokio::runtime::Id,
}

/// How many connections there may be, and which is used first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) sockets: usize,
    pub(crate) total: usize,
    pub(crate) free: usize,
    pub(crate) fifo: bool,
}

/// Numbers over all time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) created: u64,
    pub(crate) reused: u64,
    pub(crate) stale: u64,
    pub(crate) retried: u64,
    pub(crate) excess: u64,
}

/// Where the connections to one place are.
struct Place<C, W, R> {
    key: Key<R>,
    hash: u64,
    /// All that are open or being opened, idle ones too.
    open: usize,
    idle: VecDeque<Idle<C>>,
    /// By the number of their turn.
    waiting: BTreeMap<u64, W>,
}

struct Idle<C> {
    connection: C,
    until: Instant,
}

/// What somebody who asks for a connection gets.
#[derive(Debug)]
pub(crate) enum Take<C> {
    /// A connection that was used before, and how long it may be used.
    Idle(C, Instant),
    /// The right to open one. An idle one of another place may have to be closed for it.
    Open(Option<C>),
    /// Nothing: he has to wait. `wait` puts him in the queue.
    Wait,
}

/// What becomes of a connection that was given back, or of the room it has left.
#[derive(Debug)]
pub(crate) enum Next<C, W> {
    /// It lies idle now.
    Kept,
    /// It is to be closed; the room is given away by `freed`.
    Close(C),
    /// It, or the right to open one, goes to this one, at this place.
    Give(W, usize, Option<C>),
    /// There is nobody.
    Nobody,
}

/// See the module.
pub(crate) struct Pool<C, W, R> {
    bounds: Bounds,
    places: Slab<Place<C, W, R>>,
    index: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
    /// Open, being opened, or idle, over all places.
    open: usize,
    idle: usize,
    waiting: usize,
    turns: u64,
    pub(crate) counts: Counts,
}

impl<C, W, R: PartialEq + std::hash::Hash> Pool<C, W, R> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            places: Slab::new(),
            index: HashMap::new(),
            hasher: RandomState::new(),
            open: 0,
            idle: 0,
            waiting: 0,
            turns: 0,
            counts: Counts::default(),
        }
    }

    /// The place with this key. One that nobody uses is forgotten.
    pub(crate) fn place(&mut self, key: &KeyRef<'_, R>, route: Option<&Arc<R>>) -> usize {
        let hash = self.hasher.hash_one(key);
        let found = self.index.get(&hash).and_then(|places| {
            let mut places = places.iter().copied();
            places.find(|&place| self.places[place].key.is(key))
        });
        found.unwrap_or_else(|| {
            let place = self.places.insert(Place {
                key: Key {
                    https: key.https,
                    host: key.host.into(),
                    port: key.port,
                    route: route.cloned(),
                    runtime: key.runtime,
                },
                hash,
                open: 0,
                idle: VecDeque::new(),
                waiting: BTreeMap::new(),
            });
            self.index.entry(hash).or_default().push(place);
            place
        })
    }

    /// An idle connection or the right to open one, unless others wait already.
    pub(crate) fn take(&mut self, place: usize) -> Take<C> {
        let here = &mut self.places[place];
        let idle = if self.bounds.fifo {
            here.idle.pop_front()
        } else {
            here.idle.pop_back()
        };
        if let Some(idle) = idle {
            self.idle -= 1;
            return Take::Idle(idle.connection, idle.until);
        }
        if here.open >= self.bounds.sockets || !here.waiting.is_empty() {
            return Take::Wait;
        }
        let mut closed = None;
        if self.open >= self.bounds.total {
            closed = self.evict();
            if closed.is_none() {
                return Take::Wait;
            }
        }
        self.places[place].open += 1;
        self.open += 1;
        Take::Open(closed)
    }

    /// Takes the idle connection that is the first to be closed anyway.
    fn evict(&mut self) -> Option<C> {
        let places = self.places.iter();
        let oldest = places
            .filter_map(|(at, place)| Some((place.idle.front()?.until, at)))
            .min()?;
        let place = &mut self.places[oldest.1];
        let idle = place.idle.pop_front()?;
        place.open -= 1;
        self.open -= 1;
        self.idle -= 1;
        self.forget(oldest.1);
        Some(idle.connection)
    }

    /// Puts somebody into the queue of a place; gives the number of his turn, for [`leave`](Self::leave).
    pub(crate) fn wait(&mut self, place: usize, who: W) -> u64 {
        self.turns += 1;
        self.waiting += 1;
        self.places[place].waiting.insert(self.turns, who);
        self.turns
    }

    /// Takes somebody who does not wait any more out of the queue. `None` if it was his turn already; his place may be
    /// another's by then, but no number is given twice.
    pub(crate) fn leave(&mut self, place: usize, turn: u64) -> Option<W> {
        let who = self.places.get_mut(place)?.waiting.remove(&turn)?;
        self.waiting -= 1;
        self.forget(place);
        Some(who)
    }

    /// A connection has ended its exchange and could be used again until then.
    pub(crate) fn put(&mut self, place: usize, connection: C, until: Instant) -> Next<C, W> {
        if let Some(who) = self.first_waiting(place) {
            return Next::Give(who, place, Some(connection));
        }
        // Somebody may wait for room at another place.
        let crowded = self.open >= self.bounds.total && self.waiting > 0;
        let here = &mut self.places[place];
        if crowded || here.idle.len() >= self.bounds.free {
            return Next::Close(connection);
        }
        // The end of the queue is closed last.
        let at = here.idle.partition_point(|idle| idle.until <= until);
        let idle = Idle { connection, until };
        if at == here.idle.len() {
            here.idle.push_back(idle);
        } else {
            here.idle.insert(at, idle);
        }
        self.idle += 1;
        Next::Kept
    }

    /// A connection is closed, or was not opened after all.
    pub(crate) fn freed(&mut self, place: usize) -> Next<C, W> {
        self.places[place].open -= 1;
        self.open -= 1;
        let next = self.give_room();
        self.forget(place);
        next
    }

    /// Gives room for one connection to whoever has waited longest and may have one.
    fn give_room(&mut self) -> Next<C, W> {
        if self.waiting == 0 || self.open >= self.bounds.total {
            return Next::Nobody;
        }
        let places = self.places.iter();
        let longest = places
            .filter(|(_, place)| place.open < self.bounds.sockets)
            .filter_map(|(at, place)| Some((*place.waiting.first_key_value()?.0, at)))
            .min();
        let Some((_, place)) = longest else {
            return Next::Nobody;
        };
        let Some(who) = self.first_waiting(place) else {
            return Next::Nobody;
        };
        self.places[place].open += 1;
        self.open += 1;
        Next::Give(who, place, None)
    }

    /// Whoever has waited longest at a place.
    fn first_waiting(&mut self, place: usize) -> Option<W> {
        let (_, who) = self.places[place].waiting.pop_first()?;
        self.waiting -= 1;
        Some(who)
    }

    /// Takes idle connections for which `over` says so, of one runtime; tells when the next is due.
    pub(crate) fn reap(
        &mut self,
        runtime: Option<tokio::runtime::Id>,
        mut over: impl FnMut(&mut C, Instant) -> bool,
    ) -> (Vec<C>, Option<Instant>) {
        let (mut reaped, mut next, mut empty) = (Vec::new(), None, Vec::new());
        for (at, place) in &mut self.places {
            if runtime.is_some_and(|runtime| runtime != place.key.runtime) {
                continue;
            }
            for _ in 0..place.idle.len() {
                let Some(mut idle) = place.idle.pop_front() else {
                    break;
                };
                if over(&mut idle.connection, idle.until) {
                    place.open -= 1;
                    self.open -= 1;
                    self.idle -= 1;
                    reaped.push(idle.connection);
                } else {
                    next = Some(next.map_or(idle.until, |next: Instant| next.min(idle.until)));
                    place.idle.push_back(idle);
                }
            }
            if place.is_unused() {
                empty.push(at);
            }
        }
        empty.into_iter().for_each(|place| self.forget(place));
        (reaped, next)
    }

    /// After `reap`: room may have come.
    pub(crate) fn next_in_line(&mut self) -> Next<C, W> {
        self.give_room()
    }

    /// Drops a place that nobody uses.
    fn forget(&mut self, place: usize) {
        if !self.places.get(place).is_some_and(Place::is_unused) {
            return;
        }
        let hash = self.places.remove(place).hash;
        if let Some(places) = self.index.get_mut(&hash) {
            places.retain(|&other| other != place);
            if places.is_empty() {
                self.index.remove(&hash);
            }
        }
    }

    /// Open, idle, waiting.
    pub(crate) const fn totals(&self) -> (usize, usize, usize) {
        (self.open, self.idle, self.waiting)
    }

    /// The same for each place, with its scheme, host and port.
    pub(crate) fn each(&self) -> impl Iterator<Item = (bool, &str, u16, (usize, usize, usize))> {
        self.places.iter().map(|(_, place)| {
            let counts = (place.open, place.idle.len(), place.waiting.len());
            (place.key.https, &*place.key.host, place.key.port, counts)
        })
    }
}

impl<C, W, R> Place<C, W, R> {
    fn is_unused(&self) -> bool {
        self.open == 0 && self.waiting.is_empty()
    }
}

impl<R: PartialEq> Key<R> {
    fn is(&self, other: &KeyRef<'_, R>) -> bool {
        self.runtime == other.runtime
            && self.port == other.port
            && self.https == other.https
            && *self.host == *other.host
            && self.route.as_deref() == other.route
    }
}
