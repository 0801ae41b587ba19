//! Files of a directory as responses: Express's `static`, with what nginx and file servers add.
//!
//! Here: [`StaticFiles`], its options and the decision what happens. Not here: which paths are rejected (`name.rs`), opening beneath the
//! root (`root.rs`), finding (`find.rs`), listings (`listing/`), the response (`respond.rs`), what handlers of other routes call (`handlers.rs`).

mod find;
mod handlers;
mod listing;
mod name;
mod respond;
mod root;

pub use find::Dotfiles;
pub use listing::DirectoryListing;
pub use respond::ServedFile;
pub use root::Symlinks;

use crate::middleware::Middleware;
use crate::next::Next;
use crate::request::RequestExt;
use find::{Asked, Finding, Found};
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, Sent, ServerResponse};
use respond::Sending;
use root::{Patience, Root};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Serves the files of a directory, the root. Express's `express.static`, the package serve-static, with compressed siblings, listings
/// and a page for applications of one page.
///
/// ```no_run
/// use hearken::app::{App, StaticFiles};
/// use std::time::Duration;
///
/// let mut app = App::new();
/// app.with_at("/assets", StaticFiles::new("dist/assets").max_age(Duration::from_secs(31_536_000)).immutable(true));
/// app.with(StaticFiles::new("dist").precompressed(true).spa("index.html"));
/// app.listen("127.0.0.1:3000")?.run()?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
///
/// GET and HEAD are answered: preconditions, ranges, HEAD, types by name; on Linux the kernel sends the bytes (`sendfile`). What a file
/// is, is decided by the open file: only regular files are sent.
///
/// | option | serve-static | default | |
/// |---|---|---|---|
/// | [`accept_ranges`](Self::accept_ranges) | `acceptRanges` | true | Range is answered, at most 16 ranges |
/// | [`cache_control`](Self::cache_control) | `cacheControl` | true | `Cache-Control: public, max-age=…` |
/// | [`dotfiles`](Self::dotfiles) | `dotfiles` | ignore | `.env`, `.git`, and copies as `x~`, `x.bak` |
/// | [`etag`](Self::etag) | `etag` | true | a strong one, of time and length |
/// | [`extensions`](Self::extensions) | `extensions` | none | tried when there is no file: `/about` is `about.html` |
/// | [`fallthrough`](Self::fallthrough) | `fallthrough` | true | what is not there goes on to the next handler; otherwise 404, 405 |
/// | [`immutable`](Self::immutable) | `immutable` | false | adds `immutable` to Cache-Control |
/// | [`index`](Self::index) | `index` | `index.html` | the file of a directory |
/// | [`last_modified`](Self::last_modified) | `lastModified` | true | |
/// | [`max_age`](Self::max_age) | `maxAge` | 0 | at most a year |
/// | [`redirect`](Self::redirect) | `redirect` | true | a directory without a slash at the end: 301 |
/// | [`set_headers`](Self::set_headers) | `setHeaders` | none | |
/// | [`listing`](Self::listing) | | none | of directories without an index |
/// | [`precompressed`](Self::precompressed) | | false | `x.js.br`, `.zst`, `.gz` in place of `x.js` |
/// | [`spa`](Self::spa) | | none | a page in place of a file that is not there |
/// | [`symlinks`](Self::symlinks) | | inside | which links are followed |
///
/// **Paths.** A path is decoded once. These name no file, on every system: `.` and `..`, empty segments, NUL and other control
/// characters, backslashes and colons, `%2F` and `%5C`, names that end with a dot or a space, names of Windows devices (`con`, `nul.txt`)
/// and its short names (`PROGRA~1`). A file is opened beneath the root by the kernel (`openat2`), or segment by segment where
/// that is not there, so that neither a link nor a rename meanwhile leads out.
///
/// **Threads.** A worker opens what the kernel has in memory; when a disk must be waited for, and for listings, another thread does it.
///
/// The root is opened for each request: it may be replaced while the server runs. A relative path counts from the present directory of
/// the time of [`new`](Self::new).
#[derive(Clone, Debug)]
pub struct StaticFiles {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    finding: Finding,
    sending: Sending,
    fallthrough: bool,
    redirect: bool,
}

impl StaticFiles {
    /// Serves the files beneath this directory. One that is not there is logged; it may come later.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let path = std::path::absolute(&root).unwrap_or(root);
        if !path.is_dir() {
            tracing::warn!(
                "expected a directory to serve files from, and {} is none",
                path.display()
            );
        }
        Self {
            inner: Arc::new(Inner {
                finding: Finding {
                    root: Root {
                        path,
                        symlinks: Symlinks::default(),
                    },
                    dotfiles: Dotfiles::default(),
                    index: vec!["index.html".to_owned()],
                    extensions: Vec::new(),
                    precompressed: false,
                    listing: None,
                    spa: None,
                },
                sending: Sending::default(),
                fallthrough: true,
                redirect: true,
            }),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Whether the Range field is answered. Default true.
    #[must_use]
    pub fn accept_ranges(self, accept: bool) -> Self {
        self.change(|inner| inner.sending.accept_ranges = accept)
    }

    /// Whether Cache-Control is set. Default true. One that is set already is kept.
    #[must_use]
    pub fn cache_control(self, set: bool) -> Self {
        self.change(|inner| inner.sending.cache_control = set)
    }

    /// What is done with hidden files. Default: as if there were none.
    #[must_use]
    pub fn dotfiles(self, dotfiles: Dotfiles) -> Self {
        self.change(|inner| inner.finding.dotfiles = dotfiles)
    }

    /// Whether ETag is set. Default true: of the time of the last change, the length and the coding.
    #[must_use]
    pub fn etag(self, set: bool) -> Self {
        self.change(|inner| inner.sending.etag = set)
    }

    /// Endings that are tried, in this order, when there is no file, and the name has no ending. Default none.
    ///
    /// ```
    /// use hearken::app::StaticFiles;
    /// let files = StaticFiles::new("public").extensions(["html", "htm"]); // `/about` is `about.html`
    /// ```
    #[must_use]
    pub fn extensions<S: Into<String>>(self, extensions: impl IntoIterator<Item = S>) -> Self {
        let extensions = extensions.into_iter().map(Into::into).collect();
        self.change(|inner| inner.finding.extensions = extensions)
    }

    /// Whether what is not there, and what is neither GET nor HEAD, goes on to the next handler. Default true; otherwise it is
    /// answered 404 and 405.
    #[must_use]
    pub fn fallthrough(self, fallthrough: bool) -> Self {
        self.change(|inner| inner.fallthrough = fallthrough)
    }

    /// Whether Cache-Control says that a file never changes under its name. Default false.
    #[must_use]
    pub fn immutable(self, immutable: bool) -> Self {
        self.change(|inner| inner.sending.immutable = immutable)
    }

    /// The files that answer for a directory: the first that is there. Default `index.html`; an empty list for none.
    ///
    /// ```
    /// use hearken::app::StaticFiles;
    /// let none: [&str; 0] = [];
    /// let files = StaticFiles::new("public").index(none);
    /// ```
    #[must_use]
    pub fn index<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.change(|inner| inner.finding.index = names)
    }

    /// Whether Last-Modified is set. Default true.
    #[must_use]
    pub fn last_modified(self, set: bool) -> Self {
        self.change(|inner| inner.sending.last_modified = set)
    }

    /// How long caches may keep a file without asking, at most a year. Default 0: they ask each time.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        self.change(|inner| inner.sending.max_age = age)
    }

    /// Whether a directory is redirected to its path with a slash at the end. Default true; otherwise it is not there.
    #[must_use]
    pub fn redirect(self, redirect: bool) -> Self {
        self.change(|inner| inner.redirect = redirect)
    }

    /// Sets fields before a file is sent. A field that it sets is kept. The second call replaces the first.
    #[must_use]
    pub fn set_headers(
        self,
        set: impl Fn(ServerResponse, &ServedFile<'_>) -> ServerResponse + Send + Sync + 'static,
    ) -> Self {
        self.change(|inner| inner.sending.set_headers = Some(Arc::new(set)))
    }

    /// Lists directories that have no index. Default: they are not there.
    #[must_use]
    pub fn listing(self, listing: DirectoryListing) -> Self {
        self.change(|inner| inner.finding.listing = Some(listing))
    }

    /// Whether a compressed sibling is sent to a client that prefers its coding: `app.js.br`, `app.js.zst` or `app.js.gz` beside
    /// `app.js`. Default false. Every response then has `Vary: Accept-Encoding`, and each coding has an ETag of its own. A sibling
    /// older than its file is sent too: build both.
    #[must_use]
    pub fn precompressed(self, precompressed: bool) -> Self {
        self.change(|inner| inner.finding.precompressed = precompressed)
    }

    /// A file of the root that is sent with status 200 in place of one that is not there, for applications whose pages are made in
    /// the browser. Only for clients that accept HTML, and for names without an ending of a known type, so that a missing script is
    /// not answered with a page. It has `Cache-Control: no-cache`. Default none.
    #[must_use]
    pub fn spa(self, page: impl Into<String>) -> Self {
        let page = page.into();
        self.change(|inner| inner.finding.spa = Some(page.trim_start_matches('/').to_owned()))
    }

    /// Which symbolic links are followed. Default: those that stay inside of the root.
    #[must_use]
    pub fn symlinks(self, symlinks: Symlinks) -> Self {
        self.change(|inner| inner.finding.root.symlinks = symlinks)
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.finding.root.path
    }

    /// Waits for the disk beside the worker.
    async fn find_on_a_thread(&self, asked: Asked) -> Result<(Asked, Found), Failure> {
        let inner = Arc::clone(&self.inner);
        let find = move || {
            let found = inner.finding.find(&asked, Patience::Some);
            (asked, found)
        };
        Ok(tokio::task::spawn_blocking(find).await?)
    }

    /// Answers by what was found, or passes the request on.
    async fn conclude(
        &self,
        (asked, found): (&Asked, Found),
        (req, res, next): (IncomingMessage, ServerResponse, Next),
    ) -> Sent {
        let inner = &*self.inner;
        match found {
            Found::File(file) => {
                let again = res.again();
                let sent = inner.sending.file(&inner.finding, *file, res).await;
                sent.unwrap_or_else(|failure| again.fail(failure))
            }
            Found::Directory if inner.redirect => respond::redirect_to_directory(&req, res),
            Found::Listing(entries) => {
                let listing = inner.finding.listing.clone().unwrap_or_default();
                entries.respond(&req, res, asked, &listing)
            }
            Found::Missing | Found::Directory | Found::Undecided => {
                self.pass_on(req, res, next).await
            }
            Found::Denied => res.fail(denied()),
            Found::Failed(error) => res.fail(error),
        }
    }

    fn pass_on(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if self.inner.fallthrough {
            return next.run(req, res);
        }
        let text = format!("Cannot {} {}", req.method(), req.path());
        done(res.fail(Failure::new(404, text)))
    }
}

impl Middleware for StaticFiles {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if !matches!(req.head().method_bytes(), b"GET" | b"HEAD") {
            if self.inner.fallthrough {
                return next.run(req, res);
            }
            let text = format!(
                "Cannot {} {}: expected GET or HEAD",
                req.method(),
                req.path()
            );
            return done(res.fail(Failure::new(405, text).with_header("Allow", "GET, HEAD")));
        }
        let finding = &self.inner.finding;
        let path = &req.path()[req.base_url().len()..];
        let Some(asked) = Asked::of(&req, path, finding) else {
            return self.pass_on(req, res, next);
        };
        let found = finding.find(&asked, Patience::None);
        if matches!(found, Found::Missing) {
            return self.pass_on(req, res, next);
        }
        let files = self.clone();
        Handling::new(async move {
            if !matches!(found, Found::Undecided) {
                return files.conclude((&asked, found), (req, res, next)).await;
            }
            match files.find_on_a_thread(asked).await {
                Ok((asked, found)) => files.conclude((&asked, found), (req, res, next)).await,
                Err(failure) => res.fail(failure),
            }
        })
    }
}

fn done(sent: Sent) -> Handling {
    Handling::new(std::future::ready(sent))
}

fn denied() -> Failure {
    Failure::new(403, "this file is not served")
}
