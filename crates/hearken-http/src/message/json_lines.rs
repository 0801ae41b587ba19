//! JSON lines, both ways: one value on each line (`application/x-ndjson`).
//!
//! Here: [`ServerResponse::json_lines`], [`IncomingMessage::json_lines`] with [`JsonLines`]. Not here: JSON in one piece
//! (`message/answer.rs`, `message/body.rs`), streams of bytes (`message/pipe.rs`).

use crate::error::{BoxError, Error, Failure};
use crate::message::incoming::IncomingMessage;
use crate::message::outgoing::OutgoingMessage;
use crate::message::pipe::pipe;
use crate::message::response::{Sent, ServerResponse};
use crate::message::source::{ServerSource, Source};
use bytes::{Buf, Bytes, BytesMut};
use futures_core::Stream;
use pin_project_lite::pin_project;
use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl ServerResponse {
    /// Sends each value of a stream as a line of JSON, and ends the response. Sets `Content-Type: application/x-ndjson` unless another
    /// was set. No value is taken before the client has taken the earlier ones.
    ///
    /// # Errors
    /// That of the stream, that a value has no JSON form, or that the client has disconnected. Returned from the handler it cuts
    /// the connection if values have been sent, so that the client does not mistake the part for the whole.
    ///
    /// ```
    /// use hearken::{Failure, Sent, ServerResponse};
    /// # use futures_core::Stream;
    /// #[derive(serde::Serialize)]
    /// struct Row { id: u64, name: String }
    /// async fn export(res: ServerResponse, rows: impl Stream<Item = Result<Row, std::io::Error>>) -> Result<Sent, Failure> {
    ///     res.json_lines(rows).await
    /// }
    /// ```
    pub async fn json_lines<T: Serialize, E: Into<BoxError>>(
        self,
        values: impl Stream<Item = Result<T, E>>,
    ) -> Result<Sent, Failure> {
        let res = match self.has_header("content-type") {
            true => self,
            false => self.set("Content-Type", "application/x-ndjson"),
        };
        Ok(pipe(res, Lines { values }).await?)
    }
}

pin_project! {
    /// Values as lines.
    struct Lines<S> {
        #[pin]
        values: S,
    }
}

impl<S, T, E> Stream for Lines<S>
where
    S: Stream<Item = Result<T, E>>,
    T: Serialize,
    E: Into<BoxError>,
{
    type Item = Result<Bytes, BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.project().values.poll_next(cx));
        Poll::Ready(next.map(|value| {
            let mut line = serde_json::to_vec(&value.map_err(Into::into)?)?;
            line.push(b'\n');
            Ok(line.into())
        }))
    }
}

impl<S: Source> IncomingMessage<S> {
    /// The values of a body with one JSON value on each line, as they come. Empty lines are skipped. Does not check the Content-Type.
    ///
    /// A line may have as many bytes as a body that is collected, `limits.body.buffered_bytes_max` (default 2 MiB); the body may be of
    /// any length.
    ///
    /// ```
    /// use hearken::Server;
    /// #[derive(serde::Deserialize)]
    /// struct Reading { celsius: f64 }
    /// let server = Server::new(async |mut req, res| {
    ///     let mut readings = req.json_lines::<Reading>().line_bytes_max(4096);
    ///     let mut highest = f64::MIN;
    ///     while let Some(Reading { celsius }) = readings.next().await? {
    ///         highest = highest.max(celsius);
    ///     }
    ///     Ok(res.end(highest.to_string()))
    /// });
    /// ```
    pub fn json_lines<T: DeserializeOwned>(&mut self) -> JsonLines<'_, T, S> {
        JsonLines {
            line_bytes_max: self.source.buffered_bytes_max(),
            message: self,
            buffer: BytesMut::new(),
            searched: 0,
            line: 0,
            over: false,
            value: PhantomData,
        }
    }
}

/// The values of a body with one JSON value on each line: [`IncomingMessage::json_lines`]. Also a [`Stream`]; after an error it is
/// over.
pub struct JsonLines<'a, T, S: Source = ServerSource> {
    message: &'a mut IncomingMessage<S>,
    line_bytes_max: u64,
    /// What has come and was not returned.
    buffer: BytesMut,
    /// Its first bytes have no line end.
    searched: usize,
    /// The number of the last line.
    line: u64,
    over: bool,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned, S: Source> JsonLines<'_, T, S> {
    /// Sets the most bytes of a line, without its end.
    #[must_use]
    pub const fn line_bytes_max(mut self, max: u64) -> Self {
        self.line_bytes_max = max;
        self
    }

    /// Waits for the next value. `None` at the end of the body.
    ///
    /// # Errors
    /// As [`IncomingMessage::data`]; with status 400 when a line does not parse as a `T`, and with 413 when it is too long. The text
    /// names the line. In the body of a response the status is 502.
    ///
    /// # Cancel safety
    /// Dropping the future loses no data.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        while !self.over {
            if let Some(line) = self.take_line()? {
                if let Some(value) = self.parse(&line)? {
                    return Ok(Some(value));
                }
                continue;
            }
            let piece = self.message.data().await;
            if let Some(last) = self.receive(piece)? {
                return self.parse(&last);
            }
        }
        Ok(None)
    }

    /// Takes what has been read. At the end of the body returns the last line.
    fn receive(&mut self, piece: Result<Option<Bytes>, Error>) -> Result<Option<Bytes>, Error> {
        self.over = !matches!(piece, Ok(Some(_)));
        Ok(match piece? {
            Some(piece) => {
                self.buffer.extend_from_slice(&piece);
                None
            }
            None => {
                let last = self.buffer.split().freeze();
                self.check(last.len())?;
                Some(last)
            }
        })
    }

    /// The next line that is complete.
    fn take_line(&mut self) -> Result<Option<Bytes>, Error> {
        let new = &self.buffer[self.searched..];
        let Some(at) = new.iter().position(|&byte| byte == b'\n') else {
            self.searched = self.buffer.len();
            self.check(self.searched)?;
            return Ok(None);
        };
        let line = self.buffer.split_to(self.searched + at);
        self.buffer.advance(1);
        self.searched = 0;
        self.check(line.len())?;
        Ok(Some(line.freeze()))
    }

    fn check(&mut self, len: usize) -> Result<(), Error> {
        if len as u64 <= self.line_bytes_max {
            return Ok(());
        }
        self.over = true;
        let (number, max) = (self.line + 1, self.line_bytes_max);
        let status = if S::IS_REQUEST { 413 } else { 502 };
        let text = format!("line {number}: expected at most {max} bytes");
        Err(Error::new(status, text))
    }

    /// `None` for an empty line.
    fn parse(&mut self, line: &[u8]) -> Result<Option<T>, Error> {
        self.line += 1;
        let line = match self.line {
            1 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line), // RFC 8259 §8.1
            _ => line,
        };
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(line).map(Some).map_err(|error| {
            self.over = true;
            let status = if S::IS_REQUEST { 400 } else { 502 };
            Error::new(
                status,
                format!("line {}: expected JSON: {error}", self.line),
            )
        })
    }
}

impl<T: DeserializeOwned, S: Source + Unpin> Stream for JsonLines<'_, T, S> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while !this.over {
            let step = match this.take_line() {
                Ok(Some(line)) => this.parse(&line),
                Ok(None) => {
                    let piece = ready!(Pin::new(&mut *this.message).poll_next(cx)).transpose();
                    match this.receive(piece) {
                        Ok(Some(last)) => this.parse(&last),
                        Ok(None) => continue,
                        Err(error) => Err(error),
                    }
                }
                Err(error) => Err(error),
            };
            if let Some(result) = step.transpose() {
                return Poll::Ready(Some(result));
            }
        }
        Poll::Ready(None)
    }
}

impl<T, S: Source> fmt::Debug for JsonLines<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
