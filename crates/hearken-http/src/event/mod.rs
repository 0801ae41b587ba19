//! Every event by its type: `.on(event::Connection, |peer| …)`.
//!
//! Here: the names, what their listeners are given, and where listeners are kept. One argument each, so that closures
//! need no type annotations. The order in which events come is one: docs/events.md. Not here: who fires them
//! (`conn/`, `server/mod.rs`, `server/worker.rs`).

pub(crate) mod callbacks;
pub(crate) mod client_error;
pub(crate) mod complete;
pub(crate) mod facts;
pub mod observe;
pub(crate) mod peer;
pub(crate) mod timeout;
#[cfg(feature = "tls")]
pub(crate) mod tls_client_error;
pub(crate) mod watch;

use crate::event::complete::CompleteMessage;
use crate::event::peer::Peer;
use crate::event::timeout::TimedOut;
use crate::net::listen::addr::LocalAddr;
use bytes::Bytes;
use hearken_proto::Head;
use std::fmt;

/// An event of a [`Server`](crate::Server): its listeners run on the workers, so they are `Send + Sync`.
pub trait ServerEvent: sealed::Server {}
/// An event of a message; its listeners run where the message lives.
pub trait MessageEvent: sealed::Message {}

#[doc(hidden)]
pub mod sealed {
    //! Keeps the set of events closed.

    use super::{MessageListeners, ServerListeners};

    /// An event of a server: what its listeners are given, and where they go.
    pub trait Server {
        /// The argument of a listener.
        type Args<'a>;
        /// Keeps a listener.
        fn add(
            self,
            listener: impl for<'a> Fn(Self::Args<'a>) + Send + Sync + 'static,
            listeners: &mut ServerListeners,
        );
    }

    /// An event of a message.
    pub trait Message {
        /// The argument of a listener.
        type Args<'a>;
        /// Keeps a listener.
        fn add(
            self,
            listener: impl for<'a> FnMut(Self::Args<'a>) + 'static,
            listeners: &mut MessageListeners,
        );
    }
}

/// Declares the events of a server with their arguments, and the struct that keeps their listeners.
macro_rules! server_events {
    ($($(#[$doc:meta])* $name:ident, $field:ident, <$l:lifetime> $args:ty $(, if $feature:literal)?;)*) => {
        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("Its listeners are given a `", stringify!($args), "`.")]
            $(#[cfg(feature = $feature)])?
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[expect(clippy::exhaustive_structs, reason = "a name, nothing more")]
            pub struct $name;

            $(#[cfg(feature = $feature)])?
            impl ServerEvent for $name {}

            $(#[cfg(feature = $feature)])?
            impl sealed::Server for $name {
                type Args<$l> = $args;
                fn add(self, listener: impl for<$l> Fn($args) + Send + Sync + 'static, listeners: &mut ServerListeners) {
                    listeners.$field.push(Box::new(listener));
                }
            }
        )*

        /// Who listens to a server.
        #[derive(Default)]
        #[doc(hidden)]
        pub struct ServerListeners {
            $(
                $(#[cfg(feature = $feature)])?
                pub(crate) $field: Vec<Box<dyn for<$l> Fn($args) + Send + Sync>>,
            )*
        }
    };
}

/// Declares the events of a message with their arguments, and the struct that keeps their listeners.
macro_rules! message_events {
    ($($(#[$doc:meta])* $name:ident, $field:ident, <$l:lifetime> $args:ty;)*) => {
        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("Its listeners are given a `", stringify!($args), "`.")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[expect(clippy::exhaustive_structs, reason = "a name, nothing more")]
            pub struct $name;

            impl MessageEvent for $name {}

            impl sealed::Message for $name {
                type Args<$l> = $args;
                fn add(self, listener: impl for<$l> FnMut($args) + 'static, listeners: &mut MessageListeners) {
                    listeners.$field.push(Box::new(listener));
                }
            }
        )*

        /// Who listens to a message.
        #[derive(Default)]
        #[doc(hidden)]
        pub struct MessageListeners {
            $(pub(crate) $field: Vec<Box<dyn for<$l> FnMut($args)>>,)*
        }
    };
}

server_events! {
    /// The server listens. Fires once for each [`listen`](crate::Server::listen), with the address, before the first
    /// connection.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Listening, |address| println!("{address}"));
    /// ```
    Listening, listening, <'a> &'a LocalAddr;
    /// A connection was accepted. Nothing has been read from it.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Connection, |peer| println!("{peer:?}"));
    /// ```
    Connection, connection, <'a> &'a Peer;
    /// The handshake of TLS is complete: [`Peer::tls`](crate::Peer::tls) has what it agreed on. Comes after `Connection`,
    /// before any request.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::SecureConnection, |peer| println!("{:?}", peer.tls().map(|tls| tls.version())));
    /// ```
    SecureConnection, secure_connection, <'a> &'a Peer, if "tls";
    /// A handshake of TLS has failed, by the peer, by us, or by the time it took. The connection closes. Not told of a
    /// peer that leaves before it has said a word.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::TlsClientError, |failure| eprintln!("{:?}: {}", failure.peer(), failure.error()));
    /// ```
    TlsClientError, tls_client_error, <'a> &'a tls_client_error::TlsClientError<'a>, if "tls";
    /// A request head is complete and legal; its handler starts right after.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Request, |head| println!("{head:?}"));
    /// ```
    Request, request, <'a> &'a Head;
    /// A request asks to continue (`Expect: 100-continue`) and goes to the handler for this event
    /// ([`handle`](crate::Server::handle)). Told with its head, in place of [`Request`].
    ///
    /// ```
    /// use hearken_http::{Error, Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.handle(event::CheckContinue, async |mut req, res| {
    ///     if req.head().content_length() > Some(1024) {
    ///         return Ok(res.status(413).end("expected less"));
    ///     }
    ///     let body = req.bytes().await?; // sends 100 Continue
    ///     Ok::<_, Error>(res.end(body))
    /// });
    /// ```
    CheckContinue, check_continue, <'a> &'a Head;
    /// A request expects something else ([`Head::expectation`]) and goes to the handler for this event
    /// ([`handle`](crate::Server::handle)). Told with its head, in place of [`Request`].
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.handle(event::CheckExpectation, async |_req, res| res.status(417).end("no"));
    /// ```
    CheckExpectation, check_expectation, <'a> &'a Head;
    /// A request asks for an upgrade and goes to the handler for this event ([`handle`](crate::Server::handle)). Told with its
    /// head, in place of [`Request`].
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Upgrade, |head| println!("{:?}", head.fields().get("upgrade")));
    /// ```
    Upgrade, upgrade, <'a> &'a Head;
    /// A request with the method CONNECT, which goes to the handler for this event ([`handle`](crate::Server::handle)), or is
    /// answered 501. Told with its head, in place of [`Request`].
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.handle(event::Connect, async |_req, res| res.status(403).end("not through here"));
    /// ```
    Connect, connect, <'a> &'a Head;
    /// A request beyond `limits.connection.requests_max`: it is answered 503, the connection closes, no handler is called.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::DropRequest, |(peer, head)| println!("{peer:?} {}", head.target()));
    /// ```
    DropRequest, drop_request, <'a> (&'a Peer, &'a Head);
    /// A deadline has passed. Told before what follows from it, which a listener can change for one of them:
    /// [`TimedOut::keep`](crate::server::TimedOut::keep).
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Timeout, |timeout| println!("{:?} {:?}", timeout.peer(), timeout.waited()));
    /// ```
    Timeout, timeout, <'a> &'a TimedOut<'a>;
    /// The peer broke the protocol, passed a limit or a deadline before it had an answer. A listener sees the bytes and
    /// may give its own answer.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::ClientError, |error| error.answer("HTTP/1.1 400 Nope\r\nConnection: close\r\n\r\n"));
    /// ```
    ClientError, client_error, <'a> &'a client_error::ClientError<'a>;
    /// A connection is closed. Fires once for each `Connection`.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Disconnected, |(peer, why)| println!("{peer:?} {why}"));
    /// ```
    Disconnected, disconnected, <'a> (&'a Peer, crate::error::Closed);
    /// The server has stopped: nothing listens, no connection is left. The last event, fires once.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Close, |()| println!("bye"));
    /// ```
    Close, close, <'a> ();
    /// Something of the server itself failed and it goes on: accepting, a panic in a handler.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.on(event::Error, |error| eprintln!("{error}"));
    /// ```
    Error, error, <'a> &'a crate::error::Error;
}

message_events! {
    /// The start line of an incoming message is complete.
    LineReady, line_ready, <'a> &'a Head;
    /// The head of an incoming message is complete.
    HeaderReady, header_ready, <'a> &'a Head;
    /// Some bytes of an incoming body are there. Whoever listens reads the body: it flows as fast as it comes.
    DataReady, data_ready, <'a> &'a Bytes;
    /// An incoming message is complete. Without a listener for [`DataReady`] its body was collected, up to
    /// `limits.body.buffered_bytes_max`.
    Ready, ready, <'a> &'a CompleteMessage<'a>;
    /// The head of an outgoing message was handed to the transport.
    HeaderDone, header_done, <'a> ();
    /// A piece of an outgoing body was handed to the transport; with its number of bytes.
    DataDone, data_done, <'a> usize;
    /// The whole outgoing message was handed to the transport.
    Done, done, <'a> ();
    /// There is room to write again after `write` has said that there was none. Node's `'drain'`.
    Drain, drain, <'a> ();
    /// The exchange is over and will not be complete. Of the message that comes in nothing is told after it but [`Closed`].
    Failed, failed, <'a> &'a crate::error::Error;
    /// The last event of both messages, always, once: nothing more comes or goes. With the reason. Node's `'close'`.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let server = Server::new(async |_req, res| {
    ///     res.on(event::Closed, |why| println!("{why}"));
    ///     res.end("hi")
    /// });
    /// ```
    Closed, closed, <'a> crate::error::Closed;
}

impl fmt::Debug for ServerListeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerListeners")
    }
}

impl fmt::Debug for MessageListeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageListeners")
    }
}
