//! Makes one table of a router and of those mounted in it.

use super::tree::Tree;
use super::{Group, Kind, RouteError, Step, Table, check};
use crate::host::HostPattern;
use crate::paths::Paths;
use crate::pattern::{Pattern, Rules};
use crate::route::RouteData;
use crate::router::{Entry, Router};
use crate::settings::Settings;
use std::panic::Location;

/// Routers in routers: more are refused.
const DEPTH_MAX: usize = 64;

impl Table {
    pub(crate) fn new(router: Router, settings: &Settings) -> Result<Self, RouteError> {
        let mut flat = Flat {
            table: Self {
                steps: Vec::new(),
                groups: Vec::new(),
                tree: Tree::new(),
            },
            faults: Vec::new(),
        };
        let root = Inherited {
            parent: None,
            mounts: Vec::new(),
            hosts: Vec::new(),
            sensitive: settings.case_sensitive_routing,
            strict: settings.strict_routing,
            depth: 0,
        };
        flat.router(router, root);
        let Flat {
            mut table,
            mut faults,
        } = flat;
        for (number, step) in table.steps.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            for pattern in &step.patterns {
                table.tree.insert(pattern, step.rules.whole, number);
            }
        }
        check::unreachable(&table, &mut faults);
        if faults.is_empty() {
            Ok(table)
        } else {
            Err(RouteError { faults })
        }
    }
}

struct Flat {
    table: Table,
    faults: Vec<String>,
}

/// What a router gets from the one in which it is mounted.
struct Inherited {
    parent: Option<usize>,
    mounts: Vec<Pattern>,
    hosts: Vec<HostPattern>,
    sensitive: bool,
    strict: bool,
    depth: usize,
}

impl Flat {
    fn router(&mut self, router: Router, inherited: Inherited) {
        let group = self.table.groups.len();
        let of_parent = inherited
            .parent
            .and_then(|parent| self.table.groups[parent].form.clone());
        let sensitive = router.case_sensitive.unwrap_or(inherited.sensitive);
        let strict = router.strict.unwrap_or(inherited.strict);
        self.table.groups.push(Group {
            parent: inherited.parent,
            end: 0,
            mounts: inherited.mounts,
            hosts: inherited.hosts,
            params: router.params,
            form: router.form.or(of_parent),
        });
        for entry in router.entries {
            match entry {
                Entry::Middleware {
                    paths,
                    middleware,
                    from,
                } => {
                    let rules = Rules {
                        sensitive,
                        strict: false,
                        whole: false,
                    };
                    let paths = paths.unwrap_or_else(|| Paths::from("/"));
                    let patterns = self.patterns(group, &paths, rules, from);
                    self.table.steps.push(Step {
                        patterns,
                        rules,
                        group,
                        kind: Kind::Middleware(middleware),
                        from,
                    });
                }
                Entry::Route(data) => self.route(
                    data,
                    group,
                    Rules {
                        sensitive,
                        strict,
                        whole: true,
                    },
                ),
                Entry::Mount {
                    paths,
                    host,
                    router,
                    from,
                } => {
                    let below = Inherited {
                        parent: Some(group),
                        mounts: Vec::new(),
                        hosts: self.hosts(group, host.as_deref(), from),
                        sensitive,
                        strict,
                        depth: inherited.depth + 1,
                    };
                    self.mount((&paths, from), router, below);
                }
            }
        }
        self.table.groups[group].end = self.table.steps.len();
    }

    fn mount(
        &mut self,
        (paths, from): (&Paths, &'static Location<'static>),
        router: Router,
        mut below: Inherited,
    ) {
        if below.depth > DEPTH_MAX {
            let fault = format!("{from}: expected at most {DEPTH_MAX} routers in each other");
            self.faults.push(fault);
            return;
        }
        let rules = Rules {
            sensitive: below.sensitive,
            strict: false,
            whole: false,
        };
        let group = below.parent.unwrap_or_default();
        below.mounts = self.patterns(group, paths, rules, from);
        if below.mounts.is_empty() {
            return; // a fault was noted
        }
        self.router(router, below);
    }

    /// The hosts of the router around it, and one more.
    fn hosts(
        &mut self,
        group: usize,
        host: Option<&str>,
        from: &'static Location<'static>,
    ) -> Vec<HostPattern> {
        let mut hosts = self.table.groups[group].hosts.clone();
        match host.map(HostPattern::parse) {
            None => {}
            Some(Ok(host)) => hosts.push(host),
            Some(Err(fault)) => self.faults.push(format!("{from}: {fault}")),
        }
        hosts
    }

    fn route(&mut self, data: RouteData, group: usize, rules: Rules) {
        let patterns = self.patterns(group, &data.paths, rules, data.from);
        let label = match (data.name, patterns.first()) {
            (Some(name), _) => name,
            (None, Some(pattern)) => pattern.as_str().into(),
            (None, None) => return, // a fault was noted
        };
        if data.endpoints.is_empty() {
            let fault = format!(
                "{}: the route {label:?} has no handler: add one by `.get(…)`",
                data.from
            );
            self.faults.push(fault);
        }
        let kind = Kind::Route {
            label,
            endpoints: data.endpoints,
            limits: data.limits,
        };
        self.table.steps.push(Step {
            patterns,
            rules,
            group,
            kind,
            from: data.from,
        });
    }

    /// The patterns of whole paths: where the router is mounted, continued by its own.
    fn patterns(
        &mut self,
        group: usize,
        paths: &Paths,
        rules: Rules,
        from: &'static Location<'static>,
    ) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for path in &paths.0 {
            match self.joined(group, path, rules) {
                Ok(joined) => patterns.extend(joined),
                Err(fault) => self.faults.push(format!("{from}: {fault}")),
            }
        }
        patterns
    }

    fn joined(&self, group: usize, path: &str, rules: Rules) -> Result<Vec<Pattern>, String> {
        let text = match path.trim_end_matches('/') {
            "" if !rules.whole => "", // the first segments of every path
            _ if rules.strict => path,
            "" if !path.is_empty() => "/",
            trimmed => trimmed,
        };
        let own: Pattern = text.parse().map_err(|error| format!("{error}"))?;
        if let Some(why) = check::never_matches(&own) {
            return Err(why);
        }
        let mounts = &self.table.groups[group].mounts;
        if mounts.is_empty() {
            return Ok(vec![own]);
        }
        let joined = mounts.iter().map(|mount| mount.join(&own, rules.strict));
        joined
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }
}
