//! What a document says about the application as a whole.
//!
//! Here: [`Info`], [`SecurityScheme`].

use serde_json::{Map, Value, json};

/// What an OpenAPI document says about the application as a whole: its title and version, where it is served, how clients show who
/// they are.
///
/// ```
/// use hearken::app::{App, Info, SecurityScheme};
/// let info = Info::new("Notes", "1.2.0")
///     .description("Notes, and who may read them.")
///     .server("https://notes.example/api", "production")
///     .tag("notes", "Reading and writing")
///     .security_scheme("token", SecurityScheme::bearer("JWT"));
/// let document = App::new().openapi(&info)?;
/// assert_eq!(document["openapi"], "3.1.0");
/// assert_eq!(document["info"]["title"], "Notes");
/// # Ok::<(), hearken::app::RouteError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Info {
    pub(super) info: Map<String, Value>,
    pub(super) servers: Vec<Value>,
    pub(super) tags: Vec<Value>,
    pub(super) schemes: Map<String, Value>,
    pub(super) security: Option<Vec<(String, Vec<String>)>>,
}

impl Info {
    /// A title and the version of the interface.
    #[must_use]
    pub fn new(title: &str, version: &str) -> Self {
        let mut info = Map::new();
        info.insert("title".into(), title.into());
        info.insert("version".into(), version.into());
        Self {
            info,
            servers: Vec::new(),
            tags: Vec::new(),
            schemes: Map::new(),
            security: None,
        }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.info.insert(name.into(), value);
        self
    }

    /// A longer text; CommonMark in OpenAPI's readers, plain text in the page of [`App::serve_openapi`](crate::App::serve_openapi).
    #[must_use]
    pub fn description(self, text: &str) -> Self {
        self.with("description", text.into())
    }

    /// Where the terms of service are.
    #[must_use]
    pub fn terms_of_service(self, url: &str) -> Self {
        self.with("termsOfService", url.into())
    }

    /// Who answers questions: a name and an email address.
    #[must_use]
    pub fn contact(self, name: &str, email: &str) -> Self {
        self.with("contact", json!({ "name": name, "email": email }))
    }

    /// The licence, by its SPDX expression.
    #[must_use]
    pub fn license(self, identifier: &str) -> Self {
        self.with(
            "license",
            json!({ "name": identifier, "identifier": identifier }),
        )
    }

    /// Adds a place where the interface is served: an address, absolute or relative to the document. Default: the origin of the
    /// document.
    #[must_use]
    pub fn server(mut self, url: &str, text: &str) -> Self {
        self.servers
            .push(json!({ "url": url, "description": text }));
        self
    }

    /// Describes a tag of routes. Tags have the order of these calls; those without one come behind.
    #[must_use]
    pub fn tag(mut self, name: &str, text: &str) -> Self {
        self.tags.push(json!({ "name": name, "description": text }));
        self
    }

    /// Names a way in which clients show who they are. Routes refer to it by [`ApiRoute::security`](crate::ApiRoute::security).
    #[must_use]
    pub fn security_scheme(mut self, name: &str, scheme: SecurityScheme) -> Self {
        self.schemes.insert(name.into(), scheme.0);
        self
    }

    /// The scheme that routes ask for unless they say something else. Call it again for an alternative.
    #[must_use]
    pub fn security(mut self, name: &str, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let alternatives = self.security.get_or_insert_default();
        alternatives.push((name.to_owned(), scopes));
        self
    }
}

/// A way in which clients show who they are: [`Info::security_scheme`]. It describes: the routes check by middleware or by their
/// arguments.
///
/// ```
/// use hearken::app::SecurityScheme;
/// let jwt = SecurityScheme::bearer("JWT");
/// let session = SecurityScheme::cookie("session");
/// ```
#[derive(Clone, Debug)]
pub struct SecurityScheme(Value);

impl SecurityScheme {
    /// `Authorization: Bearer …`; `format` is a hint for readers, such as `JWT`.
    #[must_use]
    pub fn bearer(format: &str) -> Self {
        Self(json!({ "type": "http", "scheme": "bearer", "bearerFormat": format }))
    }

    /// `Authorization: Basic …`.
    #[must_use]
    pub fn basic() -> Self {
        Self(json!({ "type": "http", "scheme": "basic" }))
    }

    /// A key in a field of the head.
    #[must_use]
    pub fn header(name: &str) -> Self {
        Self::key("header", name)
    }

    /// A key in a cookie.
    #[must_use]
    pub fn cookie(name: &str) -> Self {
        Self::key("cookie", name)
    }

    /// A key in the query.
    #[must_use]
    pub fn query(name: &str) -> Self {
        Self::key("query", name)
    }

    fn key(place: &str, name: &str) -> Self {
        Self(json!({ "type": "apiKey", "in": place, "name": name }))
    }

    /// OpenID Connect, by the address of its configuration.
    #[must_use]
    pub fn open_id_connect(url: &str) -> Self {
        Self(json!({ "type": "openIdConnect", "openIdConnectUrl": url }))
    }

    /// Any other, as a Security Scheme Object of OpenAPI 3.1, such as `oauth2` with its flows.
    #[must_use]
    pub const fn of_value(value: Value) -> Self {
        Self(value)
    }
}
