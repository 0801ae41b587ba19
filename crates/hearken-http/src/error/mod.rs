//! The error of this crate: what went wrong in an exchange, who caused it, and which status tells it to a client.
//!
//! Here: [`Error`] and [`Closed`]. Not here: errors of listening (`net/listen/error.rs`), of the protocol (hearken-proto), what a
//! client's error says (`error/failure.rs`).

pub(crate) mod failure;

use crate::error::failure::{Cause, Failure, Phase};
use http::StatusCode;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What a handler, a body or a session can fail with. Cheap to clone.
///
/// Any error of another crate becomes one by `?`, with status 500; [`Error::new`] makes one with a status of its own.
/// The client sees the status and, below 500, the message; the rest goes to the log.
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
}

enum Kind {
    Message(Cow<'static, str>),
    Other(Box<dyn std::error::Error + Send + Sync>),
    Protocol(hearken_proto::Error),
    Closed(Closed),
    TooLarge(u64),
    Client(Box<Failure>),
}

/// Why an exchange is over, told by `req.closed()` and by errors.
///
/// ```
/// use hearken_http::Closed;
/// assert_eq!(Closed::PeerGone.to_string(), "the peer closed the connection");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Closed {
    /// The exchange ended well.
    Done,
    /// The peer closed the connection, or nothing could be delivered to it any more.
    PeerGone,
    /// The peer reset the connection.
    Reset,
    /// The peer broke the protocol, or stopped in the middle of its message.
    BadMessage,
    /// The peer was too slow with its body.
    ReadTimeout,
    /// The peer did not take what was written.
    WriteTimeout,
    /// Nothing came or went for too long.
    Inactive,
    /// This server was told to stop and the time for it ran out.
    Stopped,
    /// This side gave up: a response could not be finished as it was begun.
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
    /// An error with a status between 400 and 599 (anything else becomes 500) and a message. The client sees the message
    /// when the status is below 500.
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
            inner: Arc::new(Inner { status, kind }),
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

    /// The same of a response: not the fault of whoever asked us meanwhile.
    pub(crate) fn too_large_response(max: u64) -> Self {
        Self::from_kind(StatusCode::BAD_GATEWAY, Kind::TooLarge(max))
    }

    /// What a server that we asked has answered: 502 to whoever asked us meanwhile.
    pub(crate) fn answer(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::from_kind(StatusCode::BAD_GATEWAY, Kind::Other(Box::new(error)))
    }

    /// What a client met: 502 to whoever asked us meanwhile, 504 when it was time.
    pub(crate) fn client(failure: Failure) -> Self {
        let status = if failure.is_timeout() {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::BAD_GATEWAY
        };
        Self::from_kind(status, Kind::Client(Box::new(failure)))
    }

    fn failure(&self) -> Option<&Failure> {
        match &self.inner.kind {
            Kind::Client(failure) => Some(failure),
            _ => None,
        }
    }

    /// How far an exchange of a client had come when it failed. `None` for errors of servers, and for a request that could
    /// not be made at all: a URL that is none, a field that cannot be sent.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.failure().map(|failure| failure.phase)
    }

    /// Whom a client was talking to: host and port, or the path of a socket. Which addresses of the host were tried is in
    /// the text.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        self.failure().map(|failure| &*failure.peer)
    }

    /// Whether sending the request again can do no harm: nothing of it was sent, or its method is idempotent and no byte of
    /// a response has come. An error of a server is never safe to retry.
    #[must_use]
    pub fn is_retry_safe(&self) -> bool {
        self.failure().is_some_and(|failure| failure.retry_safe)
    }

    /// Whether no connection came about: every phase before the request is sent.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.failure().is_some_and(Failure::is_connect)
    }

    /// Whether a name has no address.
    #[must_use]
    pub fn is_resolve(&self) -> bool {
        self.phase() == Some(Phase::Resolve)
    }

    /// Whether the TLS handshake failed, or TLS broke later.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.phase() == Some(Phase::Tls)
    }

    /// Whether the exchange was given up on this side: by an abort handle, or by dropping what it belongs to.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        match &self.inner.kind {
            Kind::Client(failure) => matches!(failure.cause, Cause::Aborted),
            Kind::Closed(closed) => *closed == Closed::Aborted,
            _ => false,
        }
    }

    /// With which status a proxy refused a tunnel.
    #[must_use]
    pub fn proxy_status(&self) -> Option<StatusCode> {
        match self.failure()?.cause {
            Cause::Refused(status) => StatusCode::from_u16(status).ok(),
            _ => None,
        }
    }

    /// The error below this one, say that of the system.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.kind {
            Kind::Client(failure) => failure.source(),
            Kind::Other(error) => Some(&**error),
            Kind::Protocol(error) => Some(error),
            Kind::Message(_) | Kind::Closed(_) | Kind::TooLarge(_) => None,
        }
    }

    /// The status that tells this error to a client.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// Whether the peer is gone, so that nobody waits for an answer.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.inner.kind {
            Kind::Client(failure) => failure.is_closed(),
            Kind::Closed(_) => true,
            _ => false,
        }
    }

    /// Why the exchange is over, if that is the error.
    pub(crate) fn closed_why(&self) -> Option<Closed> {
        match self.inner.kind {
            Kind::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    /// Whether a peer was too slow.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.inner.kind {
            Kind::Client(failure) => failure.is_timeout(),
            Kind::Closed(closed) => matches!(
                closed,
                Closed::ReadTimeout | Closed::WriteTimeout | Closed::Inactive
            ),
            _ => false,
        }
    }

    /// Whether a body was larger than allowed.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self.inner.kind, Kind::TooLarge(_)) || self.is_fetched_too_large()
    }

    /// The fault, if a peer broke the protocol.
    #[must_use]
    pub fn protocol(&self) -> Option<&hearken_proto::Error> {
        match &self.inner.kind {
            Kind::Protocol(error) => Some(error),
            Kind::Client(failure) => match &failure.cause {
                Cause::Protocol(error) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a client may read of it.
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
            Kind::Client(failure) => failure.fmt(f),
        }
    }
}

/// The text, as [`fmt::Display`]: this is what `main` prints when it returns one.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `Error` itself does not implement [`std::error::Error`], so that every other error converts into it by `?`; this is
/// the way back to code that wants that trait.
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
