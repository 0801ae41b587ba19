//! Values for templates, by their names.
//!
//! Here: [`Locals`], those of one exchange. Not here: those of an application (`app.rs`), merging them (`templates.rs`), values that
//! handlers share by their types (`state.rs`).

use hearken_http::ServerResponse;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// Values by their names, for the template of one response: [`ResponseExt::locals`](crate::ResponseExt::locals).
///
/// Values that handlers pass to each other are better typed: [`ServerResponse::extend`].
///
/// ```
/// use hearken::app::{App, prelude::*};
/// let mut app = App::new();
/// app.get("/", async |_req, res| {
///     let locals = res.locals();
///     locals.set("items", ["a", "b"]);
///     let count = locals.get::<Vec<String>>("items").map_or(0, |items| items.len());
///     res.send(count.to_string())
/// });
/// ```
#[derive(Debug, Default)]
pub struct Locals {
    values: RefCell<Map<String, Value>>,
}

impl Locals {
    /// Those of the exchange of a response.
    pub(crate) fn of(res: &ServerResponse) -> Rc<Self> {
        res.extension().unwrap_or_else(|| {
            let locals = Rc::<Self>::default();
            res.attach(Rc::clone(&locals));
            locals
        })
    }

    /// Sets a value in place of one with this name.
    ///
    /// # Panics
    /// When the value has no JSON form.
    #[track_caller]
    pub fn set(&self, name: impl Into<String>, value: impl Serialize) {
        let value = json_of(value);
        self.values.borrow_mut().insert(name.into(), value);
    }

    /// The value with this name as a `T`. `None` if there is none, or it is no `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let value = self.values.borrow().get(name).cloned()?;
        serde_json::from_value(value).ok()
    }

    /// Removes a value; returns whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        self.values.borrow_mut().remove(name).is_some()
    }

    /// Adds the values to a list, in place of those with the same names.
    pub(crate) fn add_to(&self, all: &mut Map<String, Value>) {
        let values = self.values.borrow();
        all.extend(
            values
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
}

/// A value of the program as JSON.
#[track_caller]
pub(crate) fn json_of(value: impl Serialize) -> Value {
    serde_json::to_value(value)
        .unwrap_or_else(|error| panic!("expected a value with a JSON form: {error}"))
}
