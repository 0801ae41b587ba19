//! Which proxy serves which host.
//!
//! Here: [`Proxies`]: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, by the rules that curl, Node and others share.
//! Not here: connecting through one (`client/connect/`).

use crate::client::target::{TargetUri, basic_auth};
use crate::error::Error;
use crate::net::host::unbracketed;
use ipnet::{IpNet, Ipv4Net};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use url::Url;

/// Which proxy serves which host. Cheap to clone.
///
/// From the environment: `HTTP_PROXY` for http, `HTTPS_PROXY` for https, `ALL_PROXY` in place of either if it is not set, and
/// `NO_PROXY` for hosts without a proxy. `NO_PROXY` is a list, separated by commas or spaces, of names (`example.org` and
/// `.example.org` stand for the name and all names below it), addresses and networks (`10.0.0.0/8`), each with an optional
/// port, or `*` for all hosts. Variables in lower case take precedence. `HTTP_PROXY` is ignored if `REQUEST_METHOD` is set:
/// in a CGI program it may be a field of the request (CVE-2016-5385).
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
    pub(crate) target: TargetUri,
    /// The value of Proxy-Authorization.
    pub(crate) auth: Option<String>,
}

/// Hosts that are reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    All,
    Name(Box<str>, Option<u16>),
    Network(IpNet, Option<u16>),
}

impl Proxies {
    /// No proxy for any host.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// From the environment. A value that is not the URL of a proxy is ignored, with a warning in the log.
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
                .inspect_err(|error| tracing::warn!(variable = name, %error, "expected the URL of a proxy; ignored"))
                .ok()
        };
        let all = proxy("ALL_PROXY");
        // In a CGI program the variable in capitals is the field `Proxy` of the request.
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

    /// The proxy for http: a URL with `http://`, or `https://` for TLS to the proxy. User and password in the URL are sent to
    /// it as Proxy-Authorization.
    ///
    /// # Errors
    /// When it is not such a URL.
    pub fn http(mut self, proxy: &str) -> Result<Self, Error> {
        self.http = Some(Proxy::parse(proxy)?);
        Ok(self)
    }

    /// The proxy for https, by tunnels (CONNECT).
    ///
    /// # Errors
    /// As [`http`](Self::http).
    pub fn https(mut self, proxy: &str) -> Result<Self, Error> {
        self.https = Some(Proxy::parse(proxy)?);
        Ok(self)
    }

    /// Hosts without a proxy, in the form of `NO_PROXY`. The second call replaces the first.
    #[must_use]
    pub fn except(mut self, hosts: &str) -> Self {
        let hosts = hosts.split([',', ' ', '\t', '\n']);
        self.except = hosts.filter_map(Exception::parse).collect();
        self
    }

    /// The proxy for this target.
    pub(crate) fn for_target(&self, target: &TargetUri) -> Option<&Arc<Proxy>> {
        let proxy = if target.is_https() {
            self.https.as_ref()
        } else {
            self.http.as_ref()
        }?;
        let mut exceptions = self.except.iter();
        (!exceptions.any(|exception| exception.covers(target))).then_some(proxy)
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
        let mut target = TargetUri::parse(&text)?;
        // Without a port it is that of the scheme, unlike curl's 1080.
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
            let (bits, port) = match bits.split_once(':') {
                Some((bits, port)) => (bits, Some(port.parse().ok()?)),
                None => (bits, None),
            };
            let ip = unbracketed(ip).parse().ok()?;
            let network = IpNet::new(ip, bits.parse().ok()?).ok()?;
            return Some(Self::Network(canonical(network), port));
        }
        if let Ok(ip) = unbracketed(text).parse::<IpAddr>() {
            return Some(Self::Network(canonical(IpNet::from(ip)), None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if let Ok(ip) = unbracketed(host).parse::<IpAddr>() {
            return Some(Self::Network(canonical(IpNet::from(ip)), port));
        }
        let host = host.strip_prefix("*.").unwrap_or(host);
        let host = host.trim_start_matches('.').trim_end_matches('.');
        // Parsed as a URL, so that a name of another script gets the form that targets have.
        let host = Url::parse(&format!("http://{host}")).ok()?;
        Some(Self::Name(host.host_str()?.into(), port))
    }

    fn covers(&self, target: &TargetUri) -> bool {
        let port_is = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == target.port());
        match self {
            Self::All => true,
            Self::Name(name, wanted) => {
                let host = target.host().trim_end_matches('.');
                let below = host
                    .strip_suffix(&**name)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                below && port_is(wanted)
            }
            Self::Network(network, wanted) => {
                let within = |ip: IpAddr| network.contains(&ip.to_canonical());
                target.ip().is_some_and(within) && port_is(wanted)
            }
        }
    }
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
