//! What is wrong with the routes of an application.

use std::fmt;

/// What is wrong with the routes of an application, with the places in its source: a text that is not a pattern, a route that no
/// request can reach. All faults at once.
///
/// ```
/// use hearken::app::App;
/// let mut app = App::new();
/// app.get("/users/:id", async |_req, res| res.end("any user"));
/// app.get("/users/me", async |_req, res| res.end("me")); // never reached: the route above comes first
/// let error = app.server().unwrap_err();
/// assert!(error.to_string().contains("/users/me"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteError {
    pub(super) faults: Vec<String>,
}

impl RouteError {
    #[cfg(feature = "openapi")]
    pub(crate) const fn of(faults: Vec<String>) -> Self {
        Self { faults }
    }

    /// The faults, one line each.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.join("\n"))
    }
}

impl std::error::Error for RouteError {}
