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

pub mod client;
mod conn;
pub mod error;
pub mod event;
pub mod fetch;
pub mod message;
mod net;
mod pump;
pub mod server;
pub mod session;
#[cfg(any(test, feature = "test-util"))]
pub mod test;
#[cfg(feature = "tls")]
pub mod tls;

pub use event::observe;
pub use net::listen;

pub use bytes::Bytes;
pub use client::{Agent, Response, request};
pub use error::{Closed, Error};
pub use event::peer::Peer;
pub use fetch::{Body, Fetched, RequestBuilder, Url, delete, fetch, get, head, patch, post, put};
pub use hearken_proto::{Fields, FieldsRef, Head, Limits, Misuse};
pub use http::{HeaderMap, Method, StatusCode, Version};
pub use message::{Answer, Deferred, IncomingMessage, Json, OutgoingMessage, Sent, ServerResponse};
pub use net::upgraded::Upgraded;
pub use server::{Server, ServerHandle};
pub use session::Session;
