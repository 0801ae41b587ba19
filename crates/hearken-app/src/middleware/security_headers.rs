//! Response fields that make browsers stricter.
//!
//! Here: [`SecurityHeaders`]. Not here: its policy for content (`csp.rs`).

use super::Middleware;
use super::csp::{Csp, CspNonce};
use crate::next::Next;
use hearken_http::message::ResponseHead;
use hearken_http::server::Handling;
use hearken_http::{Fields, IncomingMessage, OutgoingMessage, ServerResponse};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Sets the fields that make browsers stricter. npm: `helmet`.
///
/// | field | default | method |
/// |---|---|---|
/// | Content-Security-Policy | that of [`Csp::new`] | [`csp`](Self::csp) |
/// | Cross-Origin-Embedder-Policy | not sent | [`embedder_policy`](Self::embedder_policy) |
/// | Cross-Origin-Opener-Policy | `same-origin` | [`opener_policy`](Self::opener_policy) |
/// | Cross-Origin-Resource-Policy | `same-origin` | [`resource_policy`](Self::resource_policy) |
/// | Origin-Agent-Cluster | `?1` | [`origin_agent_cluster`](Self::origin_agent_cluster) |
/// | Referrer-Policy | `no-referrer` | [`referrer_policy`](Self::referrer_policy) |
/// | Strict-Transport-Security | `max-age=31536000; includeSubDomains` | [`hsts`](Self::hsts) |
/// | X-Content-Type-Options | `nosniff` | [`no_sniff`](Self::no_sniff) |
/// | X-DNS-Prefetch-Control | `off` | [`dns_prefetch`](Self::dns_prefetch) |
/// | X-Download-Options | `noopen` | [`download_options`](Self::download_options) |
/// | X-Frame-Options | `SAMEORIGIN` | [`frame_options`](Self::frame_options) |
/// | X-Permitted-Cross-Domain-Policies | `none` | [`cross_domain_policies`](Self::cross_domain_policies) |
/// | X-Powered-By | removed; Hearken sends none | [`keep_powered_by`](Self::keep_powered_by) |
/// | X-XSS-Protection | `0` | [`xss_protection`](Self::xss_protection) |
///
/// A value of a policy is a text, and `None` switches the field off. Error responses have the fields too. What a handler sets itself
/// stays.
///
/// ```
/// use hearken::app::{App, Csp, SecurityHeaders};
/// let mut app = App::new();
/// app.with(
///     SecurityHeaders::new()
///         .csp(Csp::new().directive("script-src", ["'self'", "https://cdn.example.org"]))
///         .frame_options("DENY")
///         .referrer_policy(None),
/// );
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct SecurityHeaders {
    own: Arc<Own>,
}

#[derive(Clone)]
struct Own {
    fields: Fields,
    csp: Option<Csp>,
    /// A field by which a response that was reset is known: a failure has dropped what was set before.
    mark: &'static str,
    powered_by: bool,
}

/// How long browsers use https alone for this host: [`SecurityHeaders::hsts`].
///
/// ```
/// use hearken::app::{Hsts, SecurityHeaders};
/// use std::time::Duration;
/// let headers = SecurityHeaders::new().hsts(Hsts::new(Duration::from_secs(63_072_000)).preload(true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until `SecurityHeaders::hsts` gets it"]
pub struct Hsts {
    max_age: Duration,
    subdomains: bool,
    preload: bool,
}

impl Hsts {
    /// For this long, in whole seconds, subdomains included. Zero ends it.
    pub const fn new(max_age: Duration) -> Self {
        Self {
            max_age,
            subdomains: true,
            preload: false,
        }
    }

    /// Whether it holds for the hosts below this one. Default true.
    pub const fn subdomains(mut self, include: bool) -> Self {
        self.subdomains = include;
        self
    }

    /// Whether browsers may ship with it, once the host is on their list. Default false.
    pub const fn preload(mut self, preload: bool) -> Self {
        self.preload = preload;
        self
    }

    fn value(self) -> String {
        let mut value = format!("max-age={}", self.max_age.as_secs());
        if self.subdomains {
            value.push_str("; includeSubDomains");
        }
        if self.preload {
            value.push_str("; preload");
        }
        value
    }
}

/// The fields with a constant value, and their defaults. The mark comes last: it is the field that programs set least.
const DEFAULTS: [(&str, &str); 11] = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Origin-Agent-Cluster", "?1"),
    ("Referrer-Policy", "no-referrer"),
    (
        "Strict-Transport-Security",
        "max-age=31536000; includeSubDomains",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-DNS-Prefetch-Control", "off"),
    ("X-Download-Options", "noopen"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
    ("X-XSS-Protection", "0"),
];

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::new()
    }
}

impl SecurityHeaders {
    /// All fields but Cross-Origin-Embedder-Policy.
    ///
    /// # Panics
    /// Never: the defaults are legal.
    pub fn new() -> Self {
        let mut all = Self::none();
        for (name, value) in DEFAULTS {
            all = all.put(name, Some(value));
        }
        all.csp(Csp::new())
    }

    /// No field, to switch single ones on.
    ///
    /// ```
    /// use hearken::app::{App, SecurityHeaders};
    /// let mut app = App::new();
    /// app.with(SecurityHeaders::none().no_sniff(true).frame_options("DENY"));
    /// ```
    pub fn none() -> Self {
        Self {
            own: Arc::new(Own {
                fields: Fields::new(),
                csp: None,
                mark: "",
                powered_by: false,
            }),
        }
    }

    #[track_caller]
    fn put(mut self, name: &'static str, value: Option<&str>) -> Self {
        let own = Arc::make_mut(&mut self.own);
        match value {
            None => {
                own.fields.remove(name);
            }
            Some(value) => {
                let set = own.fields.set(name, value);
                assert!(
                    set.is_ok(),
                    "expected a value for {name} without control characters, got {value:?}"
                );
            }
        }
        let known = |name: &&str| own.fields.view().get(name).is_some();
        let names = DEFAULTS
            .iter()
            .map(|(name, _)| *name)
            .chain(["Cross-Origin-Embedder-Policy"]);
        let mark = ["X-Permitted-Cross-Domain-Policies"]
            .into_iter()
            .chain(names)
            .find(known);
        own.mark = mark.unwrap_or_default();
        self
    }

    /// Sets the policy for content, or switches it off by `None`.
    pub fn csp(mut self, csp: impl Into<Option<Csp>>) -> Self {
        Arc::make_mut(&mut self.own).csp = csp.into();
        self
    }

    /// Sets Strict-Transport-Security, or switches it off by `None`. Browsers ignore it over plain HTTP.
    pub fn hsts(self, hsts: impl Into<Option<Hsts>>) -> Self {
        let value = hsts.into().map(Hsts::value);
        self.put("Strict-Transport-Security", value.as_deref())
    }

    /// Sets Cross-Origin-Embedder-Policy, or switches it off by `None`. `require-corp` or `credentialless`.
    ///
    /// # Panics
    /// When the value cannot be in a field.
    #[track_caller]
    pub fn embedder_policy<'a>(self, policy: impl Into<Option<&'a str>>) -> Self {
        self.put("Cross-Origin-Embedder-Policy", policy.into())
    }

    /// Sets Cross-Origin-Opener-Policy, or switches it off by `None`. `same-origin`, `same-origin-allow-popups`, `noopener-allow-popups` or `unsafe-none`.
    ///
    /// # Panics
    /// When the value cannot be in a field.
    #[track_caller]
    pub fn opener_policy<'a>(self, policy: impl Into<Option<&'a str>>) -> Self {
        self.put("Cross-Origin-Opener-Policy", policy.into())
    }

    /// Sets Cross-Origin-Resource-Policy, or switches it off by `None`. `same-origin`, `same-site` or `cross-origin`.
    ///
    /// # Panics
    /// When the value cannot be in a field.
    #[track_caller]
    pub fn resource_policy<'a>(self, policy: impl Into<Option<&'a str>>) -> Self {
        self.put("Cross-Origin-Resource-Policy", policy.into())
    }

    /// Sets Referrer-Policy, or switches it off by `None`. One policy, or several with commas, of which a browser takes the last that it knows.
    ///
    /// # Panics
    /// When the value cannot be in a field.
    #[track_caller]
    pub fn referrer_policy<'a>(self, policy: impl Into<Option<&'a str>>) -> Self {
        self.put("Referrer-Policy", policy.into())
    }

    /// Sets X-Frame-Options, or switches it off by `None`. `DENY` or `SAMEORIGIN`.
    ///
    /// # Panics
    /// When the value cannot be in a field.
    #[track_caller]
    pub fn frame_options<'a>(self, policy: impl Into<Option<&'a str>>) -> Self {
        self.put("X-Frame-Options", policy.into())
    }

    /// Sets X-Permitted-Cross-Domain-Policies, or switches it off by `None`. `none`, `master-only`, `by-content-type` or `all`.
    ///
    /// # Panics
    /// When the value cannot be in a field.
    #[track_caller]
    pub fn cross_domain_policies<'a>(self, policy: impl Into<Option<&'a str>>) -> Self {
        self.put("X-Permitted-Cross-Domain-Policies", policy.into())
    }

    /// Whether to send `Origin-Agent-Cluster: ?1`. Default true.
    pub fn origin_agent_cluster(self, send: bool) -> Self {
        self.put("Origin-Agent-Cluster", send.then_some("?1"))
    }

    /// Whether to send `X-Content-Type-Options: nosniff`. Default true.
    pub fn no_sniff(self, send: bool) -> Self {
        self.put("X-Content-Type-Options", send.then_some("nosniff"))
    }

    /// Whether to send `X-Download-Options: noopen`. Default true.
    pub fn download_options(self, send: bool) -> Self {
        self.put("X-Download-Options", send.then_some("noopen"))
    }

    /// Whether to send `X-XSS-Protection: 0`. Default true.
    pub fn xss_protection(self, send: bool) -> Self {
        self.put("X-XSS-Protection", send.then_some("0"))
    }

    /// Whether browsers may resolve the names of links before they are followed; `None`: the field is not sent. Default
    /// `Some(false)`.
    pub fn dns_prefetch(self, allow: impl Into<Option<bool>>) -> Self {
        let value = allow.into().map(|allow| if allow { "on" } else { "off" });
        self.put("X-DNS-Prefetch-Control", value)
    }

    /// Leaves an X-Powered-By field that a handler sets, that of an upstream server for example.
    pub fn keep_powered_by(mut self, keep: bool) -> Self {
        Arc::make_mut(&mut self.own).powered_by = keep;
        self
    }
}

impl Own {
    /// One copy of all is cheapest; fields that are there already, of a middleware before this one, are replaced.
    fn put_into(&self, res: ServerResponse) -> ServerResponse {
        if !res.has_header(self.mark) {
            return res.append_all(&self.fields);
        }
        let mut fields = self.fields.view().iter();
        fields
            .by_ref()
            .fold(res, |res, (name, value)| res.set(name, value))
    }

    /// Adds the fields again after a failure, which has dropped them.
    fn complete(&self, policy: Option<&(&'static str, String)>, head: &mut ResponseHead<'_>) {
        if !self.powered_by {
            head.remove("X-Powered-By");
        }
        let mark = if self.mark.is_empty() {
            policy.map_or("", |(name, _)| *name)
        } else {
            self.mark
        };
        if mark.is_empty() || head.get(mark).is_some() {
            return;
        }
        let of_policy = policy.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        for (name, value) in self.fields.view().iter().chain(of_policy) {
            let known = std::str::from_utf8(name).is_ok_and(|name| head.get(name).is_some());
            if !known {
                // It comes from such a list, so it can be in one.
                let _ = head.append(name, value);
            }
        }
    }
}

impl Middleware for SecurityHeaders {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let own = Arc::clone(&self.own);
        let mut res = own.put_into(res);
        let policy = own.csp.as_ref().map(|csp| {
            let nonce = csp.has_nonce().then(|| CspNonce::attach(&req));
            (csp.field_name(), csp.value(nonce.as_deref()))
        });
        if let Some((name, value)) = &policy {
            res = res.set(name, value);
        }
        res.on_head(move |head| own.complete(policy.as_ref(), head));
        next.run(req, res)
    }
}

impl fmt::Debug for SecurityHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityHeaders")
            .field("fields", &self.own.fields)
            .field("csp", &self.own.csp)
            .finish_non_exhaustive()
    }
}
