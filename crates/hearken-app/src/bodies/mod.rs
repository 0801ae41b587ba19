//! Bodies that are read, checked and kept before the handler runs: Express's `body-parser`.
//!
//! Here: [`Bodies`], the middleware. Not here: charsets (`bodies/charset.rs`), what a body of JSON or of a form must be
//! (`bodies/check.rs`, `request/nested.rs`), reading it in a handler (hearken-http, `message/body.rs`; `request.rs`), files (`upload/`).

mod charset;
mod check;

pub use charset::Charset;

use crate::middleware::Middleware;
use crate::next::Next;
use crate::request::nested;
use charset::charset_of;
use hearken_http::error::Error;
use hearken_http::server::Handling;
use hearken_http::{Bytes, Failure, IncomingMessage, ServerResponse};
use std::fmt;
use std::sync::Arc;

/// Reads bodies of one kind before the handler runs: Express's `express.json()`, `urlencoded()`, `text()` and `raw()`.
///
/// A handler can read every body without it: `req.json::<T>()`, `form`, `text`, `bytes`. With it a body is
///
/// - checked before the handler runs: its coding, charset and length; JSON that does not parse, or is nested deeper than 127
///   levels, and forms with too many fields get their error here;
/// - decoded, if the middleware says so: [`inflate`](Self::inflate), and other charsets than UTF-8;
/// - kept as it came: [`RequestExt::raw_body`](crate::RequestExt::raw_body), for signatures. Middleware and handler can both read
///   it: `req.peek_bytes` and the methods above.
///
/// A request without a body, or with a Content-Type of another kind, is passed on as it is.
///
/// | option | `body-parser` | default |
/// |---|---|---|
/// | [`limit`](Self::limit) | `limit` | `limits.body.buffered_bytes_max`, 2 MiB (Express: 100 KiB) |
/// | [`inflate`](Self::inflate) | `inflate` | off: a body with a Content-Encoding gets 415 (Express: on) |
/// | [`types`](Self::types) | `type` | `application/json` and `application/*+json`; `application/x-www-form-urlencoded`; `text/plain`; `application/octet-stream` |
/// | [`required`](Self::required) | | off |
/// | [`default_charset`](Self::default_charset) | `defaultCharset` | UTF-8 |
/// | [`strict`](Self::strict) | `strict` | on: JSON is an object or an array |
/// | [`parameter_limit`](Self::parameter_limit) | `parameterLimit` | `limits.body.form_fields_max`, 1,000 |
/// | [`depth`](Self::depth) | `depth` | 32 |
/// | [`verify`](Self::verify) | `verify` | none |
///
/// | code of the failure | status | when |
/// |---|--:|---|
/// | `entity.too.large` | 413 | above the limit, counted after decoding; or a bomb |
/// | `entity.parse.failed` | 400 | no JSON, or not an object or array; not in its charset |
/// | `entity.verify.failed` | 403 | `verify` returned an error without a status of its own |
/// | `encoding.unsupported` | 415 | a Content-Encoding that is not decoded; `Accept-Encoding` names those that are |
/// | `encoding.invalid` | 400 | not what its Content-Encoding says |
/// | `charset.unsupported` | 415 | another charset than those of [`Charset`] |
/// | `parameters.too.many` | 413 | above `parameter_limit` |
/// | `querystring.parse.rangeError` | 400 | a name of a form is nested deeper than `depth` |
/// | `type.unsupported` | 415 | another Content-Type, with `required` |
/// | `request.aborted` | (none) | the client left |
///
/// ```
/// use hearken::app::{App, Bodies, prelude::*};
/// #[derive(serde::Deserialize)]
/// struct Order { item: String }
/// let mut app = App::new();
/// app.with(Bodies::json().limit(100 * 1024));
/// app.with(Bodies::urlencoded());
/// app.post("/orders", async |mut req, res| {
///     let order: Order = req.json().await?;
///     Ok(res.status(201).end(order.item))
/// });
/// ```
#[derive(Clone)]
pub struct Bodies {
    kind: Kind,
    types: Vec<Box<str>>,
    limit: Option<u64>,
    inflate: bool,
    required: bool,
    default_charset: Charset,
    strict: bool,
    parameter_limit: Option<u32>,
    depth: usize,
    verify: Option<Arc<Verify>>,
}

/// Checks a body as it came, before it is parsed.
type Verify = dyn Fn(&IncomingMessage, &Bytes) -> Result<(), Failure> + Send + Sync;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Urlencoded,
    Text,
    Raw,
}

/// The body as it came, without its Content-Encoding: `RequestExt::raw_body`.
pub(crate) struct RawBody(pub(crate) Bytes);

impl Bodies {
    fn new(kind: Kind, types: &[&str]) -> Self {
        Self {
            kind,
            types: types.iter().map(|&name| name.into()).collect(),
            limit: None,
            inflate: false,
            required: false,
            default_charset: Charset::Utf8,
            strict: true,
            parameter_limit: None,
            depth: 32,
            verify: None,
        }
    }

    /// Bodies of JSON: Express's `express.json()`.
    #[must_use]
    pub fn json() -> Self {
        Self::new(Kind::Json, &["application/json", "application/*+json"])
    }

    /// Forms without files: Express's `express.urlencoded()`. A handler reads it by `req.form`, or with nested names by
    /// [`RequestExt::nested_form`](crate::RequestExt::nested_form).
    #[must_use]
    pub fn urlencoded() -> Self {
        Self::new(Kind::Urlencoded, &["application/x-www-form-urlencoded"])
    }

    /// Text: Express's `express.text()`.
    #[must_use]
    pub fn text() -> Self {
        Self::new(Kind::Text, &["text/plain"])
    }

    /// Bytes: Express's `express.raw()`. Its charset is not looked at.
    #[must_use]
    pub fn raw() -> Self {
        Self::new(Kind::Raw, &["application/octet-stream"])
    }

    /// The most bytes of a body, counted after decoding. It is the limit of `req.json()` and its siblings, too.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Whether a body in gzip, deflate, br (and zstd with the feature `decompress-zstd`) is decoded. At most one coding, at most 100
    /// times as large after 1 MiB, and the limit counts what comes out. Feature `decompress`.
    #[cfg(feature = "decompress")]
    #[must_use]
    pub fn inflate(mut self, inflate: bool) -> Self {
        self.inflate = inflate;
        self
    }

    /// The media types that are read, in place of the default ones: `text/csv`, `text/*`, `application/*+json`, `*/*`, and what
    /// [`IncomingMessage::is`] knows beside.
    ///
    /// ```
    /// use hearken::app::Bodies;
    /// let hooks = Bodies::json().types(["application/json", "application/csp-report"]);
    /// ```
    #[must_use]
    pub fn types<T: AsRef<str>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        let types = types.into_iter();
        self.types = types.map(|name| name.as_ref().into()).collect();
        self
    }

    /// Whether a request that has a body of another Content-Type, or of none, gets 415. Off: it is passed on. For routes that take one kind
    /// only; a page of another site cannot send JSON without the permission of CORS.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// The charset of a body whose Content-Type names none.
    #[must_use]
    pub fn default_charset(mut self, charset: Charset) -> Self {
        self.default_charset = charset;
        self
    }

    /// Whether JSON must be an object or an array.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The most fields of a form.
    #[must_use]
    pub fn parameter_limit(mut self, fields: u32) -> Self {
        self.parameter_limit = Some(fields);
        self
    }

    /// How deep a name of a form may be nested: `a[b][c]` has a depth of 2.
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Checks the bytes before they are parsed: signatures of webhooks. They have no Content-Encoding, and the charset in which they
    /// came. An error of status 500 becomes 403 with the code `entity.verify.failed`; one with a status of its own keeps it.
    ///
    /// ```
    /// use hearken::Failure;
    /// use hearken::app::{App, Bodies, prelude::*};
    /// # fn is_signed(_body: &[u8], _signature: &str) -> bool { true }
    /// let mut app = App::new();
    /// app.with(Bodies::json().verify(|req, body| {
    ///     let signature = req.header("x-signature").unwrap_or_default();
    ///     if !is_signed(body, signature) {
    ///         return Err(Failure::new(401, "expected a signature of the body"));
    ///     }
    ///     Ok(())
    /// }));
    /// ```
    #[must_use]
    pub fn verify(
        mut self,
        verify: impl Fn(&IncomingMessage, &Bytes) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.verify = Some(Arc::new(verify));
        self
    }

    /// Reads the body. What the handler reads is put in its place.
    async fn read(&self, req: &mut IncomingMessage) -> Result<(), Failure> {
        let charset = match self.kind {
            Kind::Raw => Charset::Utf8,
            _ => self.charset(req)?,
        };
        let (mut max, mut fields_max) = (0, 0);
        req.limits(|limits| {
            let body = &mut limits.body;
            body.buffered_bytes_max = self.limit.unwrap_or(body.buffered_bytes_max);
            body.form_fields_max = self.parameter_limit.unwrap_or(body.form_fields_max);
            (max, fields_max) = (body.buffered_bytes_max, body.form_fields_max);
        });
        let raw = self.bytes(req, max).await.map_err(failure)?;
        if let Some(verify) = &self.verify {
            verify(req, &raw).map_err(refused)?;
        }
        let content = match self.kind {
            Kind::Raw => raw.clone(),
            Kind::Urlencoded => charset.decode_form(&raw),
            Kind::Json | Kind::Text => charset.decode(&raw)?,
        };
        match self.kind {
            Kind::Json => check::json(&content, self.strict)?,
            Kind::Urlencoded => {
                nested::check(&content, fields_max as usize, self.depth, "form")?;
            }
            Kind::Text | Kind::Raw => {}
        }
        req.extend(RawBody(raw));
        req.put_back(content);
        Ok(())
    }

    fn charset(&self, req: &IncomingMessage) -> Result<Charset, Failure> {
        let named = charset_of(req.header("content-type").unwrap_or_default());
        let charset = match &named {
            None => Some(self.default_charset),
            Some(name) => Charset::named(name),
        };
        let fits = |charset: &Charset| match self.kind {
            Kind::Json => charset.is_unicode(),
            Kind::Urlencoded => matches!(charset, Charset::Utf8 | Charset::Latin1),
            Kind::Text | Kind::Raw => true,
        };
        charset.filter(fits).ok_or_else(|| {
            let name = named.unwrap_or_default().to_uppercase();
            let text = format!("expected a body of another charset than {name:?}");
            Failure::new(415, text).with_code("charset.unsupported")
        })
    }

    async fn bytes(&self, req: &mut IncomingMessage, max: u64) -> Result<Bytes, Error> {
        #[cfg(feature = "decompress")]
        if self.inflate {
            return req.decoded_bytes(max).await;
        }
        req.bytes_up_to(max).await
    }

    /// Whether the body has a coding that this middleware does not undo.
    fn is_coded(&self, req: &IncomingMessage) -> bool {
        let coding = req.header("content-encoding").map(str::trim);
        !self.inflate && coding.is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
    }
}

impl Middleware for Bodies {
    fn handle(&self, mut req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if !has_body(&req) || req.extension::<RawBody>().is_some() {
            return next.run(req, res);
        }
        let types: Vec<&str> = self.types.iter().map(|name| &**name).collect();
        if req.is(&types).is_none() {
            if !self.required {
                return next.run(req, res);
            }
            let text = format!("expected a body of {}", self.types.join(" or "));
            return done(res.fail(Failure::new(415, text).with_code("type.unsupported")));
        }
        if self.is_coded(&req) {
            let failure = Failure::new(415, "expected a body without Content-Encoding");
            let failure = failure.with_code("encoding.unsupported");
            return done(res.fail(failure.with_header("Accept-Encoding", "identity")));
        }
        let bodies = self.clone();
        Handling::new(async move {
            match bodies.read(&mut req).await {
                Ok(()) => next.run(req, res).await,
                Err(failure) => res.fail(failure),
            }
        })
    }
}

fn done(sent: hearken_http::Sent) -> Handling {
    Handling::new(std::future::ready(sent))
}

fn has_body(req: &IncomingMessage) -> bool {
    let length = req.head().content_length();
    length.map_or_else(
        || req.header("transfer-encoding").is_some(),
        |length| length > 0,
    )
}

/// The failure with the fields that its status demands.
fn failure(error: Error) -> Failure {
    let failure = Failure::from(error);
    #[cfg(feature = "decompress")]
    if failure.code() == Some("encoding.unsupported") {
        return failure.with_header("Accept-Encoding", IncomingMessage::ACCEPT_ENCODING);
    }
    failure
}

/// The failure of a check that the application has made.
fn refused(failure: Failure) -> Failure {
    if failure.status().is_client_error() {
        return failure;
    }
    let text = "the body was rejected by a check";
    Failure::new(403, text)
        .with_code("entity.verify.failed")
        .caused_by(failure.to_string())
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies")
            .field("kind", &self.kind)
            .field("types", &self.types)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
