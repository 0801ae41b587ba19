//! A policy for the content of pages (Content Security Policy Level 3).
//!
//! Here: [`Csp`], [`CspNonce`]. Not here: sending it (`security_headers.rs`).

use super::shared::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearken_http::IncomingMessage;
use std::rc::Rc;

/// A policy for the content of pages, for [`SecurityHeaders::csp`](crate::SecurityHeaders::csp).
///
/// [`new`](Self::new) begins with helmet's:
///
/// | directive | value |
/// |---|---|
/// | `default-src` | `'self'` |
/// | `base-uri` | `'self'` |
/// | `font-src` | `'self' https: data:` |
/// | `form-action` | `'self'` |
/// | `frame-ancestors` | `'self'` |
/// | `img-src` | `'self' data:` |
/// | `object-src` | `'none'` |
/// | `script-src` | `'self'` |
/// | `script-src-attr` | `'none'` |
/// | `style-src` | `'self' https: 'unsafe-inline'` |
/// | `upgrade-insecure-requests` | |
///
/// ```
/// use hearken::app::{App, Csp, CspNonce, SecurityHeaders};
/// let mut app = App::new();
/// app.with(SecurityHeaders::new().csp(Csp::new().nonce("script-src").without("upgrade-insecure-requests")));
/// app.get("/", async |req, res| {
///     let nonce = req.extension::<CspNonce>().expect("set by the middleware");
///     let page = format!("<!doctype html><script nonce=\"{nonce}\">alert(1)</script>");
///     res.set("Content-Type", "text/html; charset=utf-8").end(page)
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until `SecurityHeaders::csp` gets it"]
pub struct Csp {
    directives: Vec<Directive>,
    report_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Directive {
    name: String,
    values: Vec<String>,
    nonce: bool,
}

/// What a value without quotation marks cannot mean: a host name that is a keyword.
const KEYWORDS: [&str; 10] = [
    "none",
    "self",
    "strict-dynamic",
    "report-sample",
    "inline-speculation-rules",
    "unsafe-inline",
    "unsafe-eval",
    "unsafe-hashes",
    "wasm-unsafe-eval",
    "trusted-types-eval",
];

impl Default for Csp {
    fn default() -> Self {
        Self::new()
    }
}

impl Csp {
    /// The directives of the table above.
    ///
    /// # Panics
    /// Never: they are legal.
    pub fn new() -> Self {
        Self::empty()
            .directive("default-src", ["'self'"])
            .directive("base-uri", ["'self'"])
            .directive("font-src", ["'self'", "https:", "data:"])
            .directive("form-action", ["'self'"])
            .directive("frame-ancestors", ["'self'"])
            .directive("img-src", ["'self'", "data:"])
            .directive("object-src", ["'none'"])
            .directive("script-src", ["'self'"])
            .directive("script-src-attr", ["'none'"])
            .directive("style-src", ["'self'", "https:", "'unsafe-inline'"])
            .directive("upgrade-insecure-requests", [""; 0])
    }

    /// A policy without directives. What has no `default-src` allows everything that no other directive names. helmet:
    /// `useDefaults: false`.
    pub const fn empty() -> Self {
        Self {
            directives: Vec::new(),
            report_only: false,
        }
    }

    /// Sets a directive in place of one with this name.
    ///
    /// # Panics
    /// When the name is not of small letters, digits and hyphens; when a value has white space, a comma or a semicolon, or is a keyword
    /// without its quotation marks (`self` for `'self'`).
    #[track_caller]
    pub fn directive<V: AsRef<str>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(
            name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(legal),
            "expected a directive of small letters, digits and hyphens, got {name:?}"
        );
        let values = values.into_iter().map(|value| checked(value.as_ref()));
        let values = values.collect();
        match self
            .directives
            .iter_mut()
            .find(|directive| directive.name == name)
        {
            Some(directive) => directive.values = values,
            None => self.directives.push(Directive {
                name: name.to_owned(),
                values,
                nonce: false,
            }),
        }
        self
    }

    /// Removes a directive.
    pub fn without(mut self, name: &str) -> Self {
        self.directives.retain(|directive| directive.name != name);
        self
    }

    /// Adds a nonce to a directive, another one for each request: handlers read it by `req.extension::<CspNonce>()`. A directive that is
    /// not there is added, with the nonce alone.
    ///
    /// # Panics
    /// As [`directive`](Self::directive).
    #[track_caller]
    pub fn nonce(self, name: &str) -> Self {
        let known = self
            .directives
            .iter()
            .any(|directive| directive.name == name);
        let mut csp = if known {
            self
        } else {
            self.directive(name, [""; 0])
        };
        let directives = csp.directives.iter_mut();
        directives
            .filter(|directive| directive.name == name)
            .for_each(|directive| directive.nonce = true);
        csp
    }

    /// Only reports what the policy would forbid: Content-Security-Policy-Report-Only.
    pub const fn report_only(mut self, report_only: bool) -> Self {
        self.report_only = report_only;
        self
    }

    pub(super) const fn field_name(&self) -> &'static str {
        if self.report_only {
            "Content-Security-Policy-Report-Only"
        } else {
            "Content-Security-Policy"
        }
    }

    pub(super) fn has_nonce(&self) -> bool {
        self.directives.iter().any(|directive| directive.nonce)
    }

    pub(super) fn value(&self, nonce: Option<&CspNonce>) -> String {
        let mut value = String::with_capacity(320);
        for directive in &self.directives {
            if !value.is_empty() {
                value.push(';');
            }
            value.push_str(&directive.name);
            for source in &directive.values {
                value.push(' ');
                value.push_str(source);
            }
            if let Some(nonce) = nonce.filter(|_| directive.nonce) {
                value.push_str(" 'nonce-");
                value.push_str(nonce.as_str());
                value.push('\'');
            }
        }
        value
    }
}

#[track_caller]
fn checked(value: &str) -> String {
    let legal = |byte: u8| (b'!'..0x7f).contains(&byte) && !matches!(byte, b',' | b';');
    assert!(
        !value.is_empty() && value.bytes().all(legal),
        "expected one source of a directive, without white space, commas and semicolons, got {value:?}"
    );
    let lower = value.to_ascii_lowercase();
    let unquoted = KEYWORDS.contains(&&*lower)
        || ["nonce-", "sha256-", "sha384-", "sha512-"]
            .iter()
            .any(|prefix| lower.starts_with(prefix));
    assert!(
        !unquoted,
        "expected '{value}' with quotation marks, got {value:?}"
    );
    value.to_owned()
}

/// The nonce of one request: 128 random bits. Its [`Display`](std::fmt::Display) is what stands in the attribute `nonce`.
///
/// ```
/// use hearken::app::{App, Csp, CspNonce, SecurityHeaders};
/// use hearken::test::Request;
/// let mut app = App::new();
/// app.with(SecurityHeaders::new().csp(Csp::new().nonce("script-src")));
/// app.get("/", async |req, res| res.end(req.extension::<CspNonce>().expect("set").to_string()));
/// let response = app.inject(Request::get("/"))?;
/// let policy = response.header("content-security-policy").unwrap_or_default();
/// assert!(policy.contains(&format!("script-src 'self' 'nonce-{}'", response.text())));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CspNonce(Box<str>);

impl CspNonce {
    /// The nonce of this request; one of several middlewares makes it.
    pub(super) fn attach(req: &IncomingMessage) -> Rc<Self> {
        if let Some(known) = req.extension::<Self>() {
            return known;
        }
        req.extend(Self(STANDARD.encode(random::<16>()).into()));
        req.extension().expect("it was attached above")
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for CspNonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
