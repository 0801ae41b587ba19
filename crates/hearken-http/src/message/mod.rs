//! Requests and responses as users hold them: Node's `IncomingMessage`, `OutgoingMessage` and `ServerResponse`.
//!
//! Here: [`IncomingMessage`] with its body and fields; [`ServerResponse`], values that become responses, and their content:
//! buffers, readers, files.
//!
//! May know: exchanges and the layers below them (`conn`, `event`, `net`, `error`).
//!
//! Must not know: what drives an exchange (`pump`, `server`, `client`, `session`).

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod collect;
pub(crate) mod deferred;
pub(crate) mod headers;
pub(crate) mod incoming;
mod interim;
mod layers;
#[doc(hidden)]
pub mod outgoing;
pub(crate) mod pipe;
pub(crate) mod ranges;
pub(crate) mod response;
pub(crate) mod send_file;
#[doc(hidden)]
pub mod source;
mod switch;

pub use crate::error::Status;
pub use crate::event::complete::CompleteMessage;
pub use crate::net::upgraded::Upgrading;
pub use answer::{Answer, Json};
pub use deferred::Deferred;
pub use headers::{Duplicates, MergedHeaders};
pub use incoming::IncomingMessage;
pub use layers::{ContentFilter, ResponseHead};
pub use outgoing::OutgoingMessage;
pub use ranges::Ranges;
pub use response::{Sent, ServerResponse};
pub use send_file::SendFile;
pub use source::{ServerSource, Source};
