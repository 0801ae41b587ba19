//! The answer to a fetched request: the last response, decoded.
//!
//! Here: [`Fetched`], and [`BodyStream`]. Not here: redirects (`send.rs`), the response as the server sent it ([`Response`]).

use super::error::StatusError;
use super::redirect::shown;
use super::text;
use crate::client::Response;
use crate::error::Error;
use crate::message::collect::Collector;
use crate::message::decode::{Coding, Decoding};
use bytes::Bytes;
use futures_core::Stream;
use hearken_proto::{Fields, FieldsRef};
use http::{HeaderMap, StatusCode, Version};
use serde_core::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use url::Url;

/// An answer: its head has arrived. Its body is collected by [`bytes`](Self::bytes), [`text`](Self::text) and
/// [`json`](Self::json), or read piece by piece by [`data`](Self::data) and [`stream`](Self::stream).
///
/// Dropping it before the end of its body closes the connection, unless the rest has arrived already.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// let mut answer = hearken::get("https://example.com/").await?;
/// println!("{} {:?}", answer.status(), answer.header("Content-Type"));
/// while let Some(piece) = answer.data().await? {
///     println!("{} bytes", piece.len());
/// }
/// # Ok(()) }
/// ```
pub struct Fetched {
    response: Response,
    /// The fields of the response that hold for a decoded body.
    fields: Option<Fields>,
    /// The URLs of all requests; the last one is that of the response.
    urls: Vec<Url>,
    decoding: Option<Decoding>,
    /// The end of the body has arrived.
    ended: bool,
    /// The request was HEAD.
    head_only: bool,
    received: u64,
    body_max: Option<u64>,
}

impl Fetched {
    pub(super) fn new(
        response: Response,
        urls: Vec<Url>,
        head_only: bool,
        codings: &[Coding],
        body_max: Option<u64>,
    ) -> Self {
        let decoding = Decoding::new(codings);
        let fields = decoding.as_ref();
        Self {
            fields: fields.map(|_| fields_of_decoded(response.raw_headers())),
            response,
            urls,
            decoding,
            ended: false,
            head_only,
            received: 0,
            body_max,
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The reason phrase, often empty, as UTF-8 or else as ISO 8859-1. Not for decisions.
    #[must_use]
    pub fn status_message(&self) -> String {
        self.response.status_message()
    }

    /// The HTTP version of the response.
    #[must_use]
    pub fn version(&self) -> Version {
        self.response.version()
    }

    /// The value of the first field with this name; `None` also if it is not UTF-8: [`raw_headers`](Self::raw_headers) has the
    /// octets, and [`header_text`](Self::header_text) reads any.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.raw_headers().get(name)?).ok()
    }

    /// As [`header`](Self::header), for every value: one that is not UTF-8 is read as ISO 8859-1, so that each octet is a
    /// character.
    #[must_use]
    pub fn header_text(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.raw_headers().get(name)?;
        Some(match std::str::from_utf8(value) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(crate::message::headers::text(value)),
        })
    }

    /// The fields as a map, built on each call.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        crate::message::headers::map_of(self.raw_headers())
    }

    /// The fields as sent: order, case and duplicates kept. If the body is decoded, without `Content-Encoding` and
    /// `Content-Length`, which describe the encoded body.
    #[must_use]
    pub fn raw_headers(&self) -> FieldsRef<'_> {
        match &self.fields {
            Some(fields) => fields.view(),
            None => self.response.raw_headers(),
        }
    }

    /// The length of the body, if it is known in advance. `None` if the body is decoded.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        match self.decoding {
            Some(_) => None,
            None => self.response.head().content_length(),
        }
    }

    /// The URL of the answer, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        // Never empty: the first is that of the request.
        &self.urls[self.urls.len() - 1]
    }

    /// The URLs that redirected, the first one first; empty without redirects.
    #[must_use]
    pub fn history(&self) -> &[Url] {
        &self.urls[..self.urls.len() - 1]
    }

    /// The response as the server sent it: connection, timings, trailers.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// The response as the server sent it, with its body not decoded. `None` if decoding has begun, even without output.
    #[must_use]
    pub fn into_response(self) -> Option<Response> {
        let begun = self.decoding.as_ref().is_some_and(Decoding::has_begun);
        (!begun).then_some(self.response)
    }

    /// Turns a status of 400 or more into an error.
    ///
    /// # Errors
    /// With the URL and the status; [`Error::answered`] returns the status.
    pub fn error_for_status(self) -> Result<Self, Error> {
        let status = self.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::answer(StatusError {
                status,
                url: shown(self.url()),
            }));
        }
        Ok(self)
    }

    /// The next piece of the body, decoded. `None` at its end and on each call after it.
    ///
    /// # Errors
    /// When the body cannot be completed: see [`phase`](Error::phase), [`is_decode`](Error::is_decode),
    /// [`is_too_large`](Error::is_too_large).
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(piece) = self.next_piece().await? else {
            return Ok(None);
        };
        self.received += piece.len() as u64;
        match self.body_max {
            Some(max) if self.received > max => Err(self.too_large(max)),
            _ => Ok(Some(piece)),
        }
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(decoding) = &mut self.decoding
                && let Some(piece) = decoding.next().map_err(Error::answer)?
            {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            match (self.response.data().await?, &mut self.decoding) {
                (Some(piece), None) => return Ok(Some(piece)),
                (Some(piece), Some(decoding)) => decoding.feed(piece),
                (None, decoding) => {
                    self.ended = true;
                    if let Some(decoding) = decoding {
                        decoding.finish().map_err(Error::answer)?;
                    }
                    return Ok(None);
                }
            }
        }
    }

    fn too_large(&self, max: u64) -> Error {
        Error::body_too_large(max, shown(self.url()))
    }

    /// The whole body, up to [`max_body`](crate::RequestBuilder::max_body) or 64 MiB.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        self.collect().await
    }

    async fn collect(&mut self) -> Result<Bytes, Error> {
        let max = self.body_max.unwrap_or(COLLECTED_MAX);
        if self.content_length().is_some_and(|length| length > max) && !self.is_bodyless() {
            return Err(self.too_large(max));
        }
        self.body_max = Some(max);
        let mut all = Collector::new(self.content_length());
        while let Some(piece) = self.data().await? {
            all.push(piece);
        }
        Ok(all.finish())
    }

    /// Whether Content-Length describes the body of another response: that to GET, or the cached one (RFC 9110 §8.6).
    fn is_bodyless(&self) -> bool {
        self.head_only || self.status().as_u16() == 304
    }

    /// The whole body as text, as browsers read it: by its byte order mark, or else in the charset of `Content-Type`, or else
    /// as UTF-8, also if the charset is unknown. Invalid sequences become U+FFFD.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes). Without the feature `charset` also for another charset than UTF-8;
    /// [`Error::body`] has the bytes then.
    pub async fn text(mut self) -> Result<String, Error> {
        let bytes = self.collect().await?;
        let types = self.raw_headers().get_all("Content-Type");
        text::decode(&bytes, types)
            .map_err(|error| Error::unread(error.to_string(), error, bytes.clone()))
    }

    /// The whole body, parsed as JSON; a byte order mark is ignored (RFC 8259 §8.1), and so is `Content-Type`.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and when it is not the JSON of a `T`; [`Error::body`] has the bytes then.
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let bytes = self.collect().await?;
        serde_json::from_slice(text::without_bom(&bytes)).map_err(|error| {
            let url = shown(self.url());
            let text = format!("expected JSON of another form from {url}: {error}");
            Error::unread(text, error, bytes.clone())
        })
    }

    /// The body as a [`Stream`] of pieces, decoded.
    #[must_use]
    pub fn stream(self) -> BodyStream {
        BodyStream(State::Idle(Box::new(self)))
    }
}

/// Without `Content-Length` and `Content-Encoding`, which do not hold for the decoded body.
fn fields_of_decoded(raw: FieldsRef<'_>) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in raw.iter() {
        let untrue = [&b"content-encoding"[..], b"content-length"];
        if !untrue.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            // A received field is legal.
            let _ = fields.append(name, value);
        }
    }
    fields
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.status(), shown(self.url()))
    }
}

/// The body of an answer as a [`Stream`]. Ends after an error.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// let from = hearken::get("http://localhost:3000/stream").await?;
/// hearken::post("http://localhost:3000/echo").body(hearken::Body::stream(from.stream())).await?;
/// # Ok(()) }
/// ```
pub struct BodyStream(State);

type Piece = (Box<Fetched>, Option<Result<Bytes, Error>>);

enum State {
    Idle(Box<Fetched>),
    Waiting(Pin<Box<dyn Future<Output = Piece> + Send>>),
    Ended,
}

impl Stream for BodyStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.0, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Idle(mut fetched) => {
                    self.0 = State::Waiting(Box::pin(async move {
                        let piece = fetched.data().await.transpose();
                        (fetched, piece)
                    }));
                }
                State::Waiting(mut waiting) => match waiting.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.0 = State::Waiting(waiting);
                        return Poll::Pending;
                    }
                    Poll::Ready((fetched, piece)) => {
                        if matches!(piece, Some(Ok(_))) {
                            self.0 = State::Idle(fetched);
                        }
                        return Poll::Ready(piece);
                    }
                },
            }
        }
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyStream")
    }
}

/// The default bound of a collected body.
const COLLECTED_MAX: u64 = 64 * 1024 * 1024;
