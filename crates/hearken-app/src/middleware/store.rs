//! What the stores of middlewares have in common.

use hearken_http::Failure;
use std::pin::Pin;

/// The result of a store, later: `Box::pin(async move { … })`. It runs on the worker of its request, so it need not be `Send`. Every error
/// becomes a [`Failure`] by `?`.
///
/// ```
/// use hearken::app::StoreFuture;
/// fn load<'a>(path: &'a str) -> StoreFuture<'a, String> {
///     Box::pin(async move { Ok(std::fs::read_to_string(path)?) })
/// }
/// ```
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;
