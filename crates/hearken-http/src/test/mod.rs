//! Servers in memory, for tests of handlers: no socket, no waiting, and a clock that jumps.
//!
//! ```
//! use hearken::test::{InjectError, Request, TestServer};
//! use hearken::{Error, Limits, Server};
//! use std::time::Duration;
//!
//! fn app() -> Server {
//!     let server = Server::new(async |mut req, res| {
//!         if req.path() == "/sum" {
//!             let numbers: Vec<i64> = req.json().await?;
//!             return Ok(res.end(numbers.iter().sum::<i64>().to_string()));
//!         }
//!         Ok(res.end("welcome"))
//!     });
//!     let mut limits = Limits::default();
//!     limits.time.head = Duration::from_secs(5);
//!     server.limits(limits)
//! }
//!
//! # fn main() -> Result<(), InjectError> {
//! // One request, on a connection of its own.
//! let response = app().inject(Request::post("/sum").json(&[1, 2, 3]))?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.text(), "6");
//!
//! // Several on one connection, and a clock that the test moves.
//! let test = TestServer::new(&app());
//! let mut connection = test.connect();
//! assert_eq!(connection.inject(Request::post("/sum").body("[1, x]"))?.status(), 400);
//! assert_eq!(connection.inject(Request::get("/"))?.text(), "welcome");
//! connection.send("GET /half-a-head");
//! test.advance(Duration::from_secs(5));
//! assert!(connection.received().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
//! # Ok(()) }
//! ```
//!
//! A test runs the whole stack: bytes, protocol, limits, listeners, observer, handlers, hooks. Only sockets, TLS and threads
//! are left out: connections have no address, and no TLS even if the server has.
//!
//! The server runs on a tokio runtime of its own, on the thread of the test, so `tokio::time`, `tokio::spawn` and
//! `spawn_local` work in handlers. Its clock is paused ([`tokio::time::pause`]): nothing times out by itself. A handler that
//! waits for the real world, for example for a database, gets 5 s of real time ([`TestServer::set_patience`]). If the
//! response is not complete then, the result is an [`InjectError`].
//!
//! Tests are plain functions. Inside of async code a second runtime cannot block the thread, and tokio panics: an
//! `async fn` calls these methods in `spawn_blocking`.
//!
//! ```
//! # use hearken::{Server, test::Request};
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let server = Server::new(async |_req, res| res.end("hi"));
//!     let inject = move || server.inject(Request::get("/"));
//!     let response = tokio::task::spawn_blocking(inject).await.unwrap().unwrap();
//!     assert_eq!(response.text(), "hi");
//! }
//! ```

// Here: [`TestServer`], [`Connection`], [`Request`], [`Response`], [`InjectError`] and [`Server::inject`].
// May know: the server and its handle, the client's role of hearken-proto, tokio.
// Must not know: sockets, the client of this crate.

mod connection;
mod error;
mod exchange;
mod pipe;
mod request;
mod response;
mod server;

pub use connection::Connection;
pub use error::InjectError;
pub use request::Request;
pub use response::Response;
pub use server::TestServer;

use crate::server::Server;

impl Server {
    /// Serves one request in memory, on a connection of its own, without listening. For several on one connection, and for
    /// a clock, see [`TestServer`]; for connections to a server that runs,
    /// [`ServerHandle::inject`](crate::ServerHandle::inject).
    ///
    /// ```
    /// use hearken::{Server, test::Request};
    /// let server = Server::new(async |req, res| res.end(req.header("x-name").unwrap_or("?").to_owned()));
    /// let response = server.inject(Request::get("/").header("X-Name", "Ada"))?;
    /// assert_eq!(response.text(), "Ada");
    /// # Ok::<(), hearken::test::InjectError>(())
    /// ```
    ///
    /// # Errors
    /// When no whole response comes; [`InjectError`] says why. Responses with an error status are responses.
    pub fn inject(&self, request: Request) -> Result<Response, InjectError> {
        TestServer::new(self).connect().inject(request)
    }
}

#[cfg(test)]
mod tests;
