//! Why a request got no response.
//!
//! Here: [`InjectError`]. Not here: responses with an error status, which are responses.

use hearken_proto::Misuse;
use std::fmt;
use std::time::Duration;

/// Why an injected request got no response, or not a whole one. The text says what had been received.
///
/// ```
/// use hearken::Server;
/// use hearken::test::{Request, TestServer};
/// use std::time::Duration;
/// let server = Server::new(async |_req, res| {
///     std::future::pending::<()>().await;
///     res.end("never")
/// });
/// let test = TestServer::new(&server);
/// test.set_patience(Duration::from_millis(10));
/// let error = test.connect().inject(Request::get("/")).unwrap_err();
/// assert!(error.is_waiting(), "{error}");
/// ```
#[derive(Clone)]
pub struct InjectError {
    pub(super) request: String,
    pub(super) why: Why,
    /// What had been received of the response.
    pub(super) received: String,
}

#[derive(Clone, Debug)]
pub(super) enum Why {
    Request(Misuse),
    NotSent(&'static str),
    Waiting(Duration),
    Closed,
    Cut,
    Protocol(hearken_proto::Error),
}

impl InjectError {
    /// Whether the response was not complete and nothing happened any more: the handler waits for an event that does not
    /// come, or for the clock, which only the test moves.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self.why, Why::Waiting(_))
    }

    /// Whether the server closed the connection before the response was complete.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.why, Why::Closed | Why::Cut)
    }

    /// What had been received of the response, as it came.
    #[must_use]
    pub fn received(&self) -> &str {
        &self.received
    }
}

impl fmt::Display for InjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.request;
        match &self.why {
            Why::Request(misuse) => return write!(f, "{request} cannot be sent: {misuse}"),
            Why::NotSent(why) => return write!(f, "{request} was not sent: {why}"),
            Why::Waiting(patience) => write!(
                f,
                "no complete response to {request}: nothing happened for {patience:?}. The handler waits for an event \
                 that does not come, or for the clock: then call `Connection::request`, `TestServer::advance` and \
                 `Connection::response`"
            )?,
            Why::Closed => write!(
                f,
                "no complete response to {request}: the server closed the connection"
            )?,
            Why::Cut => write!(
                f,
                "no complete response to {request}: the server cut the connection"
            )?,
            Why::Protocol(error) => write!(f, "a malformed response to {request}: {error}")?,
        }
        if self.received.is_empty() {
            f.write_str("; received: nothing")
        } else {
            write!(f, "; received: {:?}", self.received)
        }
    }
}

/// The text, as [`fmt::Display`]: this is what `unwrap` prints.
impl fmt::Debug for InjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InjectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Protocol(error) => Some(error),
            _ => None,
        }
    }
}
