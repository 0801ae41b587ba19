//! All routers of an application as one table: its steps in order, and a tree that finds those which a path may reach.
//!
//! Here: [`Table`] and what it consists of. Not here: making it of routers (`flatten.rs`), what is wrong with routes
//! (`check.rs`), the tree (`tree.rs`), the way of a request along the steps (`next.rs`).

mod check;
mod error;
mod flatten;
mod tree;

pub use error::RouteError;

use crate::host::HostPattern;
use crate::middleware::Middleware;
use crate::params::ParamHandler;
use crate::pattern::{Match, Pattern, Rules};
use crate::route::{ChangeLimits, Endpoint};
use crate::router::FailureForm;
use std::panic::Location;
use std::sync::Arc;
use tree::Tree;

/// See the module.
pub(crate) struct Table {
    pub(crate) steps: Vec<Step>,
    pub(crate) groups: Vec<Group>,
    tree: Tree,
}

/// A middleware or a route.
pub(crate) struct Step {
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) rules: Rules,
    /// The number of its router.
    pub(crate) group: usize,
    pub(crate) kind: Kind,
    pub(crate) from: &'static Location<'static>,
}

pub(crate) enum Kind {
    Middleware(Arc<dyn Middleware>),
    Route {
        label: Box<str>,
        endpoints: Vec<Endpoint>,
        limits: Option<ChangeLimits>,
    },
}

/// A router.
pub(crate) struct Group {
    pub(crate) parent: Option<usize>,
    /// The first step behind its own.
    pub(crate) end: usize,
    /// Where it is mounted.
    pub(crate) mounts: Vec<Pattern>,
    /// For which hosts, of those around it too: all must fit. Empty: for any.
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) params: Vec<(Box<str>, Arc<dyn ParamHandler>)>,
    /// Its own, or that of the router in which it is mounted.
    pub(crate) form: Option<Arc<FailureForm>>,
}

impl Table {
    /// Writes the numbers of the steps that `path` may reach, in their order.
    pub(crate) fn find(&self, path: &[u8], steps: &mut Vec<u32>) {
        self.tree.find(path, steps);
        steps.sort_unstable();
        steps.dedup();
    }
}

impl Step {
    /// The number of the pattern that `path` matches.
    pub(crate) fn matches(&self, path: &[u8], found: &mut Match) -> Option<usize> {
        let rules = self.rules;
        self.patterns
            .iter()
            .position(|pattern| pattern.matches(path, rules, found))
    }
}
