//! Patterns of paths, in the syntax of path-to-regexp 8, which Express 5 uses.
//!
//! Here: [`Pattern`], what it consists of, and how its groups are expanded. Not here: reading its text (`parse.rs`), matching
//! (`matcher.rs`), finding the patterns that may match among many (`tree.rs`).
//!
//! May know: nothing of HTTP.

mod error;
mod matcher;
mod parse;

pub use error::PatternError;
pub(crate) use matcher::{Match, Path, Rules};

use std::fmt;

/// Most alternatives to which optional groups may expand: each group doubles them.
const ALTERNATIVES_MAX: usize = 256;

/// The pattern of a path.
///
/// | part | matches |
/// |---|---|
/// | text | itself; compared after percent-decoding, without ASCII case unless the router says otherwise |
/// | `:name`, `:"any name"` | at least one character up to the next `/` or, in the middle of a segment, up to the text that follows |
/// | `*name`, `*"any name"` | at least one character, slashes included; its value is the list of segments |
/// | `{…}` | what is inside, or nothing; groups nest |
/// | `\` and a character | that character |
///
/// `( ) [ ] + ? !` are reserved and need a `\`.
///
/// ```
/// use hearken::app::Pattern;
/// let pattern: Pattern = "/files/:name{.:format}".parse()?;
/// assert_eq!(pattern.names().collect::<Vec<_>>(), ["name", "format"]);
/// assert!("/files/:".parse::<Pattern>().is_err());
/// # Ok::<(), hearken::app::PatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    source: Box<str>,
    names: Vec<Box<str>>,
    alternatives: Vec<Alternative>,
}

/// A pattern without groups.
type Alternative = Vec<Part>;

/// A part of a pattern without groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(Box<[u8]>),
    Capture(Capture),
}

/// A part that has a name. It matches at least one byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capture {
    /// The number of its name.
    pub(crate) name: usize,
    /// Slashes included.
    pub(crate) wildcard: bool,
    /// Ends before this text.
    pub(crate) before: Option<Box<[u8]>>,
    /// What it may be instead.
    pub(crate) or: Instead,
}

/// What a capture may be although it contains the text before which it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    Nothing,
    /// That text itself.
    Text,
    /// One segment.
    Segment,
}

/// A part as it is written.
enum Token {
    Text(String),
    Param(String),
    Wildcard(String),
    Group(Vec<Self>),
}

impl Pattern {
    /// The text of the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The names of parameters and wildcards, each once, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    pub(crate) fn number_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| &**known == name)
    }

    /// The numbers of the names that are wildcards.
    pub(crate) fn wildcards(&self) -> Vec<usize> {
        let parts = self.alternatives.iter().flatten();
        let captures = parts.filter_map(|part| match part {
            Part::Capture(capture) if capture.wildcard => Some(capture.name),
            _ => None,
        });
        captures.collect()
    }

    pub(crate) fn alternatives(&self) -> &[Alternative] {
        &self.alternatives
    }

    /// The pattern of paths that begin as `self` does and go on as `rest` does: what a router that is mounted at `self` has.
    /// `strict`: a slash at the end counts in `rest`.
    pub(crate) fn join(&self, rest: &Self, strict: bool) -> Result<Self, PatternError> {
        let front = self.source.trim_end_matches('/');
        match &*rest.source {
            "" => Self::read(front),
            "/" if front.is_empty() => Ok(rest.clone()),
            "/" if strict => Self::read(&format!("{front}{{/}}")), // both are "/" for the router
            "/" => Self::read(front),
            text => Self::read(&format!("{front}{text}")),
        }
    }

    fn read(text: &str) -> Result<Self, PatternError> {
        let tokens = parse::parse(text)?;
        let mut pattern = Self {
            source: text.into(),
            names: Vec::new(),
            alternatives: Vec::new(),
        };
        let mut flat = Vec::new();
        expand(&tokens, &mut Vec::new(), &mut flat).map_err(|why| PatternError::new(text, why))?;
        for tokens in flat {
            let alternative = pattern.alternative(&tokens)?;
            if !pattern.alternatives.contains(&alternative) {
                pattern.alternatives.push(alternative);
            }
        }
        Ok(pattern)
    }

    fn alternative(&mut self, tokens: &[&Token]) -> Result<Alternative, PatternError> {
        let mut parts: Alternative = Vec::new();
        for token in tokens {
            let (name, wildcard) = match token {
                Token::Text(text) => {
                    match parts.last_mut() {
                        Some(Part::Text(known)) => {
                            *known = [known, text.as_bytes()].concat().into();
                        }
                        _ => parts.push(Part::Text(text.as_bytes().into())),
                    }
                    continue;
                }
                Token::Param(name) => (name, false),
                Token::Wildcard(name) => (name, true),
                Token::Group(_) => continue, // expanded before
            };
            if matches!(parts.last(), Some(Part::Capture(_))) {
                let why =
                    format!("expected text before {name:?}, to tell it from what is before it");
                return Err(PatternError::new(&self.source, why));
            }
            let number = self.number_of(name).unwrap_or_else(|| {
                self.names.push(name.as_str().into());
                self.names.len() - 1
            });
            parts.push(Part::Capture(Capture {
                name: number,
                wildcard,
                before: None,
                or: Instead::Nothing,
            }));
        }
        bound_captures(&mut parts);
        Ok(parts)
    }
}

/// Decides where each capture ends, as path-to-regexp does: so that a path matches in one way only where that can be had.
fn bound_captures(parts: &mut [Part]) {
    let mut between: Vec<u8> = Vec::new(); // text since the last capture
    let mut since_wildcard: Option<Vec<u8>> = None; // text since the last wildcard
    let (mut param_in_segment, mut wildcard_in_segment) = (false, false);
    for at in 0..parts.len() {
        let Some((part, after)) = parts[at..].split_first_mut() else {
            break;
        };
        match part {
            Part::Text(text) => {
                between.extend_from_slice(text);
                if let Some(since) = &mut since_wildcard {
                    since.extend_from_slice(text);
                }
                if text.contains(&b'/') {
                    (param_in_segment, wildcard_in_segment) = (false, false);
                }
            }
            Part::Capture(capture) if capture.wildcard => {
                if wildcard_in_segment {
                    capture.before = Some(between.as_slice().into());
                } else if let Some(since) =
                    since_wildcard.as_deref().filter(|text| !text.is_empty())
                {
                    capture.before = Some(since.into());
                    capture.or = Instead::Segment;
                }
                since_wildcard = Some(Vec::new());
                wildcard_in_segment = true;
                between.clear();
            }
            Part::Capture(capture) => {
                if wildcard_in_segment {
                    capture.before = Some(between.as_slice().into());
                } else if wildcard_follows(after) {
                    capture.before = match after.first() {
                        Some(Part::Text(text)) => Some(text.clone()),
                        _ => None,
                    };
                } else if param_in_segment {
                    capture.before = Some(between.as_slice().into());
                    capture.or = Instead::Text;
                }
                param_in_segment = true;
                between.clear();
            }
        }
    }
}

/// Whether the same segment has a wildcard further on.
fn wildcard_follows(parts: &[Part]) -> bool {
    for part in parts {
        match part {
            Part::Text(text) if text.contains(&b'/') => return false,
            Part::Capture(capture) if capture.wildcard => return true,
            _ => {}
        }
    }
    false
}

/// Makes all sequences of tokens without groups, those with more of the groups first.
fn expand<'a>(
    tokens: &'a [Token],
    before: &mut Vec<&'a Token>,
    all: &mut Vec<Vec<&'a Token>>,
) -> Result<(), String> {
    let mut sequences = vec![std::mem::take(before)];
    for token in tokens {
        if let Token::Group(inner) = token {
            let mut grown = Vec::new();
            for sequence in sequences {
                expand(inner, &mut sequence.clone(), &mut grown)?;
                grown.push(sequence);
                if grown.len() > ALTERNATIVES_MAX {
                    return Err(format!(
                        "expected groups that make at most {ALTERNATIVES_MAX} paths"
                    ));
                }
            }
            sequences = grown;
        } else {
            sequences
                .iter_mut()
                .for_each(|sequence| sequence.push(token));
        }
    }
    all.append(&mut sequences);
    Ok(())
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::read(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

#[cfg(test)]
mod tests;
