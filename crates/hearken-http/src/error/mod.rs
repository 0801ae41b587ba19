//! The error of this crate: what went wrong in an exchange, who caused it, and the status that a client gets for it.
//!
//! Here: [`Error`] and [`Closed`]; in `failure.rs` the errors of a client. Elsewhere: errors of listening
//! (`net/listen/error.rs`), of TLS (`tls/error.rs`), of the protocol (hearken-proto).
//!
//! May know: hearken-proto, the crate `http`.
//!
//! Must not know: any other room of this crate.

#[cfg(feature = "client")]
pub(crate) mod failure;
pub(crate) mod request;
mod signal;

pub use request::FailedRequest;

use http::StatusCode;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The error of handlers, bodies, sessions and requests. Cheap to clone.
///
/// `?` converts any error of another crate into one with status 500; [`Error::new`] sets the status. Returned by a handler, the
/// client of the server gets the status and, below 500, the message; the rest goes to the log.
///
/// ```
/// use hearken_http::Error;
/// fn parse(text: &str) -> Result<u8, Error> {
///     text.parse().map_err(|_| Error::new(400, "expected a number below 256"))
/// }
/// assert_eq!(parse("x").unwrap_err().status().as_u16(), 400);
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    status: StatusCode,
    kind: Kind,
    request: Option<Box<FailedRequest>>,
}

enum Kind {
    Message(Cow<'static, str>),
    Other(Box<dyn std::error::Error + Send + Sync>),
    Protocol(hearken_proto::Error),
    Closed(Closed),
    TooLarge(u64),
    #[cfg_attr(
        not(feature = "client"),
        expect(dead_code, reason = "only the client has such errors")
    )]
    Details(Box<dyn Details>),
}

/// An error with its own answers to the questions of [`Error`].
trait Details: std::error::Error + Send + Sync {
    fn is_closed(&self) -> bool {
        false
    }

    fn is_timeout(&self) -> bool {
        false
    }

    fn is_aborted(&self) -> bool {
        false
    }

    fn is_too_large(&self) -> bool {
        false
    }

    fn protocol(&self) -> Option<&hearken_proto::Error> {
        None
    }
}

/// Why an exchange is over: the result of `closed` of a request or response, the argument of
/// [`event::Closed`](crate::event::Closed) and [`event::Disconnected`](crate::event::Disconnected).
///
/// ```
/// use hearken_http::{Closed, Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::Disconnected, |(peer, why)| {
///     if why != Closed::Done {
///         eprintln!("{peer:?}: {why}");
///     }
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Closed {
    /// The exchange is complete.
    Done,
    /// The peer closed the connection, or no longer accepts bytes.
    PeerGone,
    /// The peer reset the connection.
    Reset,
    /// The peer broke the protocol, or closed the connection within a message.
    BadMessage,
    /// The peer was too slow to send its body: `limits.time.request`, `body_idle`, `body_rate_min`.
    ReadTimeout,
    /// The peer was too slow to read: `limits.time.write_idle`.
    WriteTimeout,
    /// No byte was received or sent for `limits.time.inactive`, or for `limits.time.upgraded_idle` after an upgrade.
    Inactive,
    /// The server stopped, and `limits.time.grace` has passed.
    Stopped,
    /// This side aborted the exchange: a response could not be completed as it was begun.
    Aborted,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "the exchange is complete",
            Self::PeerGone => "the peer closed the connection",
            Self::Reset => "the peer reset the connection",
            Self::BadMessage => "the peer sent a broken message",
            Self::ReadTimeout => "the peer was too slow to send",
            Self::WriteTimeout => "the peer was too slow to receive",
            Self::Inactive => "nothing came or went for too long",
            Self::Stopped => "the server stopped",
            Self::Aborted => "the exchange was given up here",
        })
    }
}

impl Error {
    /// An error with a status from 400 to 599 (any other becomes 500) and a message. A client gets the message if the status is
    /// below 500.
    #[must_use]
    pub fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error());
        Self::from_kind(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Kind::Message(message.into()),
        )
    }

    fn from_kind(status: StatusCode, kind: Kind) -> Self {
        Self {
            inner: Arc::new(Inner {
                status,
                kind,
                request: None,
            }),
        }
    }

    pub(crate) fn closed(closed: Closed) -> Self {
        let status = match closed {
            Closed::ReadTimeout => StatusCode::REQUEST_TIMEOUT,
            Closed::BadMessage => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::from_kind(status, Kind::Closed(closed))
    }

    pub(crate) fn too_large(max: u64) -> Self {
        Self::from_kind(StatusCode::PAYLOAD_TOO_LARGE, Kind::TooLarge(max))
    }

    /// [`too_large`](Self::too_large) for a response: as a gateway, this server would respond 502.
    pub(crate) fn too_large_response(max: u64) -> Self {
        Self::from_kind(StatusCode::BAD_GATEWAY, Kind::TooLarge(max))
    }

    /// Whether this side aborted the exchange: by an abort handle, or by dropping its request or response.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        match &self.inner.kind {
            Kind::Details(details) => details.is_aborted(),
            Kind::Closed(closed) => *closed == Closed::Aborted,
            _ => false,
        }
    }

    /// The cause of this error, as the error of the system. `None` if this error is the first.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.kind {
            Kind::Details(details) => details.source(),
            Kind::Other(error) => Some(&**error),
            Kind::Protocol(error) => Some(error),
            Kind::Message(_) | Kind::Closed(_) | Kind::TooLarge(_) => None,
        }
    }

    /// Says to which request a new error belongs.
    pub(crate) fn of_request(mut self, request: FailedRequest) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.request = Some(Box::new(request));
        }
        self
    }

    /// The request whose handler has failed, for an error that a server emits as [`event::Error`](crate::event::Error).
    #[must_use]
    pub fn request(&self) -> Option<&FailedRequest> {
        self.inner.request.as_deref()
    }

    /// The status of the response to a request that fails with this error.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// Whether the exchange is over, so that no peer waits for a response.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.inner.kind {
            Kind::Details(details) => details.is_closed(),
            Kind::Closed(_) => true,
            _ => false,
        }
    }

    /// The reason, if the error is that the exchange is over.
    pub(crate) fn closed_why(&self) -> Option<Closed> {
        match self.inner.kind {
            Kind::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    /// Whether a deadline has passed because a peer was too slow.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.inner.kind {
            Kind::Details(details) => details.is_timeout(),
            Kind::Closed(closed) => matches!(
                closed,
                Closed::ReadTimeout | Closed::WriteTimeout | Closed::Inactive
            ),
            _ => false,
        }
    }

    /// Whether a body was larger than its limit.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        match &self.inner.kind {
            Kind::TooLarge(_) => true,
            Kind::Details(details) => details.is_too_large(),
            _ => false,
        }
    }

    /// The protocol error, with its code and offset, if a peer broke the protocol.
    #[must_use]
    pub fn protocol(&self) -> Option<&hearken_proto::Error> {
        match &self.inner.kind {
            Kind::Protocol(error) => Some(error),
            Kind::Details(details) => details.protocol(),
            _ => None,
        }
    }

    /// The part of the text that a client may see.
    pub(crate) fn public_text(&self) -> String {
        match &self.inner.kind {
            Kind::Message(message) if self.inner.status.is_client_error() => {
                message.clone().into_owned()
            }
            Kind::TooLarge(_) if self.inner.status.is_client_error() => self.to_string(),
            Kind::Protocol(_) => self.to_string(),
            _ => self
                .inner
                .status
                .canonical_reason()
                .unwrap_or("error")
                .to_owned(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.kind {
            Kind::Message(message) => f.write_str(message),
            Kind::Other(error) => error.fmt(f),
            Kind::Protocol(error) => error.fmt(f),
            Kind::Closed(closed) => closed.fmt(f),
            Kind::TooLarge(max) => write!(f, "expected a body of at most {max} bytes, more came"),
            Kind::Details(details) => details.fmt(f),
        }
    }
}

/// The same text as [`fmt::Display`]: `main` prints it when it returns an error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// For code that needs [`std::error::Error`]. [`Error`] does not implement that trait, so that `?` can convert every other
/// error into it.
impl From<Error> for Box<dyn std::error::Error + Send + Sync> {
    fn from(error: Error) -> Self {
        #[derive(Debug)]
        struct Wrapped(Error);
        impl fmt::Display for Wrapped {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl std::error::Error for Wrapped {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.0.source()
            }
        }
        Box::new(Wrapped(error))
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
        match boxed.downcast::<hearken_proto::Error>() {
            Ok(error) => {
                let status = match error.answer() {
                    hearken_proto::Answer::Status(status) => {
                        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
                    }
                    _ => StatusCode::BAD_GATEWAY,
                };
                Self::from_kind(status, Kind::Protocol(*error))
            }
            Err(error) => Self::from_kind(StatusCode::INTERNAL_SERVER_ERROR, Kind::Other(error)),
        }
    }
}
