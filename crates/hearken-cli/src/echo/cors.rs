//! Cross-origin reads (the CORS protocol of the Fetch standard), as httpbin allows them: any page may read any response, with
//! the cookies and credentials that its browser sends.
//!
//! Not here: the live panel, which other origins must not read (`live/`).

use super::response::ResponseBuilder;
use hearken::{IncomingMessage, Sent};

/// Allows the origin of the request to read the response.
pub(crate) fn allow(req: &IncomingMessage, response: ResponseBuilder) -> ResponseBuilder {
    match req.raw_headers().get("origin") {
        Some(origin) => response.allow_origin(origin),
        None => response,
    }
}

/// The response to OPTIONS. To a preflight it allows the fields that the page wants to send.
pub(crate) fn options(
    req: &IncomingMessage,
    allow: &'static str,
    response: ResponseBuilder,
) -> Sent {
    let fields = req.raw_headers();
    let mut response = response.status(204).append("Allow", allow);
    if fields.get("access-control-request-method").is_some() {
        response = response
            .append("Access-Control-Allow-Methods", METHODS)
            .append("Access-Control-Max-Age", "3600");
        if let Some(names) = fields.get("access-control-request-headers") {
            response = response.append("Access-Control-Allow-Headers", names);
        }
    }
    response.send_empty()
}

const METHODS: &str = "GET, POST, PUT, DELETE, PATCH, OPTIONS";
