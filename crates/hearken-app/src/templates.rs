//! Templates: the seam for any engine, and rendering by it.
//!
//! Here: [`Engine`], [`render`]. Not here: the engine that comes with the feature `templates` (`templates/minijinja.rs`).

#[cfg(feature = "templates")]
mod minijinja;

#[cfg(feature = "templates")]
pub use self::minijinja::Templates;

use crate::locals::Locals;
use crate::request::chain_of;
use crate::response::{has_type, send_typed};
use hearken_http::message::media_type_of;
use hearken_http::{Failure, Sent, ServerResponse};
use serde::Serialize;
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Makes a text of a template and values: what [`App::engine`](crate::App::engine) takes. Implemented for functions; `Templates`
/// (feature `templates`) is one for files.
///
/// It runs on the thread of the worker: an engine that waits for files should keep what it has read. What it puts into HTML it must
/// escape.
///
/// ```
/// use hearken::app::{App, Engine};
/// use serde_json::Value;
/// use std::error::Error;
///
/// /// Templates that are part of the program: `{name}` stands for a value.
/// struct Builtin;
/// impl Engine for Builtin {
///     fn render(&self, name: &str, values: &Value) -> Result<String, Box<dyn Error + Send + Sync>> {
///         match name {
///             "hello.txt" => Ok("Hello, {name}!".replace("{name}", values["name"].as_str().unwrap_or("you"))),
///             _ => Err(format!("expected the template hello.txt, not {name:?}").into()),
///         }
///     }
/// }
/// let mut app = App::new();
/// app.engine(Builtin);
/// assert_eq!(app.render("hello.txt", &serde_json::json!({ "name": "Ada" }))?, "Hello, Ada!");
/// # Ok::<(), hearken::Failure>(())
/// ```
pub trait Engine: Send + Sync + 'static {
    /// The text of a template with values, which are an object.
    ///
    /// # Errors
    /// When there is no such template, or it cannot be rendered. The client gets a 500 without the reason.
    fn render(&self, name: &str, values: &Value) -> Result<String, Box<dyn Error + Send + Sync>>;
}

impl<F> Engine for F
where
    F: Fn(&str, &Value) -> Result<String, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
{
    fn render(&self, name: &str, values: &Value) -> Result<String, Box<dyn Error + Send + Sync>> {
        self(name, values)
    }
}

/// The engine of an application, and its values for all templates.
#[derive(Clone, Default)]
pub(crate) struct Views {
    pub(crate) engine: Option<Arc<dyn Engine>>,
    pub(crate) locals: Map<String, Value>,
}

impl Views {
    /// A template with the values of the application, of the exchange and of the call: of equal names the last counts.
    pub(crate) fn render<T: Serialize + ?Sized>(
        &self,
        name: &str,
        locals: Option<&Locals>,
        values: &T,
    ) -> Result<String, Failure> {
        let Some(engine) = &self.engine else {
            let text = "expected a template engine: add one by `app.engine(…)`";
            return Err(Failure::new(500, text));
        };
        let mut all = self.locals.clone();
        if let Some(locals) = locals {
            locals.add_to(&mut all);
        }
        match serde_json::to_value(values)? {
            Value::Object(values) => all.extend(values),
            Value::Null => {}
            other => {
                let text = format!(
                    "expected a struct or a map as values of the template {name:?}, not {other}"
                );
                return Err(Failure::new(500, text));
            }
        }
        engine.render(name, &Value::Object(all)).map_err(|error| {
            Failure::new(500, format!("the template {name:?} cannot be rendered")).caused_by(error)
        })
    }
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views")
            .field("engine", &self.engine.is_some())
            .field("locals", &self.locals)
            .finish()
    }
}

/// See [`ResponseExt::render`](crate::ResponseExt::render).
pub(crate) fn render<T: Serialize + ?Sized>(res: ServerResponse, name: &str, values: &T) -> Sent {
    let chain = chain_of(&res);
    let none = Views::default();
    let views = chain
        .as_ref()
        .map_or(&none, |chain| &chain.app.shared.views);
    let locals = res.extension::<Locals>();
    let text = match views.render(name, locals.as_deref(), values) {
        Ok(text) => text,
        Err(failure) => return res.fail(failure),
    };
    let typed = has_type(&res);
    let media_type = media_type_of(name).unwrap_or("text/html; charset=utf-8");
    let res = match typed {
        true => res,
        false => res.set("Content-Type", media_type),
    };
    send_typed(res, text.into())
}
