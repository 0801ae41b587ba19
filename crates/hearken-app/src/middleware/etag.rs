//! The ETag of some routes: another choice than that of the application.
//!
//! Here: [`ContentTag`] as a middleware. Not here: how a response gets its tag (hearken-http, `message/conditional/automatic.rs`).

use super::Middleware;
use crate::next::Next;
use hearken_http::message::ContentTag;
use hearken_http::server::Handling;
use hearken_http::{IncomingMessage, ServerResponse};

/// In place of [`Settings::etag`](crate::Settings::etag) for the requests that pass it.
impl Middleware for ContentTag {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        res.tag_content(*self);
        next.run(req, res)
    }
}
