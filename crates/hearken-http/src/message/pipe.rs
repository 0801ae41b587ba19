//! Content from readers and streams, piece by piece, no faster than the client takes it.
//!
//! Here: `pipe_from`, `pipe_from_stream`. Not here: files (`message/send_file.rs`).

use crate::error::Error;
use crate::message::response::{Sent, ServerResponse};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Room for what is read at once.
pub(crate) const READ_BYTES: usize = 64 * 1024;

/// With less room than this the reader is given a new buffer.
pub(crate) const READ_BYTES_MIN: usize = 8 * 1024;

impl ServerResponse {
    /// Sends all that a reader gives as the content, and ends. Reads no faster than the client takes it. The head goes out
    /// with the first piece; a Content-Length that was set is kept and enforced, otherwise the content is chunked. Where no
    /// content is sent (HEAD, 204, 304) the reader is read once at most.
    ///
    /// # Errors
    /// Of the reader, and when the client is gone. If the head is out by then, returning the error from the handler cuts the
    /// connection, so that the client never takes the part for the whole; if not, it is the answer.
    ///
    /// ```
    /// use hearken_http::Server;
    /// let server = Server::new(async |mut req, res| {
    ///     let body = req.bytes().await?;
    ///     res.set("Content-Type", "text/plain").pipe_from(&body[..]).await
    /// });
    /// ```
    pub async fn pipe_from(self, reader: impl AsyncRead) -> Result<Sent, Error> {
        let mut reader = pin!(reader);
        let mut buffer = BytesMut::new();
        loop {
            if buffer.capacity() < READ_BYTES_MIN {
                buffer.reserve(READ_BYTES);
            }
            let count = self.unless_over(reader.read_buf(&mut buffer)).await??;
            if count == 0 || !self.pass_on(buffer.split().freeze()).await? {
                return Ok(self.end(""));
            }
        }
    }

    /// As [`pipe_from`](Self::pipe_from), from a stream of pieces.
    ///
    /// # Errors
    /// As [`pipe_from`](Self::pipe_from).
    ///
    /// ```
    /// use hearken_http::Server;
    /// // What comes in goes out again: a request is a stream.
    /// let server = Server::new(async |req, res| res.pipe_from_stream(req).await);
    /// ```
    pub async fn pipe_from_stream<B: Into<Bytes>, E: Into<Error>>(
        self,
        stream: impl Stream<Item = Result<B, E>>,
    ) -> Result<Sent, Error> {
        let mut stream = pin!(stream);
        loop {
            let next = poll_fn(|cx| stream.as_mut().poll_next(cx));
            let Some(piece) = self.unless_over(next).await? else {
                return Ok(self.end(""));
            };
            if !self.pass_on(piece.map_err(Into::into)?.into()).await? {
                return Ok(self.end(""));
            }
        }
    }

    /// Sends a piece, and waits for room. False when no more of them is wanted.
    pub(crate) async fn pass_on(&self, piece: Bytes) -> Result<bool, Error> {
        let empty = piece.is_empty();
        if !self.write(piece) {
            self.drain().await?;
        }
        let state = self.exchange.state();
        Ok(empty || (state.carrier.can_send_content() && !state.is_over()))
    }

    /// Waits for something, but not longer than somebody can be answered.
    async fn unless_over<T>(&self, waited: impl Future<Output = T>) -> Result<T, Error> {
        let mut waited = pin!(waited);
        poll_fn(|cx| {
            if let Poll::Ready(why) = self.exchange.poll_closed(cx) {
                return Poll::Ready(Err(Error::closed(why)));
            }
            waited.as_mut().poll(cx).map(Ok)
        })
        .await
    }
}
