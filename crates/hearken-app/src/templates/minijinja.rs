//! Templates in files, by minijinja: the language of Jinja2.

use super::Engine;
use minijinja::value::Serde;
use minijinja::{Environment, path_loader};
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::path::Path;

/// Templates in the files of a directory, in the language of Jinja2: an [`Engine`] for [`App::engine`](crate::App::engine).
///
/// | option | default | Express |
/// |---|---|---|
/// | directory of [`new`](Self::new) | | `views` |
/// | [`ending`](Self::ending) of names without one | `html` | `view engine` |
/// | [`cache`](Self::cache) | in production: `HEARKEN_ENV=production` | `view cache` |
/// | [`environment`](Self::environment): filters, functions, … | those of minijinja | options of the engine |
///
/// - Values in templates whose names end with `.html`, `.htm` or `.xml` are escaped; `{{ value | safe }}` is not.
/// - A name is a path below the directory. One with a segment that begins with a dot, or with a backslash, is not found.
/// - Without the cache a file that has changed is read again. Files are read on the thread of the worker.
///
/// ```no_run
/// use hearken::app::{App, Templates, prelude::*};
/// let mut app = App::new();
/// app.engine(Templates::new("views"));
/// app.local("site", "Example");
/// // views/hello.html: <title>{{ site }}</title><h1>Hello, {{ name }}!</h1>
/// app.get("/hello/:name", async |req, res| {
///     let name: String = req.param("name")?;
///     Ok(res.render("hello", &serde_json::json!({ "name": name })))
/// });
/// ```
pub struct Templates {
    environment: Environment<'static>,
    ending: String,
}

impl Templates {
    /// The templates of a directory. Relative to the directory in which the program was started.
    #[must_use]
    pub fn new(directory: impl AsRef<Path>) -> Self {
        let mut environment = Environment::new();
        environment.set_loader(path_loader(directory));
        environment.set_auto_reload(crate::settings::is_development());
        Self {
            environment,
            ending: "html".to_owned(),
        }
    }

    /// Whether a template that was read is never read again.
    #[must_use]
    pub fn cache(mut self, cache: bool) -> Self {
        self.environment.set_auto_reload(!cache);
        self
    }

    /// Sets the ending that a name without one gets, without its dot.
    #[must_use]
    pub fn ending(mut self, ending: impl Into<String>) -> Self {
        self.ending = ending.into();
        self
    }

    /// Changes the environment of minijinja: adds filters, functions, values.
    ///
    /// ```
    /// use hearken::app::Templates;
    /// let templates = Templates::new("views").environment(|environment| {
    ///     environment.add_filter("shout", |text: String| text.to_uppercase());
    /// });
    /// ```
    #[must_use]
    pub fn environment(mut self, change: impl FnOnce(&mut Environment<'static>)) -> Self {
        change(&mut self.environment);
        self
    }
}

impl Engine for Templates {
    fn render(&self, name: &str, values: &Value) -> Result<String, Box<dyn Error + Send + Sync>> {
        let with_ending;
        let name = match Path::new(name).extension() {
            Some(_) => name,
            None => {
                with_ending = format!("{name}.{}", self.ending);
                &with_ending
            }
        };
        Ok(self.environment.get_template(name)?.render(Serde(values))?)
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates")
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}
