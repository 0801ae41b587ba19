//! Node's `http` for Rust: a server of many workers, sessions over any transport, and every step of a message as an
//! event.
//!
//! Start at [`Server`]; a single exchange on a transport of one's own is a [`Session`]. What is ours here: the connection without
//! I/O (`conn/`), the pump that moves its bytes, workers, timers, the handles that users hold. The protocol itself is
//! [`hearken_proto`].
//!
//! ```
//! use hearken_http::Server;
//! let handle = Server::new(async |req, res| res.end(format!("you asked for {}\n", req.url())))
//!     .listen("127.0.0.1:0")?
//!     .start()?;
//! println!("{}", handle.address());
//! handle.close();
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```
#![forbid(unsafe_code)]

mod client;
mod conn;
mod error;
pub mod event;
mod fetch;
#[doc(hidden)]
pub mod message;
mod net;
mod pump;
#[doc(hidden)]
pub mod server;
mod session;
#[cfg(feature = "tls")]
mod tls;

pub use bytes::Bytes;
pub use client::event as client_event;
pub use client::{
    AbortHandle, Agent, AgentOptions, AgentStats, BoxFuture, ClientRequest, ClientSource, Connect,
    Connected, Destination, Family, HostStats, Proxies, Resolve, Response, ResponseFuture,
    Scheduling, Timings, Transport, request,
};
pub use error::failure::Phase;
pub use error::{Closed, Error};
pub use event::client_error::ClientError;
pub use event::observer::{Observation, Observer, Step};
pub use event::peer::Peer;
pub use event::timeout::{TimedOut, Waited};
pub use fetch::{
    Body, BodyStream, CookieJar, Fetched, RedirectAction, RedirectAttempt, Redirects,
    RequestBuilder, ToUrl, Url, UrlError, delete, fetch, get, head, patch, post, put,
};
pub use hearken_proto::{Fields, FieldsRef, Head, Limits, Misuse};
pub use http::{HeaderMap, Method, StatusCode, Version};
pub use message::Deferred;
pub use message::OutgoingMessage;
pub use message::Ranges;
pub use message::SendFile;
pub use message::{Answer, Json};
pub use message::{Duplicates, Joined};
pub use message::{IncomingMessage, Whole};
pub use message::{Sent, ServerResponse, Status};
pub use message::{ServerSource, Source};
pub use net::listen::{
    ListenAddr, ListenError, ListenErrorKind, ListenOptions, Listener, ListenerParts, LocalAddr,
    SocketFile, ToListenAddr,
};
pub use net::upgraded::{Upgraded, Upgrading};
pub use server::handle::ServerHandle;
pub use server::handlers::Handled;
#[cfg(feature = "tls")]
pub use server::tls::TlsClientError;
pub use server::{Listening, Server};
pub use session::message::{SessionIncoming, SessionOutgoing};
pub use session::{Attached, AttachedRequest, ClientSide, Finished, ServerSide, Session};
#[cfg(feature = "tls")]
pub use tls::{
    CertificateInfo, ClientCertificates, ClientTls, ServerTls, TlsError, TlsErrorKind, TlsInfo,
};
