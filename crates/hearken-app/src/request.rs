//! What an application adds to a request.
//!
//! Here: [`RequestExt`]. Not here: what every request has (hearken-http).

use crate::bodies::RawBody;
use crate::next::Chain;
use crate::state::State;
use hearken_http::{Bytes, Failure, IncomingMessage};
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

    /// The body as it came, without its Content-Encoding and in its own charset, if [`Bodies`](crate::Bodies) has read it. As often as
    /// it is asked for: for the signature of a webhook, for example. Without `Bodies` there is `req.peek_bytes`.
    ///
    /// Express: what `verify` of `body-parser` gets.
    fn raw_body(&self) -> Option<Bytes>;

    /// Collects the body and parses it as a form with nested names: `a[b]=1`, `a[]=1&a[]=2`, `a[0][b]=1`. At most 32 levels deep.
    /// Feature `nested-forms`.
    ///
    /// Express: `urlencoded({ extended: true })`.
    ///
    /// ```
    /// use hearken::app::{App, prelude::*};
    /// #[derive(serde::Deserialize)]
    /// struct Order { items: Vec<Item> }
    /// #[derive(serde::Deserialize)]
    /// struct Item { name: String, count: u32 }
    /// let mut app = App::new();
    /// app.post("/orders", async |mut req, res| {
    ///     let order: Order = req.nested_form().await?; // items[0][name]=tea&items[0][count]=2
    ///     Ok(res.end(format!("{} items", order.items.len())))
    /// });
    /// ```
    ///
    /// # Errors
    /// As `req.form()`; with status 400 and the code `querystring.parse.rangeError` when a name is nested deeper.
    #[cfg(feature = "nested-forms")]
    fn nested_form<T: serde::de::DeserializeOwned>(
        &mut self,
    ) -> impl Future<Output = Result<T, Failure>>;

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
        let Some(value) = chain(self).and_then(|chain| chain.value(name, self)) else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|error: T::Err| {
            let text = format!("the parameter {name:?} of the path, {value:?}: {error}");
            Failure::new(400, text).with_code("param.invalid")
        })
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

    fn raw_body(&self) -> Option<Bytes> {
        let kept = self.extension::<RawBody>()?;
        Some(kept.0.clone())
    }

    #[cfg(feature = "nested-forms")]
    async fn nested_form<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let (mut max, mut fields_max) = (0, 0);
        self.limits(|limits| {
            let body = &limits.body;
            (max, fields_max) = (body.buffered_bytes_max, body.form_fields_max);
        });
        let content = self.bytes_up_to(max).await?;
        crate::bodies::nested(&content, fields_max)
    }

    fn path_in_router(&self) -> &str {
        let rest = &self.path()[self.base_url().len()..];
        if rest.is_empty() { "/" } else { rest }
    }
}

pub(crate) fn chain(req: &IncomingMessage) -> Option<Rc<Chain>> {
    req.extension()
}
