//! The new owner of a connection's transport, as the connection sees it.
//!
//! Here: [`Recipient`]. Not here: the owner itself and the transport that it gets (`net/upgraded.rs`). Connections hold
//! recipients, so this file names no runtime.

use crate::error::Error;
use std::any::Any;
use std::task::{Context, Poll};

/// Gets the transport of a connection once the switch to another protocol has been sent (RFC 9110 §7.8, §9.3.6).
pub(crate) trait Recipient: Any + Send + Sync {
    /// Reports that the transport will not come. Does nothing after it has come.
    fn fail(&self, error: Error);
    /// Takes the transport away and closes it as a failure that the peer can see. Wakes all tasks that wait for it.
    fn cut(&self);
    /// Reports that the server is stopping.
    fn notify_closing(&self);
    /// Ready once the transport is closed or was given up.
    fn poll_over(&self, cx: &Context<'_>) -> Poll<()>;
}
