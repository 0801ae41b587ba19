//! Finds routes that no request can reach, and the middleware before a route.
//!
//! A route without middleware of its own always answers, so that a later one whose paths it all matches is never reached. To
//! find out, each pattern is filled with an example whose values no pattern has as text.

use super::{Kind, Step, Table};
use crate::pattern::{Instead, Match, Part, Pattern};
use crate::route::Endpoint;

/// Values of the examples. A control character is in no pattern that a person writes.
const SEGMENT: &[u8] = b"\x01";
const SEGMENTS: &[u8] = b"\x01/\x01";

/// Why no path matches a pattern, if none does.
pub(super) fn never_matches(pattern: &Pattern) -> Option<String> {
    let some = pattern
        .alternatives()
        .iter()
        .any(|parts| match parts.first() {
            None => true,
            Some(Part::Text(text)) => text.starts_with(b"/"),
            Some(Part::Capture(capture)) => capture.wildcard,
        });
    (!some).then(|| {
        format!("the pattern {pattern:?} never matches: every path begins with '/', so write \"/{pattern}\"")
    })
}

impl Table {
    /// How many middlewares before step `number` have paths that contain its first pattern.
    pub(crate) fn middleware_before(&self, number: usize) -> usize {
        let step = &self.steps[number];
        let example = step.patterns.first().map(examples).unwrap_or_default();
        let Some(path) = example.first() else {
            return 0;
        };
        let mut candidates = Vec::new();
        self.find(path, &mut candidates);
        let mut found = Match::default();
        let before = candidates
            .iter()
            .map(|&candidate| candidate as usize)
            .take_while(|&candidate| candidate < number)
            .filter(|&candidate| {
                let step = &self.steps[candidate];
                matches!(step.kind, Kind::Middleware(_)) && step.matches(path, &mut found).is_some()
            });
        before.count()
    }
}

pub(super) fn unreachable(table: &Table, faults: &mut Vec<String>) {
    for (number, step) in table.steps.iter().enumerate() {
        let Kind::Route { endpoints, .. } = &step.kind else {
            continue;
        };
        for (at, endpoint) in endpoints.iter().enumerate() {
            let Some(first) = covering(table, number, at, endpoint) else {
                continue;
            };
            let what = match &endpoint.method {
                Some(method) => method.as_str(),
                None => "every method of",
            };
            let pattern = step.patterns.first().map_or("", Pattern::as_str);
            faults.push(format!(
                "{}: {what} {pattern:?} is never reached: {:?}, added at {}, comes first and answers it; add the special \
                 route before the general one",
                step.from,
                first.patterns.first().map_or("", Pattern::as_str),
                first.from
            ));
        }
    }
}

/// The step that answers all that `endpoint` of step `number` could answer.
fn covering<'a>(
    table: &'a Table,
    number: usize,
    at: usize,
    endpoint: &Endpoint,
) -> Option<&'a Step> {
    let step = &table.steps[number];
    let examples: Vec<_> = step.patterns.iter().flat_map(examples).collect();
    let first = examples.first()?;
    let mut candidates = Vec::new();
    table.find(first, &mut candidates);
    let mut found = Match::default();
    candidates
        .iter()
        .map(|&candidate| candidate as usize)
        .find_map(|candidate| {
            let other = table.steps.get(candidate).filter(|_| candidate <= number)?;
            let Kind::Route { endpoints, .. } = &other.kind else {
                return None;
            };
            let hosts = &table.groups[step.group].hosts;
            let of_other_hosts = !table.groups[other.group]
                .hosts
                .iter()
                .all(|host| hosts.contains(host));
            if of_other_hosts || can_be_left(table, other.group, step.group) {
                return None;
            }
            let before = if candidate == number {
                at
            } else {
                endpoints.len()
            };
            let answers = endpoints[..before].iter().any(|other| {
                other.middleware.is_empty()
                    && (other.method.is_none() || other.method == endpoint.method)
            });
            let laxer = (step.rules.sensitive || !other.rules.sensitive)
                && (step.rules.strict || !other.rules.strict);
            let same_strictness = laxer || other.rules == step.rules;
            (answers
                && same_strictness
                && examples
                    .iter()
                    .all(|path| other.matches(path, &mut found).is_some()))
            .then_some(other)
        })
}

/// Whether a middleware may leave router `group`, so that a route behind it, in router `other`, is reached.
fn can_be_left(table: &Table, group: usize, other: usize) -> bool {
    let encloses = |group: usize| {
        let mut at = Some(other);
        while let Some(number) = at {
            if number == group {
                return true;
            }
            at = table.groups[number].parent;
        }
        false
    };
    let mut at = group;
    while !encloses(at) {
        let has_middleware = table
            .steps
            .iter()
            .any(|step| step.group == at && matches!(step.kind, Kind::Middleware(_)));
        if has_middleware || !table.groups[at].params.is_empty() {
            return true;
        }
        match table.groups[at].parent {
            Some(parent) => at = parent,
            None => return false,
        }
    }
    false
}

/// Paths that a pattern matches: for each of its alternatives with one segment for a wildcard, and with two.
fn examples(pattern: &Pattern) -> Vec<Vec<u8>> {
    let fill = |parts: &Vec<Part>, wildcard: &[u8]| {
        let mut path = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => path.extend_from_slice(text),
                Part::Capture(capture) if capture.wildcard && capture.or == Instead::Nothing => {
                    path.extend_from_slice(wildcard);
                }
                Part::Capture(_) => path.extend_from_slice(SEGMENT),
            }
        }
        path
    };
    let both = |parts| [fill(parts, SEGMENT), fill(parts, SEGMENTS)];
    let paths = pattern.alternatives().iter().flat_map(both);
    paths
        .map(|path| if path.is_empty() { b"/".to_vec() } else { path })
        .collect()
}
