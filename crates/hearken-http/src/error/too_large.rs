//! The error of a response whose body is larger than its request allows.
//!
//! Here: [`BodyTooLarge`], below the client so that [`Error::is_too_large`](crate::Error::is_too_large) recognises it.

use std::fmt;

/// A response body is larger than the limit that its request has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BodyTooLarge {
    pub(crate) max: u64,
    pub(crate) url: String,
}

impl fmt::Display for BodyTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected a body of at most {} bytes from {}, more came; raise `max_body`, or stream it",
            self.max, self.url
        )
    }
}

impl std::error::Error for BodyTooLarge {}
