//! The settings of an application: Express's, by their names, where they mean something here.
//!
//! Here: [`Settings`]. Not here: what is decided for each router (`router.rs`).

use hearken_http::message::{ContentTag, TrustedProxies};

/// The settings of an [`App`](crate::App).
///
/// | Express | here | default |
/// |---|---|---|
/// | `case sensitive routing` | [`case_sensitive_routing`](Self::case_sensitive_routing) | false |
/// | `strict routing` | [`strict_routing`](Self::strict_routing) | false |
/// | `trust proxy` | [`trust_proxy`](Self::trust_proxy) | none is trusted |
/// | `etag` | [`etag`](Self::etag) | weak |
/// | `subdomain offset` | [`subdomain_offset`](Self::subdomain_offset) | 2 |
/// | `json spaces` | [`json_spaces`](Self::json_spaces) | 0 |
/// | `json escape` | [`json_escape`](Self::json_escape) | false |
/// | `jsonp callback name` | [`jsonp_callback_name`](Self::jsonp_callback_name) | `callback` |
/// | `query parser` | [`nested_query`](Self::nested_query): its limits | 5 levels, 1,000 parameters |
/// | | [`public_url`](Self::public_url), [`trusted_hosts`](Self::trusted_hosts) | none |
/// | `views`, `view cache` | those of the engine: `Templates` (feature `templates`) | `views`, on in production |
/// | `env` | [`development`](Self::development) | as `HEARKEN_ENV` says: true unless it is `production` |
///
/// ```
/// use hearken::app::{App, ETag};
/// use hearken::message::TrustedProxies;
/// let mut app = App::new();
/// app.settings(|settings| {
///     settings.strict_routing = true;
///     settings.etag = ETag::Strong;
///     settings.trust_proxy = TrustedProxies::hops(1);
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// `/Users` and `/users` are different paths.
    pub case_sensitive_routing: bool,
    /// `/users` and `/users/` are different paths.
    pub strict_routing: bool,
    /// The proxies whose word about the client counts.
    pub trust_proxy: TrustedProxies,
    /// The ETag of responses to GET and HEAD that are sent in one piece and have none; with it comes the 304 for a client that has the
    /// content already: [`tag_content`](hearken_http::ServerResponse::tag_content). One route decides otherwise by
    /// `route.with(ETag::Off)`.
    pub etag: ContentTag,
    /// How many labels at the end of a host name are no subdomains.
    pub subdomain_offset: usize,
    /// Spaces by which JSON is indented; 0: in one line.
    pub json_spaces: usize,
    /// In JSON, `<`, `>` and `&` are written as escapes, so that no browser takes it for HTML.
    pub json_escape: bool,
    /// The parameter of the query that names the function of JSONP.
    pub jsonp_callback_name: String,
    /// The limits of [`RequestExt::nested_query`](crate::RequestExt::nested_query).
    pub nested_query: NestedQuery,
    /// The address at which clients reach the application, `https://shop.example`, perhaps with a path: what
    /// [`RequestExt::absolute_url`](crate::RequestExt::absolute_url) begins with.
    pub public_url: Option<String>,
    /// Hosts that an absolute URL may have without a [`public_url`](Self::public_url): `shop.example`, or `*.shop.example` for all
    /// below it. A name without a port matches any port.
    pub trusted_hosts: Vec<String>,
    /// Error pages show the causes of an error and the route.
    pub development: bool,
}

/// Whether the environment does not say that this is production.
pub(crate) fn is_development() -> bool {
    std::env::var_os("HEARKEN_ENV").is_none_or(|env| env != "production")
}

/// The limits of a query with nested names: [`Settings::nested_query`].
///
/// ```
/// use hearken::app::App;
/// let mut app = App::new();
/// app.settings(|settings| settings.nested_query.depth_max = 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedQuery {
    /// Brackets in a name: `a[b][c]` has two. Default 5.
    pub depth_max: usize,
    /// Parameters. Default 1,000.
    pub parameters_max: usize,
}

impl Default for NestedQuery {
    fn default() -> Self {
        Self {
            depth_max: 5,
            parameters_max: 1000,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            case_sensitive_routing: false,
            strict_routing: false,
            trust_proxy: TrustedProxies::none(),
            etag: ContentTag::Weak,
            subdomain_offset: 2,
            json_spaces: 0,
            json_escape: false,
            jsonp_callback_name: "callback".to_owned(),
            nested_query: NestedQuery::default(),
            public_url: None,
            trusted_hosts: Vec::new(),
            development: is_development(),
        }
    }
}
