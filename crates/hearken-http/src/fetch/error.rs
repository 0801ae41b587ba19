//! What fetching adds to the ways in which a request can fail, and the questions that find them in an [`Error`].
//!
//! Here: [`StatusError`], and methods of [`Error`]. Not here: the phases of an exchange (`error/failure.rs`).

use super::decode::DecodeError;
use super::redirect::RedirectError;
use super::url::UrlError;
use crate::error::Error;
use http::StatusCode;
use std::fmt;

/// An answer whose status was not wanted.
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

/// What the one-liner adds to it.
impl Error {
    fn is_a<T: std::error::Error + 'static>(&self) -> bool {
        self.source().is_some_and(<dyn std::error::Error>::is::<T>)
    }

    /// Whether redirects were too many, or one could not be followed.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() {
    /// let error = hearken_http::get("http://localhost:3000/loop").await.unwrap_err();
    /// assert!(error.is_redirect());
    /// # }
    /// ```
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        self.is_a::<RedirectError>()
    }

    /// Whether a body was not in the coding that its `Content-Encoding` names, or became too much by it.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        self.is_a::<DecodeError>()
    }

    /// Whether a text was no URL to fetch.
    #[must_use]
    pub fn is_url(&self) -> bool {
        self.is_a::<UrlError>()
    }

    /// The status of an answer that [`error_for_status`](crate::Fetched::error_for_status) made an error of.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() -> Result<(), hearken_http::Error> {
    /// let error = hearken_http::get("http://localhost:3000/none").await?.error_for_status().unwrap_err();
    /// assert_eq!(error.answered().map(|status| status.as_u16()), Some(404));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn answered(&self) -> Option<StatusCode> {
        let error = self.source()?.downcast_ref::<StatusError>()?;
        Some(error.status)
    }
}
