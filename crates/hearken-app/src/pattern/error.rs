//! Why a text is not a pattern.

use std::fmt;

/// Why a text is not a [`Pattern`](super::Pattern).
///
/// ```
/// use hearken::app::Pattern;
/// let error = "/users/(\\d+)".parse::<Pattern>().unwrap_err();
/// assert!(error.to_string().contains("'('"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    pattern: Box<str>,
    why: Box<str>,
}

impl PatternError {
    pub(super) fn new(pattern: &str, why: impl Into<Box<str>>) -> Self {
        Self {
            pattern: pattern.into(),
            why: why.into(),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pattern {:?}: {}", self.pattern, self.why)
    }
}

impl std::error::Error for PatternError {}
