//! The client behind proxies: its address, scheme and host as trusted proxies report them (RFC 7239, and `X-Forwarded-*`).
//!
//! Here: [`TrustedProxies`], [`IncomingMessage::client_addr`]. Not here: scheme and host (`proxies/origin.rs`), reading the fields
//! (`proxies/forwarded.rs`), a client's own proxies (`client/agent/proxies.rs`).

mod forwarded;
mod origin;

use crate::error::Error;
use crate::message::incoming::IncomingMessage;
use forwarded::{addresses_of_x_forwarded_for, elements_of_forwarded};
use ipnet::IpNet;
use std::net::IpAddr;

/// Which proxies in front of this server are trusted to report the address of their client.
///
/// Each proxy appends the address that it sees to a field. So the list is read **from the right**, from the proxy next to us
/// on: while an address is trusted, the one that it reports counts. What a client has written into the field itself stands
/// further left, and is never reached.
///
/// By default no proxy is trusted, and the address is that of the connection.
///
/// ```
/// use hearken::Server;
/// use hearken::message::TrustedProxies;
///
/// let proxies = TrustedProxies::networks(["loopback", "10.0.0.0/8"])?;
/// let server = Server::new(async move |req, res| {
///     let client = req.client_addr(&proxies);
///     res.end(client.map_or_else(|| "unknown\n".to_owned(), |address| format!("{address}\n")))
/// });
/// # Ok::<(), hearken::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    trusted: Trusted,
    field: Option<ForwardedField>,
}

#[derive(Clone, Debug, Default)]
enum Trusted {
    #[default]
    None,
    /// This many, from the connection on, whatever their addresses.
    Hops(usize),
    Networks {
        networks: Vec<IpNet>,
        /// A proxy that connects by a Unix socket.
        unix: bool,
    },
}

/// The field in which proxies report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedField {
    /// `Forwarded: for=192.0.2.1` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For: 192.0.2.1`, and with it `X-Forwarded-Proto` and `X-Forwarded-Host`.
    XForwardedFor,
}

impl ForwardedField {
    const fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
        }
    }
}

impl TrustedProxies {
    /// Trusts none.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Trusts this number of proxies, from the connection on: 1 for one proxy in front of the server. Only safe when the server
    /// cannot be reached around them.
    #[must_use]
    pub fn hops(hops: usize) -> Self {
        Self {
            trusted: Trusted::Hops(hops),
            field: None,
        }
    }

    /// Trusts the proxies with these addresses: single ones (`192.0.2.7`, `2001:db8::7`), networks (`10.0.0.0/8`), and these
    /// names:
    ///
    /// | name | networks |
    /// |---|---|
    /// | `loopback` | `127.0.0.0/8`, `::1` |
    /// | `linklocal` | `169.254.0.0/16`, `fe80::/10` |
    /// | `uniquelocal` | `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7` |
    /// | `unix` | a proxy that connects by a Unix socket |
    ///
    /// # Errors
    /// When one of them is none of this.
    pub fn networks<N: AsRef<str>>(list: impl IntoIterator<Item = N>) -> Result<Self, Error> {
        let (mut networks, mut unix) = (Vec::new(), false);
        for network in list {
            match network.as_ref() {
                "unix" => unix = true,
                text => networks.extend(parse(text)?),
            }
        }
        Ok(Self {
            trusted: Trusted::Networks { networks, unix },
            field: None,
        })
    }

    /// Reads this field alone. By default both are: a request that has both counts only if they lead to the same address,
    /// since a proxy that writes one of them may pass on what a client has written into the other.
    #[must_use]
    pub const fn field(mut self, field: ForwardedField) -> Self {
        self.field = Some(field);
        self
    }

    /// Whether the one at this distance is trusted; 0 is the connection. `None`: it has no address.
    /// Whether the connection of this request comes from a trusted proxy, so that fields that proxies set can be believed.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::TrustedProxies;
    /// let proxies = TrustedProxies::networks(["10.0.0.0/8"])?;
    /// let server = Server::new(async move |req, res| {
    ///     let id = req.header("x-request-id").filter(|_| proxies.trusts_peer_of(&req));
    ///     res.end(id.unwrap_or("none").to_owned())
    /// });
    /// # Ok::<(), hearken::Error>(())
    /// ```
    #[must_use]
    pub fn trusts_peer_of(&self, req: &IncomingMessage) -> bool {
        self.trusts(0, req.connection_ip())
    }

    fn trusts(&self, distance: usize, address: Option<IpAddr>) -> bool {
        match &self.trusted {
            Trusted::None => false,
            Trusted::Hops(hops) => distance < *hops,
            Trusted::Networks { networks, unix } => match address {
                None => *unix,
                Some(address) => networks.iter().any(|network| network.contains(&address)),
            },
        }
    }

    /// The addresses that trusted proxies report, from the proxy next to us on. `reported`: those in the field; `None` for one that
    /// cannot be read.
    fn walk(
        &self,
        connection: Option<IpAddr>,
        reported: impl Iterator<Item = Option<IpAddr>>,
    ) -> impl Iterator<Item = IpAddr> {
        let mut client = connection;
        reported.enumerate().map_while(move |(distance, reported)| {
            if !self.trusts(distance, client) {
                return None;
            }
            client = reported.or(client);
            reported
        })
    }
}

fn parse(text: &str) -> Result<Vec<IpNet>, Error> {
    let named: &[&str] = match text {
        "loopback" => &["127.0.0.0/8", "::1/128"],
        "linklocal" => &["169.254.0.0/16", "fe80::/10"],
        "uniquelocal" => &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
        text => &[text],
    };
    let one = |text: &&str| {
        let address = text
            .parse::<IpAddr>()
            .map(|ip| IpNet::from(ip.to_canonical()));
        address.or_else(|_| text.parse()).map_err(|_| {
            let text = format!("expected an address or a network like 10.0.0.0/8, not {text:?}");
            Error::new(500, text)
        })
    };
    named.iter().map(one).collect()
}

impl IncomingMessage {
    /// The address of the client: of the connection, or of the client of the trusted proxies that it came through. `None` for a
    /// transport without addresses, a Unix socket, from which nothing is reported.
    ///
    /// An entry that is no address (`unknown`, `_hidden`) ends the search: then it is the address of the proxy that reported it.
    /// An IPv4 address mapped into IPv6 is returned as IPv4. Ports are dropped.
    #[doc(alias = "ip")]
    #[must_use]
    pub fn client_addr(&self, proxies: &TrustedProxies) -> Option<IpAddr> {
        let connection = self.connection_ip();
        if !proxies.trusts(0, connection) {
            return connection;
        }
        self.reported(proxies, connection).pop().or(connection)
    }

    /// The addresses that trusted proxies report: that of the client first, that of the proxy before the one next to us last. Empty
    /// without a trusted proxy. Read as [`client_addr`](Self::client_addr) reads it, so nothing that a client has written is in it.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::TrustedProxies;
    /// let proxies = TrustedProxies::hops(2);
    /// let server = Server::new(async move |req, res| res.end(format!("{:?}\n", req.client_addrs(&proxies))));
    /// ```
    #[doc(alias = "ips")]
    #[must_use]
    pub fn client_addrs(&self, proxies: &TrustedProxies) -> Vec<IpAddr> {
        let mut all = self.reported(proxies, self.connection_ip());
        all.reverse();
        all
    }

    fn connection_ip(&self) -> Option<IpAddr> {
        let connection = self.peer().remote_address();
        connection.map(|address| address.ip().to_canonical())
    }

    /// From the proxy next to us on; the client is the last.
    fn reported(&self, proxies: &TrustedProxies, connection: Option<IpAddr>) -> Vec<IpAddr> {
        let fields = self.raw_headers();
        let by = |field: ForwardedField| {
            let name = field.name();
            fields.get(name)?;
            let lines = fields.get_all(name);
            Some(match field {
                ForwardedField::Forwarded => {
                    let addresses = elements_of_forwarded(lines).map(|element| element.address);
                    proxies.walk(connection, addresses).collect()
                }
                ForwardedField::XForwardedFor => {
                    let addresses = addresses_of_x_forwarded_for(lines);
                    proxies.walk(connection, addresses).collect()
                }
            })
        };
        if let Some(field) = proxies.field {
            return by(field).unwrap_or_default();
        }
        let (one, other): (Option<Vec<_>>, Option<Vec<_>>) = (
            by(ForwardedField::Forwarded),
            by(ForwardedField::XForwardedFor),
        );
        match (one, other) {
            (Some(one), Some(other)) if one.last() != other.last() => Vec::new(),
            (Some(all), _) | (None, Some(all)) => all,
            (None, None) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
