//! The errors of this crate: [`Error`], which its functions return, and [`Failure`], which a handler returns.

// Here: [`Error`] and [`Closed`]; in `failure.rs` [`Failure`], in `request.rs` the request that it belongs to, in `client.rs` the
// errors of a client. Elsewhere: errors of listening (`net/listen/error.rs`), of TLS (`tls/error.rs`), of the protocol
// (hearken-proto).
//
// May know: hearken-proto, the crates `http` and `serde_json`.
//
// Must not know: any other room of this crate.

#[cfg(feature = "client")]
mod cause;
#[cfg(feature = "client")]
pub(crate) mod client;
mod failure;
mod or_fail;
pub(crate) mod request;
mod signal;
mod status;

pub use failure::Failure;
pub use or_fail::OrFail;
pub use request::FailedRequest;
pub use status::Status;

use http::StatusCode;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The error of this library: of listening, requests, bodies and sessions. Cheap to clone.
///
/// It implements [`std::error::Error`], so `?` turns it into `Box<dyn Error>`, `anyhow::Error` or an enum of yours. A handler
/// returns another type, [`Failure`], into which `?` turns this one and every other error.
///
/// ```
/// use hearken::{Error, IncomingMessage, Server};
///
/// async fn first_line(req: &mut IncomingMessage) -> Result<String, Error> {
///     let text = req.text().await?; // not UTF-8: 400, too large: 413
///     Ok(text.lines().next().unwrap_or_default().to_owned())
/// }
///
/// let server = Server::new(async |mut req, res| Ok(res.end(first_line(&mut req).await?)));
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
    /// With the name of the error, for programs.
    Coded(&'static str, Cow<'static, str>),
    Other(BoxError),
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

    #[cfg(feature = "client")]
    fn body(&self) -> Option<&bytes::Bytes> {
        None
    }
}

/// Why an exchange is over: the result of `closed` of a request or response, the argument of
/// [`event::Closed`](crate::event::Closed) and [`event::Disconnected`](crate::event::Disconnected).
///
/// ```
/// use hearken::{Closed, Server, event};
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
    /// An error with the status of the response to a request that fails with it, and a message. A client gets the message if
    /// the status is below 500.
    #[must_use]
    pub(crate) fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self::from_kind(Status(status).of_error(), Kind::Message(message.into()))
    }

    pub(crate) fn coded(
        status: u16,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let kind = Kind::Coded(code, message.into());
        Self::from_kind(Status(status).of_error(), kind)
    }

    /// The name of an error about the body of a request, which does not change: that of Express's `body-parser` or `multer`.
    ///
    /// | code | status | meaning |
    /// |---|--:|---|
    /// | `entity.too.large` | 413 | more bytes than a limit allows |
    /// | `entity.parse.failed` | 400 | not the JSON, form or text that was expected |
    /// | `parameters.too.many` | 413 | a form with more fields than `limits.body.form_fields_max` |
    /// | `encoding.unsupported` | 415 | a Content-Encoding that is not decoded here |
    /// | `encoding.invalid` | 400 | not what its Content-Encoding says |
    /// | `request.aborted` | 500, not sent | the client left in the middle of the body |
    /// | `LIMIT_PART_COUNT`, `LIMIT_PART_HEADERS` | 400 | a form with more parts, or a part with more fields, than allowed |
    /// | `LIMIT_FILE_SIZE`, `LIMIT_FIELD_VALUE` | 413 | a part, a file or not, with more bytes than allowed |
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |mut req, res| match req.json::<u8>().await {
    ///     Ok(number) => res.end(number.to_string()),
    ///     Err(error) if error.code() == Some("entity.too.large") => res.status(413).end("too long"),
    ///     Err(error) => res.fail(error),
    /// });
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.inner.kind {
            Kind::Coded(code, _) => Some(code),
            Kind::TooLarge(_) if self.inner.status.is_client_error() => Some("entity.too.large"),
            Kind::Closed(Closed::PeerGone | Closed::Reset) => Some("request.aborted"),
            _ => None,
        }
    }

    fn from_kind(status: StatusCode, kind: Kind) -> Self {
        Self {
            inner: Arc::new(Inner { status, kind }),
        }
    }

    /// The error of a user's source. One of this library remains what it is.
    pub(crate) fn other(error: impl Into<BoxError>) -> Self {
        let error = match error.into().downcast::<Self>() {
            Ok(error) => return *error,
            Err(error) => error,
        };
        match error.downcast::<hearken_proto::Error>() {
            Ok(error) => Self::from(*error),
            Err(error) => match error_of_ours(&*error) {
                Some(ours) => ours.clone(),
                None => Self::from_kind(StatusCode::INTERNAL_SERVER_ERROR, Kind::Other(error)),
            },
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

    /// The error of another kind that this one was made of: an [`io::Error`](std::io::Error), a
    /// [`ListenError`](crate::listen::ListenError), the error of a stream. Its text is the text of this error, so
    /// [`source`](std::error::Error::source) begins behind it.
    #[must_use]
    pub fn get_ref(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        match &self.inner.kind {
            Kind::Other(error) => Some(&**error),
            _ => None,
        }
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

    /// The text for the client, if it may see more than the status.
    fn public_message(&self) -> Option<String> {
        match &self.inner.kind {
            Kind::Message(_) | Kind::Coded(..) | Kind::TooLarge(_)
                if self.inner.status.is_client_error() =>
            {
                Some(self.to_string())
            }
            Kind::Protocol(_) => Some(self.to_string()),
            _ => None,
        }
    }

    /// The text for the client: the message, or the reason phrase of the status.
    pub(crate) fn public_text(&self) -> String {
        self.public_message()
            .unwrap_or_else(|| reason_phrase(self.inner.status).to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.kind {
            Kind::Message(message) | Kind::Coded(_, message) => f.write_str(message),
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.kind {
            Kind::Details(details) => details.source(),
            // The text of this error is that of the other one, so the chain goes on behind it.
            Kind::Other(error) => error.source(),
            Kind::Protocol(_)
            | Kind::Message(_)
            | Kind::Coded(..)
            | Kind::Closed(_)
            | Kind::TooLarge(_) => None,
        }
    }
}

impl From<hearken_proto::Error> for Error {
    fn from(error: hearken_proto::Error) -> Self {
        let status = match error.answer() {
            hearken_proto::Answer::Status(status) => {
                StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
            }
            _ => StatusCode::BAD_GATEWAY,
        };
        Self::from_kind(status, Kind::Protocol(error))
    }
}

/// Any error: of a user's reader or stream, for example.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

macro_rules! from_others {
    ($($type:ty),* $(,)?) => {
        $(impl From<$type> for $crate::error::Error {
            fn from(error: $type) -> Self {
                Self::other(error)
            }
        })*
    };
}
pub(crate) use from_others;

from_others!(std::io::Error, hearken_proto::Misuse);

/// The first error of this library in a chain of sources. Those inside of an [`io::Error`](std::io::Error) count: that is how a body
/// that is read as `AsyncRead` fails.
fn error_of_ours<'a>(first: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    let mut next = Some(first);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(error);
        }
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn reason_phrase(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("error")
}
