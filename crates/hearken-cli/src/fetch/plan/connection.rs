//! The way to the server: proxies, addresses, trust, bounds.

use super::check::{seconds, usage};
use crate::fetch::flags::{ConnectionFlags, TimeFlags};
use crate::fetch::head_limit::HeadLimit;
use crate::plan::CommandError;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConnectionPlan {
    pub(crate) proxy: ProxyPlan,
    /// Replaces `NO_PROXY`.
    pub(crate) no_proxy: Option<String>,
    pub(crate) unix_socket: Option<PathBuf>,
    pub(crate) resolve: Vec<HostAddresses>,
    pub(crate) trust: Trust,
    pub(crate) connect_timeout: Option<Duration>,
    /// In bytes per second; `None`: the default of the library.
    pub(crate) rate_min: Option<u32>,
    pub(crate) rate_after: Option<Duration>,
    pub(crate) max_head: Option<HeadLimit>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyPlan {
    Environment,
    None,
    Url(String),
}

/// The addresses of `--resolve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostAddresses {
    /// In lower case, without brackets; `None`: all hosts.
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    pub(crate) addresses: Vec<IpAddr>,
}

/// The certificates that the client accepts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    SystemRoots,
    SystemRootsAnd(PathBuf),
    AnyCertificate,
}

pub(super) fn connection(
    flags: ConnectionFlags,
    times: &TimeFlags,
) -> Result<ConnectionPlan, CommandError> {
    let time = |name, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| seconds(name, text)).transpose()
    };
    let (limit, limit_time) = (times.speed_limit, time("--speed-time", &times.speed_time)?);
    Ok(ConnectionPlan {
        proxy: match flags.proxy {
            None => ProxyPlan::Environment,
            Some(url) if url.is_empty() => ProxyPlan::None,
            Some(url) => ProxyPlan::Url(url),
        },
        no_proxy: flags.noproxy,
        unix_socket: flags.unix_socket,
        resolve: flags
            .resolve
            .iter()
            .map(|text| resolve(text))
            .collect::<Result<_, _>>()?,
        trust: match (flags.insecure, flags.cacert) {
            (true, _) => Trust::AnyCertificate,
            (false, Some(path)) => Trust::SystemRootsAnd(path),
            (false, None) => Trust::SystemRoots,
        },
        connect_timeout: time("--connect-timeout", &times.connect_timeout)?,
        // curl's defaults for the flag that is left out.
        rate_min: limit.or_else(|| limit_time.map(|_| 1)),
        rate_after: limit_time.or_else(|| limit.map(|_| Duration::from_secs(30))),
        max_head: flags.max_head,
    })
}

/// `HOST:PORT:ADDRESS[,ADDRESS]…`; host and addresses of IPv6 may be in brackets. A `+` in front is ignored: it is curl's for
/// an entry that may time out, and all entries live as long as the program.
fn resolve(text: &str) -> Result<HostAddresses, CommandError> {
    parse_resolve(text.strip_prefix('+').unwrap_or(text)).map_or_else(
        || {
            usage(format!(
                "--resolve {text:?}: expected HOST:PORT:ADDRESS, as in example.com:443:127.0.0.1"
            ))
        },
        Ok,
    )
}

fn parse_resolve(text: &str) -> Option<HostAddresses> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(text) => text.split_once("]:")?,
        None => text.split_once(':')?,
    };
    let (port, addresses) = rest.split_once(':')?;
    let address = |text: &str| text.trim_matches(['[', ']']).parse().ok();
    let addresses: Option<Vec<IpAddr>> = addresses.split(',').map(address).collect();
    (!host.is_empty()).then_some(HostAddresses {
        host: (host != "*").then(|| host.to_ascii_lowercase()),
        port: port.parse().ok()?,
        addresses: addresses?,
    })
}
