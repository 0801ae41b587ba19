//! The timer wheel of a worker: one deadline for each connection.
//!
//! Here: [`Wheel`]. Moving a deadline back, the common case, costs one store: the entry stays in its slot and is moved when
//! that slot is due. Not here: the clock; the worker turns the wheel.

use slab::Slab;
use std::task::Waker;
use std::time::{Duration, Instant};

/// Precision of deadlines. They never fire early.
const TICK_MS: u64 = 25;
const TICK: Duration = Duration::from_millis(TICK_MS);

/// Deadlines further ahead than this many ticks wait in the last slot and are moved from there.
const SLOTS: u64 = 1024;

const NEVER: u64 = u64::MAX;

#[derive(Debug)]
struct Entry {
    waker: Option<Waker>,
    /// Tick of the deadline.
    deadline: u64,
    /// Tick of the slot that holds the entry.
    slot: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Wheel {
    origin: Instant,
    /// Ticks up to this one are handled.
    turned: u64,
    slots: Vec<Vec<u32>>,
    entries: Slab<Entry>,
}

impl Wheel {
    pub(crate) fn new(origin: Instant) -> Self {
        Self {
            origin,
            turned: 0,
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            entries: Slab::new(),
        }
    }

    /// Adds an entry without a deadline.
    pub(crate) fn add(&mut self) -> u32 {
        // A process has far fewer than 2^32 connections.
        self.entries.insert(Entry {
            waker: None,
            deadline: NEVER,
            slot: NEVER,
        }) as u32
    }

    pub(crate) fn remove(&mut self, key: u32) {
        self.entries.try_remove(key as usize);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Sets the waker of an entry.
    pub(crate) fn set_waker(&mut self, key: u32, waker: &Waker) {
        self.entries[key as usize].waker = Some(waker.clone());
    }

    /// Moves the deadline of an entry. True if the entry moved to an earlier slot, so that a task that sleeps until
    /// [`next`](Self::next) must compute it anew.
    #[inline]
    pub(crate) fn set(&mut self, key: u32, deadline: Option<Instant>) -> bool {
        let tick = deadline.map_or(NEVER, |at| self.tick_after(at));
        let entry = &mut self.entries[key as usize];
        entry.deadline = tick;
        if tick >= entry.slot {
            return false;
        }
        let slot = self.place(key, tick);
        self.entries[key as usize].slot = slot;
        true
    }

    fn place(&mut self, key: u32, tick: u64) -> u64 {
        let slot = tick.clamp(self.turned + 1, self.turned + SLOTS - 1);
        self.slots[(slot % SLOTS) as usize].push(key);
        slot
    }

    fn tick_after(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        // Rounded up twice, so that a deadline never fires early.
        let millis = since.as_secs() * 1000 + u64::from(since.subsec_nanos().div_ceil(1_000_000));
        millis.div_ceil(TICK_MS)
    }

    /// When the next slot with entries is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let ahead = (self.turned + 1..self.turned + SLOTS)
            .find(|tick| !self.slots[(tick % SLOTS) as usize].is_empty())?;
        Some(self.origin + TICK * u32::try_from(ahead).unwrap_or(u32::MAX))
    }

    /// Turns the wheel to `now` and wakes the entries that are due.
    pub(crate) fn turn(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.origin);
        let until = (since.as_secs() * 1000 + u64::from(since.subsec_millis())) / TICK_MS;
        // After a long sleep one round visits every slot.
        self.turned = self.turned.max(until.saturating_sub(SLOTS));
        while self.turned < until {
            self.turned += 1;
            let tick = self.turned;
            let mut keys = std::mem::take(&mut self.slots[(tick % SLOTS) as usize]);
            for key in keys.drain(..) {
                self.due(key, tick);
            }
            let slot = &mut self.slots[(tick % SLOTS) as usize];
            if slot.is_empty() && keys.capacity() <= 64 {
                *slot = keys; // reuses a small allocation, frees a large one
            }
        }
    }

    fn due(&mut self, key: u32, tick: u64) {
        let Some(entry) = self.entries.get_mut(key as usize) else {
            return;
        };
        if entry.slot > tick {
            return; // handled in an earlier slot since, or the key was reused
        }
        entry.slot = NEVER;
        if entry.deadline <= tick {
            if let Some(waker) = &entry.waker {
                waker.wake_by_ref();
            }
        } else if entry.deadline != NEVER {
            let slot = self.place(key, self.entries[key as usize].deadline);
            self.entries[key as usize].slot = slot;
        }
    }

    /// Wakes all entries.
    pub(crate) fn wake_all(&self) {
        self.entries
            .iter()
            .filter_map(|(_, entry)| entry.waker.as_ref())
            .for_each(Waker::wake_by_ref);
    }
}

#[cfg(test)]
mod tests;
