//! The target URI of a request (RFC 9110 §7.1), parsed once.
//!
//! Here: [`TargetUri`]; [`split_zone`], the zone of an IPv6 address. The parser is that of the WHATWG (crate `url`): it converts
//! names of other scripts to ASCII, resolves dots and drops default ports; see docs/decisions/0015. It knows no zones (RFC
//! 6874), so they are split off before. Not here: connecting to it (`connect/`).

use crate::error::Error;
use crate::net::host::unbracketed;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use url::{Host, Position, Url};

/// See the module.
#[derive(Clone)]
pub(crate) struct TargetUri {
    url: Url,
    /// The zone of an IPv6 address: which interface leads to it. Never sent.
    zone: Option<Arc<str>>,
}

impl TargetUri {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let unusable = |why: &dyn fmt::Display| {
            Error::new(
                500,
                format!(
                    "expected a URL like http://example.org/path, not {:?}: {why}",
                    without_password(text)
                ),
            )
        };
        let (bare, zone) = split_zone(text).map_err(|why| unusable(&why))?;
        let url = Url::parse(&bare).map_err(|error| unusable(&error))?;
        Ok(Self::from_url(url)?.with_zone(zone))
    }

    /// # Errors
    /// When the scheme is neither http nor https, or the host is missing.
    pub(crate) fn from_url(url: Url) -> Result<Self, Error> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(Error::new(
                500,
                format!(
                    "expected a URL with http:// or https:// and a host, not {:?}",
                    without_password(url.as_str())
                ),
            ));
        }
        Ok(Self { url, zone: None })
    }

    /// With the zone of its IPv6 address.
    pub(crate) fn with_zone(self, zone: Option<Arc<str>>) -> Self {
        Self { zone, ..self }
    }

    pub(crate) fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Another port than that of the URL.
    pub(crate) fn set_port(&mut self, port: u16) {
        // Fails only for URLs without a host.
        let _ = self.url.set_port(Some(port));
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host for the resolver and for TLS: an IPv6 address without brackets.
    pub(crate) fn host(&self) -> &str {
        unbracketed(self.url.host_str().unwrap_or_default())
    }

    /// The host, if it is an address.
    pub(crate) fn ip(&self) -> Option<std::net::IpAddr> {
        match self.url.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(80)
    }

    /// The value of Host: the port only if it is not the default of the scheme (RFC 9110 §7.2).
    pub(crate) fn host_field(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Path and query: the target of a request to the server itself (RFC 9112 §3.2.1).
    pub(crate) fn origin_form(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// Without user, password and fragment: the target of a request to a proxy (RFC 9112 §3.2.2).
    pub(crate) fn absolute_form(&self) -> String {
        format!(
            "{}://{}{}",
            self.url.scheme(),
            self.host_field(),
            self.origin_form()
        )
    }

    /// Host and port, always both: the target of CONNECT (RFC 9112 §3.2.3).
    pub(crate) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{host}:{}", self.port())
    }

    /// The same with the zone, for errors.
    pub(crate) fn name(&self) -> Arc<str> {
        match self.zone() {
            None => self.authority().into(),
            Some(zone) => format!("[{}%{zone}]:{}", self.host(), self.port()).into(),
        }
    }

    /// The value of Authorization, if the URL names a user.
    pub(crate) fn basic_auth(&self) -> Option<String> {
        basic_auth(&self.url)
    }

    /// Removes user and password.
    pub(crate) fn strip_auth(&mut self) {
        if !self.url.username().is_empty() || self.url.password().is_some() {
            // Neither can fail: there is a host.
            let _ = self.url.set_username("");
            let _ = self.url.set_password(None);
        }
    }
}

/// Splits the zone off the IPv6 address of a URL (RFC 6874 §2: `http://[fe80::1%25eth0]/`; a bare `%eth0` counts too).
///
/// # Errors
/// When it is not the name of a zone.
pub(crate) fn split_zone(text: &str) -> Result<(Cow<'_, str>, Option<Arc<str>>), String> {
    let Some(open) = text.find('[') else {
        return Ok((text.into(), None));
    };
    let authority = text.find("://").map_or(0, |scheme| scheme + 3);
    let in_authority = open >= authority && !text[authority..open].contains(['/', '\\', '?', '#']);
    let close = text[open..].find(']').map(|at| open + at);
    let (true, Some(close)) = (in_authority, close) else {
        return Ok((text.into(), None));
    };
    let Some((address, zone)) = text[open..close].split_once('%') else {
        return Ok((text.into(), None));
    };
    let zone = zone.strip_prefix("25").unwrap_or(zone);
    let decoded = percent_encoding::percent_decode_str(zone).decode_utf8_lossy();
    let unusual = |c: char| c.is_control() || c.is_whitespace() || "/%[]:\u{fffd}".contains(c);
    if decoded.is_empty() || decoded.contains(unusual) {
        return Err(format!(
            "expected the zone of an address as in [fe80::1%25eth0], not {zone:?}"
        ));
    }
    let bare = format!("{address}{}", &text[close..]);
    Ok((
        format!("{}{bare}", &text[..open]).into(),
        Some(decoded.into()),
    ))
}

/// Credentials of a URL for Authorization or Proxy-Authorization (RFC 7617).
pub(crate) fn basic_auth(url: &Url) -> Option<String> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    if user.is_empty() && password.is_empty() {
        return None;
    }
    let mut pair: Vec<u8> = percent_encoding::percent_decode_str(user).collect();
    pair.push(b':');
    pair.extend(percent_encoding::percent_decode_str(password));
    Some(basic(&pair))
}

/// The value of a field for `name:password` (RFC 7617).
pub(crate) fn basic(pair: &[u8]) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

/// Redacts what may be a password, for error texts. The text need not be a valid URL: `user:password@host` is none, and
/// `http:/user:password@host` is parsed as one.
pub(crate) fn without_password(text: &str) -> String {
    let slash = |c| matches!(c, '/' | '\\');
    let after_scheme = text.split_once(':').and_then(|(_, rest)| {
        let rest = rest.strip_prefix(slash)?;
        Some(rest.trim_start_matches(slash))
    });
    let rest = after_scheme.unwrap_or_else(|| text.trim_start_matches(slash));
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{}…{}", &text[..text.len() - rest.len()], &rest[at..]),
        None => text.to_owned(),
    }
}

impl fmt::Debug for TargetUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())?;
        match self.zone() {
            Some(zone) => write!(f, " in the zone {zone}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split_zone;

    #[test]
    fn zones_are_split_off() {
        for (text, bare, zone) in [
            (
                "http://[fe80::1%25eth0]/a",
                "http://[fe80::1]/a",
                Some("eth0"),
            ),
            (
                "http://[fe80::1%eth0]:81/",
                "http://[fe80::1]:81/",
                Some("eth0"),
            ),
            ("http://u:p@[::1%251]", "http://u:p@[::1]", Some("1")),
            (
                "http://[fe80::1%25en%2d0]/",
                "http://[fe80::1]/",
                Some("en-0"),
            ),
            ("http://[::1]/[a%25b]", "http://[::1]/[a%25b]", None),
            ("http://a/[::1%25b]", "http://a/[::1%25b]", None),
            ("http://a/?q=[%25b]", "http://a/?q=[%25b]", None),
            ("http://a/%25", "http://a/%25", None),
            ("http://[::1%25lo", "http://[::1%25lo", None),
        ] {
            let (split, found) = split_zone(text).expect(text);
            assert_eq!((&*split, found.as_deref()), (bare, zone), "{text}");
        }
        for text in [
            "http://[fe80::1%25]/",
            "http://[fe80::1%]/",
            "http://[fe80::1%25a%2fb]/",
            "http://[fe80::1%25a%00]/",
        ] {
            assert!(split_zone(text).is_err(), "{text}");
        }
    }
}
