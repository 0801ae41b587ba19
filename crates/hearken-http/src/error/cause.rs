//! Why an exchange of a client failed, and between whom. Built with the feature `client`.
//!
//! Here: [`Cause`] and its texts; [`Party`], the server in errors, with the proxy on the way to it; [`Addresses`], what each
//! attempt at an address came to. Not here: the error that carries them (`failure.rs`).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Why it failed.
#[derive(Debug)]
pub(crate) enum Cause {
    /// An error of the system.
    Io(io::Error),
    /// The host has no address that may be used; the text says why.
    NoAddress(String),
    /// None of the addresses of the host could be reached.
    Addresses(Box<Addresses>),
    /// The phase took longer than this.
    Timeout(Duration),
    /// No byte in either direction for this long, by the option `timeout`.
    Silence(Duration),
    /// The whole exchange took longer than this, by the option `deadline`.
    Deadline(Duration),
    /// The body came at fewer bytes a second than this.
    Rate(u32),
    /// The peer closed the connection.
    Gone,
    /// The peer reset the connection.
    Reset,
    /// The peer broke the protocol or exceeded a limit.
    Protocol(hearken_proto::Error),
    /// The peer switched to this protocol, which was not offered.
    Switched(String),
    /// The proxy refused the tunnel with this status.
    Refused(u16),
    /// A SOCKS5 proxy did not connect.
    Socks(SocksError),
    /// A variable or an option that names proxies was not understood.
    Setting(Arc<SettingError>),
    /// More than this many bytes were written without waiting for room.
    Unwaited(u64),
    /// The exchange was aborted on this side.
    Aborted,
    /// An error of TLS.
    Tls {
        error: Box<dyn std::error::Error + Send + Sync>,
        stage: TlsStage,
    },
}

/// When TLS failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "tls"),
    expect(dead_code, reason = "no handshake begins")
)]
pub(crate) enum TlsStage {
    /// Its settings cannot be used: there was no connection yet.
    Settings,
    Handshake,
    /// After the handshake.
    Later,
}

/// The server of an exchange, as errors name it.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    /// Host and port, or the path of a socket.
    pub(crate) name: Arc<str>,
    pub(crate) via: Option<Arc<Via>>,
}

/// The proxy on the way to a server, as errors name it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Via {
    /// Its host and port.
    pub(crate) proxy: Arc<str>,
    /// The variable of the environment that names it; `None` if the program does.
    pub(crate) variable: Option<Box<str>>,
}

impl Party {
    /// The proxy itself.
    pub(crate) fn proxy(via: &Arc<Via>) -> Self {
        Self {
            name: Arc::clone(&via.proxy),
            via: Some(Arc::clone(via)),
        }
    }

    pub(crate) fn is_proxy(&self) -> bool {
        let via = self.via.as_ref();
        via.is_some_and(|via| via.proxy == self.name)
    }

    pub(crate) fn through(self, via: Option<Arc<Via>>) -> Self {
        Self { via, ..self }
    }
}

impl From<Arc<str>> for Party {
    fn from(name: Arc<str>) -> Self {
        Self { name, via: None }
    }
}

/// `a:80`, `a:80 through the proxy p:1 of http_proxy`, or `the proxy p:1 of http_proxy`.
impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.via {
            None => f.write_str(&self.name),
            Some(via) if self.is_proxy() => via.fmt(f),
            Some(via) => write!(f, "{} through {via}", self.name),
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}", self.proxy)?;
        match &self.variable {
            Some(variable) => write!(f, " of {variable}"),
            None => Ok(()),
        }
    }
}

/// The attempts at the addresses of a host, in the order in which they failed.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) attempts: Vec<(SocketAddr, Attempt)>,
    /// Further addresses that are never tried.
    pub(crate) left_out: usize,
    /// The time that ended the attempts.
    pub(crate) over: Option<Over>,
}

/// The time that was over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    /// That of connecting.
    Phase,
    /// That of the whole exchange.
    Deadline(Duration),
}

/// What became of the attempt at one address.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The system, or the host, said no.
    Failed(io::Error),
    /// This side could not begin.
    Unbegun(io::Error),
    /// Nothing came back for this long.
    Silent(Duration),
    /// Its turn did not come.
    Untried,
}

impl Attempt {
    pub(crate) const fn error(&self) -> Option<&io::Error> {
        match self {
            Self::Failed(error) | Self::Unbegun(error) => Some(error),
            Self::Silent(_) | Self::Untried => None,
        }
    }

    fn is_of_kind(&self, kind: io::ErrorKind) -> bool {
        matches!(self, Self::Failed(error) if error.kind() == kind)
    }
}

impl Addresses {
    /// Whether every host said that nothing listens there.
    pub(crate) fn are_refused(&self) -> bool {
        let mut attempts = self.attempts.iter();
        attempts.all(|(_, attempt)| attempt.is_of_kind(io::ErrorKind::ConnectionRefused))
    }

    /// Whether no attempt left this host.
    pub(crate) fn are_unbegun(&self) -> bool {
        let mut attempts = self.attempts.iter();
        attempts.all(|(_, attempt)| matches!(attempt, Attempt::Unbegun(_)))
    }

    /// Whether time ran out, here or in the system.
    pub(crate) fn is_timeout(&self) -> bool {
        let mut attempts = self.attempts.iter();
        self.over.is_some()
            || attempts.all(|(_, attempt)| attempt.is_of_kind(io::ErrorKind::TimedOut))
    }

    /// The last error of the system.
    pub(crate) fn last_error(&self) -> Option<&io::Error> {
        let mut attempts = self.attempts.iter().rev();
        attempts.find_map(|(_, attempt)| attempt.error())
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Over::Deadline(whole)) = self.over {
            write!(f, "all of it took longer than {whole:?}: ")?;
        }
        for (at, (address, attempt)) in self.attempts.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{address}: ")?;
            match attempt {
                Attempt::Failed(error) | Attempt::Unbegun(error) => error.fmt(f)?,
                Attempt::Silent(time) => write!(f, "no answer within {:?}", rounded(*time))?,
                Attempt::Untried => f.write_str("not tried")?,
            }
        }
        match self.left_out {
            0 => Ok(()),
            more => write!(f, ", {more} more addresses: not tried"),
        }
    }
}

/// Whole milliseconds read better.
fn rounded(time: Duration) -> Duration {
    match time.as_millis() {
        0 => time,
        millis => Duration::from_millis(millis.try_into().unwrap_or(u64::MAX)),
    }
}

/// Why a SOCKS5 proxy did not connect (RFC 1928, RFC 1929).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SocksError {
    /// The first byte is not its version.
    Version(u8),
    /// It accepts no way of logging in that was offered; whether user and password were.
    NoMethod { login: bool },
    /// It chose a way of logging in that was not offered.
    Method(u8),
    /// It rejects user and password.
    Login,
    /// The request failed with this code.
    Reply(u8),
    /// The type of the address in its reply is unknown.
    AddressType(u8),
    /// A name of more than 255 bytes cannot be asked for.
    LongName(usize),
}

impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(byte) => write!(
                f,
                "expected version 5 of SOCKS, it answered with the byte {byte:#04x}"
            ),
            Self::NoMethod { login: false } => {
                f.write_str("it lets no client in without user and password")
            }
            Self::NoMethod { login: true } => {
                f.write_str("it takes clients neither with user and password nor without")
            }
            Self::Method(method) => write!(
                f,
                "expected a way of logging in that was offered, it chose number {method}"
            ),
            Self::Login => f.write_str("it rejects user and password"),
            Self::Reply(code) => write!(f, "{} (SOCKS5 reply {code})", reply_text(*code)),
            Self::AddressType(kind) => {
                write!(
                    f,
                    "expected an address in its reply, not one of type {kind}"
                )
            }
            Self::LongName(bytes) => write!(
                f,
                "expected a host name of at most 255 bytes for SOCKS5, not of {bytes}"
            ),
        }
    }
}

/// RFC 1928 §6.
const fn reply_text(code: u8) -> &'static str {
    match code {
        1 => "it failed without a reason",
        2 => "its rules do not allow this connection",
        3 => "the network is unreachable from it",
        4 => "the host is unreachable from it",
        5 => "the host refused its connection",
        6 => "its packets to the host were lost on the way",
        7 => "it does not know the command CONNECT",
        8 => "it does not know this type of address",
        _ => "it failed for a reason of its own",
    }
}

/// A setting of proxies that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingError {
    /// The variable of the environment.
    pub(crate) variable: Box<str>,
    /// Its value, or the part that is wrong, without a password.
    pub(crate) value: String,
    pub(crate) why: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            value,
            why,
        } = self;
        write!(f, "the variable {variable} has {value:?}: {why}")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NoAddress(why) => f.write_str(why),
            Self::Addresses(tried) => tried.fmt(f),
            Self::Timeout(time) => write!(f, "it took longer than {time:?}"),
            Self::Silence(time) => write!(f, "nothing came or went for {time:?}"),
            Self::Deadline(time) => write!(f, "all of it took longer than {time:?}"),
            Self::Rate(least) => write!(f, "it came at fewer than {least} bytes a second"),
            Self::Gone => f.write_str("the peer closed the connection"),
            Self::Reset => f.write_str("the peer reset the connection"),
            Self::Protocol(error) => error.fmt(f),
            Self::Switched(to) => write!(
                f,
                "expected a switch to a protocol that was offered, not to {to:?} (RFC 9110 §7.8)"
            ),
            Self::Refused(status) => write!(f, "it answered {status}"),
            Self::Socks(error) => error.fmt(f),
            Self::Setting(error) => error.fmt(f),
            Self::Unwaited(max) => {
                write!(f, "expected to wait for `drain` before {max} bytes wait")
            }
            Self::Aborted => f.write_str("the exchange was given up here"),
            Self::Tls { error, .. } => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn refused() -> Attempt {
        Attempt::Failed(io::ErrorKind::ConnectionRefused.into())
    }

    #[test]
    fn each_address_says_what_happened_there() {
        let mut tried = Addresses {
            attempts: vec![
                (at(1), refused()),
                (
                    at(2),
                    Attempt::Unbegun(io::Error::other("no socket here: busy")),
                ),
                (at(3), Attempt::Silent(Duration::from_micros(9_750_999))),
                (at(4), Attempt::Untried),
            ],
            left_out: 3,
            over: Some(Over::Phase),
        };
        let text = "127.0.0.1:1: connection refused, 127.0.0.1:2: no socket here: busy, \
                    127.0.0.1:3: no answer within 9.75s, 127.0.0.1:4: not tried, 3 more addresses: not tried";
        assert_eq!(tried.to_string(), text);
        assert!(tried.is_timeout() && !tried.are_refused() && !tried.are_unbegun());
        assert_eq!(
            tried.last_error().map(ToString::to_string).as_deref(),
            Some("no socket here: busy")
        );
        tried.over = Some(Over::Deadline(Duration::from_secs(10)));
        let text = format!("all of it took longer than 10s: {text}");
        assert_eq!(tried.to_string(), text);
    }

    #[test]
    fn a_refusal_is_no_timeout() {
        let tried = Addresses {
            attempts: vec![(at(1), refused()), (at(2), refused())],
            left_out: 0,
            over: None,
        };
        assert!(tried.are_refused() && !tried.is_timeout());
    }

    #[test]
    fn a_party_names_the_proxy_on_the_way() {
        let via = |variable: Option<&str>| {
            Arc::new(Via {
                proxy: "p:1".into(),
                variable: variable.map(Into::into),
            })
        };
        let server = || Party::from(Arc::<str>::from("a:80"));
        assert_eq!(server().to_string(), "a:80");
        let through = server().through(Some(via(Some("http_proxy"))));
        assert_eq!(
            through.to_string(),
            "a:80 through the proxy p:1 of http_proxy"
        );
        assert!(!through.is_proxy());
        let proxy = Party::proxy(&via(None));
        assert_eq!(proxy.to_string(), "the proxy p:1");
        assert!(proxy.is_proxy());
    }
}
