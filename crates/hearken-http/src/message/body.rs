//! Reads the body of a message: by pieces, as a stream, as a reader, or collected up to a limit.
//!
//! Here: the methods of [`IncomingMessage`] for its body. Not here: the exchange it comes from (`message/source.rs`), listeners
//! (`message/incoming.rs`).

use crate::error::{Closed, Error};
use crate::message::collect::Collector;
use crate::message::incoming::IncomingMessage;
use crate::message::source::{Source, next_piece};
use bytes::Bytes;
use futures_core::Stream;
use serde_core::de::DeserializeOwned;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

impl<S: Source> IncomingMessage<S> {
    /// Waits for the next piece of the body. Returns `None` at its end, and on each later call. If the client waits for
    /// `100 Continue`, the first call sends it.
    ///
    /// ```
    /// use hearken::{Error, Server};
    /// let server = Server::new(async |mut req, res| {
    ///     let mut lines = 0;
    ///     while let Some(piece) = req.data().await? {
    ///         lines += piece.iter().filter(|&&byte| byte == b'\n').count();
    ///     }
    ///     Ok(res.end(format!("{lines} lines\n")))
    /// });
    /// ```
    ///
    /// # Errors
    /// When the body cannot become complete: the peer disconnected, broke the protocol, or was too slow. Pieces received
    /// before that are returned first.
    ///
    /// # Cancel safety
    /// Dropping the future loses no data: the next call returns the next piece. It can stand in a `tokio::select!`.
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        next_piece(&mut self.source).await
    }

    /// Collects the whole body, up to `limits.body.buffered_bytes_max` (default 2 MiB).
    ///
    /// # Errors
    /// As [`data`](Self::data); above the limit with status 413. For the body of a response the status is 502, here and in
    /// the methods below: a handler that returns the error must not blame its own client.
    pub async fn bytes(&mut self) -> Result<Bytes, Error> {
        let max = self.source.buffered_bytes_max();
        self.bytes_up_to(max).await
    }

    /// As [`bytes`](Self::bytes), up to `max` bytes. A response with more is not used up: another call, with a larger `max` for
    /// one, begins at the same place.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub async fn bytes_up_to(&mut self, max: u64) -> Result<Bytes, Error> {
        let announced = self.head().content_length();
        // The response to HEAD announces a body that never comes: it is complete from the start.
        if announced.is_some_and(|length| length > max) && !self.source.is_complete() {
            return Err(too_large::<S>(max));
        }
        let mut all = Collector::new(announced);
        while let Some(piece) = self.data().await? {
            if (all.len() + piece.len()) as u64 > max {
                if !S::IS_REQUEST {
                    self.put_back(piece);
                    self.put_back(all.finish());
                }
                return Err(too_large::<S>(max));
            }
            all.push(piece);
        }
        Ok(all.finish())
    }

    /// Collects the whole body as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and with status 400 when it is not UTF-8. [`bytes`](Self::bytes) returns it even so.
    pub async fn text(&mut self) -> Result<String, Error> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|error| {
            let why = error.utf8_error();
            self.unexpected(error.into_bytes().into(), "UTF-8", &why)
        })
    }

    /// Puts bytes in front of the rest of the body: the next read returns them first. For code that has read too much, or that puts
    /// another content in place of what it has read. Not bounded.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |mut req, res| {
    ///     if let Some(first) = req.data().await? {
    ///         println!("begins with {:?}", first.first());
    ///         req.put_back(first);
    ///     }
    ///     Ok(res.end(req.bytes().await?))
    /// });
    /// ```
    #[doc(alias = "unshift")]
    pub fn put_back(&mut self, piece: impl Into<Bytes>) {
        let piece = piece.into();
        if !piece.is_empty() {
            self.source.put_back(piece);
        }
    }

    /// As [`bytes_up_to`](Self::bytes_up_to), and the body is not used up: what reads it next, in another middleware or in the
    /// handler, begins at the same place.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |mut req, res| {
    ///     let raw = req.peek_bytes(1 << 20).await?; // for a signature
    ///     let parsed: Vec<u64> = req.json().await?; // the same bytes
    ///     Ok(res.end(format!("{} bytes, {} numbers\n", raw.len(), parsed.len())))
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub async fn peek_bytes(&mut self, max: u64) -> Result<Bytes, Error> {
        let bytes = self.bytes_up_to(max).await?;
        self.put_back(bytes.clone());
        Ok(bytes)
    }

    /// The error about a body that is not what was expected. The body is not used up.
    fn unexpected(&mut self, body: Bytes, what: &str, error: &dyn fmt::Display) -> Error {
        self.put_back(body);
        let text = format!("expected a body of {what}: {error}");
        if S::IS_REQUEST {
            Error::coded(400, "entity.parse.failed", text)
        } else {
            Error::new(502, text)
        }
    }

    /// Collects the whole body and parses it as JSON; a byte order mark is ignored (RFC 8259 §8.1). Does not check the
    /// Content-Type.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and with status 400 when it does not parse as a `T`. [`bytes`](Self::bytes) returns it even so.
    ///
    /// ```
    /// use hearken::{Json, Server};
    /// let server = Server::new(async |mut req, _res| {
    ///     let numbers: Vec<i64> = req.json().await?;
    ///     Ok(Json(numbers.iter().sum::<i64>()))
    /// });
    /// ```
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let bytes = self.bytes().await?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let parsed = serde_json::from_slice(text);
        parsed.map_err(|error| self.unexpected(bytes, "JSON", &error))
    }

    /// Collects the whole body and parses it as a form, `application/x-www-form-urlencoded`. A repeated name fills a list.
    /// Does not check the Content-Type.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); with status 413 when it has more than `limits.body.form_fields_max` fields (default 1,000), and with
    /// 400 when it does not parse as a `T`. [`bytes`](Self::bytes) returns it even so.
    ///
    /// ```
    /// use hearken::Server;
    /// use std::collections::HashMap;
    /// let server = Server::new(async |mut req, res| {
    ///     let form: HashMap<String, String> = req.form().await?;
    ///     Ok(res.end(form.get("name").cloned().unwrap_or_default()))
    /// });
    /// ```
    pub async fn form<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let bytes = self.bytes().await?;
        let max = self.source.form_fields_max();
        let fields = bytes.split(|&byte| byte == b'&');
        let mut fields = fields.filter(|field| !field.is_empty());
        if fields.nth(max as usize).is_some() {
            self.put_back(bytes);
            let status = if S::IS_REQUEST { 413 } else { 502 };
            let text = format!("expected a form of at most {max} fields");
            return Err(Error::coded(status, "parameters.too.many", text));
        }
        let parsed = serde_html_form::from_bytes(&bytes);
        parsed.map_err(|error| self.unexpected(bytes, "form fields", &error))
    }
}

fn too_large<S: Source>(max: u64) -> Error {
    if S::IS_REQUEST {
        Error::too_large(max)
    } else {
        Error::too_large_response(max)
    }
}

/// The pieces of the body, as [`data`](IncomingMessage::data) returns them. Once polled, the stream counts as a waiting
/// reader until the next piece, so `limits.time.body_idle` runs.
impl<S: Source + Unpin> Stream for IncomingMessage<S> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.source.poll_data(cx)
    }
}

/// The bytes of the body. The [`io::Error`] wraps the [`Error`] of [`data`](IncomingMessage::data).
impl<S: Source + Unpin> AsyncRead for IncomingMessage<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.source.poll_data(cx)) {
            None => Poll::Ready(Ok(())),
            Some(Err(error)) => Poll::Ready(Err(io_error(error))),
            Some(Ok(mut piece)) => {
                let now = piece.split_to(piece.len().min(buf.remaining()));
                buf.put_slice(&now);
                if !piece.is_empty() {
                    self.source.put_back(piece);
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

fn io_error(error: Error) -> io::Error {
    let kind = match error.closed_why() {
        Some(Closed::Reset) => io::ErrorKind::ConnectionReset,
        Some(Closed::PeerGone | Closed::BadMessage) => io::ErrorKind::UnexpectedEof,
        Some(Closed::ReadTimeout | Closed::WriteTimeout) => io::ErrorKind::TimedOut,
        Some(_) => io::ErrorKind::ConnectionAborted,
        None if error.protocol().is_some() => io::ErrorKind::InvalidData,
        None => io::ErrorKind::Other,
    };
    let inner: Box<dyn std::error::Error + Send + Sync> = error.into();
    io::Error::new(kind, inner)
}
