//! Errors that only fetching has, and the questions of [`Error`] about them.
//!
//! Here: [`StatusError`], and methods of [`Error`]. Not here: the phases of an exchange (`error/client.rs`).

use super::redirect::RedirectError;
use super::url::UrlError;
use crate::error::Error;
use crate::message::decode::DecodeError;
use http::StatusCode;
use std::fmt;

/// A status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StatusError {
    pub(super) status: StatusCode,
    pub(super) url: String,
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.url, self.status)
    }
}

impl std::error::Error for StatusError {}

impl Error {
    fn is_a<T: std::error::Error + 'static>(&self) -> bool {
        self.get_ref().is_some_and(|error| error.is::<T>())
    }

    /// Whether there were too many redirects, or one could not be followed.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() {
    /// let error = hearken::get("http://localhost:3000/loop").await.unwrap_err();
    /// assert!(error.is_redirect());
    /// # }
    /// ```
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        self.is_a::<RedirectError>()
    }

    /// Whether a body could not be decoded by its `Content-Encoding`, or became too large.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        self.is_a::<DecodeError>()
    }

    /// Whether a text was not a URL of http or https.
    #[must_use]
    pub fn is_url(&self) -> bool {
        self.is_a::<UrlError>()
    }

    /// The status that [`error_for_status`](crate::Fetched::error_for_status) turned into this error.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
    /// let error = hearken::get("http://localhost:3000/none").await?.error_for_status().unwrap_err();
    /// assert_eq!(error.answered().map(|status| status.as_u16()), Some(404));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn answered(&self) -> Option<StatusCode> {
        let error = self.get_ref()?.downcast_ref::<StatusError>()?;
        Some(error.status)
    }
}
