//! Numbers of an agent.
//!
//! Here: [`AgentStats`], [`HostStats`]. Not here: who counts (`pool.rs`).

use crate::client::agent::Agent;

/// Numbers of an agent, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentStats {
    /// Connections that were made.
    pub created: u64,
    /// Requests that got a connection which had been used before.
    pub reused: u64,
    /// Idle connections that were found closed, too old, or with something to say, when a request wanted them.
    pub closed_stale: u64,
    /// Requests that were sent again because the connection had been closed under them.
    pub retried: u64,
    /// Connections that were given up because more came than the response.
    pub excess: u64,
    /// Connections by now, in use, being made, or idle.
    pub open: usize,
    /// Idle ones among them.
    pub idle: usize,
    /// Requests that wait for their turn.
    pub waiting: usize,
    /// The same three for each host that has any, in no order. Several ways to one host count as several.
    pub hosts: Vec<HostStats>,
}

/// Numbers of one host within an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostStats {
    /// Its name, with scheme and port: `http://example.org:80`.
    pub origin: String,
    /// Connections, in use, being made, or idle.
    pub open: usize,
    /// Idle ones among them.
    pub idle: usize,
    /// Requests that wait for their turn.
    pub waiting: usize,
}

impl AgentStats {
    /// Connections in use, or being made.
    #[must_use]
    pub const fn in_use(&self) -> usize {
        self.open - self.idle
    }
}

impl Agent {
    /// Numbers of this moment.
    #[must_use]
    pub fn stats(&self) -> AgentStats {
        let state = self.inner.state();
        let counts = state.pool.counts;
        let (open, idle, waiting) = state.pool.totals();
        let hosts = state.pool.each().map(|(https, host, port, numbers)| {
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
        AgentStats {
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
}
