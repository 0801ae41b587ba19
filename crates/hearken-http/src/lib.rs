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

mod accept;
mod answer;
mod body;
mod client;
mod client_error;
mod collect;
mod conn;
mod deferred;
mod endless;
mod error;
pub mod event;
mod fetch;
mod file;
mod handle;
mod headers;
mod host;
mod interim;
mod listener;
mod message;
mod observer;
#[doc(hidden)]
pub mod outgoing_message;
mod panics;
mod peer;
mod piping;
mod pump;
mod ranges;
mod response;
mod runner;
mod send_file;
mod server;
mod session;
mod session_message;
mod settings;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod takers;
mod timed_out;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod upgrade;
mod wheel;
mod worker;

pub use answer::{Answer, Json};
pub use bytes::Bytes;
pub use client::event as client_event;
pub use client::{
    AbortHandle, Agent, AgentOptions, AgentStats, BoxFuture, ClientRequest, ClientSource, Connect,
    Connected, Destination, Family, HostStats, Phase, Proxies, Resolve, Response, ResponseFuture,
    Scheduling, Timings, Transport, request,
};
pub use client_error::ClientError;
pub use deferred::Deferred;
pub use error::{Closed, Error};
pub use fetch::{
    Body, BodyStream, CookieJar, Fetched, RedirectAction, RedirectAttempt, Redirects,
    RequestBuilder, ToUrl, Url, UrlError, delete, fetch, get, head, patch, post, put,
};
pub use handle::ServerHandle;
pub use headers::{Duplicates, Joined};
pub use hearken_proto::{Fields, FieldsRef, Head, Limits, Misuse};
pub use http::{HeaderMap, Method, StatusCode, Version};
pub use listener::{
    ListenAddr, ListenError, ListenErrorKind, ListenOptions, Listener, ListenerParts, LocalAddr,
    SocketFile, ToListenAddr,
};
pub use message::{IncomingMessage, Whole};
pub use observer::{Observation, Observer, Step};
pub use outgoing_message::OutgoingMessage;
pub use peer::Peer;
pub use ranges::Ranges;
pub use response::{Sent, ServerResponse, Status};
pub use send_file::SendFile;
pub use server::{Listening, Server};
pub use session::{Attached, AttachedRequest, ClientSide, Finished, ServerSide, Session};
pub use session_message::{SessionIncoming, SessionOutgoing};
pub use source::{ServerSource, Source};
pub use takers::Handled;
pub use timed_out::{TimedOut, Waited};
#[cfg(feature = "tls")]
pub use tls::{
    CertificateInfo, ClientCertificates, ClientTls, ServerTls, TlsClientError, TlsError,
    TlsErrorKind, TlsInfo,
};
pub use upgrade::{Upgraded, Upgrading};
