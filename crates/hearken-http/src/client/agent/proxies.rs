//! Which proxy serves which host.
//!
//! Here: [`Proxies`]: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, by the rules that curl, Node and others share; one
//! proxy (`proxies/proxy.rs`), the hosts without one (`proxies/exception.rs`). Not here: connecting through one
//! (`client/connect/`).

mod exception;
mod proxy;

pub(crate) use proxy::{Login, Proxy, ProxyKind, Socks};

use crate::client::target::TargetUri;
use crate::error::Error;
use crate::error::client::SettingError;
use exception::Exception;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

/// Which proxy serves which host. Cheap to clone.
///
/// From the environment: `HTTP_PROXY` for http, `HTTPS_PROXY` for https, `ALL_PROXY` in place of either if it is not set, and
/// `NO_PROXY` for hosts without a proxy. Variables in lower case take precedence; an empty one means none. `HTTP_PROXY` is
/// ignored if `REQUEST_METHOD` is set: in a CGI program it may be a field of the request (CVE-2016-5385).
///
/// **A proxy** is a URL. `http://` and `https://` (TLS to the proxy) are proxies for HTTP: they forward requests for http, and
/// open tunnels (CONNECT) for https. `socks5://` and `socks5h://` are SOCKS5 (RFC 1928): with the first the client resolves
/// names and asks for addresses, with the second the proxy gets the name. User and password in the URL are sent to the proxy. A
/// value without a scheme, such as `proxy:3128`, is one for HTTP. Without a port it is that of the scheme: 80, 443, 1080.
///
/// **`NO_PROXY`** is a list, separated by commas or spaces, of names (`example.org` and `.example.org` stand for the name and all
/// names below it), addresses, ranges (`10.0.0.1-10.0.0.9`) and networks (`10.0.0.0/8`), patterns with stars (`10.*`), each
/// but a range with an optional port, or `*` for all hosts. Addresses with a zone (`[fe80::1%25eth0]`) never have a proxy.
///
/// **A value that is not understood fails each request that it concerns**, before anything is sent; the error names the
/// variable and its value without the password.
///
/// ```
/// use hearken_http::client::Proxies;
/// let proxies = Proxies::all("socks5h://127.0.0.1:1080")?.except("localhost, 10.0.0.0/8")?;
/// assert!(format!("{proxies:?}").contains("socks5h://127.0.0.1:1080"));
/// let error = Proxies::all("socks4://127.0.0.1:1080").unwrap_err();
/// assert!(error.to_string().contains("http, https, socks5 or socks5h"));
/// # Ok::<(), hearken_http::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Arc<Setting>>,
    https: Option<Arc<Setting>>,
    except: Arc<[Exception]>,
    /// The part of `NO_PROXY` that is not understood.
    misread: Option<Arc<SettingError>>,
}

/// A proxy, or why the variable that should name it is not understood.
type Setting = Result<Proxy, Arc<SettingError>>;

impl Proxies {
    /// No proxy for any host.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// From the environment. A value that is not understood fails the requests that it concerns.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var_os(name))
    }

    pub(crate) fn from_vars(var: impl Fn(&str) -> Option<OsString>) -> Self {
        let get = |name: &'static str| {
            let lower = name.to_ascii_lowercase();
            let found = match var(&lower) {
                Some(value) => (lower, value),
                None => (name.to_owned(), var(name)?),
            };
            (!found.1.to_string_lossy().trim().is_empty()).then_some(found)
        };
        let proxy = |name| {
            let (name, value) = get(name)?;
            Some(Arc::new(setting(&name, &value)))
        };
        let all = proxy("ALL_PROXY");
        // In a CGI program the variable in capitals is the field `Proxy` of the request.
        let cgi = var("REQUEST_METHOD").is_some();
        let lower = var("http_proxy").is_some();
        let http = if cgi && !lower {
            None
        } else {
            proxy("HTTP_PROXY")
        };
        let (except, misread) = match get("NO_PROXY") {
            Some((name, value)) => exceptions(&name, &value.to_string_lossy()),
            None => Default::default(),
        };
        Self {
            http: http.or_else(|| all.clone()),
            https: proxy("HTTPS_PROXY").or(all),
            except,
            misread: misread.map(Arc::new),
        }
    }

    /// One proxy for http and https, as [`http`](Self::http) and [`https`](Self::https) set them.
    ///
    /// # Errors
    /// As [`http`](Self::http).
    pub fn all(proxy: &str) -> Result<Self, Error> {
        let proxy = Some(by_program(proxy)?);
        Ok(Self {
            http: proxy.clone(),
            https: proxy,
            ..Self::default()
        })
    }

    /// The proxy for http: a URL with `http://`, `https://`, `socks5://` or `socks5h://`. User and password in the URL are sent
    /// to it. The second call replaces the first.
    ///
    /// # Errors
    /// When it is not such a URL.
    pub fn http(mut self, proxy: &str) -> Result<Self, Error> {
        self.http = Some(by_program(proxy)?);
        Ok(self)
    }

    /// The proxy for https, by tunnels (CONNECT) or SOCKS5.
    ///
    /// # Errors
    /// As [`http`](Self::http).
    pub fn https(mut self, proxy: &str) -> Result<Self, Error> {
        self.https = Some(by_program(proxy)?);
        Ok(self)
    }

    /// Hosts without a proxy, in the form of `NO_PROXY`. The second call replaces the first.
    ///
    /// # Errors
    /// When an entry is not understood.
    pub fn except(mut self, hosts: &str) -> Result<Self, Error> {
        let (except, misread) = exceptions("", hosts);
        if let Some(SettingError { value, why, .. }) = misread {
            return Err(Error::new(500, format!("{why}, not {value:?}")));
        }
        (self.except, self.misread) = (except, None);
        Ok(self)
    }

    /// The proxy for this target.
    ///
    /// # Errors
    /// When a variable that concerns the target is not understood.
    pub(crate) fn for_target(
        &self,
        target: &TargetUri,
    ) -> Result<Option<&Proxy>, &Arc<SettingError>> {
        let proxy = if target.is_https() {
            &self.https
        } else {
            &self.http
        };
        let Some(proxy) = proxy else {
            return Ok(None);
        };
        let mut exceptions = self.except.iter();
        if target.zone().is_some() || exceptions.any(|exception| exception.covers(target)) {
            return Ok(None);
        }
        if let Some(misread) = &self.misread {
            return Err(misread);
        }
        match &**proxy {
            Ok(proxy) => Ok(Some(proxy)),
            Err(error) => Err(error),
        }
    }
}

/// The proxy of a variable.
fn setting(variable: &str, value: &OsString) -> Setting {
    let Some(text) = value.to_str() else {
        return Err(Arc::new(SettingError {
            variable: variable.into(),
            value: shortened(&proxy::redacted(&value.to_string_lossy())),
            why: format!("{}; it is not UTF-8", proxy::EXPECTED),
        }));
    };
    Proxy::parse(text, Some(variable)).map_err(|why| {
        Arc::new(SettingError {
            variable: variable.into(),
            value: shortened(&proxy::redacted(text)),
            why,
        })
    })
}

/// A proxy that the program sets.
fn by_program(text: &str) -> Result<Arc<Setting>, Error> {
    match Proxy::parse(text, None) {
        Ok(proxy) => Ok(Arc::new(Ok(proxy))),
        Err(why) => {
            let shown = shortened(&proxy::redacted(text));
            Err(Error::new(500, format!("{why}; not {shown:?}")))
        }
    }
}

/// The entries of `NO_PROXY`, and the first that is not understood.
fn exceptions(variable: &str, list: &str) -> (Arc<[Exception]>, Option<SettingError>) {
    let mut misread = None;
    let entries = list.split(|c: char| c == ',' || c.is_whitespace());
    let entries = entries.filter(|entry| !entry.is_empty());
    let understood = entries.filter_map(|entry| {
        let exception = Exception::parse(entry);
        if exception.is_none() {
            misread.get_or_insert_with(|| SettingError {
                variable: variable.into(),
                value: shortened(&proxy::redacted(entry)),
                why: exception::EXPECTED.to_owned(),
            });
        }
        exception
    });
    (understood.collect(), misread)
}

/// A text of an error is no place for a whole file.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many characters of a value an error repeats.
const SHOWN: usize = 100;

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http)
            .field("https", &self.https)
            .field("except", &self.except)
            .finish()
    }
}

#[cfg(test)]
mod tests;
