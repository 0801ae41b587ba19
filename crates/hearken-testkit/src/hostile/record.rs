//! The record of a hostile server.

use super::requests::{KEPT_BYTES, Seen};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The record of one connection.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    /// The requests; the last one may be incomplete.
    pub requests: Vec<Seen>,
    /// The first megabyte of received bytes, also those that are no request.
    pub received: Vec<u8>,
    /// Number of received bytes.
    pub received_bytes: u64,
    /// Number of bytes given to the system: those that the client took, and those in the buffers between.
    pub sent_bytes: u64,
    /// How it ended; none while it is open.
    pub ending: Option<Ending>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client closed its direction, or all of it, before the script was done.
    Client,
    /// The client sent a reset, or stopped reading.
    ClientReset,
    /// The script closed it.
    Script,
    /// The client took all [`Step::ENDLESS_BYTES`](super::Step::ENDLESS_BYTES): it has no limit, or a very large one.
    Exhausted,
    /// The server was stopped.
    Stopped,
}

#[derive(Debug, Default)]
pub(super) struct Record {
    conversations: Mutex<Vec<Conversation>>,
    changed: Condvar,
}

impl Record {
    /// A new connection. Returns its number.
    pub(super) fn open(&self) -> usize {
        let mut all = self.lock();
        all.push(Conversation::default());
        all.len() - 1
    }

    pub(super) fn heard(&self, number: usize, bytes: &[u8], requests: &[Seen]) {
        self.change(number, |conversation| {
            conversation.received_bytes += bytes.len() as u64;
            let room = KEPT_BYTES.saturating_sub(conversation.received.len());
            conversation
                .received
                .extend_from_slice(&bytes[..bytes.len().min(room)]);
            // Those before the last known one were complete and have not changed.
            let known = conversation.requests.len().saturating_sub(1);
            conversation.requests.truncate(known);
            conversation
                .requests
                .extend_from_slice(&requests[known.min(requests.len())..]);
        });
    }

    pub(super) fn sent(&self, number: usize, bytes: usize) {
        self.change(number, |conversation| {
            conversation.sent_bytes += bytes as u64;
        });
    }

    pub(super) fn ended(&self, number: usize, ending: Ending) {
        self.change(number, |conversation| {
            conversation.ending.get_or_insert(ending);
        });
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut Conversation)) {
        if let Some(conversation) = self.lock().get_mut(number) {
            change(conversation);
        }
        self.changed.notify_all();
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&[Conversation]) -> R) -> R {
        look(&self.lock())
    }

    pub(super) fn wait(&self, until: impl Fn(&[Conversation]) -> bool) -> bool {
        let waiting = self
            .changed
            .wait_timeout_while(self.lock(), PATIENCE, |all| !until(all));
        let (all, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        until(&all)
    }

    /// A poisoned lock means that a test has panicked elsewhere; the record is complete all the same.
    fn lock(&self) -> MutexGuard<'_, Vec<Conversation>> {
        self.conversations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(20);
