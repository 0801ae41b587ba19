//! How large a request body may be.
//!
//! Here: [`BodyLimit`]. Not here: what counts the bytes (hearken-http, [`IncomingMessage::limit_body`]), times and rates of bodies
//! (`limits.time`).

use super::Middleware;
use crate::next::Next;
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use std::future::ready;

/// Bounds the bodies of requests: more is answered 413 with the code `entity.too.large`. Express: the option `limit` of each parser.
///
/// Without it a body that is collected is bounded at 2 MiB, and a streamed one is not. A Content-Length above the bound is rejected
/// before the handler runs, so that a client that waits for `100 Continue` does not send the body; a chunked body is cut where it passes
/// the bound. A later `BodyLimit`, of a route for example, replaces the bound, but what was rejected before stays rejected: the larger one
/// belongs before the smaller one, or each to its own routes.
///
/// ```
/// use hearken::app::{App, BodyLimit};
/// let mut app = App::new();
/// app.route("/upload")
///     .with(BodyLimit::new(100 * 1024 * 1024))
///     .post(async |mut req, res| Ok(res.end(format!("{} bytes", req.bytes().await?.len()))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct BodyLimit {
    bytes: u64,
}

impl BodyLimit {
    /// Bounds bodies at this number of bytes. Zero: no body.
    pub const fn new(bytes: u64) -> Self {
        Self { bytes }
    }
}

impl Middleware for BodyLimit {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let max = self.bytes;
        if let Some(length) = req.head().content_length().filter(|&length| length > max) {
            let text = format!("expected a body of at most {max} bytes, got {length}");
            let failure = Failure::new(413, text).with_code("entity.too.large");
            return Handling::new(ready(res.fail(failure)));
        }
        req.limit_body(max);
        next.run(req, res)
    }
}
