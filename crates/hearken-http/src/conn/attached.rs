//! What code around a handler attaches to an exchange: a label of the route, values, a form of failures.
//!
//! Here: [`Attached`]. Its memory is used again by the next exchange. Not here: hooks and filters (`layers.rs`).

use std::any::Any;
use std::rc::Rc;

/// See the module. `F` responds to a failure.
pub(crate) struct Attached<F: ?Sized> {
    /// The label of the route that handles the request.
    pub(crate) route: Option<Rc<str>>,
    /// Values by their types: at most one of each.
    values: Vec<Rc<dyn Any>>,
    /// Responds to a failure in place of the server's own form.
    pub(crate) on_failure: Option<Rc<F>>,
}

impl<F: ?Sized> Default for Attached<F> {
    fn default() -> Self {
        Self {
            route: None,
            values: Vec::new(),
            on_failure: None,
        }
    }
}

impl<F: ?Sized> Attached<F> {
    /// Whether [`clear`](Self::clear) has something to do.
    #[inline]
    pub(crate) const fn is_used(&self) -> bool {
        self.route.is_some() || !self.values.is_empty() || self.on_failure.is_some()
    }

    pub(crate) fn clear(&mut self) {
        self.route = None;
        self.values.clear();
        self.on_failure = None;
    }

    /// Adds a value, and returns the one of its type that it replaces.
    pub(crate) fn insert<T: 'static>(&mut self, value: Rc<T>) -> Option<Rc<dyn Any>> {
        let value: Rc<dyn Any> = value;
        match self.values.iter_mut().find(|known| known.is::<T>()) {
            Some(known) => Some(std::mem::replace(known, value)),
            None => {
                self.values.push(value);
                None
            }
        }
    }

    /// The value of this type.
    pub(crate) fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let known = self.values.iter().find(|known| known.is::<T>())?;
        Rc::clone(known).downcast().ok()
    }
}
