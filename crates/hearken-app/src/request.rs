//! What an application adds to a request.
//!
//! Here: [`RequestExt`]. Not here: what every request has (hearken-http).

use crate::next::Chain;
use crate::state::State;
use hearken_http::{Failure, IncomingMessage};
use std::any::type_name;
use std::fmt::Display;
use std::rc::Rc;
use std::str::FromStr;

mod sealed {
    #[expect(
        unnameable_types,
        reason = "nothing else implements the trait around it"
    )]
    pub trait Sealed {}
    impl Sealed for hearken_http::IncomingMessage {}
}

/// What an application adds to a request: parameters of the path, shared values, where it is mounted.
///
/// ```
/// use hearken::app::{App, prelude::*};
/// let mut app = App::new();
/// app.get("/users/:id", async |req, res| {
///     let id: u64 = req.param("id")?;
///     Ok(res.end(format!("user {id}")))
/// });
/// ```
pub trait RequestExt: sealed::Sealed {
    /// The parameter of the path with this name, percent-decoded once, as a `T`. That of a wildcard has its slashes.
    ///
    /// # Errors
    /// With status 400 when it does not parse as a `T`; with 500 when the pattern has no such name, or the group that has it is not
    /// in the path: then use [`param_opt`](Self::param_opt).
    fn param<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Failure>;

    /// As [`param`](Self::param); `None` when it is not in the path.
    ///
    /// # Errors
    /// With status 400 when it does not parse as a `T`.
    fn param_opt<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Failure>;

    /// The segments of a wildcard, each percent-decoded. Empty when it is not in the path.
    fn param_list(&self, name: &str) -> Vec<String>;

    /// All parameters of the path, in the order of the pattern.
    fn params(&self) -> Vec<(String, String)>;

    /// The value of this type that the application shares: [`App::state`](crate::App::state).
    ///
    /// # Panics
    /// When there is none; the text names the type.
    fn state<T: Send + Sync + 'static>(&self) -> State<T>;

    /// The part of the path at which the router of the present handler is mounted, as it came; empty outside of a mounted router.
    ///
    /// Express: `req.baseUrl`.
    fn base_url(&self) -> &str;

    /// The part of the path behind [`base_url`](Self::base_url). It begins with a slash. [`path`](IncomingMessage::path) is the whole
    /// path.
    ///
    /// Express: `req.path`.
    fn path_in_router(&self) -> &str;
}

impl RequestExt for IncomingMessage {
    fn param<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Failure> {
        self.param_opt(name)?.ok_or_else(|| {
            let route = self.route();
            let pattern = route.as_deref().unwrap_or("of this handler");
            Failure::new(
                500,
                format!("the path has no parameter {name:?}: the pattern is {pattern}"),
            )
        })
    }

    fn param_opt<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Failure> {
        let read = |value: &str| {
            value.parse().map_err(|error: T::Err| {
                let text = format!("the parameter {name:?} of the path, {value:?}: {error}");
                Failure::new(400, text).with_code("param.invalid")
            })
        };
        let chain = chain(self);
        chain
            .and_then(|chain| chain.read(name, self, read))
            .transpose()
    }

    fn param_list(&self, name: &str) -> Vec<String> {
        let segments = chain(self).and_then(|chain| chain.segments(name, self));
        segments.unwrap_or_default()
    }

    fn params(&self) -> Vec<(String, String)> {
        let Some(chain) = chain(self) else {
            return Vec::new();
        };
        let names = chain.names();
        let pairs = names.into_iter().filter_map(|name| {
            let value = chain.value(&name, self)?;
            Some((name, value))
        });
        pairs.collect()
    }

    fn state<T: Send + Sync + 'static>(&self) -> State<T> {
        let found = chain(self).and_then(|chain| chain.app.shared.states.get());
        found.unwrap_or_else(|| {
            let name = type_name::<T>();
            panic!("expected a shared value of type {name}: add it by `app.state(…)`")
        })
    }

    fn base_url(&self) -> &str {
        let end = chain(self).map_or(0, |chain| chain.mounted(self));
        &self.path()[..end]
    }

    fn path_in_router(&self) -> &str {
        let rest = &self.path()[self.base_url().len()..];
        if rest.is_empty() { "/" } else { rest }
    }
}

pub(crate) fn chain(req: &IncomingMessage) -> Option<Rc<Chain>> {
    req.extension()
}
