//! Errors of a client: in which phase, with which peer, why, and what to do about it. Built with the feature `client`.
//!
//! Here: [`Phase`]; [`ExchangeError`], which [`Error`] carries; the questions and constructors of [`Error`] that only a client has. Not
//! here: the causes (`cause.rs`), where an exchange fails (`conn/client/`, `client/connect/`).

pub(crate) use crate::error::cause::{
    Addresses, Attempt, Cause, Over, Party, SettingError, SocksError, TlsStage, Via,
};
use crate::error::{Details, Error, Kind};
use bytes::Bytes;
use http::StatusCode;
use std::fmt;
use std::io;

/// How far an exchange of a client has come. The order is that of the exchange.
///
/// ```
/// use hearken::client::Phase;
/// assert!(Phase::Connect < Phase::Wait);
/// assert_eq!(Phase::Resolve.to_string(), "resolve");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting in the queue of the agent.
    Queue,
    /// Resolving a name.
    Resolve,
    /// Connecting to one of its addresses.
    Connect,
    /// Opening a tunnel through a proxy.
    Proxy,
    /// The TLS handshake. Also TLS errors after it, however far the exchange had come.
    Tls,
    /// Sending the request.
    Write,
    /// Waiting for the response: the request is sent, the head of the response is not complete.
    Wait,
    /// Receiving the body of the response.
    Read,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "queue",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Write => "write",
            Self::Wait => "wait",
            Self::Read => "read",
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct ExchangeError {
    pub(crate) phase: Phase,
    pub(crate) peer: Party,
    pub(crate) cause: Cause,
    /// The peer cannot have acted on the request, or the request is idempotent and no byte of a response has arrived.
    pub(crate) retry_safe: bool,
}

impl ExchangeError {
    /// A failure before anything was sent, so that trying again is safe.
    pub(crate) fn before(phase: Phase, peer: &Party, cause: Cause) -> Error {
        Error::client(Self {
            phase,
            peer: peer.clone(),
            cause,
            retry_safe: true,
        })
    }

    /// Whether there was no connection yet. TLS may fail at any time, and a server may refuse a handshake late.
    fn is_connect(&self) -> bool {
        self.phase < Phase::Write && !self.is_late_tls()
    }

    const fn is_late_tls(&self) -> bool {
        matches!(
            self.cause,
            Cause::Tls {
                stage: TlsStage::Later,
                ..
            }
        )
    }

    /// Whether the same request fails in the same way each time, because this side cannot begin.
    const fn is_of_settings(&self) -> bool {
        matches!(
            self.cause,
            Cause::Setting(_)
                | Cause::Socks(SocksError::LongName(_))
                | Cause::Tls {
                    stage: TlsStage::Settings,
                    ..
                }
        )
    }

    /// What the user can do about it; may be empty.
    fn advice(&self) -> &'static str {
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        match (self.phase, &self.cause) {
            (_, Cause::Aborted) => "",
            (_, Cause::Silence(_)) => "; if a pause may be longer, raise `timeout` of the request",
            (_, Cause::Protocol(hearken_proto::Error::Limit { .. })) => {
                "; raise it by `limits` of the agent or of the request"
            }
            (Phase::Queue, _) => {
                "; finish or drop responses, or raise `max_sockets` and `max_total_sockets` of the agent"
            }
            (_, Cause::Setting(_)) => "; correct it or unset it, or except this host with NO_PROXY",
            (Phase::Resolve | Phase::Connect, _) if self.peer.is_proxy() => {
                "; check the proxy, or except this host with NO_PROXY"
            }
            (Phase::Resolve, _) => "; check the name and the network",
            (Phase::Connect, Cause::Addresses(tried)) if tried.are_refused() => {
                "; check the port, and whether the server runs"
            }
            (Phase::Connect, Cause::Addresses(tried)) if tried.are_unbegun() => "",
            (Phase::Connect, Cause::Io(error)) if refused(error) => {
                "; check whether the server runs"
            }
            (Phase::Connect, Cause::NoAddress(_) | Cause::Io(_)) => "",
            (Phase::Connect, _) => "; check the address, the network and its firewalls",
            (
                Phase::Proxy,
                Cause::Refused(407) | Cause::Socks(SocksError::NoMethod { login: false }),
            ) => "; give user and password in the URL of the proxy",
            (Phase::Proxy, Cause::Socks(SocksError::Login)) => {
                "; check user and password in the URL of the proxy"
            }
            (Phase::Proxy, Cause::Socks(SocksError::LongName(_))) => "",
            (Phase::Proxy, _) => "; check the proxy, or except this host with NO_PROXY",
            (Phase::Write | Phase::Wait | Phase::Read, Cause::Gone | Cause::Reset)
                if self.retry_safe =>
            {
                "; trying again is safe"
            }
            (Phase::Wait, Cause::Timeout(_)) => {
                "; if the answer may take longer, raise `response_timeout`"
            }
            (Phase::Write, Cause::Timeout(_)) => {
                "; if it may take longer, raise `limits.time.write_idle`"
            }
            (Phase::Read, Cause::Timeout(_) | Cause::Rate(_)) => {
                "; if the body may come more slowly, raise `limits.time`"
            }
            _ => "",
        }
    }
}

impl Details for ExchangeError {
    /// Whether time ran out, here or in the system.
    fn is_timeout(&self) -> bool {
        let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
        match &self.cause {
            Cause::Timeout(_) | Cause::Silence(_) | Cause::Deadline(_) | Cause::Rate(_) => true,
            Cause::Io(error) => timed_out(error),
            Cause::Addresses(tried) => tried.is_timeout(),
            _ => false,
        }
    }

    /// Whether one side has closed the connection.
    fn is_closed(&self) -> bool {
        use hearken_proto::{Error, Fault};
        matches!(
            self.cause,
            Cause::Gone
                | Cause::Reset
                | Cause::Aborted
                | Cause::Protocol(Error::Peer {
                    fault: Fault::TruncatedHead | Fault::TruncatedBody,
                    ..
                })
        )
    }

    fn is_aborted(&self) -> bool {
        matches!(self.cause, Cause::Aborted)
    }

    fn protocol(&self) -> Option<&hearken_proto::Error> {
        match &self.cause {
            Cause::Protocol(error) => Some(error),
            _ => None,
        }
    }
}

impl std::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            Cause::Addresses(tried) => tried.last_error().map(|error| error as _),
            Cause::Protocol(error) => Some(error),
            Cause::Tls { error, .. } => Some(&**error),
            _ => None,
        }
    }
}

/// A body that is larger than the request allows.
#[derive(Debug)]
struct BodyTooLarge {
    max: u64,
    url: String,
}

impl Details for BodyTooLarge {
    fn is_too_large(&self) -> bool {
        true
    }
}

impl std::error::Error for BodyTooLarge {}

impl fmt::Display for BodyTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected a body of at most {} bytes from {}, more came; raise `max_body`, or stream it",
            self.max, self.url
        )
    }
}

/// A body that was received whole, and is not what was asked for.
#[derive(Debug)]
struct Unread {
    text: String,
    source: Box<dyn std::error::Error + Send + Sync>,
    body: Bytes,
}

impl Details for Unread {
    fn body(&self) -> Option<&Bytes> {
        Some(&self.body)
    }
}

impl std::error::Error for Unread {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error {
    /// A failed exchange. A handler that returns it answers 502, and 504 for a time-out.
    pub(crate) fn client(failure: ExchangeError) -> Self {
        let status = if failure.is_timeout() {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::BAD_GATEWAY
        };
        Self::from_kind(status, Kind::Details(Box::new(failure)))
    }

    /// An unusable response. A handler that returns it answers 502.
    pub(crate) fn answer(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::from_kind(StatusCode::BAD_GATEWAY, Kind::Other(Box::new(error)))
    }

    /// A response body that is larger than the request allows. A handler that returns it answers 502.
    pub(crate) fn body_too_large(max: u64, url: String) -> Self {
        let details = Box::new(BodyTooLarge { max, url });
        Self::from_kind(StatusCode::BAD_GATEWAY, Kind::Details(details))
    }

    /// A response body that is not what was asked for: `text` says what was expected. A handler that returns it answers 502.
    pub(crate) fn unread(
        text: String,
        source: impl std::error::Error + Send + Sync + 'static,
        body: Bytes,
    ) -> Self {
        let source = Box::new(source);
        let details = Box::new(Unread { text, source, body });
        Self::from_kind(StatusCode::BAD_GATEWAY, Kind::Details(details))
    }

    /// The body of a response that was received whole and could not be read as what was asked for, such as JSON.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
    /// let answer = hearken::get("https://example.com/").await?;
    /// match answer.json::<Vec<u8>>().await {
    ///     Ok(numbers) => println!("{numbers:?}"),
    ///     Err(error) => println!("{error}; the body is {:?}", error.body()),
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        match &self.inner.kind {
            Kind::Details(details) => details.body(),
            _ => None,
        }
    }

    fn failure(&self) -> Option<&ExchangeError> {
        match &self.inner.kind {
            Kind::Details(details) => {
                let error: &(dyn std::error::Error + 'static) = &**details;
                error.downcast_ref()
            }
            _ => None,
        }
    }

    /// How far an exchange of a client had come when it failed. `None` for errors of servers, and for a request that could
    /// not be made at all, say because of an invalid URL.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.failure().map(|failure| failure.phase)
    }

    /// The server of the failed exchange: host and port, or the path of a socket. The text of the error lists the addresses
    /// that were tried.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        self.failure().map(|failure| &*failure.peer.name)
    }

    /// Whether sending the request again does no harm: nothing of it was sent, or its method is idempotent and no byte of
    /// a response has arrived. False for errors of a server.
    #[must_use]
    pub fn is_retry_safe(&self) -> bool {
        self.failure().is_some_and(|failure| failure.retry_safe)
    }

    /// Whether trying again may help: the failure is one of the network or of the server, and sending the request again does
    /// no harm.
    pub(crate) fn may_pass(&self) -> bool {
        self.failure()
            .is_some_and(|failure| failure.retry_safe && !failure.is_of_settings())
    }

    /// Whether it failed before there was a connection: in any phase before the request is sent.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.failure().is_some_and(ExchangeError::is_connect)
    }

    /// Whether a name could not be resolved.
    #[must_use]
    pub fn is_resolve(&self) -> bool {
        self.phase() == Some(Phase::Resolve)
    }

    /// Whether the TLS handshake failed, or TLS failed later.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.phase() == Some(Phase::Tls)
    }

    /// The status with which a proxy refused a tunnel.
    #[must_use]
    pub fn proxy_status(&self) -> Option<StatusCode> {
        match self.failure()?.cause {
            Cause::Refused(status) => StatusCode::from_u16(status).ok(),
            _ => None,
        }
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = &self.peer;
        if matches!(self.cause, Cause::Setting(_)) {
            write!(f, "no request was sent to {peer}: {}", self.cause)?;
            return f.write_str(self.advice());
        }
        match self.phase {
            Phase::Queue => write!(f, "waiting for a free connection to {peer} failed: ")?,
            Phase::Resolve => write!(f, "resolving {peer} failed: ")?,
            Phase::Connect => write!(f, "connecting to {peer} failed: ")?,
            Phase::Proxy => write!(f, "getting a tunnel through {peer} failed: ")?,
            Phase::Tls if self.is_late_tls() => write!(f, "TLS with {peer} failed: ")?,
            Phase::Tls if self.is_of_settings() => {
                write!(f, "preparing TLS with {peer} failed: ")?;
            }
            Phase::Tls => write!(f, "the TLS handshake with {peer} failed: ")?,
            Phase::Write => write!(f, "sending the request to {peer} failed: ")?,
            Phase::Wait => write!(f, "waiting for the response of {peer} failed: ")?,
            Phase::Read => write!(f, "reading the response of {peer} failed: ")?,
        }
        self.cause.fmt(f)?;
        f.write_str(self.advice())
    }
}
