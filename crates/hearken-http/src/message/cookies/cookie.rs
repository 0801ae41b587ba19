//! A cookie to set: RFC 6265 §4.1, and the attributes that browsers have added since.
//!
//! Here: [`Cookie`], [`SameSite`].

use crate::date::HttpDate;
use crate::error::Error;
use hearken_proto::is_token;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_core::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

/// A cookie for [`ServerResponse::cookie`](crate::ServerResponse::cookie).
///
/// It is safe by default, and each default can be changed:
///
/// | attribute | default |
/// |---|---|
/// | `Path` | `/` |
/// | `HttpOnly` | set: scripts cannot read the cookie |
/// | `SameSite` | `Lax`: other sites cannot send it with their forms |
/// | `Secure` | set when the connection is https; behind a proxy that ends TLS call [`secure`](Self::secure) |
/// | `Domain` | none: for this host alone |
/// | `Expires`, `Max-Age` | none: until the browser is closed |
///
/// `SameSite=None`, `Partitioned` and names that begin with `__Secure-` or `__Host-` set `Secure` too, since browsers ignore such
/// cookies otherwise; `__Host-` also demands `Path=/` and no domain.
///
/// ```
/// use hearken::message::{Cookie, SameSite};
/// use std::time::Duration;
/// let cookie = Cookie::new("id", "a3f")
///     .path("/app")
///     .domain("example.org")
///     .max_age(Duration::from_secs(3600))
///     .same_site(SameSite::Strict)
///     .secure(true);
/// assert_eq!(
///     cookie.to_field()?,
///     "id=a3f; Path=/app; Domain=example.org; Max-Age=3600; HttpOnly; Secure; SameSite=Strict"
/// );
/// # Ok::<(), hearken::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a cookie does nothing until `ServerResponse::cookie` gets it"]
pub struct Cookie {
    name: Cow<'static, str>,
    value: Cow<'static, str>,
    path: Option<Cow<'static, str>>,
    domain: Option<Cow<'static, str>>,
    expires: Option<HttpDate>,
    max_age: Option<u64>,
    same_site: Option<SameSite>,
    http_only: bool,
    secure: Option<bool>,
    partitioned: bool,
    priority: Option<Cow<'static, str>>,
}

/// With which requests of other sites a browser sends a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the standard has these three")]
pub enum SameSite {
    /// With none, links included.
    Strict,
    /// With links, not with forms, images and scripts.
    Lax,
    /// With all of them. Needs `Secure`.
    None,
}

/// What a cookie value cannot contain (RFC 6265 §4.1.1), and the percent sign.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b':')
    .remove(b'<')
    .remove(b'=')
    .remove(b'>')
    .remove(b'?')
    .remove(b'@')
    .remove(b'[')
    .remove(b']')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'{')
    .remove(b'|')
    .remove(b'}')
    .remove(b'~');

/// Name and value together; browsers ignore longer cookies.
const BYTES_MAX: usize = 4096;

impl Cookie {
    /// A cookie with a value of letters, digits and most punctuation: no spaces, quotation marks, commas, semicolons and
    /// backslashes. [`encoded`](Self::encoded) takes any text.
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            path: Some(Cow::Borrowed("/")),
            domain: None,
            expires: None,
            max_age: None,
            same_site: Some(SameSite::Lax),
            http_only: true,
            secure: None,
            partitioned: false,
            priority: None,
        }
    }

    /// A cookie with any text, percent-encoded. [`Cookies::get_decoded`](crate::message::Cookies::get_decoded) reads it.
    pub fn encoded(name: impl Into<Cow<'static, str>>, value: impl AsRef<str>) -> Self {
        let value = utf8_percent_encode(value.as_ref(), ENCODED).to_string();
        Self::new(name, value)
    }

    /// A cookie with a value as JSON, percent-encoded, and with the mark `j:` before it, as Express writes it.
    /// [`Cookies::get_json`](crate::message::Cookies::get_json) reads it.
    ///
    /// # Errors
    /// With status 500 when the value has no JSON form.
    ///
    /// ```
    /// use hearken::message::Cookie;
    /// let cookie = Cookie::json("cart", &[7, 8])?;
    /// assert_eq!(cookie.value(), "j:[7%2C8]");
    /// # Ok::<(), hearken::Error>(())
    /// ```
    pub fn json<T: Serialize + ?Sized>(
        name: impl Into<Cow<'static, str>>,
        value: &T,
    ) -> Result<Self, Error> {
        let json = serde_json::to_string(value).map_err(|error| {
            Error::new(500, format!("expected a value with a JSON form: {error}"))
        })?;
        Ok(Self::encoded(name, format!("j:{json}")))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, as it is sent.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The same cookie with another value: see [`new`](Self::new).
    pub fn with_value(mut self, value: impl Into<Cow<'static, str>>) -> Self {
        self.value = value.into();
        self
    }

    /// Sends the cookie with requests below this path. `None`: below the directory of the request.
    pub fn path(mut self, path: impl Into<Option<&'static str>>) -> Self {
        self.path = path.into().map(Cow::Borrowed);
        self
    }

    /// As [`path`](Self::path), for a path that is computed.
    pub fn path_owned(mut self, path: String) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sends the cookie to this domain and to all hosts below it.
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// The end of its life, as a [`SystemTime`](std::time::SystemTime) or an [`HttpDate`]. Any time is accepted; one outside of the
    /// years 0 to 9999 becomes the nearest inside.
    pub fn expires(mut self, expires: impl Into<HttpDate>) -> Self {
        self.expires = Some(expires.into());
        self
    }

    /// How long it lives, in whole seconds; zero removes it. Wins over [`expires`](Self::expires).
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age.as_secs());
        self
    }

    /// Sets or removes `SameSite`.
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Whether scripts are kept from reading it.
    pub const fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Whether it is sent over https only.
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }

    /// Whether each embedding site has a cookie of its own.
    pub const fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// The attribute `Priority` of Chromium: `Low`, `Medium` or `High`.
    pub fn priority(mut self, priority: impl Into<Cow<'static, str>>) -> Self {
        self.priority = Some(priority.into());
        self
    }

    /// The same cookie with an empty value and an expiry in the past.
    pub fn removal(mut self) -> Self {
        self.value = Cow::Borrowed("");
        self.max_age = Some(0);
        self.expires = Some(HttpDate::from_unix_seconds(0));
        self
    }

    /// The value of the Set-Cookie field, for a connection without TLS.
    ///
    /// # Errors
    /// With status 500: the name is no token; the value has characters that a cookie cannot carry; name and value together
    /// have more than 4,096 bytes; path, domain or priority has a semicolon or a control character; `__Host-` with a domain
    /// or another path than `/`; `secure(false)` where `Secure` is needed.
    pub fn to_field(&self) -> Result<String, Error> {
        self.field(false)
    }

    pub(super) fn field(&self, https: bool) -> Result<String, Error> {
        self.check()?;
        let needs_secure = self.needs_secure();
        if needs_secure && self.secure == Some(false) {
            return Err(
                self.refused("Secure, which SameSite=None, Partitioned and its prefix need")
            );
        }
        let mut field = format!("{}={}", self.name, self.value);
        for (name, value) in [("Path", &self.path), ("Domain", &self.domain)] {
            if let Some(value) = value {
                let _ = write!(field, "; {name}={value}");
            }
        }
        if let Some(age) = self.max_age {
            let _ = write!(field, "; Max-Age={}", age.min(i64::MAX as u64));
        }
        if let Some(expires) = self.expires {
            let _ = write!(field, "; Expires={expires}");
        }
        if self.http_only {
            field.push_str("; HttpOnly");
        }
        if self.secure.unwrap_or(https || needs_secure) {
            field.push_str("; Secure");
        }
        match self.same_site {
            Some(SameSite::Strict) => field.push_str("; SameSite=Strict"),
            Some(SameSite::Lax) => field.push_str("; SameSite=Lax"),
            Some(SameSite::None) => field.push_str("; SameSite=None"),
            None => {}
        }
        if self.partitioned {
            field.push_str("; Partitioned");
        }
        if let Some(priority) = &self.priority {
            let _ = write!(field, "; Priority={priority}");
        }
        Ok(field)
    }

    fn needs_secure(&self) -> bool {
        self.partitioned
            || self.same_site == Some(SameSite::None)
            || self.has_prefix("__Secure-")
            || self.has_prefix("__Host-")
    }

    /// Browsers compare prefixes without case.
    fn has_prefix(&self, prefix: &str) -> bool {
        let start = self.name.as_bytes().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    }

    fn check(&self) -> Result<(), Error> {
        if !is_token(self.name.as_bytes()) {
            return Err(self.refused("a name of letters, digits and !#$%&'*+-.^_`|~"));
        }
        if !self.value.bytes().all(is_cookie_byte) {
            return Err(self.refused(
                "a value without spaces, quotation marks, commas, semicolons, backslashes and other scripts \
                 (`Cookie::encoded` takes any text)",
            ));
        }
        if self.name.len() + self.value.len() > BYTES_MAX {
            return Err(self.refused("at most 4,096 bytes of name and value"));
        }
        let texts = [&self.path, &self.domain, &self.priority];
        let legal = |byte: u8| byte != b';' && (b' '..0x7f).contains(&byte);
        if !texts
            .into_iter()
            .flatten()
            .all(|text| text.bytes().all(legal))
        {
            return Err(
                self.refused("attributes of ASCII without semicolons and control characters")
            );
        }
        let is_of_host = self.domain.is_none() && self.path.as_deref() == Some("/");
        if self.has_prefix("__Host-") && !is_of_host {
            return Err(self.refused("Path=/ and no domain, which the prefix __Host- needs"));
        }
        Ok(())
    }

    #[cold]
    fn refused(&self, expected: &str) -> Error {
        Error::new(
            500,
            format!("expected the cookie {:?} to have {expected}", self.name),
        )
    }
}

/// `cookie-octet` (RFC 6265 §4.1.1).
const fn is_cookie_byte(byte: u8) -> bool {
    byte > b' ' && byte < 0x7f && !matches!(byte, b'"' | b',' | b';' | b'\\')
}
