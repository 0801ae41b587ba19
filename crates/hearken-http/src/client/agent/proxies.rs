//! Which proxy serves which host, as the environment says it.
//!
//! Here: [`Proxies`]: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, by the rules that curl, Node and others share.
//! Not here: talking to one (`connect.rs`, `tunnel.rs`).

use crate::client::target::{Target, basic_auth};
use crate::error::Error;
use crate::net::host::unbracketed;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use url::Url;

/// Which proxy serves which host. Cheap to clone.
///
/// From the environment: `HTTP_PROXY` for http, `HTTPS_PROXY` for https, `ALL_PROXY` for what the other two say nothing
/// about, and `NO_PROXY` for hosts that need none: a list, by commas or spaces, of names (`example.org` and
/// `.example.org` stand for the name and all below it), addresses, networks (`10.0.0.0/8`), each with a port if need
/// be, or `*` for all. Names of lower case are read first. `HTTP_PROXY` is not read where `REQUEST_METHOD` is set:
/// there it may be a header of a request (CVE-2016-5385).
///
/// ```
/// use hearken_http::client::Proxies;
/// let proxies = Proxies::none().http("http://proxy.example:3128")?.except("localhost, 10.0.0.0/8");
/// assert!(format!("{proxies:?}").contains("proxy.example"));
/// # Ok::<(), hearken_http::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    except: Arc<[Exception]>,
}

/// One proxy.
pub(crate) struct Proxy {
    pub(crate) target: Target,
    /// The value of Proxy-Authorization.
    pub(crate) auth: Option<String>,
}

/// Hosts that are reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    All,
    Name(Box<str>, Option<u16>),
    Network(IpAddr, u8, Option<u16>),
}

impl Proxies {
    /// No proxy for anybody.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What the environment says. A value that is no URL of a proxy is left out, with a warning in the log.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    pub(crate) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            let lower = var(&name.to_ascii_lowercase());
            lower
                .or_else(|| var(name))
                .filter(|value| !value.is_empty())
        };
        let proxy = |name: &str| {
            let text = get(name)?;
            Proxy::parse(&text)
                .inspect_err(|error| tracing::warn!(variable = name, %error, "a proxy is left out"))
                .ok()
        };
        let all = proxy("ALL_PROXY");
        // In a CGI program the variable in capitals is the header `Proxy` of the request.
        let cgi = var("REQUEST_METHOD").is_some();
        let lower = var("http_proxy").is_some_and(|value| !value.is_empty());
        let http = if cgi && !lower {
            None
        } else {
            proxy("HTTP_PROXY")
        };
        let none = Self {
            http: http.or_else(|| all.clone()),
            https: proxy("HTTPS_PROXY").or(all),
            except: Arc::default(),
        };
        none.except(&get("NO_PROXY").unwrap_or_default())
    }

    /// This proxy for http. `http://`, or `https://` for TLS to the proxy; user and password in the URL are told to it.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn http(mut self, proxy: &str) -> Result<Self, Error> {
        self.http = Some(Proxy::parse(proxy)?);
        Ok(self)
    }

    /// This proxy for https, by tunnels (CONNECT).
    ///
    /// # Errors
    /// As [`http`](Self::http).
    pub fn https(mut self, proxy: &str) -> Result<Self, Error> {
        self.https = Some(Proxy::parse(proxy)?);
        Ok(self)
    }

    /// Hosts that are reached without a proxy, in the form of `NO_PROXY`. The second call replaces the first.
    #[must_use]
    pub fn except(mut self, hosts: &str) -> Self {
        let hosts = hosts.split([',', ' ', '\t', '\n']);
        self.except = hosts.filter_map(Exception::parse).collect();
        self
    }

    /// The proxy for this target.
    pub(crate) fn for_target(&self, target: &Target) -> Option<&Arc<Proxy>> {
        let proxy = if target.is_https() {
            self.https.as_ref()
        } else {
            self.http.as_ref()
        }?;
        let ip = target.ip();
        let (host, port) = (target.host(), target.port());
        let mut exceptions = self.except.iter();
        (!exceptions.any(|exception| exception.covers(host, ip, port))).then_some(proxy)
    }
}

impl Proxy {
    /// A URL, or `host:port`, which stands for http.
    fn parse(text: &str) -> Result<Arc<Self>, Error> {
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let mut target = Target::parse(&text)?;
        // A port that is left out is that of the scheme, as it is in every URL.
        let auth = basic_auth(target.url());
        target.strip_auth();
        Ok(Arc::new(Self { target, auth }))
    }
}

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((ip, bits)) = text.split_once('/') {
            let ip: IpAddr = unbracketed(ip).parse().ok()?;
            let (bits, port) = match bits.split_once(':') {
                Some((bits, port)) => (bits, Some(port.parse().ok()?)),
                None => (bits, None),
            };
            let bits: u8 = bits.parse().ok()?;
            if bits > width(ip) {
                return None;
            }
            // An IPv4 network in IPv6 clothes is an IPv4 network.
            return Some(match ip.to_canonical() {
                v4 @ IpAddr::V4(_) if ip.is_ipv6() && bits >= 96 => {
                    Self::Network(v4, bits - 96, port)
                }
                _ => Self::Network(ip, bits, port),
            });
        }
        if let Ok(ip) = unbracketed(text).parse::<IpAddr>() {
            let ip = ip.to_canonical();
            return Some(Self::Network(ip, width(ip), None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if let Ok(ip) = unbracketed(host).parse::<IpAddr>() {
            let ip = ip.to_canonical();
            return Some(Self::Network(ip, width(ip), port));
        }
        let host = host.strip_prefix("*.").unwrap_or(host);
        let host = host.trim_start_matches('.').trim_end_matches('.');
        // By the parser of URLs, so that a name of another script is compared in the form that targets have.
        let host = Url::parse(&format!("http://{host}")).ok()?;
        Some(Self::Name(host.host_str()?.into(), port))
    }

    fn covers(&self, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
        let port_is = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::All => true,
            Self::Name(name, wanted) => {
                let host = host.trim_end_matches('.');
                let below = host
                    .strip_suffix(&**name)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                below && port_is(wanted)
            }
            Self::Network(network, bits, wanted) => {
                ip.is_some_and(|ip| is_within(ip, *network, *bits)) && port_is(wanted)
            }
        }
    }
}

const fn width(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether the first bits are the same. An IPv4 address in IPv6 clothes is an IPv4 address.
fn is_within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (ip.to_canonical(), network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let shift = 32 - u32::from(bits);
            ip.to_bits().checked_shr(shift) == network.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let shift = 128 - u32::from(bits);
            ip.to_bits().checked_shr(shift) == network.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http)
            .field("https", &self.https)
            .field("except", &self.except)
            .finish()
    }
}

/// Without user and password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

#[cfg(test)]
mod tests;
