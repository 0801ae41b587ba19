//! Values that all flags check alike.

use crate::plan::CommandError;
use std::time::Duration;

/// A flag must change.
pub(super) fn usage<T>(text: String) -> Result<T, CommandError> {
    Err(CommandError::Usage(text))
}

/// A time above 0.
pub(super) fn seconds(name: &str, text: &str) -> Result<Duration, CommandError> {
    let seconds = text.parse().ok().filter(|&seconds: &f64| seconds > 0.0);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.map_or_else(
        || {
            usage(format!(
                "{name} {text:?}: expected a number of seconds above 0"
            ))
        },
        Ok,
    )
}
