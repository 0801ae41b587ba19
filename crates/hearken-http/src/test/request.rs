//! A request as a test writes it.
//!
//! Here: [`Request`]. Not here: its bytes (`exchange.rs`).

use crate::conn::hold::expects_continue;
use bytes::Bytes;
use hearken_proto::{Fields, Length, Misuse};
use http::Method;
use serde_core::Serialize;

/// A request to inject. Names and values of fields are checked when it is injected.
///
/// `Host: localhost` is added unless the request has a Host, and `Content-Length` or `Transfer-Encoding` by its body. With
/// `Expect: 100-continue` the body waits for `100 Continue`, as that of a careful client does.
///
/// ```
/// use hearken::test::Request;
/// let request = Request::post("/users?notify=1").header("Accept", "application/json").json(&["Ada"]);
/// assert_eq!(format!("{request:?}"), "POST /users?notify=1");
/// ```
#[derive(Clone)]
pub struct Request {
    method: Method,
    target: String,
    fields: Fields,
    pieces: Vec<Bytes>,
    chunked: bool,
    trailers: Option<Fields>,
    misuse: Option<Misuse>,
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        #[doc = concat!("A ", stringify!($method), " request without a body.")]
        #[must_use]
        pub fn $name(target: impl Into<String>) -> Self {
            Self::new(Method::$method, target)
        }
    )*};
}

impl Request {
    /// A request without a body. `target` is what stands in the request line: path and query, or another form of
    /// RFC 9112 §3.2.
    #[must_use]
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            fields: Fields::new(),
            pieces: Vec::new(),
            chunked: false,
            trailers: None,
            misuse: None,
        }
    }

    methods! {
        get GET;
        head HEAD;
        post POST;
        put PUT;
        patch PATCH;
        delete DELETE;
        options OPTIONS;
    }

    /// Adds a field, after those with the same name.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let appended = self.fields.append(name, value);
        self.note(appended);
        self
    }

    /// Sets the body, whose length is declared.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.pieces = vec![body.into()];
        self.chunked = false;
        self
    }

    /// Sets the body and sends it chunked, a chunk for each piece.
    #[must_use]
    pub fn chunks<B: Into<Bytes>>(mut self, pieces: impl IntoIterator<Item = B>) -> Self {
        self.pieces = pieces.into_iter().map(Into::into).collect();
        self.chunked = true;
        self
    }

    /// Sets the body to JSON, and `Content-Type`.
    ///
    /// # Panics
    /// When the value has no JSON form.
    #[must_use]
    #[track_caller]
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let json = serde_json::to_vec(value).expect("expected a value with a JSON form");
        self.typed("application/json").body(json)
    }

    /// Sets the body to a form as browsers send it, and `Content-Type`.
    ///
    /// # Panics
    /// When the value has no such form.
    #[must_use]
    #[track_caller]
    pub fn form(self, value: &(impl Serialize + ?Sized)) -> Self {
        let form = serde_html_form::to_string(value).expect("expected a value with a form");
        self.typed("application/x-www-form-urlencoded").body(form)
    }

    fn typed(mut self, content_type: &str) -> Self {
        let set = self.fields.set("Content-Type", content_type);
        self.note(set);
        self
    }

    /// Adds a trailer. The body is sent chunked.
    #[must_use]
    pub fn trailer(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let appended = self.trailers.get_or_insert_default().append(name, value);
        self.note(appended);
        self.chunked = true;
        self
    }

    /// Sends `Expect: 100-continue`, and the body once the server has asked for it. If the final response comes first, the
    /// body is not sent, and the connection carries no further request. Setting the field does the same.
    #[must_use]
    pub fn expect_continue(self) -> Self {
        self.header("Expect", "100-continue")
    }

    fn note(&mut self, result: Result<(), Misuse>) {
        if let Err(misuse) = result {
            self.misuse.get_or_insert(misuse);
        }
    }

    pub(super) fn into_parts(mut self) -> Result<Parts, Misuse> {
        if let Some(misuse) = self.misuse {
            return Err(misuse);
        }
        if self.fields.view().get("host").is_none() {
            self.fields.append("Host", "localhost")?;
        }
        let length = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        Ok(Parts {
            expects: expects_continue(self.fields.view()) && (self.chunked || length > 0),
            length: if self.chunked {
                Length::Unknown
            } else {
                Length::Known(length)
            },
            method: self.method,
            target: self.target,
            fields: self.fields,
            pieces: self.pieces,
            trailers: self.trailers,
        })
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

/// What is sent of a request.
pub(super) struct Parts {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) fields: Fields,
    pub(super) length: Length,
    pub(super) pieces: Vec<Bytes>,
    pub(super) trailers: Option<Fields>,
    /// The body waits for `100 Continue`.
    pub(super) expects: bool,
}
