//! Node's `Agent`: connections that are kept for later requests, and bounds on their number.
//!
//! Here: [`Agent`]; what its clones share (`shared.rs`), the pool without I/O (`pool.rs`), a pooled connection
//! (`connection.rs`), options (`options.rs`, `proxies.rs`), statistics (`stats.rs`).
//! May know: the client's connection without I/O (`conn/client/`), the pump, transports, TLS, `client/{info, runtime, target}`.
//! Must not know: how a connection is opened (`client/connect/`), requests (`client/request/`).

pub(crate) mod connection;
pub(crate) mod observed;
pub(crate) mod options;
pub(crate) mod pool;
pub(crate) mod proxies;
pub(crate) mod shared;
pub(crate) mod stats;

use crate::client::agent::options::AgentOptions;
use crate::client::agent::shared::Shared;
use crate::client::agent::stats::AgentStats;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Keeps connections for later requests to the same host, bounds their number, and queues requests past the bound. Node's
/// `Agent`; https included. Clones are the same agent.
///
/// A connection belongs to the tokio runtime that opened it and is never used on another. An idle one costs no task; one task
/// for each runtime closes those that have been idle for too long, and ends when no connection is idle.
///
/// ```no_run
/// use hearken::Agent;
/// # async fn example() -> Result<(), hearken::Error> {
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
    pub(crate) shared: Arc<Shared>,
}

impl Agent {
    /// A new agent with an empty pool.
    #[must_use]
    pub fn new(options: AgentOptions) -> Self {
        Self {
            shared: Arc::new(Shared::new(options)),
        }
    }

    /// The agent of [`request`](crate::request) and [`get`](crate::get), with the default options.
    #[doc(alias = "globalAgent")]
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Agent> = OnceLock::new();
        GLOBAL.get_or_init(Self::default)
    }

    /// The options that it was made with.
    #[must_use]
    pub fn options(&self) -> &AgentOptions {
        &self.shared.options
    }

    /// A snapshot of its counters.
    #[must_use]
    pub fn stats(&self) -> AgentStats {
        self.shared.stats()
    }

    /// Closes all idle connections. Those in use stay open and return to the pool later.
    pub fn close_idle(&self) {
        self.shared.close_idle();
    }

    /// Closes all idle connections now, and those in use when their exchange ends; no connection is used again, and each later
    /// request opens one of its own. To end an exchange that runs, drop it. Node's `destroy`.
    pub fn destroy(&self) {
        self.shared.destroy();
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self::new(AgentOptions::default())
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, idle, waiting) = self.shared.totals();
        f.debug_struct("Agent")
            .field("open", &open)
            .field("idle", &idle)
            .field("waiting", &waiting)
            .finish()
    }
}
