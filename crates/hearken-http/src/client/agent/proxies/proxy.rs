//! One proxy: its URL, its kind and the credentials for it.
//!
//! Here: [`Proxy`]. Not here: which hosts it serves (`proxies.rs`), connecting through it (`client/connect/`).

use crate::client::target::{TargetUri, basic_auth};
use crate::error::client::Via;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::sync::Arc;

/// What the value of a setting may be, for error texts.
pub(super) const EXPECTED: &str = "expected the URL of a proxy with http, https, socks5 or socks5h, such as http://proxy.example:3128";

/// The port of SOCKS (RFC 1928 §3).
const SOCKS_PORT: u16 = 1080;
/// User and password for SOCKS5 have their lengths in one byte (RFC 1929 §2).
const LOGIN_BYTES_MAX: usize = 255;

/// See the module.
pub(crate) struct Proxy {
    /// Where it is. For SOCKS5 the scheme is http and means nothing.
    pub(crate) target: TargetUri,
    pub(crate) kind: ProxyKind,
    pub(crate) via: Arc<Via>,
}

/// How a proxy is asked.
pub(crate) enum ProxyKind {
    /// By requests in absolute-form, and by CONNECT; with the value of Proxy-Authorization.
    Http(Option<String>),
    /// By RFC 1928.
    Socks(Socks),
}

/// What a SOCKS5 proxy needs.
pub(crate) struct Socks {
    /// The proxy resolves names.
    pub(crate) resolves: bool,
    pub(crate) login: Option<Login>,
}

/// User and password.
pub(crate) type Login = (Vec<u8>, Vec<u8>);

impl Proxy {
    /// A URL, or `host:port`, which stands for http. Without a port it is that of the scheme, and 1080 for SOCKS5.
    ///
    /// # Errors
    /// Why it is not one.
    pub(super) fn parse(text: &str, variable: Option<&str>) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let resolves = match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => None,
            "socks5" => Some(false),
            "socks5h" => Some(true),
            _ => return Err(EXPECTED.to_owned()),
        };
        let parsed = |scheme: &str| {
            let target = TargetUri::parse(&format!("{scheme}://{rest}"));
            target.map_err(|_| EXPECTED.to_owned())
        };
        let mut target = parsed(if resolves.is_some() { "http" } else { scheme })?;
        let url = target.url();
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{EXPECTED}, and nothing behind the port"));
        }
        if target.port() == 0 {
            return Err(format!("{EXPECTED}, and a port from 1"));
        }
        let kind = match resolves {
            None => ProxyKind::Http(basic_auth(url)),
            Some(resolves) => ProxyKind::Socks(Socks {
                resolves,
                login: login(&target)?,
            }),
        };
        if resolves.is_some() {
            // A URL drops the port of its own scheme.
            let port = url.port().or(parsed("https")?.url().port());
            target.set_port(port.unwrap_or(SOCKS_PORT));
        }
        target.strip_auth();
        let via = Via {
            proxy: target.name(),
            variable: variable.map(Into::into),
        };
        Ok(Self {
            target,
            kind,
            via: Arc::new(via),
        })
    }
}

/// User and password in the URL of a SOCKS5 proxy.
fn login(target: &TargetUri) -> Result<Option<Login>, String> {
    let url = target.url();
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| -> Vec<u8> { percent_decode_str(text).collect() };
    let user = decoded(url.username());
    let password = decoded(url.password().unwrap_or_default());
    if user.is_empty() || user.len().max(password.len()) > LOGIN_BYTES_MAX {
        return Err(format!(
            "{EXPECTED}, and for SOCKS5 a user and a password of at most {LOGIN_BYTES_MAX} bytes each"
        ));
    }
    Ok(Some((user, password)))
}

/// Replaces user and password in the text of a setting, which need not be a URL.
pub(super) fn redacted(text: &str) -> String {
    let Some(at) = text.rfind('@') else {
        return text.to_owned();
    };
    let begin = text.find("://").map_or(0, |scheme| scheme + 3);
    if begin > at {
        return format!("…{}", &text[at..]);
    }
    format!("{}…{}", &text[..begin], &text[at..])
}

/// Without user and password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ProxyKind::Http(_) => self.target.fmt(f),
            ProxyKind::Socks(socks) => {
                let scheme = if socks.resolves { "socks5h" } else { "socks5" };
                write!(f, "{scheme}://{}", self.via.proxy)
            }
        }
    }
}
