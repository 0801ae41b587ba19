//! Counters of an agent.
//!
//! Here: [`AgentStats`], [`HostStats`]. Not here: where they are counted (`pool.rs`).

use crate::client::agent::pool::Pool;
use std::hash::Hash;

/// Counters of an agent, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentStats {
    /// Connections that were opened.
    pub created: u64,
    /// Requests that got a connection which had been used before.
    pub reused: u64,
    /// Idle connections that were found closed, too old, or with unexpected bytes when a request wanted them.
    pub closed_stale: u64,
    /// Requests that were sent again because the server had closed the connection under them.
    pub retried: u64,
    /// Connections that were closed because more arrived than the response.
    pub excess: u64,
    /// Connections now: in use, being opened, or idle.
    pub open: usize,
    /// Idle ones among them.
    pub idle: usize,
    /// Requests in the queue.
    pub waiting: usize,
    /// The same three for each host that has any, in no order. Several routes to one host count as several.
    pub hosts: Vec<HostStats>,
}

/// Counters of one host within an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostStats {
    /// Its name, with scheme and port: `http://example.org:80`.
    pub origin: String,
    /// Connections: in use, being opened, or idle.
    pub open: usize,
    /// Idle ones among them.
    pub idle: usize,
    /// Requests in the queue.
    pub waiting: usize,
}

impl AgentStats {
    pub(crate) fn of<C, W, R: PartialEq + Hash>(pool: &Pool<C, W, R>) -> Self {
        let counts = pool.counts;
        let (open, idle, waiting) = pool.totals();
        let hosts = pool.hosts().map(|(https, host, port, numbers)| {
            let scheme = if https { "https" } else { "http" };
            let host = if host.contains(':') {
                format!("[{host}]")
            } else {
                host.to_owned()
            };
            HostStats {
                origin: format!("{scheme}://{host}:{port}"),
                open: numbers.0,
                idle: numbers.1,
                waiting: numbers.2,
            }
        });
        Self {
            created: counts.created,
            reused: counts.reused,
            closed_stale: counts.stale,
            retried: counts.retried,
            excess: counts.excess,
            open,
            idle,
            waiting,
            hosts: hosts.collect(),
        }
    }

    /// Connections in use or being opened.
    #[must_use]
    pub const fn in_use(&self) -> usize {
        self.open - self.idle
    }
}
