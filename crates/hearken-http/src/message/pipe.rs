//! Content from readers and streams, piece by piece, no faster than the peer takes it.
//!
//! Here: [`pipe`], one loop for responses and requests; `pipe_from` and `pipe_from_stream` of [`ServerResponse`]. Not here:
//! those of a client's request (`client/piping.rs`), files (`message/send_file.rs`).

use crate::error::{BoxError, Error, Failure};
use crate::message::incoming::IncomingMessage;
use crate::message::response::{Sent, ServerResponse};
use crate::message::source::Source;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Capacity of a fresh read buffer.
pub(crate) const READ_BYTES: usize = 64 * 1024;

/// A buffer with less free capacity is replaced before the next read.
pub(crate) const READ_BYTES_MIN: usize = 8 * 1024;

/// The message that [`pipe`] writes to.
pub(crate) trait Sink {
    /// Proof that the message was ended.
    type Ended;

    /// Waits for the next piece and keeps the exchange going meanwhile. `None` when the peer wants no more content.
    async fn wait_for<T>(&self, next: impl Future<Output = T>) -> Result<Option<T>, Error>;

    /// Queues a piece and waits until there is room. False when the peer wants no more content.
    async fn send(&self, piece: Bytes) -> Result<bool, Error>;

    /// Ends the message.
    async fn end(self) -> Result<Self::Ended, Error>;

    /// The source failed. Returns the error to report.
    fn source_failed(&self, error: Error) -> Error;
}

/// Sends all pieces of a stream, and ends the message.
pub(crate) async fn pipe<S: Sink, B: Into<Bytes>, E: Into<BoxError>>(
    sink: S,
    stream: impl Stream<Item = Result<B, E>>,
) -> Result<S::Ended, Error> {
    let mut stream = pin!(stream);
    loop {
        let next = poll_fn(|cx| stream.as_mut().poll_next(cx));
        let piece = match sink.wait_for(next).await?.flatten() {
            None => return sink.end().await,
            Some(Ok(piece)) => piece.into(),
            Some(Err(error)) => return Err(sink.source_failed(Error::other(error))),
        };
        if !sink.send(piece).await? {
            return sink.end().await;
        }
    }
}

/// The pieces that a reader returns, each sent without waiting for more.
pub(crate) struct ReaderStream<R> {
    reader: R,
    buffer: BytesMut,
}

impl<R> ReaderStream<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: BytesMut::new(),
        }
    }
}

impl<R: AsyncRead + Unpin> Stream for ReaderStream<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, buffer } = &mut *self;
        if buffer.capacity() < READ_BYTES_MIN {
            buffer.reserve(READ_BYTES);
        }
        // `read_buf` is cancel safe, so each poll can make a new future.
        Poll::Ready(match ready!(pin!(reader.read_buf(buffer)).poll(cx)) {
            Ok(0) => None,
            Ok(_) => Some(Ok(buffer.split().freeze())),
            Err(error) => Some(Err(error)),
        })
    }
}

impl ServerResponse {
    /// Sends the content of a reader, to its end, and ends the response. Reads no faster than the client takes it. The head
    /// is sent with the first piece. A Content-Length that was set is enforced, otherwise the content is chunked. If no
    /// content is sent (HEAD, 204, 304), the reader is read at most once.
    ///
    /// # Errors
    /// The reader's error, or that the client has disconnected. Returning it from the handler sends it as the response; if
    /// the head is already sent, it cuts the connection, so that the client does not mistake the part for the whole.
    ///
    /// ```
    /// use hearken_http::Server;
    /// let server = Server::new(async |mut req, res| {
    ///     let body = req.bytes().await?;
    ///     res.set("Content-Type", "text/plain").pipe_from(&body[..]).await
    /// });
    /// ```
    pub async fn pipe_from(self, reader: impl AsyncRead) -> Result<Sent, Failure> {
        Ok(pipe(self, ReaderStream::new(pin!(reader))).await?)
    }

    /// As [`pipe_from`](Self::pipe_from), from a stream of pieces.
    ///
    /// # Errors
    /// As [`pipe_from`](Self::pipe_from).
    ///
    /// ```
    /// use hearken_http::Server;
    /// // An echo: a request is a stream.
    /// let server = Server::new(async |req, res| res.pipe_from_stream(req).await);
    /// ```
    pub async fn pipe_from_stream<B: Into<Bytes>, E: Into<BoxError>>(
        self,
        stream: impl Stream<Item = Result<B, E>>,
    ) -> Result<Sent, Failure> {
        Ok(pipe(self, stream).await?)
    }

    /// Sends the body of a message, and its trailers: what a proxy does with the response of another server. Otherwise as
    /// [`pipe_from`](Self::pipe_from); set status and fields before, Content-Length too if the message has one.
    ///
    /// # Errors
    /// As [`pipe_from`](Self::pipe_from).
    ///
    /// ```
    /// use hearken_http::Server;
    /// let server = Server::new(async |req, res| res.pipe_from_message(req).await);
    /// ```
    pub async fn pipe_from_message<S: Source>(
        self,
        mut message: IncomingMessage<S>,
    ) -> Result<Sent, Failure> {
        while let Some(piece) = self.wait_for(message.data()).await?.transpose()?.flatten() {
            if !self.send(piece).await? {
                return Ok(self.end(""));
            }
        }
        let trailers = message.trailers();
        if !trailers.view().is_empty() {
            self.add_trailers(&trailers);
        }
        Ok(self.end(""))
    }
}

impl Sink for ServerResponse {
    type Ended = Sent;

    async fn wait_for<T>(&self, next: impl Future<Output = T>) -> Result<Option<T>, Error> {
        let mut next = pin!(next);
        poll_fn(|cx| {
            if let Poll::Ready(why) = self.exchange.poll_closed(cx) {
                return Poll::Ready(Err(Error::closed(why)));
            }
            next.as_mut().poll(cx).map(|next| Ok(Some(next)))
        })
        .await
    }

    async fn send(&self, piece: Bytes) -> Result<bool, Error> {
        let empty = piece.is_empty(); // says nothing about the content: the head may not be sent yet
        if !self.write(piece) {
            self.drain().await?;
        }
        let state = self.exchange.state();
        Ok(empty || (state.carrier.can_send_content() && !state.is_over()))
    }

    async fn end(self) -> Result<Sent, Error> {
        Ok(self.end(""))
    }

    fn source_failed(&self, error: Error) -> Error {
        error // the handler returns it, which cuts or ends the response
    }
}
