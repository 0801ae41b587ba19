//! HTTP for Rust in the words of Node: a server, a client, sessions, https, and every step of a message as an event.
//!
//! This is the one crate to add. It re-exports `hearken-http` (servers, clients, sessions) at its root and `hearken-proto`
//! (the protocol without I/O) as [`proto`], and has no code of its own.
//!
//! ```
//! use hearken::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let mut server = Server::new(async |_req, res| res.end("Hello, World!"));
//! server.on(event::Request, |head| println!("{} {}", head.method(), head.url()));
//! let handle = server.listen("127.0.0.1:0")?.start()?; // or `run()`, which serves until a signal
//! println!("{}", handle.address());
//! handle.close();
//! # Ok(()) }
//! ```
//!
//! | feature | what is there with it alone |
//! |---|---|
//! | `app` | `app`: Express's applications, routes, middleware |
//! | `client` | `client`, `fetch`, `request`, `get`, `post` and their siblings, `Agent`, `Body`, `Fetched`, `RequestBuilder`, `Response`, `Url` |
//! | `compress`, `compress-zstd` | `message::Compression`, `message::ContentCoding` |
//! | `multipart` | `IncomingMessage::multipart` and its types in `message` |
//! | `tls` | `tls`, `Server::tls`, `Peer::tls`, the events of TLS |
//! | `self-signed` | `ServerTls::self_signed` |
//! | `test` | `test`, `Server::inject` |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "app")]
#[doc(inline)]
pub use hearken_app as app;
#[doc(inline)]
pub use hearken_http::*;
#[doc(inline)]
pub use hearken_proto as proto;

/// The names that most programs need.
///
/// ```
/// use hearken::prelude::*;
/// async fn size(mut req: IncomingMessage, _res: ServerResponse) -> Result<Json<usize>, Failure> {
///     Ok(Json(req.bytes().await?.len()))
/// }
/// let server = Server::new(size);
/// ```
pub mod prelude {
    pub use hearken_http::{
        Answer, Bytes, Error, Failure, IncomingMessage, Json, Limits, OutgoingMessage, Sent,
        Server, ServerResponse, event,
    };
}
