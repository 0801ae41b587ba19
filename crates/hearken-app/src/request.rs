//! What an application adds to a request.
//!
//! Here: [`RequestExt`]. Not here: what every request has (hearken-http), where it comes from (`request/origin.rs`), nested queries and forms
//! (`request/nested.rs`).

pub(crate) mod nested;
mod origin;

use crate::bodies::RawBody;
use crate::next::Chain;
use crate::state::State;
use hearken_http::message::{EntityTag, Precondition, Validators};
use hearken_http::{Bytes, Failure, IncomingMessage, OutgoingMessage, ServerResponse};
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::fmt::Display;
use std::net::IpAddr;
use std::rc::Rc;
use std::str::FromStr;

mod sealed {
    #[expect(
        unnameable_types,
        reason = "nothing else implements the trait around it"
    )]
    pub trait Sealed {}
    impl Sealed for hearken_http::IncomingMessage {}
    impl Sealed for hearken_http::ServerResponse {}
}
pub(crate) use sealed::Sealed;

/// What an application adds to a request: parameters of the path, shared values, where it is mounted.
///
/// ```
/// use hearken::app::{App, prelude::*};
/// let mut app = App::new();
/// app.get("/users/:id", async |req, res| {
///     let id: u64 = req.param("id")?;
///     Ok(res.end(format!("user {id}")))
/// });
/// ```
pub trait RequestExt: Sealed {
    /// The parameter of the path with this name, percent-decoded once, as a `T`. That of a wildcard has its slashes.
    ///
    /// # Errors
    /// With status 400 when it does not parse as a `T`; with 500 when the pattern has no such name, or the group that has it is not
    /// in the path: then use [`param_opt`](Self::param_opt).
    fn param<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Failure>;

    /// As [`param`](Self::param); `None` when it is not in the path.
    ///
    /// # Errors
    /// With status 400 when it does not parse as a `T`.
    fn param_opt<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Failure>;

    /// The segments of a wildcard, each percent-decoded. Empty when it is not in the path.
    fn param_list(&self, name: &str) -> Vec<String>;

    /// All parameters of the path, in the order of the pattern.
    fn params(&self) -> Vec<(String, String)>;

    /// The value of this type that the application shares: [`App::state`](crate::App::state).
    ///
    /// # Panics
    /// When there is none; the text names the type.
    fn state<T: Send + Sync + 'static>(&self) -> State<T>;

    /// The part of the path at which the router of the present handler is mounted, or the present middleware by
    /// [`with_at`](crate::Router::with_at), as it came; empty for those without a path.
    ///
    /// Express: `req.baseUrl`.
    fn base_url(&self) -> &str;

    /// The body as it came, without its Content-Encoding and in its own charset, if [`Bodies`](crate::Bodies) has read it. As often as
    /// it is asked for: for the signature of a webhook, for example. Without `Bodies` there is `req.peek_bytes`.
    ///
    /// Express: what `verify` of `body-parser` gets.
    fn raw_body(&self) -> Option<Bytes>;

    /// Collects the body and parses it as a form with nested names: `a[b]=1`, `a[]=1&a[]=2`, `a[0][b]=1`. At most 32 levels deep.
    ///
    /// Express: `urlencoded({ extended: true })`.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// #[derive(serde::Deserialize)]
    /// struct Order { items: Vec<Item> }
    /// #[derive(serde::Deserialize)]
    /// struct Item { name: String, count: u32 }
    /// let mut app = App::new();
    /// app.post("/orders", async |mut req, res| {
    ///     let order: Order = req.nested_form().await?; // items[0][name]=tea&items[0][count]=2
    ///     Ok(res.end(format!("{} items", order.items.len())))
    /// });
    /// ```
    ///
    /// # Errors
    /// As `req.form()`; with status 400 and the code `querystring.parse.rangeError` when a name is nested deeper.
    fn nested_form<T: DeserializeOwned>(&mut self) -> impl Future<Output = Result<T, Failure>>;

    /// The part of the path behind [`base_url`](Self::base_url). It begins with a slash. [`path`](IncomingMessage::path) is the whole
    /// path.
    ///
    /// Express: `req.path`.
    fn path_in_router(&self) -> &str;

    /// The address of the client, behind the proxies of [`Settings::trust_proxy`](crate::Settings::trust_proxy). `None` for a
    /// transport without addresses. See [`IncomingMessage::client_addr`].
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// use hearken::message::TrustedProxies;
    /// let mut app = App::new();
    /// app.settings(|settings| settings.trust_proxy = TrustedProxies::hops(1));
    /// app.get("/whoami", async |req, res| {
    ///     let ip = req.ip().map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
    ///     res.end(format!("{ip} by {} to {}", req.protocol(), req.hostname().unwrap_or_default()))
    /// });
    /// ```
    fn ip(&self) -> Option<IpAddr>;

    /// The addresses that trusted proxies report, that of the client first. Empty without a trusted proxy. See
    /// [`IncomingMessage::client_addrs`].
    fn ips(&self) -> Vec<IpAddr>;

    /// `https` or `http`: that of the connection, or what trusted proxies report. See [`IncomingMessage::client_scheme`].
    fn protocol(&self) -> &'static str;

    /// Whether [`protocol`](Self::protocol) is `https`.
    fn secure(&self) -> bool {
        self.protocol() == "https"
    }

    /// The host that the client asks for, with its port if it has one: that of Host, or what trusted proxies report. A client can send
    /// any; for links use [`absolute_url`](Self::absolute_url). See [`IncomingMessage::client_host`].
    fn host(&self) -> Option<String>;

    /// [`host`](Self::host) without the port. An IPv6 address has its brackets.
    fn hostname(&self) -> Option<String>;

    /// The labels of [`hostname`](Self::hostname) before the last [`Settings::subdomain_offset`](crate::Settings::subdomain_offset),
    /// from right to left: `["ferrets", "tobi"]` of `tobi.ferrets.example.com`. Empty for an address.
    fn subdomains(&self) -> Vec<String>;

    /// The absolute URL of a path of this application, with query and fragment: for mails, `Location` to other sites, feeds. It begins
    /// with [`Settings::public_url`](crate::Settings::public_url); without one it has the protocol and host of the request, if the host
    /// is one of [`Settings::trusted_hosts`](crate::Settings::trusted_hosts).
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.settings(|settings| settings.public_url = Some("https://shop.example".to_owned()));
    /// app.get("/reset", async |req, res| Ok(res.end(req.absolute_url("/reset/4711")?)));
    /// ```
    ///
    /// # Errors
    /// With status 500 when neither is set, or the path does not begin with one slash; with 421 when the host is not trusted.
    fn absolute_url(&self, path: &str) -> Result<String, Failure>;

    /// Whether the request was made by a script that says so: `X-Requested-With: XMLHttpRequest`.
    fn xhr(&self) -> bool;

    /// The page that led here: `Referer`, or `Referrer`, which some clients send.
    fn referrer(&self) -> Option<&str>;

    /// Whether the client has what `res` describes by its ETag and Last-Modified so far: then a GET or HEAD is answered 304.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// let mut app = App::new();
    /// app.get("/report", async |req, res| {
    ///     let res = res.set("ETag", "\"v7\"");
    ///     if req.fresh(&res) {
    ///         return res.status(304).end("");
    ///     }
    ///     res.end("what took long to make")
    /// });
    /// ```
    fn fresh(&self, res: &ServerResponse) -> bool;

    /// The opposite of [`fresh`](Self::fresh).
    fn stale(&self, res: &ServerResponse) -> bool {
        !self.fresh(res)
    }

    /// Parses the query of the target as a `T` whose fields may be structs, maps and lists: `a[b]=1`, `a[]=1&a[]=2`, `a[0]=1`.
    /// [`IncomingMessage::query`] takes names as they are, and is what most handlers need.
    ///
    /// The limits are those of [`Settings::nested_query`](crate::Settings::nested_query).
    ///
    /// Express: `req.query` with the setting `query parser` at `extended`.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Search { price: Price, sort: Vec<String> }
    /// #[derive(serde::Deserialize)]
    /// struct Price { min: u32, max: Option<u32> }
    ///
    /// let mut app = App::new();
    /// // GET /search?price[min]=5&sort[]=price&sort[]=name
    /// app.get("/search", async |req, res| {
    ///     let Search { price, sort } = req.nested_query()?;
    ///     Ok(res.end(format!("{} to {:?} by {sort:?}", price.min, price.max)))
    /// });
    /// ```
    ///
    /// # Errors
    /// With status 400 when it does not parse as a `T`, or a name has more brackets than the limit; with 413 when there are more
    /// parameters.
    fn nested_query<T: DeserializeOwned>(&self) -> Result<T, Failure>;
}

impl RequestExt for IncomingMessage {
    fn param<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Failure> {
        self.param_opt(name)?.ok_or_else(|| {
            let route = self.route();
            let pattern = route.as_deref().unwrap_or("of this handler");
            Failure::new(
                500,
                format!("the path has no parameter {name:?}: the pattern is {pattern}"),
            )
        })
    }

    fn param_opt<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Failure> {
        let read = |value: &str| {
            value.parse().map_err(|error: T::Err| {
                let text = format!("the parameter {name:?} of the path, {value:?}: {error}");
                Failure::new(400, text).with_code("param.invalid")
            })
        };
        let chain = chain(self);
        chain
            .and_then(|chain| chain.read(name, self, read))
            .transpose()
    }

    fn param_list(&self, name: &str) -> Vec<String> {
        let segments = chain(self).and_then(|chain| chain.segments(name, self));
        segments.unwrap_or_default()
    }

    fn params(&self) -> Vec<(String, String)> {
        let Some(chain) = chain(self) else {
            return Vec::new();
        };
        let names = chain.names();
        let pairs = names.into_iter().filter_map(|name| {
            let value = chain.value(&name, self)?;
            Some((name, value))
        });
        pairs.collect()
    }

    fn state<T: Send + Sync + 'static>(&self) -> State<T> {
        let found = chain(self).and_then(|chain| chain.app.shared.states.get());
        found.unwrap_or_else(|| {
            let name = type_name::<T>();
            panic!("expected a shared value of type {name}: add it by `app.state(…)`")
        })
    }

    fn base_url(&self) -> &str {
        let end = chain(self).map_or(0, |chain| chain.mounted(self));
        &self.path()[..end]
    }

    fn raw_body(&self) -> Option<Bytes> {
        let kept = self.extension::<RawBody>()?;
        Some(kept.0.clone())
    }

    async fn nested_form<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let (mut max, mut fields_max) = (0, 0);
        self.limits(|limits| {
            let body = &limits.body;
            (max, fields_max) = (body.buffered_bytes_max, body.form_fields_max);
        });
        let content = self.bytes_up_to(max).await?;
        nested::parse_form(&content, fields_max)
    }

    fn path_in_router(&self) -> &str {
        let rest = &self.path()[self.base_url().len()..];
        if rest.is_empty() { "/" } else { rest }
    }

    fn ip(&self) -> Option<IpAddr> {
        origin::by_settings(self, |settings| self.client_addr(&settings.trust_proxy))
    }

    fn ips(&self) -> Vec<IpAddr> {
        origin::by_settings(self, |settings| self.client_addrs(&settings.trust_proxy))
    }

    fn protocol(&self) -> &'static str {
        origin::by_settings(self, |settings| self.client_scheme(&settings.trust_proxy))
    }

    fn host(&self) -> Option<String> {
        origin::by_settings(self, |settings| self.client_host(&settings.trust_proxy))
    }

    fn hostname(&self) -> Option<String> {
        let mut host = self.host()?;
        host.truncate(origin::name_of(&host).len());
        Some(host)
    }

    fn subdomains(&self) -> Vec<String> {
        let offset = origin::by_settings(self, |settings| settings.subdomain_offset);
        self.hostname()
            .map_or_else(Vec::new, |name| origin::subdomains(&name, offset))
    }

    fn absolute_url(&self, path: &str) -> Result<String, Failure> {
        origin::by_settings(self, |settings| origin::absolute_url(self, settings, path))
    }

    fn xhr(&self) -> bool {
        let by = self.header("x-requested-with");
        by.is_some_and(|by| by.eq_ignore_ascii_case("xmlhttprequest"))
    }

    fn referrer(&self) -> Option<&str> {
        self.header("referer").or_else(|| self.header("referrer"))
    }

    fn fresh(&self, res: &ServerResponse) -> bool {
        let status = res.status_code();
        if !status.is_success() && status != 304 {
            return false;
        }
        let mut validators = Validators::new();
        if let Some(tag) = res.get_header("etag").and_then(EntityTag::parse) {
            validators = validators.etag(tag);
        }
        if let Some(date) = crate::response::last_modified(res) {
            validators = validators.modified(date);
        }
        matches!(
            self.preconditions(&validators),
            Precondition::NotModified(_)
        )
    }

    fn nested_query<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let query = self.raw_query().unwrap_or_default();
        origin::by_settings(self, |settings| nested::parse(query, settings.nested_query))
    }
}

pub(crate) fn chain(req: &IncomingMessage) -> Option<Rc<Chain>> {
    req.extension()
}

pub(crate) fn chain_of(res: &ServerResponse) -> Option<Rc<Chain>> {
    res.extension()
}
