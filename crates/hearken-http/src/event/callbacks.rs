//! Panics in code of the user: handlers, listeners, observers. They are caught at the call, so that a panic ends one exchange
//! and nothing else.
//!
//! Here: [`catch_panic`] and [`notify_all`]. Not here: what a panic means for an exchange (`conn/server/mod.rs`).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `call` and returns the message of a panic. State that `call` has changed belongs to the user, or the caller drops
/// it.
pub(crate) fn catch_panic<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| text_of(&*payload))
}

/// Calls all listeners of an event. Logs a panic of one and calls the others.
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
