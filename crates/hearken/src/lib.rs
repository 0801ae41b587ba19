//! HTTP for Rust in the words of Node: a server, a client, sessions, https, and every step of a message as an event.
//!
//! This is the one crate to add. It holds no code of its own: servers, clients and sessions come from `hearken-http`, the
//! protocol without I/O from `hearken-proto`, as [`proto`].
//!
//! ```
//! use hearken::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let server = Server::new(async |_req, res| res.end("Hello, World!")).listen("127.0.0.1:0")?.start()?;
//! println!("{}", server.address());
//! server.close();
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

pub use hearken_http::*;
pub use hearken_proto as proto;

/// What nearly every program needs.
///
/// ```
/// use hearken::prelude::*;
/// let server = Server::new(async |req, _res| Json(req.url().len()));
/// ```
pub mod prelude {
    pub use hearken_http::{
        Answer, Bytes, Error, IncomingMessage, Json, Limits, OutgoingMessage, Sent, Server,
        ServerResponse, event,
    };
}
