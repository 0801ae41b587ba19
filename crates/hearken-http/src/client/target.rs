//! The target URI of a request (RFC 9110 §7.1), parsed once.
//!
//! Here: [`TargetUri`]. The parser is that of the WHATWG (crate `url`): it converts names of other scripts to ASCII, resolves
//! dots and drops default ports; see docs/decisions/0015. Not here: connecting to it (`connect/`).

use crate::error::Error;
use crate::net::host::unbracketed;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt;
use std::sync::Arc;
use url::{Host, Position, Url};

/// See the module.
#[derive(Clone)]
pub(crate) struct TargetUri {
    url: Url,
}

impl TargetUri {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|error| {
            Error::new(
                500,
                format!(
                    "expected a URL like http://example.org/path, not {:?}: {error}",
                    without_password(text)
                ),
            )
        })?;
        Self::from_url(url)
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
        Ok(Self { url })
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

    /// Host and port, always both: the target of CONNECT (RFC 9112 §3.2.3), and the name in errors.
    pub(crate) fn authority(&self) -> Arc<str> {
        let host = self.url.host_str().unwrap_or_default();
        format!("{host}:{}", self.port()).into()
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
        f.write_str(self.url.as_str())
    }
}
