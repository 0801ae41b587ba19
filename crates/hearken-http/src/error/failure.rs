//! What an exchange of a client can fail with: in which phase, with whom, why, and what to do about it.
//!
//! Here: [`Phase`], and [`Failure`], which [`Error`] carries. Not here: the questions that users ask an error
//! (`error/mod.rs`), who finds out that something failed (`conn/client/mod.rs`, `connect.rs`).

use crate::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How far an exchange of a client had come. The order is that of the exchange.
///
/// ```
/// use hearken_http::client::Phase;
/// assert!(Phase::Connect < Phase::Wait);
/// assert_eq!(Phase::Resolve.to_string(), "resolve");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting until the agent allows one more connection.
    Queue,
    /// Looking up the addresses of a name.
    Resolve,
    /// Connecting to one of them.
    Connect,
    /// Asking a proxy for a tunnel.
    Proxy,
    /// The TLS handshake. TLS that breaks later is told as this too, however far the exchange had come.
    Tls,
    /// Sending the request.
    Write,
    /// Waiting for the response: the request is out, the head of the response is not complete.
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

/// Why it failed.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The system said so.
    Io(io::Error),
    /// Each address that was tried, with what it gave.
    Addresses(Vec<(SocketAddr, io::Error)>),
    /// Nothing in this time.
    Timeout(Duration),
    /// Not a byte in either direction for this long, which its user set.
    Silence(Duration),
    /// The whole exchange in this time, which its user set.
    Deadline(Duration),
    /// Fewer bytes a second than this.
    Rate(u32),
    /// The peer closed the connection.
    Gone,
    /// The peer reset the connection.
    Reset,
    /// The peer broke the protocol, or passed a limit.
    Protocol(hearken_proto::Error),
    /// Interim responses without end.
    Interims(u32),
    /// It switched to a protocol that was not offered.
    Switched(String),
    /// A proxy refused with this status.
    Refused(u16),
    /// More than so many bytes were written without waiting for room.
    Unwaited(u64),
    /// Somebody here ended it.
    Aborted,
    /// TLS has an error of its own; by `handshake`, one of the beginning.
    Tls {
        error: Box<dyn std::error::Error + Send + Sync>,
        handshake: bool,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) phase: Phase,
    pub(crate) peer: Arc<str>,
    pub(crate) cause: Cause,
    /// The peer cannot have acted on the request, or acting twice does no harm.
    pub(crate) retry_safe: bool,
}

impl Failure {
    /// A failure before anything was sent, so that trying again is safe.
    pub(crate) fn before(phase: Phase, peer: &Arc<str>, cause: Cause) -> Error {
        Error::client(Self {
            phase,
            peer: Arc::clone(peer),
            cause,
            retry_safe: true,
        })
    }

    /// Whether time ran out, here or where the system counts it.
    pub(crate) fn is_timeout(&self) -> bool {
        match &self.cause {
            Cause::Timeout(_) | Cause::Silence(_) | Cause::Deadline(_) | Cause::Rate(_) => true,
            Cause::Io(error) => error.kind() == io::ErrorKind::TimedOut,
            Cause::Addresses(tried) => {
                !tried.is_empty()
                    && tried
                        .iter()
                        .all(|(_, error)| error.kind() == io::ErrorKind::TimedOut)
            }
            _ => false,
        }
    }

    /// Whether no connection came about. TLS may break at any time, and a handshake be refused late.
    pub(crate) fn is_connect(&self) -> bool {
        self.phase < Phase::Write && !self.is_late_tls()
    }

    const fn is_late_tls(&self) -> bool {
        matches!(
            self.cause,
            Cause::Tls {
                handshake: false,
                ..
            }
        )
    }

    /// Whether the peer is gone, or we are.
    pub(crate) const fn is_closed(&self) -> bool {
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

    pub(crate) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            Cause::Addresses(tried) => tried.last().map(|(_, error)| error as _),
            Cause::Protocol(error) => Some(error),
            Cause::Tls { error, .. } => Some(&**error),
            _ => None,
        }
    }

    /// What can be done about it, where there is something to say.
    fn advice(&self) -> &'static str {
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        match (self.phase, &self.cause) {
            (_, Cause::Aborted) => "",
            (_, Cause::Silence(_)) => "; if a pause may be longer, raise `timeout` of the request",
            (Phase::Queue, _) => "; finish or drop responses, or raise `max_sockets` of the agent",
            (Phase::Resolve, _) => "; check the name and the network",
            (Phase::Connect, Cause::Addresses(tried))
                if tried.iter().all(|(_, error)| refused(error)) =>
            {
                "; check the port, and whether the server runs"
            }
            (Phase::Connect, Cause::Io(error)) if refused(error) => {
                "; check whether the server runs"
            }
            (Phase::Connect, _) => "; check the address, the network and its firewalls",
            (Phase::Proxy, Cause::Refused(407)) => {
                "; give user and password in the URL of the proxy"
            }
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = &self.peer;
        match self.phase {
            Phase::Queue => write!(f, "waiting for a free connection to {peer} failed: ")?,
            Phase::Resolve => write!(f, "resolving {peer} failed: ")?,
            Phase::Connect => write!(f, "connecting to {peer} failed: ")?,
            Phase::Proxy => write!(f, "getting a tunnel through the proxy {peer} failed: ")?,
            Phase::Tls if self.is_late_tls() => write!(f, "TLS with {peer} failed: ")?,
            Phase::Tls => write!(f, "the TLS handshake with {peer} failed: ")?,
            Phase::Write => write!(f, "sending the request to {peer} failed: ")?,
            Phase::Wait => write!(f, "waiting for the response of {peer} failed: ")?,
            Phase::Read => write!(f, "reading the response of {peer} failed: ")?,
        }
        self.cause.fmt(f)?;
        f.write_str(self.advice())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Addresses(tried) if tried.is_empty() => {
                f.write_str("the name has no address that may be used")
            }
            Self::Addresses(tried) => {
                for (at, (address, error)) in tried.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{address}: {error}")?;
                }
                Ok(())
            }
            Self::Timeout(time) => write!(f, "it took longer than {time:?}"),
            Self::Silence(time) => write!(f, "nothing came or went for {time:?}"),
            Self::Deadline(time) => write!(f, "all of it took longer than {time:?}"),
            Self::Rate(least) => write!(f, "it came at fewer than {least} bytes a second"),
            Self::Gone => f.write_str("the peer closed the connection"),
            Self::Reset => f.write_str("the peer reset the connection"),
            Self::Protocol(error) => error.fmt(f),
            Self::Interims(max) => {
                write!(
                    f,
                    "expected a final response after at most {max} interim ones"
                )
            }
            Self::Switched(to) => write!(
                f,
                "expected a switch to a protocol that was offered, not to {to:?} (RFC 9110 §7.8)"
            ),
            Self::Refused(status) => write!(f, "it answered {status}"),
            Self::Unwaited(max) => {
                write!(f, "expected to wait for `drain` before {max} bytes wait")
            }
            Self::Aborted => f.write_str("the exchange was given up here"),
            Self::Tls { error, .. } => error.fmt(f),
        }
    }
}
