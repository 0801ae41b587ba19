//! What handlers of other routes do with the files beneath a root: send one, open one, choose a name for a new one.

use super::find::{Asked, Found};
use super::name::{Relative, is_hidden, is_legal};
use super::root::Patience;
use super::{Dotfiles, StaticFiles, denied};
use crate::request::RequestExt;
use hearken_http::{Failure, IncomingMessage, Sent, ServerResponse};
use std::fs::File;
use std::io;

impl StaticFiles {
    /// Sends the file with this path below the root, for a handler that chooses it. The path is decoded already, as
    /// [`param`](RequestExt::param) returns it; the same rules hold as for a request. Express: `res.sendFile(path, { root })`.
    ///
    /// ```
    /// use hearken::app::{App, StaticFiles, prelude::*};
    /// let photos = StaticFiles::new("photos");
    /// let mut app = App::new();
    /// app.get("/users/:id/photo", async move |req, res| {
    ///     let id: u64 = req.param("id")?;
    ///     photos.send(&req, res, &format!("{id}.jpg")).await
    /// });
    /// ```
    ///
    /// # Errors
    /// With status 404 when there is no such file, 403 when it must not be read, 500 when it cannot.
    pub async fn send(
        &self,
        req: &IncomingMessage,
        res: ServerResponse,
        path: &str,
    ) -> Result<Sent, Failure> {
        let missing = || Failure::new(404, "expected a file, and found none");
        let relative = Relative::of_decoded(path).ok_or_else(missing)?;
        let finding = &self.inner.finding;
        let mut asked = Asked::new(req, relative, finding);
        asked.page = false; // the handler means this file
        let mut found = finding.find(&asked, Patience::None);
        if matches!(found, Found::Undecided) {
            found = self.find_on_a_thread(asked).await?.1;
        }
        match found {
            Found::File(file) => self.inner.sending.file(finding, *file, res).await,
            Found::Denied => Err(denied()),
            Found::Failed(error) => Err(error.into()),
            Found::Missing | Found::Directory | Found::Listing(_) | Found::Undecided => {
                Err(missing())
            }
        }
    }

    /// As [`send`](Self::send), for a browser to store under a name: `None` is that of the file. Express: `res.download`.
    ///
    /// ```
    /// use hearken::app::{App, StaticFiles, prelude::*};
    /// let reports = StaticFiles::new("reports");
    /// let mut app = App::new();
    /// app.get("/report", async move |req, res| {
    ///     reports.download(&req, res, "2026/q1.pdf", Some("First quarter.pdf")).await
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn download(
        &self,
        req: &IncomingMessage,
        res: ServerResponse,
        path: &str,
        name: Option<&str>,
    ) -> Result<Sent, Failure> {
        let own = path.rsplit('/').next().unwrap_or_default();
        let res = res.attachment(name.unwrap_or(own));
        self.send(req, res, path).await
    }

    /// The path below the root that a request names, decoded once; `None` if no file can have it, or if it is hidden. For handlers of
    /// other methods than GET. Without a slash at the end.
    ///
    /// ```
    /// use hearken::Failure;
    /// use hearken::app::{App, StaticFiles, middleware};
    /// let files = StaticFiles::new("shared");
    /// let mut app = App::new();
    /// app.with(middleware(async move |req, res, next| {
    ///     let path = files.path_of(&req).ok_or_else(|| Failure::new(404, "no file can have this path"))?;
    ///     Ok(next.run(req, res.set("X-Path", path.escape_default().to_string())).await)
    /// }));
    /// ```
    #[must_use]
    pub fn path_of(&self, req: &IncomingMessage) -> Option<String> {
        let relative = Relative::of_request(&req.path()[req.base_url().len()..])?;
        let shown = !relative.hidden || self.shows_hidden();
        shown.then_some(relative.path)
    }

    /// Whether a file of this name would be served: it is one segment, no form of Windows, and not hidden. For the names that clients
    /// give to uploads.
    ///
    /// ```
    /// use hearken::app::StaticFiles;
    /// let files = StaticFiles::new("shared");
    /// assert!(files.serves_name("report.pdf"));
    /// for name in ["../report.pdf", ".env", "a/b", "nul.txt", ""] {
    ///     assert!(!files.serves_name(name));
    /// }
    /// ```
    #[must_use]
    pub fn serves_name(&self, name: &str) -> bool {
        is_legal(name) && (!is_hidden(name) || self.shows_hidden())
    }

    /// Opens a file of any kind, or a directory, beneath the root, by the rules of requests. The empty path is the root. Waits for the
    /// disk: call it on another thread than a worker.
    ///
    /// # Errors
    /// When there is none, or none that is served.
    pub fn open(&self, path: &str) -> io::Result<File> {
        let relative = Relative::of_decoded(path);
        let shown = relative.filter(|relative| !relative.hidden || self.shows_hidden());
        let relative = shown.ok_or(io::ErrorKind::NotFound)?;
        let root = self.inner.finding.root.open(Patience::Some)?;
        Ok(root.file(&relative.path)?)
    }

    fn shows_hidden(&self) -> bool {
        self.inner.finding.dotfiles == Dotfiles::Allow
    }
}
