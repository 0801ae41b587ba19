//! Finds the patterns that a path may match, in steps that grow with the path, not with the number of patterns.
//!
//! A node stands for the segments on the way to it. The tree compares without ASCII case and does not look into segments that are
//! not text alone: what it finds is matched once more, by the rules of its router.

use crate::pattern::{Part, Pattern};
use std::cmp::Ordering;

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Segments that are text, in lower case, sorted.
    texts: Vec<(Box<[u8]>, usize)>,
    /// Segments with a parameter.
    any: Option<usize>,
    /// Patterns that end here.
    whole: Vec<u32>,
    /// Patterns of the first segments that end here.
    first: Vec<u32>,
    /// Patterns that go on by a wildcard.
    rest: Vec<u32>,
}

/// How a pattern goes on.
enum Segment<'a> {
    Text(&'a [u8]),
    Any,
    Rest,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// Adds a pattern of whole paths, or of their first segments.
    pub(crate) fn insert(&mut self, pattern: &Pattern, whole: bool, step: u32) {
        for parts in pattern.alternatives() {
            let mut node = 0;
            let mut open = false;
            for segment in segments(parts) {
                match segment {
                    Segment::Text(text) => node = self.child(node, text),
                    Segment::Any => node = self.any_child(node),
                    Segment::Rest => open = true,
                }
            }
            let node = &mut self.nodes[node];
            let list = match (open, whole) {
                (true, _) => &mut node.rest,
                (false, true) => &mut node.whole,
                (false, false) => &mut node.first,
            };
            if list.last() != Some(&step) {
                list.push(step);
            }
        }
    }

    fn child(&mut self, node: usize, text: &[u8]) -> usize {
        let at = self.nodes[node]
            .texts
            .binary_search_by(|(known, _)| in_lower_case(known, text));
        match at {
            Ok(at) => self.nodes[node].texts[at].1,
            Err(at) => {
                self.nodes.push(Node::default());
                let child = self.nodes.len() - 1;
                let text = text.to_ascii_lowercase().into();
                self.nodes[node].texts.insert(at, (text, child));
                child
            }
        }
    }

    fn any_child(&mut self, node: usize) -> usize {
        if let Some(child) = self.nodes[node].any {
            return child;
        }
        self.nodes.push(Node::default());
        let child = self.nodes.len() - 1;
        self.nodes[node].any = Some(child);
        child
    }

    /// Adds to `steps` those that may match `path`, in any order.
    pub(crate) fn find(&self, path: &[u8], steps: &mut Vec<u32>) {
        self.walk(0, path.strip_prefix(b"/"), steps);
    }

    fn walk(&self, node: usize, rest: Option<&[u8]>, steps: &mut Vec<u32>) {
        let node = &self.nodes[node];
        steps.extend_from_slice(&node.first);
        if rest.is_none_or(<[u8]>::is_empty) {
            steps.extend_from_slice(&node.whole);
        }
        let Some(rest) = rest else { return };
        steps.extend_from_slice(&node.rest);
        let (segment, rest) = match rest.iter().position(|&byte| byte == b'/') {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let text = node
            .texts
            .binary_search_by(|(known, _)| in_lower_case(known, segment));
        if let Ok(at) = text {
            self.walk(node.texts[at].1, rest, steps);
        }
        if let Some(any) = node.any {
            self.walk(any, rest, steps);
        }
    }
}

/// Compares a text in lower case with one in any case.
fn in_lower_case(known: &[u8], text: &[u8]) -> Ordering {
    known
        .iter()
        .copied()
        .cmp(text.iter().map(u8::to_ascii_lowercase))
}

/// The segments of a pattern without groups: what is between its slashes.
fn segments(parts: &[Part]) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut any = false; // the last segment has a parameter
    let mut last: Option<&[u8]> = None;
    for part in parts {
        match part {
            Part::Text(text) => {
                for (number, piece) in text.split(|&byte| byte == b'/').enumerate() {
                    if number > 0 {
                        put(&mut segments, last, any);
                        (last, any) = (Some(piece), false);
                    } else if last.is_some() {
                        any |= !piece.is_empty() || any;
                    }
                }
            }
            Part::Capture(capture) if capture.wildcard => {
                segments.push(Segment::Rest);
                return segments;
            }
            Part::Capture(_) => any = true,
        }
    }
    put(&mut segments, last, any);
    segments
}

fn put<'a>(segments: &mut Vec<Segment<'a>>, last: Option<&'a [u8]>, any: bool) {
    match (last, any) {
        (_, true) => segments.push(Segment::Any),
        (Some(text), false) => segments.push(Segment::Text(text)),
        (None, false) => {}
    }
}
