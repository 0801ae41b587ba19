//! The response to what was found.
//!
//! Here: [`Sending`] (the options), [`ServedFile`], files and redirects. Not here: conditions, ranges and the bytes themselves
//! (`send_file` of hearken-http), listings (`listing/`).

use super::find::{Finding, FoundFile};
use crate::response::ResponseExt;
use hearken_http::message::{EntityTag, SendFile, Validators};
use hearken_http::{Failure, IncomingMessage, OutgoingMessage, Sent, ServerResponse};
use std::fmt;
use std::fs::Metadata;
use std::sync::Arc;
use std::time::Duration;

/// Sets fields of its own.
type SetHeaders = dyn Fn(ServerResponse, &ServedFile<'_>) -> ServerResponse + Send + Sync;

/// How files are sent.
#[derive(Clone)]
pub(crate) struct Sending {
    pub(crate) accept_ranges: bool,
    pub(crate) cache_control: bool,
    pub(crate) max_age: Duration,
    pub(crate) immutable: bool,
    pub(crate) etag: bool,
    pub(crate) last_modified: bool,
    pub(crate) set_headers: Option<Arc<SetHeaders>>,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            accept_ranges: true,
            cache_control: true,
            max_age: Duration::ZERO,
            immutable: false,
            etag: true,
            last_modified: true,
            set_headers: None,
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("cache_control", &self.cache_control)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// A file that is about to be sent: what [`StaticFiles::set_headers`](super::StaticFiles::set_headers) gets.
///
/// ```
/// use hearken::app::{App, StaticFiles};
/// let mut app = App::new();
/// app.with(StaticFiles::new("public").set_headers(|res, file| match file.path().ends_with(".html") {
///     true => res.set("Cache-Control", "no-cache"),
///     false => res.set("X-Bytes", file.metadata().len().to_string()),
/// }));
/// ```
#[derive(Debug)]
pub struct ServedFile<'a> {
    path: &'a str,
    metadata: &'a Metadata,
    coding: Option<&'a str>,
}

impl ServedFile<'_> {
    /// Its path below the root; that of the file itself where a compressed sibling is sent.
    #[must_use]
    pub const fn path(&self) -> &str {
        self.path
    }

    /// Length, times and mode of what is sent.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        self.metadata
    }

    /// The content coding of what is sent: `br`, `zstd` or `gzip`.
    #[must_use]
    pub const fn coding(&self) -> Option<&str> {
        self.coding
    }
}

impl Sending {
    /// Sends a file.
    pub(super) async fn file(
        &self,
        finding: &Finding,
        found: FoundFile,
        res: ServerResponse,
    ) -> Result<Sent, Failure> {
        let served = ServedFile {
            path: &found.path,
            metadata: &found.metadata,
            coding: found.coding,
        };
        let mut res = match &self.set_headers {
            Some(set) => set(res, &served),
            None => res,
        };
        res = self.cached(res, found.is_spa);
        res = nosniff(res).validators(&self.validators_of(&found)?);
        if finding.precompressed {
            res = res.vary("Accept-Encoding");
        }
        if found.is_spa {
            res = res.vary("Accept");
        }
        if let Some(coding) = found.coding {
            res = res.set("Content-Encoding", coding);
        }
        let file = SendFile::from(found.file)
            .named(&found.path)
            .conditional()
            .ranges(self.accept_ranges);
        res.send_file(file).await
    }

    /// Sets Cache-Control, unless there is one.
    fn cached(&self, res: ServerResponse, is_spa: bool) -> ServerResponse {
        if !self.cache_control || res.has_header("cache-control") {
            return res;
        }
        if is_spa {
            return res.set("Cache-Control", "no-cache"); // the file may be there the next time
        }
        let seconds = self.max_age.as_secs().min(AGE_MAX);
        let immutable = if self.immutable { ", immutable" } else { "" };
        res.set(
            "Cache-Control",
            format!("public, max-age={seconds}{immutable}"),
        )
    }

    fn validators_of(&self, found: &FoundFile) -> Result<Validators, Failure> {
        let all = Validators::of_file(&found.metadata);
        let mut chosen = Validators::new();
        if let Some(tag) = all.entity_tag().filter(|_| self.etag) {
            // Two codings of a file may have one time and one length.
            chosen = chosen.etag(match found.coding {
                Some(coding) => {
                    EntityTag::strong(format!("{}-{coding}", tag.to_string().trim_matches('"')))?
                }
                None => tag.clone(),
            });
        }
        if let Some(modified) = all.last_modified().filter(|_| self.last_modified) {
            chosen = chosen.modified(modified);
        }
        Ok(chosen)
    }
}

/// A year: RFC 9111 §1.2.2 knows larger numbers, and no cache needs them.
const AGE_MAX: u64 = 365 * 24 * 60 * 60;

/// Redirects to the same path with a slash at the end. Only a path, so that it leads to no other host.
pub(super) fn redirect_to_directory(req: &IncomingMessage, res: ServerResponse) -> Sent {
    let path = req.path().trim_matches('/');
    let query = match req.raw_query() {
        Some(query) => format!("?{query}"),
        None => String::new(),
    };
    nosniff(res)
        .set("Content-Security-Policy", "default-src 'none'")
        .redirect(301, format!("/{path}/{query}"))
}

/// Browsers must not guess another type than that of the name.
fn nosniff(res: ServerResponse) -> ServerResponse {
    if res.has_header("x-content-type-options") {
        return res;
    }
    res.set("X-Content-Type-Options", "nosniff")
}
