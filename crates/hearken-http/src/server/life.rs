//! The life of a worker, from its first accept to its last close.
//!
//! Here: [`run_worker`]. Not here: what a worker holds (`worker.rs`), its thread (`listening.rs`), when it is not waited for any more
//! (`stopping.rs`).

use super::accept;
use super::runner::Handlers;
use super::worker::{CloseCommands, Stop, Worker, WorkerConfig, reached};
use crate::event::callbacks::notify_all;
use crate::event::observe::{Observation, Side, Step};
use crate::event::peer::Peer;
use crate::event::watch::show;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::race::race;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;

/// After everything was cut, until the worker ends whatever still holds on.
const LAST_MOMENT: Duration = Duration::from_millis(250);

/// The whole life of a worker.
pub(crate) async fn run_worker<M, F>(mut seed: WorkerConfig, make: M)
where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future + 'static,
{
    let worker = Worker::new(&seed);
    let handlers = Handlers::new(make, &seed.special);
    let wheel = tokio::task::spawn_local(Rc::clone(&worker).turn_wheel());
    let listeners = std::mem::take(&mut seed.listeners);
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            let (worker, handlers, stop) =
                (Rc::clone(&worker), Rc::clone(&handlers), seed.stop.clone());
            tokio::task::spawn_local(accept::accept(listener, worker, handlers, stop))
        })
        .collect();
    let injected = accept::injected(
        seed.injected,
        Rc::clone(&worker),
        handlers,
        seed.stop.clone(),
    );
    let injected = tokio::task::spawn_local(injected);
    let sweeping = tokio::task::spawn_local(Rc::clone(&worker).sweep(seed.sweeps));
    let resuming = tokio::task::spawn_local(Rc::clone(&worker).resume());
    reached(&mut seed.stop, Stop::Drain).await;
    for task in accepting.into_iter().chain([injected]) {
        // It ends by itself: it waits for the same order. Should it have panicked, there is nothing left to stop.
        let _ = task.await;
    }
    worker.env.exchange.draining.set(true);
    worker.wheel.borrow().wake_all();
    let grace = tokio::time::sleep(seed.limits.time.grace);
    let cut = race(grace, reached(&mut seed.stop, Stop::Kill));
    race(worker.emptied(), cut).await;
    worker.env.close_all();
    worker.wheel.borrow().wake_all();
    let _ = tokio::time::timeout(LAST_MOMENT, worker.emptied()).await;
    wheel.abort();
    sweeping.abort();
    resuming.abort();
}

impl Worker {
    /// Passes on orders to end connections. Those that are accepted later are none of theirs.
    async fn sweep(self: Rc<Self>, mut sweeps: watch::Receiver<CloseCommands>) {
        let mut done = CloseCommands::default();
        // An error means that no handle is left to give commands.
        while sweeps.changed().await.is_ok() {
            let ordered = *sweeps.borrow_and_update();
            if ordered.idle > done.idle {
                self.env.close_idle();
            }
            if ordered.all > done.all {
                self.env.close_all();
            }
            done = ordered;
            self.wheel.borrow().wake_all();
        }
    }

    /// Emits `DropConnection`: a client has as many connections as it may.
    #[cold]
    pub(crate) fn notify_dropped(&self, peer: &Peer, open: usize) {
        tracing::debug!(
            ?peer,
            open,
            "a connection was dropped: its client has as many as it may"
        );
        let hooks = &self.env.exchange.hooks;
        if let Some(observer) = &hooks.observer {
            let seen = Observation {
                at: self.read_time(),
                side: Side::Server,
                peer,
                exchange: 0,
                step: Step::Dropped { open },
                route: None,
                facts: None,
            };
            show(&**observer, &seen);
        }
        notify_all(&hooks.listeners.drop_connection, |listener| listener(peer));
    }

    /// Resumes connections that gave way, one for each look at the sockets: those that became ready meanwhile come first.
    async fn resume(self: Rc<Self>) {
        let env = &self.env.exchange;
        loop {
            let next = poll_fn(|cx| env.later.poll_next(cx)).await;
            env.budget.begin_round(self.read_time());
            next.wake();
            tokio::task::yield_now().await; // resolves after the next look
        }
    }

    async fn emptied(&self) {
        while self.connections() > 0 {
            self.closed.notified().await;
        }
    }
}
