//! What the tests share.

use hearken::app::App;
use hearken::test::{Request, Response};

/// The response to one request.
pub(crate) fn ask(app: &App, request: Request) -> Response {
    app.inject(request)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Its status and content.
pub(crate) fn text(app: &App, path: &str) -> String {
    let response = ask(app, Request::get(path));
    format!(
        "{} {}",
        response.status().as_u16(),
        response.text().trim_end()
    )
}

/// A directory of its own for one test, removed at its end.
pub(crate) struct Tree(std::path::PathBuf);

impl Tree {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("hearken-app-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path.canonicalize().expect("it exists"))
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }

    /// Writes a file, and makes its directories.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect(name);
        std::fs::write(path, text).expect(name);
    }

    pub(crate) fn link(&self, target: &str, name: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).expect(name);
    }

    /// Sets the time of the last change, in seconds since 1970.
    pub(crate) fn set_modified(&self, name: &str, seconds: u64) {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let file = std::fs::File::open(self.path(name)).expect(name);
        file.set_modified(time).expect(name);
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
