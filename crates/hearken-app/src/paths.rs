//! One or several patterns, as users give them.

/// One or several patterns as text: `"/users"`, `["/users", "/people"]`. A text that is not a pattern is an error at start, with the
/// place in the source: see [`App::server`](crate::App::server).
///
/// ```
/// use hearken::app::App;
/// let mut app = App::new();
/// app.get(["/about", "/imprint"], async |_req, res| res.end("it is us"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths(pub(crate) Vec<String>);

impl From<&str> for Paths {
    fn from(path: &str) -> Self {
        Self(vec![path.to_owned()])
    }
}

impl From<String> for Paths {
    fn from(path: String) -> Self {
        Self(vec![path])
    }
}

impl From<&String> for Paths {
    fn from(path: &String) -> Self {
        Self(vec![path.clone()])
    }
}

impl<const N: usize> From<[&str; N]> for Paths {
    fn from(paths: [&str; N]) -> Self {
        Self(paths.map(str::to_owned).into())
    }
}

impl From<&[&str]> for Paths {
    fn from(paths: &[&str]) -> Self {
        Self(paths.iter().map(|&path| path.to_owned()).collect())
    }
}

impl From<Vec<String>> for Paths {
    fn from(paths: Vec<String>) -> Self {
        Self(paths)
    }
}
