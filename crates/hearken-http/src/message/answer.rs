//! What a handler may return: the proof that it answered, or a value that becomes the response.
//!
//! Here: [`Answer`] with its implementations, [`Json`]. Not here: the response itself (`message/response.rs`).

use crate::error::{Failure, Status};
use crate::message::json_style::JsonStyle;
use crate::message::outgoing::OutgoingMessage;
use crate::message::response::{Sent, ServerResponse};
use bytes::Bytes;
use http::StatusCode;
use serde_core::Serialize;

/// A value that a handler can return as its response.
///
/// | value | response |
/// |---|---|
/// | [`Sent`] | the one that the handler ended |
/// | `&'static str`, `String` | 200, `text/plain; charset=utf-8` |
/// | `Bytes`, `Vec<u8>`, `&'static [u8]` | 200, `application/octet-stream` |
/// | [`Json<T>`](Json) | 200, `application/json` |
/// | [`StatusCode`] | that status, its reason phrase as text |
/// | `(status, value)` | that status, the rest from the value |
/// | `Result<value, Failure>` | the value; or the status of the failure, its public text as content |
///
/// Status and fields that the handler set on `res` are kept, a Content-Type too.
///
/// ```
/// use hearken::{Json, Server};
/// let server = Server::new(async |mut req, _res| {
///     let prices: Vec<f64> = req.json().await?; // not JSON: 400
///     Ok((201, Json(prices.iter().sum::<f64>())))
/// });
/// ```
///
/// The unit type has no implementation, so that a handler that forgets its response does not compile:
///
/// ```compile_fail
/// use hearken::Server;
/// let server = Server::new(async |_req, res| {
///     res.status(201).set("X-A", "1"); // and no `end`
/// });
/// ```
///
/// Implement it for types of your own: set status and fields, then end the response.
///
/// ```
/// use hearken::{Answer, Sent, Server, ServerResponse};
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
    note = "end the response with `res.end(…)` and return its result, or return a value",
    note = "an error goes into `Failure`: by `?`, or by `Err(error.into())`"
)]
pub trait Answer {
    /// Ends the response with this value. `res` has the status and fields that the handler set before it dropped its
    /// response.
    fn answer(self, res: ServerResponse) -> Sent;
}

impl Answer for Sent {
    #[inline]
    fn answer(self, _res: ServerResponse) -> Sent {
        self
    }
}

/// A failure becomes a response with its status; its details go to the log. Only for [`Failure`], into which `?` converts
/// every error.
impl<T: Answer> Answer for Result<T, Failure> {
    #[inline]
    fn answer(self, res: ServerResponse) -> Sent {
        match self {
            Ok(value) => value.answer(res),
            Err(failure) => res.fail(failure),
        }
    }
}

/// A status before a value.
impl<T: Answer> Answer for (StatusCode, T) {
    fn answer(self, res: ServerResponse) -> Sent {
        self.1.answer(res.status(self.0))
    }
}

/// A status as a number before a value. A number outside of 200 to 999 is answered 500.
///
/// ```
/// use hearken::{Json, Server};
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

/// Ends with this content, and with this Content-Type unless the handler has set one.
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

/// A value as JSON, with `Content-Type: application/json` unless the handler has set another; in one line, unless a
/// [`JsonStyle`] is attached. A value that cannot be serialised is answered 500. To read JSON use [`IncomingMessage::json`](crate::IncomingMessage::json).
///
/// ```
/// use hearken::{Json, Server};
///
/// #[derive(serde::Serialize)]
/// struct Health {
///     ok: bool,
///     version: &'static str,
/// }
///
/// let server = Server::new(async |_req, res: hearken::ServerResponse| {
///     res.set_status(203); // what is set on `res` goes with the value
///     Json(Health { ok: true, version: "1.0" })
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users construct it")]
pub struct Json<T>(pub T);

impl<T: Serialize> Answer for Json<T> {
    fn answer(self, res: ServerResponse) -> Sent {
        let style = res.extension::<JsonStyle>();
        let style = style.as_deref().copied().unwrap_or_default();
        match style.write(&self.0) {
            Ok(text) => typed(res, "application/json", Bytes::from(text)),
            Err(error) => res.fail(error),
        }
    }
}
