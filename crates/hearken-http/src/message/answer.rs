//! What a handler may return: the proof that it answered, or a value that is the answer.

use crate::error::Error;
use crate::message::outgoing::OutgoingMessage;
use crate::message::response::{Sent, ServerResponse, Status};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

/// What can end a response. The unit type is left out on purpose: a handler that forgets its answer does not compile.
///
/// ```compile_fail
/// use hearken_http::Server;
/// let server = Server::new(async |_req, res| {
///     res.status(201).set("X-A", "1"); // and no `end`
/// });
/// ```
///
/// Implement it for values of your own: set what is to be set, and end the response.
///
/// ```
/// use hearken_http::{Answer, Sent, Server, ServerResponse};
/// struct Csv(String);
/// impl Answer for Csv {
///     fn answer(self, res: ServerResponse) -> Sent {
///         res.set("Content-Type", "text/csv").end(self.0)
///     }
/// }
/// let server = Server::new(async |_req, _res| Csv("a,b\n".to_owned()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a handler",
    label = "expected `Sent`, text, bytes, `Json`, a status with one of them, or a `Result` of them",
    note = "end the response with `res.end(…)` and return what it gives, or return a value"
)]
pub trait Answer {
    /// Ends the response with this value. `res` has what the handler has set before it let go of its response.
    fn answer(self, res: ServerResponse) -> Sent;
}

impl Answer for Sent {
    #[inline]
    fn answer(self, _res: ServerResponse) -> Sent {
        self
    }
}

/// An error becomes a response with its status; the log has the rest. Only for [`Error`], into which `?` turns every
/// other: so a handler that ends in `Ok(…)` needs no annotation.
impl<T: Answer> Answer for Result<T, Error> {
    #[inline]
    fn answer(self, res: ServerResponse) -> Sent {
        match self {
            Ok(value) => value.answer(res),
            Err(error) => res.end_with_error(&error),
        }
    }
}

/// A status before a value.
impl<T: Answer> Answer for (StatusCode, T) {
    fn answer(self, res: ServerResponse) -> Sent {
        self.1.answer(res.status(self.0))
    }
}

/// A status as a number before a value; one that is none is answered 500.
///
/// ```
/// use hearken_http::{Json, Server};
/// let server = Server::new(async |_req, _res| (201, Json([1, 2])));
/// ```
impl<T: Answer> Answer for (u16, T) {
    fn answer(self, res: ServerResponse) -> Sent {
        self.1.answer(res.status(self.0))
    }
}

/// A status, with its reason phrase as text.
impl Answer for StatusCode {
    fn answer(self, res: ServerResponse) -> Sent {
        self.canonical_reason()
            .unwrap_or_default()
            .answer(res.status(Status(self.as_u16())))
    }
}

/// Ends with content of a type, unless the handler has set one.
fn typed(res: ServerResponse, content_type: &str, content: Bytes) -> Sent {
    if res.get_header("content-type").is_none() {
        return res.set("Content-Type", content_type).end(content);
    }
    res.end(content)
}

macro_rules! typed {
    ($($type:ty => $content_type:literal;)*) => {
        $(impl Answer for $type {
            fn answer(self, res: ServerResponse) -> Sent {
                typed(res, $content_type, Bytes::from(self))
            }
        })*
    };
}

typed! {
    &'static str => "text/plain; charset=utf-8";
    String => "text/plain; charset=utf-8";
    Bytes => "application/octet-stream";
    Vec<u8> => "application/octet-stream";
    &'static [u8] => "application/octet-stream";
}

/// A value as JSON, with `Content-Type: application/json`. What cannot be serialised is answered 500.
///
/// ```
/// use hearken_http::{Json, Server};
/// let server = Server::new(async |_req, _res| Json(vec![1, 2, 3]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper to be built by hand")]
pub struct Json<T>(pub T);

impl<T: Serialize> Answer for Json<T> {
    fn answer(self, res: ServerResponse) -> Sent {
        let mut text = Vec::with_capacity(JSON_BYTES);
        match serde_json::to_writer(&mut text, &self.0) {
            Ok(()) => typed(res, "application/json", Bytes::from(text)),
            Err(error) => res.end_with_error(&error.into()),
        }
    }
}

/// Room for a usual JSON answer, so that it does not grow in steps.
const JSON_BYTES: usize = 1024;
