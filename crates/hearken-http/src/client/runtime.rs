//! The tokio runtime as a client sees it.
//!
//! Here: [`now`], its clock, which a test may stop; [`current`], its handle.

use crate::error::Error;
use std::time::Instant;
use tokio::runtime::Handle;

/// The time of the runtime.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The runtime of the calling task.
pub(crate) fn current() -> Result<Handle, Error> {
    Handle::try_current()
        .map_err(|_| Error::new(500, "expected to be awaited within a tokio runtime"))
}
