//! Scheme and host of a request as the client has sent it, before proxies changed them.
//!
//! Here: [`IncomingMessage::client_scheme`], [`IncomingMessage::client_host`]. Not here: which proxies are trusted (`proxies.rs`).

use super::forwarded::{Element, addresses_of_x_forwarded_for, elements_of_forwarded};
use super::{ForwardedField, TrustedProxies};
use crate::message::incoming::IncomingMessage;
use std::net::IpAddr;

impl IncomingMessage {
    /// The scheme of the request as the client has sent it, `https` or `http`: that of the connection, or what the trusted proxies
    /// report in `Forwarded: proto=` or `X-Forwarded-Proto`.
    ///
    /// A list is read from the right, one entry for each trusted proxy. A value that is neither scheme does not count, nor do two
    /// fields that disagree.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::TrustedProxies;
    /// let proxies = TrustedProxies::hops(1);
    /// let server = Server::new(async move |req, res| match req.client_scheme(&proxies) {
    ///     "https" => res.end("private\n"),
    ///     _ => res.status(403).end("use https\n"),
    /// });
    /// ```
    #[must_use]
    #[doc(alias("protocol", "secure"))]
    pub fn client_scheme(&self, proxies: &TrustedProxies) -> &'static str {
        let reported = |name, of_element: fn(Element) -> Option<String>| {
            self.reported_fact(proxies, name, of_element)
        };
        let reported = reported("x-forwarded-proto", |element| element.proto);
        let scheme = reported.and_then(|text| match text.to_ascii_lowercase().as_str() {
            "https" | "wss" => Some("https"),
            "http" | "ws" => Some("http"),
            _ => None,
        });
        scheme.unwrap_or_else(|| if self.is_tls() { "https" } else { "http" })
    }

    /// The host of the request as the client has sent it, with its port if it has one: that of the Host field, or what the trusted
    /// proxies report in `Forwarded: host=` or `X-Forwarded-Host`, read as by [`client_scheme`](Self::client_scheme). `None` in a
    /// request of HTTP/1.0 without the field.
    ///
    /// **A client can send any host.** Build links from a configured address, or compare the host with a list first.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::TrustedProxies;
    /// let proxies = TrustedProxies::none();
    /// let server = Server::new(async move |req, res| match req.client_host(&proxies).as_deref() {
    ///     Some("shop.example") => res.end("the shop\n"),
    ///     _ => res.status(421).end("unknown host\n"),
    /// });
    /// ```
    #[must_use]
    pub fn client_host(&self, proxies: &TrustedProxies) -> Option<String> {
        let reported = self.reported_fact(proxies, "x-forwarded-host", |element| element.host);
        let host = reported.filter(|host| is_host(host));
        host.or_else(|| {
            let own = self.header("host").filter(|host| !host.is_empty());
            own.map(str::to_owned)
        })
    }

    #[cfg(feature = "tls")]
    fn is_tls(&self) -> bool {
        self.peer().tls().is_some()
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "there is no TLS to look for")]
    const fn is_tls(&self) -> bool {
        false
    }

    /// What the trusted proxy that is farthest from us reports.
    fn reported_fact(
        &self,
        proxies: &TrustedProxies,
        name: &str,
        of_element: fn(Element) -> Option<String>,
    ) -> Option<String> {
        let connection = self.connection_ip();
        if !proxies.trusts(0, connection) {
            return None;
        }
        let by = |field| match field {
            ForwardedField::Forwarded => self.by_forwarded(proxies, connection, of_element),
            ForwardedField::XForwardedFor => self.by_x_forwarded(proxies, connection, name),
        };
        if let Some(field) = proxies.field {
            return by(field);
        }
        match (
            by(ForwardedField::Forwarded),
            by(ForwardedField::XForwardedFor),
        ) {
            (Some(one), Some(other)) if !one.eq_ignore_ascii_case(&other) => None,
            (one, other) => one.or(other),
        }
    }

    fn by_forwarded(
        &self,
        proxies: &TrustedProxies,
        connection: Option<IpAddr>,
        of_element: fn(Element) -> Option<String>,
    ) -> Option<String> {
        let lines = self.raw_headers().get_all("forwarded");
        let elements: Vec<_> = elements_of_forwarded(lines).collect();
        let addresses = elements.iter().map(|element| element.address);
        let trusted = trusted_proxies(proxies, connection, addresses);
        // A proxy need not repeat what it has not changed.
        let reports = elements.into_iter().take(trusted).map(of_element);
        reports.flatten().last()
    }

    fn by_x_forwarded(
        &self,
        proxies: &TrustedProxies,
        connection: Option<IpAddr>,
        name: &str,
    ) -> Option<String> {
        let fields = self.raw_headers();
        let mut entries = Vec::new();
        for line in fields.get_all(name) {
            let line = std::str::from_utf8(line).ok()?;
            entries.extend(line.split(',').map(|entry| entry.trim_matches([' ', '\t'])));
        }
        let addresses = addresses_of_x_forwarded_for(fields.get_all("x-forwarded-for"));
        let trusted = trusted_proxies(proxies, connection, addresses);
        // Most proxies replace the field: then it has one entry. A list has one for each proxy.
        let entry = entries.iter().rev().take(trusted).next_back()?;
        Some((*entry).to_owned())
    }
}

/// How many trusted proxies the request has come through: the one next to us, and those that it reports.
fn trusted_proxies(
    proxies: &TrustedProxies,
    connection: Option<IpAddr>,
    addresses: impl Iterator<Item = Option<IpAddr>>,
) -> usize {
    let reported: Vec<_> = proxies.walk(connection, addresses).collect();
    // The last of them is the client, or a proxy that does not say who its client is.
    let is_proxy =
        |(distance, address): &(usize, IpAddr)| proxies.trusts(*distance, Some(*address));
    let mut behind = (1..).zip(reported);
    1 + behind.by_ref().take_while(is_proxy).count()
}

/// `uri-host [ ":" port ]`: no user, no path, no space.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rfind(':') {
        Some(at) if !text.ends_with(']') => (&text[..at], &text[at + 1..]),
        _ => (text, ""),
    };
    let is_name = match name.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !name.is_empty() && name.bytes().all(legal)
        }
    };
    is_name && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_no_user_and_no_path() {
        for host in [
            "a",
            "a.example:80",
            "127.0.0.1",
            "[::1]",
            "[::1]:8080",
            "xn--bcher-kva.example",
        ] {
            assert!(is_host(host), "{host}");
        }
        for text in [
            "", ":80", "a b", "a/b", "user@a", "a:b", "[::1", "[x]", "a:80:80", "a:123456", "a\"b",
        ] {
            assert!(!is_host(text), "{text}");
        }
    }
}
