//! The cookies of a client: RFC 6265 with the stricter rules of its revision (draft-ietf-httpbis-rfc6265bis).
//!
//! Here: [`CookieJar`], and which cookies a request sends (§5.8 of the draft). Not here: parsing a `Set-Cookie` field
//! (`cookies/set_cookie.rs`) and its dates (`cookies/date.rs`).
//!
//! No cookie is for a whole public suffix (`com`, `co.uk`, `github.io`), by the list that the crate `psl` has; without the
//! feature `public-suffixes` every domain of one label is one, and no other. `SameSite` concerns browsers only, and `HttpOnly` too, which a cookie file keeps.

mod date;
mod netscape;
mod set_cookie;

use http::HeaderValue;
use set_cookie::SetCookie;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use url::{Host, Url};

/// Cookies of any number of hosts, in memory. Clones share them.
///
/// Keeps at most 64 cookies of one host and 3,000 in all, of at most 4 KiB each; beyond that it drops the one that was not used
/// for the longest time. Ports do not separate cookies, nor do schemes, except for `Secure` (RFC 6265 §8.5).
///
/// ```
/// use hearken::fetch::CookieJar;
/// let jar = CookieJar::new();
/// let (url, now) = ("https://example.com/a/b".parse()?, std::time::SystemTime::UNIX_EPOCH);
/// jar.store(&url, "id=7; Path=/a; Secure", now);
/// jar.store(&url, "theme=dark; Max-Age=60", now);
/// assert_eq!(jar.header(&url, now).as_deref(), Some("id=7; theme=dark"));
/// assert_eq!(jar.header(&"http://example.com/".parse()?, now), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct CookieJar(Arc<Mutex<Jar>>);

#[derive(Default)]
struct Jar {
    cookies: Vec<Cookie>,
    /// Counts stores and sends, to find the cookie that was not used for the longest time.
    uses: u64,
}

/// A stored cookie (§5.7).
#[derive(Clone)]
struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    /// In lower case, without a leading dot.
    domain: String,
    /// Sent to this host alone, not to subdomains.
    host_only: bool,
    path: String,
    secure: bool,
    /// For the cookie file alone: a program without scripts has nothing to hide it from.
    http_only: bool,
    /// `None`: a session cookie, which lives as long as the jar.
    expires: Option<SystemTime>,
    /// Its number in the order of creation.
    created: u64,
    used: u64,
}

impl CookieJar {
    /// An empty jar.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores the cookie of a `Set-Cookie` field in a response from this URL. Returns whether it stored, changed or deleted a
    /// cookie; a field that breaks a rule changes nothing.
    pub fn store(&self, url: &Url, set_cookie: impl AsRef<[u8]>, now: SystemTime) -> bool {
        let Some(parsed) = SetCookie::parse(set_cookie.as_ref(), now) else {
            return false;
        };
        let Some(cookie) = accept(parsed, url) else {
            return false;
        };
        self.with(|jar| jar.keep(cookie, url, now))
    }

    /// The value of `Cookie` for a request to this URL, as text: octets that are not UTF-8 are read as ISO 8859-1. `None` if no
    /// cookie matches.
    #[must_use]
    pub fn header(&self, url: &Url, now: SystemTime) -> Option<String> {
        let line = self.with(|jar| jar.header(url, now))?;
        Some(crate::message::headers::text(&line))
    }

    /// The same, with each octet as the servers have set it.
    ///
    /// ```
    /// use hearken::fetch::CookieJar;
    /// let jar = CookieJar::new();
    /// let (url, now) = ("https://example.com/".parse()?, std::time::SystemTime::UNIX_EPOCH);
    /// jar.store(&url, b"city=K\xf6ln", now);
    /// let value = jar.header_value(&url, now).expect("a cookie");
    /// assert_eq!(value.as_bytes(), b"city=K\xf6ln");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn header_value(&self, url: &Url, now: SystemTime) -> Option<HeaderValue> {
        let line = self.with(|jar| jar.header(url, now))?;
        HeaderValue::from_bytes(&line).ok()
    }

    /// How many cookies it holds, including expired ones that were not dropped yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.with(|jar| jar.cookies.len())
    }

    /// Whether it holds no cookie.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops all cookies.
    pub fn clear(&self) {
        self.with(|jar| jar.cookies.clear());
    }

    fn with<T>(&self, what: impl FnOnce(&mut Jar) -> T) -> T {
        // After a panic the jar holds at worst one cookie too many.
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shows how many cookies there are, never their values.
impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieJar of {}", self.len())
    }
}

impl Jar {
    fn keep(&mut self, mut cookie: Cookie, url: &Url, now: SystemTime) -> bool {
        self.uses += 1;
        (cookie.created, cookie.used) = (self.uses, self.uses);
        self.cookies.retain(|kept| !kept.has_expired(now));
        // A response without TLS must not replace or hide a secure cookie (§5.7, step 13).
        if url.scheme() != "https" && self.cookies.iter().any(|kept| kept.is_hidden_by(&cookie)) {
            return false;
        }
        let same = self
            .cookies
            .iter()
            .position(|kept| kept.is_same_as(&cookie));
        if let Some(at) = same {
            cookie.created = self.cookies[at].created;
            self.cookies.swap_remove(at);
        }
        if cookie.has_expired(now) {
            return same.is_some(); // a server deletes a cookie so
        }
        let domain = cookie.domain.clone();
        self.cookies.push(cookie);
        self.evict(PER_HOST_MAX, |kept| kept.domain == domain);
        self.evict(ALL_MAX, |_| true);
        true
    }

    /// Drops the cookie of a kind that was not used for the longest time, if there are too many.
    fn evict(&mut self, max: usize, kind: impl Fn(&Cookie) -> bool) {
        let of_kind = || {
            self.cookies
                .iter()
                .enumerate()
                .filter(|(_, kept)| kind(kept))
        };
        if of_kind().count() > max
            && let Some((at, _)) = of_kind().min_by_key(|(_, kept)| kept.used)
        {
            self.cookies.swap_remove(at);
        }
    }

    fn header(&mut self, url: &Url, now: SystemTime) -> Option<Vec<u8>> {
        self.uses += 1;
        let (host, path, secure) = (host_of(url)?, url.path(), url.scheme() == "https");
        let uses = self.uses;
        let mut fitting: Vec<&mut Cookie> = self
            .cookies
            .iter_mut()
            .filter(|cookie| {
                !cookie.has_expired(now)
                    && (secure || !cookie.secure)
                    && path_matches(path, &cookie.path)
                    && (host == cookie.domain
                        || !cookie.host_only && domain_matches(&host, &cookie.domain))
            })
            .collect();
        // §5.8.3: longer paths first, then older cookies.
        fitting.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created));
        let mut line = Vec::new();
        for cookie in fitting {
            cookie.used = uses;
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            if !cookie.name.is_empty() {
                line.extend_from_slice(&cookie.name);
                line.push(b'=');
            }
            line.extend_from_slice(&cookie.value);
        }
        (!line.is_empty()).then_some(line)
    }
}

impl Cookie {
    fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.host_only == other.host_only
            && self.path == other.path
    }

    /// Whether this one is secure and a server could not distinguish the other from it.
    fn is_hidden_by(&self, other: &Self) -> bool {
        self.secure
            && self.name == other.name
            && (domain_matches(&self.domain, &other.domain)
                || domain_matches(&other.domain, &self.domain))
            && path_matches(&other.path, &self.path)
    }
}

/// The cookie of a field, if a response from this URL may set it (§5.7).
fn accept(parsed: SetCookie, url: &Url) -> Option<Cookie> {
    let host = host_of(url)?;
    let tls = url.scheme() == "https";
    let (domain, host_only) = match parsed.domain.as_deref() {
        None => (host, true),
        // An address has no parent domain, and below a public suffix each name belongs to another owner (§5.7, step 9).
        Some(domain) if domain == host => {
            let address = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
            let alone = address || is_public_suffix(&host);
            (host, alone)
        }
        Some(domain) if !is_public_suffix(domain) && domain_matches(&host, domain) => {
            (domain.to_owned(), false)
        }
        Some(_) => return None,
    };
    let has_path = parsed.path.is_some();
    let cookie = Cookie {
        path: parsed
            .path
            .unwrap_or_else(|| default_path(url.path()).to_owned()),
        name: parsed.name,
        value: parsed.value,
        domain,
        host_only,
        secure: parsed.secure,
        http_only: parsed.http_only,
        expires: parsed.expires,
        created: 0,
        used: 0,
    };
    if cookie.secure && !tls {
        return None;
    }
    // §5.7, steps 20 and 21. Also for nameless cookies: `=__Host-a=b` would be sent as `__Host-a=b`.
    let begins = |prefix: &str| {
        let text = if cookie.name.is_empty() {
            &cookie.value
        } else {
            &cookie.name
        };
        let bytes = text.get(..prefix.len());
        bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let nameless = cookie.name.is_empty();
    if begins("__Secure-") && (nameless || !cookie.secure) {
        return None;
    }
    let for_host_alone = cookie.secure && parsed.domain.is_none() && has_path && cookie.path == "/";
    if begins("__Host-") && (nameless || !for_host_alone) {
        return None;
    }
    Some(cookie)
}

/// The host in lower case, as `url` keeps it.
fn host_of(url: &Url) -> Option<String> {
    url.host_str().map(str::to_ascii_lowercase)
}

/// Whether the names below this domain belong to different owners. A trailing dot does not matter.
#[cfg(feature = "public-suffixes")]
fn is_public_suffix(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    psl::suffix_str(domain).is_none_or(|suffix| suffix == domain)
}

#[cfg(not(feature = "public-suffixes"))]
fn is_public_suffix(domain: &str) -> bool {
    !domain.strip_suffix('.').unwrap_or(domain).contains('.')
}

/// RFC 6265 §5.1.3. The domain is an address only if it equals the host.
fn domain_matches(host: &str, domain: &str) -> bool {
    let above = host.strip_suffix(domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.') && !is_address(host))
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// RFC 6265 §5.1.4.
fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie_path.ends_with('/'))
}

/// RFC 6265 §5.1.4: the path up to the last slash, without it.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

/// Cookies of one domain.
const PER_HOST_MAX: usize = 64;
/// Cookies in all.
const ALL_MAX: usize = 3000;

#[cfg(test)]
mod tests;
