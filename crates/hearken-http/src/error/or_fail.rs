//! A status for what is missing or has failed.
//!
//! Here: [`OrFail`]. Not here: the failure (`failure.rs`).

use super::{Failure, Status};
use std::borrow::Cow;
use std::error::Error as StdError;

/// Makes a [`Failure`] with a status of a `None` or of an error: `Option` and `Result` have it.
///
/// `?` alone makes a 500 of most errors, since a handler does not mean to fail. This says what the client is to get instead.
///
/// ```
/// use hearken::error::OrFail;
/// use hearken::{Json, Server};
/// let notes = [(1, "milk"), (2, "eggs")];
/// let server = Server::new(async move |req, _res| {
///     let id: u32 = req.path()[1..].parse().or_fail(400, "expected the number of a note")?;
///     let (_, text) = notes.iter().find(|(own, _)| *own == id).or_fail(404, "no such note")?;
///     Ok(Json(*text))
/// });
/// ```
pub trait OrFail<T>: Sized {
    /// The value; without one a failure with this status, and with this text for the client if the status is below 500. An error is
    /// kept as the [`source`](Failure::source), for the log.
    ///
    /// # Errors
    /// When there is no value.
    fn or_fail(
        self,
        status: impl Into<Status>,
        message: impl Into<Cow<'static, str>>,
    ) -> Result<T, Failure>;
}

impl<T> OrFail<T> for Option<T> {
    fn or_fail(
        self,
        status: impl Into<Status>,
        message: impl Into<Cow<'static, str>>,
    ) -> Result<T, Failure> {
        self.ok_or_else(|| Failure::new(status, message))
    }
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> OrFail<T> for Result<T, E> {
    fn or_fail(
        self,
        status: impl Into<Status>,
        message: impl Into<Cow<'static, str>>,
    ) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(status, message).caused_by(error))
    }
}
