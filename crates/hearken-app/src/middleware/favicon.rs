//! The icon of a site.
//!
//! Here: [`Favicon`]. Not here: other files.

use super::Middleware;
use crate::next::Next;
use hearken_http::message::{EntityTag, Precondition, Validators, media_type_of};
use hearken_http::server::Handling;
use hearken_http::{Bytes, Failure, IncomingMessage, Sent, ServerResponse};
use std::fmt;
use std::future::ready;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Serves the icon of a site from memory, before what logs or counts requests. npm: `serve-favicon`.
///
/// | option | default |
/// |---|---|
/// | [`max_age`](Self::max_age) | one year, which is also the most |
/// | [`path`](Self::path) | `/favicon.ico` |
/// | [`content_type`](Self::content_type) | by the name of the file; `image/x-icon` for bytes |
///
/// It answers GET and HEAD with an ETag, and 304 to a client that has the icon; OPTIONS with 200 and any other method with 405, both with
/// `Allow: GET, HEAD, OPTIONS`. Other paths go on.
///
/// ```
/// use hearken::app::{App, Favicon};
/// let mut app = App::new();
/// app.with(Favicon::bytes(&b"\0\0\x01\0"[..]));
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct Favicon {
    icon: Bytes,
    validators: Validators,
    path: Arc<str>,
    content_type: Arc<str>,
    cache_control: Arc<str>,
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Favicon {
    /// Reads the icon now.
    ///
    /// # Errors
    /// When the file cannot be read.
    ///
    /// ```no_run
    /// use hearken::app::{App, Favicon};
    /// let mut app = App::new();
    /// app.with(Favicon::file("public/favicon.ico")?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let icon = Self::bytes(std::fs::read(path)?);
        Ok(match media_type_of(path) {
            Some(media_type) => icon.content_type(media_type),
            None => icon,
        })
    }

    /// An icon that is in memory: `include_bytes!("favicon.ico")`.
    pub fn bytes(icon: impl Into<Bytes>) -> Self {
        let icon = icon.into();
        Self {
            validators: Validators::new().etag(EntityTag::of_content(&icon)),
            icon,
            path: "/favicon.ico".into(),
            content_type: "image/x-icon".into(),
            cache_control: cache_control(YEAR),
        }
    }

    /// How long a client may keep the icon, in whole seconds, at most one year.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.cache_control = cache_control(age.min(YEAR));
        self
    }

    /// Serves the icon at another path.
    pub fn path(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    /// The media type of the icon, `image/svg+xml` for example. One that cannot be in a field is answered 500.
    pub fn content_type(mut self, media_type: &str) -> Self {
        self.content_type = media_type.into();
        self
    }

    fn answer(&self, req: &IncomingMessage, res: ServerResponse) -> Sent {
        match req.head().method_bytes() {
            b"GET" | b"HEAD" => {}
            b"OPTIONS" => return res.set("Allow", ALLOW).end(""),
            _ => {
                let failure = Failure::new(405, "expected GET or HEAD");
                return res.fail(failure.with_header("Allow", ALLOW));
            }
        }
        let res = res
            .set("Cache-Control", &*self.cache_control)
            .validators(&self.validators);
        match req.preconditions(&self.validators) {
            Precondition::Met { .. } => res
                .set("Content-Type", &*self.content_type)
                .end(self.icon.clone()),
            unmet => res.end_unmet(unmet),
        }
    }
}

const ALLOW: &str = "GET, HEAD, OPTIONS";

fn cache_control(age: Duration) -> Arc<str> {
    format!("public, max-age={}", age.as_secs()).into()
}

impl Middleware for Favicon {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if req.path() != &*self.path {
            return next.run(req, res);
        }
        Handling::new(ready(self.answer(&req, res)))
    }
}

impl fmt::Debug for Favicon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Favicon")
            .field("path", &self.path)
            .field("bytes", &self.icon.len())
            .finish_non_exhaustive()
    }
}
