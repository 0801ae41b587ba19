//! The events of a server.
//!
//! Here: their names, the arguments and the list of their listeners. Not here: when they are emitted (`conn/`, `server/`).

use crate::error;
use crate::event::client_error;
use crate::event::declare::events;
use crate::event::peer::Peer;
use crate::event::timeout::TimedOut;
#[cfg(feature = "tls")]
use crate::event::tls_client_error;
use crate::net::listen::addr::LocalAddr;
use hearken_proto::Head;

events! {
    /// An event of a [`Server`](crate::Server), for [`Server::on`](crate::Server::on). Its listeners run on the workers, so they
    /// are `Send + Sync`.
    trait ServerEvent;
    listeners ServerListeners: [Fn + Send + Sync];

    /// The server listens on an address. Emitted once for each [`listen`](crate::Server::listen), before the first connection.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Listening, |address| println!("{address}"));
    /// ```
    Listening, listening, <'a> &'a LocalAddr = "&LocalAddr";
    /// A connection was accepted; no byte of it has been read.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Connection, |peer| println!("{peer:?}"));
    /// ```
    Connection, connection, <'a> &'a Peer = "&Peer";
    /// The TLS handshake is complete: [`Peer::tls`](crate::Peer::tls) returns its result. Emitted after [`Connection`], before
    /// any request.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::SecureConnection, |peer| println!("{:?}", peer.tls().map(|tls| tls.version())));
    /// ```
    SecureConnection, secure_connection, <'a> &'a Peer = "&Peer", if "tls";
    /// A TLS handshake has failed on either side or has passed its deadline; the connection closes. Not emitted for a client
    /// that closes without sending a byte.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::TlsClientError, |failure| eprintln!("{:?}: {}", failure.peer(), failure.error()));
    /// ```
    TlsClientError, tls_client_error, <'a> &'a tls_client_error::TlsClientError<'a> = "&TlsClientError", if "tls";
    /// A request head is complete and legal. Its handler is called right after.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Request, |head| println!("{head:?}"));
    /// ```
    Request, request, <'a> &'a Head = "&Head";
    /// A request with `Expect: 100-continue` has come. It goes to the handler for this event
    /// ([`handle`](crate::Server::handle)), and the event is emitted in place of [`Request`]; without such a handler it goes to the
    /// plain one, and [`Request`] is emitted right after.
    ///
    /// ```
    /// use hearken::{Error, Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.handle(event::CheckContinue, async |mut req, res| {
    ///     if req.head().content_length() > Some(1024) {
    ///         return Ok(res.status(413).end("expected less"));
    ///     }
    ///     let body = req.bytes().await?; // sends 100 Continue
    ///     Ok(res.end(body))
    /// });
    /// ```
    CheckContinue, check_continue, <'a> &'a Head = "&Head";
    /// A request with another expectation ([`Head::expectation`]) has come. It goes to the handler for this event
    /// ([`handle`](crate::Server::handle)), or gets a 417 without one; then [`ClientError`] is emitted right after. Emitted in place of
    /// [`Request`].
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.handle(event::CheckExpectation, async |_req, res| res.status(417).end("no"));
    /// ```
    CheckExpectation, check_expectation, <'a> &'a Head = "&Head";
    /// A request for an upgrade has come. It goes to the handler for this event ([`handle`](crate::Server::handle)), and the event is
    /// emitted in place of [`Request`]. Without such a handler, or when [`should_upgrade`](crate::Server::should_upgrade) says no, it
    /// goes to the plain one, and [`Request`] is emitted right after.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Upgrade, |head| println!("{:?}", head.fields().get("upgrade")));
    /// ```
    Upgrade, upgrade, <'a> &'a Head = "&Head";
    /// A CONNECT request goes to the handler for this event ([`handle`](crate::Server::handle)), or gets a 501 without one.
    /// Emitted instead of [`Request`].
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.handle(event::Connect, async |_req, res| res.status(403).end("not through here"));
    /// ```
    Connect, connect, <'a> &'a Head = "&Head";
    /// A request beyond `limits.connection.requests_max`. It gets a 503 and the connection closes; no handler is called.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::DropRequest, |(peer, head)| println!("{peer:?} {}", head.url()));
    /// ```
    DropRequest, drop_request, <'a> (&'a Peer, &'a Head) = "(&Peer, &Head)";
    /// A deadline has passed. Emitted before its consequence, which a listener can prevent for one deadline:
    /// [`TimedOut::keep`](crate::server::TimedOut::keep).
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Timeout, |timeout| println!("{:?} {:?}", timeout.peer(), timeout.deadline()));
    /// ```
    Timeout, timeout, <'a> &'a TimedOut<'a> = "&TimedOut";
    /// The peer broke the protocol, or passed a limit or a deadline, and has no response yet. A listener can send a response of
    /// its own: [`ClientError::answer`](crate::server::ClientError::answer).
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::ClientError, |error| error.answer("HTTP/1.1 400 Nope\r\nConnection: close\r\n\r\n"));
    /// ```
    ClientError, client_error, <'a> &'a client_error::ClientError<'a> = "&ClientError";
    /// A connection is closed. Emitted once for each [`Connection`], with the reason.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Disconnected, |(peer, why)| println!("{peer:?} {why}"));
    /// ```
    Disconnected, disconnected, <'a> (&'a Peer, error::Closed) = "(&Peer, Closed)";
    /// A connection was closed right after it was accepted: its client has
    /// [`connections_per_address_max`](crate::Server::connections_per_address_max) connections. Emitted in place of [`Connection`], and
    /// without a [`Disconnected`].
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::DropConnection, |peer| eprintln!("too many connections: {peer:?}"));
    /// let server = server.connections_per_address_max(100);
    /// ```
    DropConnection, drop_connection, <'a> &'a Peer = "&Peer";
    /// The server has stopped: no socket listens, no connection is open. The last event, emitted once. After an [`Error`] that names
    /// workers which did not end in time, theirs are still there.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Close, |()| println!("bye"));
    /// ```
    Close, close, <'a> () = "()";
    /// A handler has failed: it returned an error or panicked, dropped its deferred response, or its response cannot be sent as it
    /// was set or does not fit its Content-Length; the file that it sends has become shorter; it writes on without waiting for
    /// [`drain`](crate::ServerResponse::drain). Or the server has dropped it before its end: at the end of `limits.time.grace`, at a
    /// deadline, or because its client broke the protocol; then [`is_closed`](crate::Failure::is_closed) is true.
    ///
    /// The failure has status, error and request, with its client and route. Emitted before the response, for every status: an error
    /// with a status below 500 is an answer to the client, which you may want to count, and the log does not have it. Not
    /// emitted when the client has left: neither for a handler that is dropped then nor for the error that it returns.
    ///
    /// Listeners must not use the handles of the exchange.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::HandlerFailed, |failure| {
    ///     if let Some(request) = failure.request() {
    ///         eprintln!("{request}: {failure}"); // GET /notes from 127.0.0.1:50124 (route /notes): no such table
    ///     }
    /// });
    /// ```
    HandlerFailed, handler_failed, <'a> &'a error::Failure = "&Failure";
    /// Something in the server itself has failed, such as accepting a connection. The server continues.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Error, |error| eprintln!("{error}"));
    /// ```
    Error, error, <'a> &'a error::Error = "&Error";
}
