//! Every event by its type: `server.on(event::Connection, |peer| …)`. docs/events.md defines their order.

// Here: the names of the events, the arguments of their listeners, [`observe`]. A listener has one argument, so that
// closures need no type annotations.
//
// May know: `error`, and plain data of `net` (addresses) and `tls` (facts and errors).
//
// Must not know: what emits the events (`conn`, `server`), sockets, the runtime.

pub(crate) mod callbacks;
pub(crate) mod client_error;
pub(crate) mod complete;
pub(crate) mod declare;
pub(crate) mod facts;
mod message_events;
pub mod observe;
pub(crate) mod peer;
mod server_events;
pub(crate) mod timeout;
#[cfg(feature = "tls")]
pub(crate) mod tls_client_error;
pub(crate) mod watch;

#[doc(hidden)]
pub use message_events::MessageListeners;
pub use message_events::{
    Closed, DataDone, DataReady, Done, Drain, Failed, HeaderDone, HeaderReady, LineReady,
    MessageEvent, Ready,
};
#[doc(hidden)]
pub use server_events::ServerListeners;
pub use server_events::{
    CheckContinue, CheckExpectation, ClientError, Close, Connect, Connection, Disconnected,
    DropConnection, DropRequest, Error, HandlerFailed, Listening, Request, ServerEvent, Timeout,
    Upgrade,
};
#[cfg(feature = "tls")]
pub use server_events::{SecureConnection, TlsClientError};

#[doc(hidden)]
pub mod sealed {
    //! Closes the sets of events.

    pub use super::message_events::sealed::Event as Message;
    pub use super::server_events::sealed::Event as Server;
}
