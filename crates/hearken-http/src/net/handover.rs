//! The new owner of a connection's transport, as the connection sees it.
//!
//! Here: [`Recipient`]. Not here: the owner itself and the transport that it gets (`net/upgraded.rs`). Connections hold
//! recipients, so this file names no runtime.

use crate::error::Error;
use std::any::Any;
use std::task::{Context, Poll};
use std::time::Instant;

/// Gets the transport of a connection once the switch to another protocol has been sent (RFC 9110 §7.8, §9.3.6).
pub(crate) trait Recipient: Any + Send + Sync {
    /// Reports that the transport will not come. Does nothing after it has come.
    fn fail(&self, error: Error);
    /// Takes the transport away and closes it as a failure that the peer can see. Wakes all tasks that wait for it.
    fn cut(&self);
    /// Reports that the server is stopping.
    fn notify_closing(&self);
    /// When the transport has been idle for as long as it may. `None` while there is no such time.
    fn idle_deadline(&self) -> Option<Instant>;
    /// Closes the transport because it was idle. Its user gets the reason. Wakes all tasks that wait for it.
    fn time_out(&self);
    /// Ready once the transport is closed or was given up.
    fn poll_over(&self, cx: &Context<'_>) -> Poll<()>;
}
