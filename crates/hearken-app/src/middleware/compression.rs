//! Compression of responses. Feature `compress`.
//!
//! Here: [`Compression`] as a middleware. Not here: what is compressed, and how (hearken-http, `message/compress.rs`).

use super::Middleware;
use crate::next::Next;
use hearken_http::message::Compression;
use hearken_http::server::Handling;
use hearken_http::{IncomingMessage, ServerResponse};

/// Express: the package `compression`. Add it before what makes the responses. One route opts out by
/// `res.set("Cache-Control", "no-transform")`.
impl Middleware for Compression {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        self.layer(&req, &res);
        next.run(req, res)
    }
}
