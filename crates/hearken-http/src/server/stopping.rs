//! The end of a server: waits for its workers, and stops waiting when one does not end.
//!
//! Here: [`Watch`], the thread that every running server has. A handler that blocks its thread, by a computation or a call that does
//! not return, cannot be interrupted; its worker is left behind, and whatever waits for the server goes on. Not here: how a worker
//! ends (`worker.rs`), signals (`listening.rs`).

use super::accept::ConnectionLimit;
use super::worker::{Stop, reached};
use crate::conn::context::Hooks;
use crate::error::Error;
use crate::event::callbacks::notify_all;
use crate::race::race;
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc as threads};
use std::thread;
use std::time::Duration;
use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

/// After everything was cut, until the workers are not waited for any more. Longer than a worker gives its connections.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// The same after a second signal.
const AT_ONCE: Duration = Duration::from_millis(250);

/// How long the end waits for loggers and listeners.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Between two log lines about open connections: at least, and when their number has not changed.
const BETWEEN_LINES: Duration = Duration::from_secs(1);
const SAME_NUMBER: Duration = Duration::from_secs(5);

/// How the server has ended, if it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    #[default]
    Running,
    /// All workers have ended.
    Whole,
    /// These threads still run.
    Without(Arc<[String]>),
}

/// The last word of a worker.
pub(super) struct Report {
    pub(super) number: usize,
    pub(super) result: Result<(), Error>,
}

/// The name of a worker's thread.
pub(super) fn name_of(worker: usize) -> String {
    format!("hearken-{worker}")
}

/// See the module.
pub(super) struct Watch {
    /// Numbers of the workers that have not ended.
    pub(super) running: BTreeSet<usize>,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    pub(super) stop: watch::Receiver<Stop>,
    pub(super) grace: Duration,
    pub(super) hooks: Arc<Hooks>,
    pub(super) census: Arc<ConnectionLimit>,
    pub(super) ended: watch::Sender<End>,
}

impl Watch {
    /// Starts the thread.
    pub(super) fn start(self) -> Result<(), Error> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        thread::Builder::new()
            .name("hearken-end".to_owned())
            .spawn(move || runtime.block_on(self.run()))?;
        Ok(())
    }

    async fn run(mut self) {
        let voice = Voice::new();
        let (overdue, stop) = (self.stop.clone(), self.stop.clone());
        let overdue = overdue_after(overdue, self.grace);
        let census = Arc::clone(&self.census);
        let waiting = race(overdue, log_connections(stop, &census, &voice));
        race(self.all_ended(&voice), waiting).await;
        let left: Arc<[String]> = self.running.iter().map(|&worker| name_of(worker)).collect();
        let end = if left.is_empty() {
            End::Whole
        } else {
            End::Without(left)
        };
        if let Err(error) = end.outcome() {
            self.report(
                "the server has stopped without some of its workers",
                error,
                &voice,
            );
        }
        let hooks = Arc::clone(&self.hooks);
        voice.say(move || notify_all(&hooks.listeners.close, |listener| listener(())));
        voice.end();
        self.ended.send_replace(end);
    }

    fn report(&self, text: &'static str, error: Error, voice: &Voice) {
        let hooks = Arc::clone(&self.hooks);
        voice.say(move || {
            tracing::error!(%error, "{text}");
            hooks.notify_error(&error);
        });
    }

    async fn all_ended(&mut self, voice: &Voice) {
        while !self.running.is_empty()
            && let Some(report) = self.reports.recv().await
        {
            self.running.remove(&report.number);
            if let Err(error) = report.result {
                self.report("a worker ended", error, voice);
            }
        }
    }
}

impl End {
    /// An error that names the threads that were left behind.
    pub(super) fn outcome(&self) -> Result<(), Error> {
        let Self::Without(left) = self else {
            return Ok(());
        };
        let text = format!(
            "expected every worker to end in time, but a handler blocks the thread of {}; it lives until the process ends",
            left.join(", ")
        );
        Err(Error::new(500, text))
    }
}

/// A thread for loggers and listeners: one that writes to a pipe which is not read must not hold up the end.
struct Voice {
    calls: threads::Sender<Box<dyn FnOnce() + Send>>,
    /// Disconnected when all was said.
    said: threads::Receiver<()>,
}

impl Voice {
    /// Without a thread nothing is said.
    fn new() -> Self {
        let (calls, queue) = threads::channel::<Box<dyn FnOnce() + Send>>();
        let (saying, said) = threads::channel();
        let thread = thread::Builder::new().name("hearken-voice".to_owned());
        let speak = move || {
            let _saying: threads::Sender<()> = saying;
            queue.into_iter().for_each(|call| call());
        };
        drop(thread.spawn(speak));
        Self { calls, said }
    }

    fn say(&self, call: impl FnOnce() + Send + 'static) {
        // An error means that there is no thread.
        let _ = self.calls.send(Box::new(call));
    }

    /// Waits for the last words, but not for ever.
    fn end(self) {
        drop(self.calls);
        let _ = self.said.recv_timeout(LAST_WORDS);
    }
}

/// Resolves when the workers have had all their time.
async fn overdue_after(mut stop: watch::Receiver<Stop>, grace: Duration) {
    reached(&mut stop, Stop::Drain).await;
    let mut killed = stop.clone();
    race(sleep(grace), reached(&mut killed, Stop::Kill)).await;
    let at_once = async {
        reached(&mut stop, Stop::AtOnce).await;
        sleep(AT_ONCE).await;
    };
    race(sleep(LAST_MOMENT), at_once).await;
}

/// Once the server stops, says how many connections it waits for. Never resolves.
async fn log_connections(mut stop: watch::Receiver<Stop>, census: &ConnectionLimit, voice: &Voice) {
    reached(&mut stop, Stop::Drain).await;
    let mut said = None;
    loop {
        sleep(BETWEEN_LINES).await;
        let open = census.open();
        let again = |(before, at): (usize, Instant)| open != before || at.elapsed() >= SAME_NUMBER;
        if open > 0 && said.is_none_or(again) {
            said = Some((open, Instant::now()));
            let noun = if open == 1 {
                "connection"
            } else {
                "connections"
            };
            voice.say(move || tracing::info!("waiting for {open} {noun}"));
        }
    }
}

#[cfg(test)]
mod tests;
