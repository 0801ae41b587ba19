//! Node's `http` for Rust: servers, clients and sessions on tokio, with every step of a message as an event.
//!
//! A server is a function of a request and its response. The handler returns proof that it responded, or a value that
//! becomes the response:
//!
//! ```
//! use hearken::{Error, Json, Server, event};
//!
//! let mut server = Server::new(async |mut req, _res| {
//!     let numbers: Vec<i64> = req.json().await?; // not JSON: 400, too large: 413
//!     Ok(Json(numbers.iter().sum::<i64>()))
//! });
//! server.on(event::Request, |head| println!("{} {}", head.method(), head.url()));
//! let handle = server.listen("127.0.0.1:0")?.start()?;
//!
//! let runtime = tokio::runtime::Runtime::new()?;
//! let sum = runtime.block_on(async {
//!     let url = format!("{}/sum", handle.address());
//!     hearken::post(&url).json(&[1, 2, 3]).await?.text().await
//! })?;
//! assert_eq!(sum, "6");
//! handle.close();
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`server`] | [`Server`], [`ServerHandle`]: listen, run, drain, stop |
//! | [`message`] | [`IncomingMessage`], [`ServerResponse`], [`Answer`]: what handlers read and write; cookies, conditions, negotiation, files |
//! | [`event`], [`observe`] | the events of servers and messages; an observer of every step |
//! | [`client`] | [`client::request`], [`Agent`]: Node's requests on pooled connections |
//! | [`fetch`](mod@fetch) | [`get`], [`post`], …: one-liners with redirects, decompression, cookies |
//! | [`session`] | [`Session`]: one exchange on a transport of your own |
//! | [`listen`] | addresses and options of listening sockets |
//! | `tls` | https for servers and clients (feature `tls`, on by default) |
//! | [`error`] | [`Error`], which every function here returns, and [`Closed`], why an exchange ended |
//!
//! All limits and deadlines have safe defaults in one struct, [`Limits`]. The protocol itself is [`hearken_proto`], without
//! I/O. Node's names are aliases in the search of this documentation: `headersTimeout` finds
//! [`time.head`](hearken_proto::TimeLimits::head).
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
pub mod client;
mod conn;
mod date;
pub mod error;
pub mod event;
#[cfg(feature = "client")]
pub mod fetch;
pub mod message;
mod net;
mod pump;
mod race;
pub mod server;
pub mod session;
#[cfg(any(test, feature = "test-util"))]
pub mod test;
#[cfg(feature = "tls")]
pub mod tls;

pub use event::observe;
pub use net::listen;

pub use bytes::Bytes;
#[cfg(feature = "client")]
pub use client::{Agent, Response, request};
pub use date::HttpDate;
pub use error::{Closed, Error, Failure};
pub use event::peer::Peer;
#[cfg(feature = "client")]
pub use fetch::{Body, Fetched, RequestBuilder, Url, delete, fetch, get, head, patch, post, put};
pub use hearken_proto::{Fields, FieldsRef, Head, Limits, Misuse};
pub use http::{HeaderMap, Method, StatusCode, Version};
pub use message::{Answer, Deferred, IncomingMessage, Json, OutgoingMessage, Sent, ServerResponse};
pub use net::upgraded::Upgraded;
pub use server::{Server, ServerHandle};
pub use session::Session;
