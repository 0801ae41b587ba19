//! What an application shares with its handlers, by its type.
//!
//! Here: [`State`], [`States`].

use std::any::{Any, TypeId};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A value that the application shares with its handlers: set by [`App::state`](crate::App::state), read by
/// [`req.state::<T>()`](crate::RequestExt::state).
///
/// ```
/// use hearken::app::{App, prelude::*};
/// use std::sync::atomic::{AtomicU64, Ordering};
/// #[derive(Default)]
/// struct Visits(AtomicU64);
/// let mut app = App::new();
/// app.state(Visits::default());
/// app.get("/", async |req, res| {
///     let visits: State<Visits> = req.state();
///     res.end(format!("{}", visits.0.fetch_add(1, Ordering::Relaxed)))
/// });
/// ```
pub struct State<T: ?Sized>(pub(crate) Arc<T>);

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Values by their types.
#[derive(Clone, Default)]
pub(crate) struct States(Vec<(TypeId, Arc<dyn Any + Send + Sync>)>);

impl States {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.retain(|(known, _)| *known != TypeId::of::<T>());
        self.0.push((TypeId::of::<T>(), Arc::new(value)));
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<State<T>> {
        let (_, value) = self
            .0
            .iter()
            .find(|(known, _)| *known == TypeId::of::<T>())?;
        Arc::clone(value).downcast().ok().map(State)
    }
}
