//! Hosts that are reached without a proxy: the entries of `NO_PROXY`.
//!
//! Here: [`Exception`]. Not here: which proxy the others have (`proxies.rs`).

use crate::client::target::TargetUri;
use crate::net::host::unbracketed;
use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;
use url::{Host, Url};

/// What an entry may be, for error texts.
pub(super) const EXPECTED: &str = "expected names, addresses, networks such as 10.0.0.0/8, patterns such as *.example.org or 10.*, \
     each with an optional port, or * for all hosts";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exception {
    All,
    /// A name, and all names below it.
    Name(Box<str>, Option<u16>),
    /// With stars, each for any number of characters.
    Pattern(Box<str>, Option<u16>),
    Network(IpNet, Option<u16>),
    /// From one address to another.
    Range(IpAddr, IpAddr),
}

impl Exception {
    /// `None`: it is not understood.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((ip, bits)) = text.split_once('/') {
            let (bits, port) = match bits.split_once(':') {
                Some((bits, port)) => (bits, Some(port.parse().ok()?)),
                None => (bits, None),
            };
            let ip = address(ip).or_else(|| abbreviated(ip))?;
            let network = IpNet::new(ip, bits.parse().ok()?).ok()?;
            return Some(Self::Network(canonical(network), port));
        }
        if let Some(ip) = address(text) {
            return Some(Self::Network(canonical(IpNet::from(ip)), None));
        }
        if let Some((Some(first), Some(last))) = text
            .split_once('-')
            .map(|(first, last)| (address(first), address(last)))
        {
            let (first, last) = (first.to_canonical(), last.to_canonical());
            let fits = first.is_ipv4() == last.is_ipv4() && first <= last;
            return fits.then_some(Self::Range(first, last));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if let Some(ip) = address(host) {
            return Some(Self::Network(canonical(IpNet::from(ip)), port));
        }
        let host = host.strip_prefix("*.").unwrap_or(host);
        let host = host.strip_prefix('.').unwrap_or(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.contains('*') {
            let legal = |byte: u8| byte == b'*' || is_of_name(byte);
            return host
                .bytes()
                .all(legal)
                .then(|| Self::Pattern(host.to_ascii_lowercase().into(), port));
        }
        Self::name(host, port)
    }

    /// Parsed as a URL, so that a name of another script gets the form that targets have.
    fn name(host: &str, port: Option<u16>) -> Option<Self> {
        if host.contains(['/', '\\', '?', '#', '@', ':', '%']) {
            return None;
        }
        let url = Url::parse(&format!("http://{host}")).ok()?;
        match url.host()? {
            Host::Domain(name) => {
                let legal = !name.split('.').any(str::is_empty) && name.bytes().all(is_of_name);
                legal.then(|| Self::Name(name.into(), port))
            }
            Host::Ipv4(ip) => Some(Self::Network(IpNet::from(IpAddr::V4(ip)), port)),
            Host::Ipv6(_) => None,
        }
    }

    pub(super) fn covers(&self, target: &TargetUri) -> bool {
        let port_is = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == target.port());
        let host = target.host().trim_end_matches('.');
        match self {
            Self::All => true,
            Self::Name(name, wanted) => {
                let below = host
                    .strip_suffix(&**name)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                below && port_is(wanted)
            }
            Self::Pattern(pattern, wanted) => matches(pattern, host) && port_is(wanted),
            Self::Network(network, wanted) => {
                let within = |ip: IpAddr| network.contains(&ip.to_canonical());
                target.ip().is_some_and(within) && port_is(wanted)
            }
            Self::Range(first, last) => target.ip().is_some_and(|ip| {
                let ip = ip.to_canonical();
                ip.is_ipv4() == first.is_ipv4() && (first..=last).contains(&&ip)
            }),
        }
    }
}

/// An address, in brackets or not. Its zone does not count: a host with a zone has no proxy anyway.
fn address(text: &str) -> Option<IpAddr> {
    let text = unbracketed(text);
    let bare = text.split_once('%').map_or(text, |(ip, _)| ip);
    let ip: IpAddr = bare.parse().ok()?;
    (bare.len() == text.len() || ip.is_ipv6()).then_some(ip)
}

/// An IPv4 address without its last zeros, as in `169.254/16`.
fn abbreviated(text: &str) -> Option<IpAddr> {
    let mut octets = [0; 4];
    for (at, part) in text.split('.').enumerate() {
        *octets.get_mut(at)? = part.parse().ok()?;
    }
    Some(octets.into())
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// Whether a text matches a pattern in which each star stands for any number of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// An IPv4 network that is written as IPv6 (`::ffff:10.0.0.0/104`) becomes IPv4.
fn canonical(network: IpNet) -> IpNet {
    let v4 = |v6: ipnet::Ipv6Net| {
        let bits = v6.prefix_len().checked_sub(96)?;
        Ipv4Net::new(v6.addr().to_ipv4_mapped()?, bits).ok()
    };
    match network {
        IpNet::V6(v6) => v4(v6).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}
