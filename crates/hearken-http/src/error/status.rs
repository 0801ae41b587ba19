//! A status code as an argument.
//!
//! Here: [`Status`].

use http::StatusCode;

/// A status code, as an argument: a number or a [`StatusCode`].
///
/// ```
/// use hearken_http::{Server, StatusCode};
/// let server = Server::new(async |req, res| match req.path() {
///     "/old" => res.status(301).set("Location", "/new").end(""),
///     _ => res.status(StatusCode::NOT_FOUND).end("no such page\n"),
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub(crate) u16);

impl From<u16> for Status {
    fn from(status: u16) -> Self {
        Self(status)
    }
}

impl From<StatusCode> for Status {
    fn from(status: StatusCode) -> Self {
        Self(status.as_u16())
    }
}

impl Status {
    /// The status of an error: from 400 to 599; 500 for any other number.
    pub(super) fn of_error(self) -> StatusCode {
        StatusCode::from_u16(self.0)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
