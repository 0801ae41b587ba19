//! The answer to a fetched request: that of the last redirect, decoded.
//!
//! Here: [`Fetched`], and [`BodyStream`]. Not here: how it came about (`send.rs`), the response as the server sent it
//! ([`Response`]).

use super::decode::{Coding, Decoding};
use super::error::StatusError;
use super::redirect::shown;
use super::text;
use crate::client::Response;
use crate::error::Error;
use crate::message::collect::Collector;
use bytes::Bytes;
use futures_core::Stream;
use hearken_proto::{Fields, FieldsRef};
use http::{HeaderMap, StatusCode, Version};
use serde::de::DeserializeOwned;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use url::Url;

/// An answer. Its head is there, its body comes as it is asked for: collected by [`bytes`](Self::bytes),
/// [`text`](Self::text) and [`json`](Self::json), or piece by piece by [`data`](Self::data) and [`stream`](Self::stream).
///
/// A body that is not read to its end costs the connection, unless what is left is small.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken_http::Error> {
/// let mut answer = hearken_http::get("https://example.com/").await?;
/// println!("{} {:?}", answer.status(), answer.header("Content-Type"));
/// while let Some(piece) = answer.data().await? {
///     println!("{} bytes", piece.len());
/// }
/// # Ok(()) }
/// ```
pub struct Fetched {
    response: Response,
    /// Those of the response without what no longer holds of a decoded body.
    fields: Option<Fields>,
    /// All that were asked, the last one is that of the response.
    urls: Vec<Url>,
    decoding: Option<Decoding>,
    /// All of the body came.
    ended: bool,
    /// It answers HEAD.
    head_only: bool,
    came: u64,
    body_max: Option<u64>,
}

impl Fetched {
    pub(super) fn new(
        response: Response,
        urls: Vec<Url>,
        head_only: bool,
        coding: Option<Coding>,
        body_max: Option<u64>,
    ) -> Self {
        Self {
            fields: coding.map(|_| fields_of_decoded(response.raw_headers())),
            response,
            urls,
            decoding: coding.map(Decoding::new),
            ended: false,
            head_only,
            came: 0,
            body_max,
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The reason phrase as sent, often empty; what of it is no UTF-8 is replaced. Not for decisions.
    #[must_use]
    pub fn status_message(&self) -> String {
        self.response.status_message()
    }

    /// The version that the server speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.response.version()
    }

    /// The value of the first field with this name; `None` also when it is not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.raw_headers().get(name)?).ok()
    }

    /// The fields as a map, made on each call.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        crate::message::headers::map_of(self.raw_headers())
    }

    /// The fields as sent: order, case and duplicates kept. When the body is decoded, `Content-Encoding` and `Content-Length`
    /// are left out, for they tell of what came before.
    #[must_use]
    pub fn raw_headers(&self) -> FieldsRef<'_> {
        match &self.fields {
            Some(fields) => fields.view(),
            None => self.response.raw_headers(),
        }
    }

    /// The length of the body, if it is known before it comes. That of a decoded one is not.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        match self.decoding {
            Some(_) => None,
            None => self.response.head().content_length(),
        }
    }

    /// Where the answer comes from: the URL of the last redirect.
    #[must_use]
    pub fn url(&self) -> &Url {
        // There is always one: that which was asked.
        &self.urls[self.urls.len() - 1]
    }

    /// The URLs that redirected, the first one first; empty when none did.
    #[must_use]
    pub fn history(&self) -> &[Url] {
        &self.urls[..self.urls.len() - 1]
    }

    /// The response as the server sent it, for what is not here. Its body, if it is read from it, is not decoded.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// Gives up what was added to it: the response itself, whose body is not decoded. `None` when some of it was taken
    /// to be decoded already, even if nothing came out.
    #[must_use]
    pub fn into_response(self) -> Option<Response> {
        let begun = self.decoding.as_ref().is_some_and(Decoding::has_begun);
        (!begun).then_some(self.response)
    }

    /// Itself, unless the status is 400 or more.
    ///
    /// # Errors
    /// With the URL and the status, for which [`Error::answered`] can be asked.
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

    /// The next piece of the body, decoded. `None` at its end, and at each call after it.
    ///
    /// # Errors
    /// When it will never be complete: by [`phase`](Error::phase), [`is_decode`](Error::is_decode),
    /// [`is_too_large`](Error::is_too_large).
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(piece) = self.next_piece().await? else {
            return Ok(None);
        };
        self.came += piece.len() as u64;
        match self.body_max {
            Some(max) if self.came > max => Err(self.too_large(max)),
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

    /// Whether the length tells of a body that another request would have got (RFC 9110 §8.6).
    fn is_bodyless(&self) -> bool {
        self.head_only || self.status().as_u16() == 304
    }

    /// The whole body as text, in the charset that `Content-Type` names, or UTF-8. What is no text in it becomes U+FFFD.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and for a charset that is not known.
    pub async fn text(mut self) -> Result<String, Error> {
        let bytes = self.collect().await?;
        text::decode(&bytes, self.header("Content-Type")).map_err(Error::answer)
    }

    /// The whole body, read as JSON. Nothing asks whether `Content-Type` says that it is.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and when it is not what `T` is read from.
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let bytes = self.collect().await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let url = shown(self.url());
            Error::new(
                502,
                format!("expected JSON of another form from {url}: {error}"),
            )
        })
    }

    /// The body as a [`Stream`] of pieces, decoded.
    #[must_use]
    pub fn stream(self) -> BodyStream {
        BodyStream(State::Idle(Box::new(self)))
    }
}

/// `Content-Length` and `Content-Encoding` do not hold of the decoded body.
fn fields_of_decoded(raw: FieldsRef<'_>) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in raw.iter() {
        let untrue = [&b"content-encoding"[..], b"content-length"];
        if !untrue.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            // What was received can be sent.
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

/// The body of an answer as a [`Stream`]. It ends after an error.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken_http::Error> {
/// let from = hearken_http::get("http://localhost:3000/stream").await?;
/// hearken_http::post("http://localhost:3000/echo").body(hearken_http::Body::stream(from.stream())).await?;
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

/// What is collected at most, unless the request says otherwise.
const COLLECTED_MAX: u64 = 64 * 1024 * 1024;
