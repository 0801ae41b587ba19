//! What a request wants of its connection, and the time for it.
//!
//! Here: [`ConnectPlan`]; [`Step`], one step of connecting with its time-out. Not here: the steps (`connect/mod.rs`, `tcp.rs`).

use crate::client::agent::Agent;
use crate::client::agent::options::{Connect, Route};
use crate::client::agent::pool::KeyRef;
use crate::client::runtime::now;
use crate::client::target::TargetUri;
use crate::error::Error;
use crate::error::client::{Cause, ExchangeError, Party, Phase};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::{timeout, timeout_at};

/// See the module.
#[derive(Clone)]
pub(crate) struct ConnectPlan {
    pub(crate) agent: Agent,
    pub(crate) target: TargetUri,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) connector: Option<Arc<dyn Connect>>,
    /// When the exchange as a whole must be over, and its whole time.
    pub(crate) until: Option<(Instant, Duration)>,
    /// The running step, for the error if the request is aborted. Shared with the clone that connects.
    running: Option<Arc<Mutex<Running>>>,
}

/// The phase and the peer of a step that runs.
type Running = Option<(Phase, Party)>;

/// One step of connecting: its phase, with which peer, its time-out.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) phase: Phase,
    pub(crate) party: &'a Party,
    pub(crate) time: Duration,
}

impl ConnectPlan {
    pub(crate) const fn new(agent: Agent, target: TargetUri) -> Self {
        Self {
            agent,
            target,
            route: None,
            connector: None,
            until: None,
            running: None,
        }
    }

    pub(crate) fn key(&self) -> KeyRef<'_, Route> {
        KeyRef {
            https: self.target.is_https(),
            host: self.target.host(),
            port: self.target.port(),
            zone: self.target.zone(),
            route: self.route.as_deref(),
        }
    }

    /// A clone for the future that connects; [`running`](Self::running) follows it.
    pub(crate) fn observed(&mut self) -> Self {
        self.running.get_or_insert_default();
        self.clone()
    }

    /// The phase and the peer of the step that runs.
    pub(crate) fn running(&self) -> Running {
        let running = self.running.as_ref()?;
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        running.clone()
    }

    /// Runs a step within its own time and that of the whole exchange, whichever ends first. Every step before there is a
    /// connection goes through here.
    pub(crate) async fn within<T>(
        &self,
        step: Step<'_>,
        done: impl Future<Output = T>,
    ) -> Result<T, Cause> {
        if let Some(running) = &self.running {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            *running = Some((step.phase, step.party.clone()));
        }
        match self.until {
            Some((at, whole)) if at.saturating_duration_since(now()) < step.time => {
                let done = timeout_at(at.into(), done).await;
                done.map_err(|_| Cause::Deadline(whole))
            }
            _ => {
                let done = timeout(step.time, done).await;
                done.map_err(|_| Cause::Timeout(step.time))
            }
        }
    }

    /// [`within`](Self::within), for a step of the system.
    pub(crate) async fn io_within<T>(
        &self,
        step: Step<'_>,
        done: impl Future<Output = io::Result<T>>,
    ) -> Result<T, Error> {
        let done = self.within(step, done).await;
        done.and_then(|done| done.map_err(Cause::Io))
            .map_err(|cause| ExchangeError::before(step.phase, step.party, cause))
    }
}
