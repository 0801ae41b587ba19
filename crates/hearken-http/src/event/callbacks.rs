//! Panics of code that users bring: handlers, listeners, observers. Each is caught where that code is called, so that
//! one exchange pays for it and nothing else.
//!
//! Here: [`catch_panic`] and [`notify_all`]. Not here: what a panic means for an exchange (`conn/server/mod.rs`).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls, and gives the message of a panic. What `call` was at work on is the user's, or is dropped by the caller.
pub(crate) fn catch_panic<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| text_of(&*payload))
}

/// Calls every listener of an event. One that panics is heard of in the log; the others are called all the same.
#[inline]
pub(crate) fn notify_all<L>(listeners: &[L], call: impl Fn(&L)) {
    for listener in listeners {
        if let Err(panic) = catch_panic(|| call(listener)) {
            tracing::error!(panic, "a listener panicked");
        }
    }
}

/// The message of a panic.
pub(crate) fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
