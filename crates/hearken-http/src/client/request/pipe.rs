//! Content of a request from readers and streams, piece by piece, no faster than the server takes it.
//!
//! Here: `pipe_from`, `pipe_from_stream` of [`ClientRequest`]. Not here: the same for responses (`message/pipe.rs`).

use crate::client::request::ClientRequest;
use crate::client::request::exchange::WaitGuard;
use crate::client::request::state::ExchangeState;
use crate::client::request::wakers::Side;
use crate::error::{BoxError, Error};
use crate::message::incoming::IncomingMessage;
use crate::message::pipe::{READ_BYTES, READ_BYTES_MIN};
use crate::message::source::Source;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The next piece that is not empty. After many empty ones in a row other tasks have their turn.
fn poll_piece<B: Into<Bytes>, E>(
    mut stream: Pin<&mut impl Stream<Item = Result<B, E>>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, E>>> {
    for _ in 0..EMPTY_PIECES_MAX {
        match ready!(stream.as_mut().poll_next(cx)) {
            Some(Ok(piece)) => {
                let piece = piece.into();
                if !piece.is_empty() {
                    return Poll::Ready(Some(Ok(piece)));
                }
            }
            other => return Poll::Ready(other.map(|piece| piece.map(Into::into))),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

const EMPTY_PIECES_MAX: usize = 64;

impl ClientRequest {
    /// Sends the content of a reader, ends the request, and waits until the transport has taken it. Node's
    /// `readable.pipe(req)`. Reads no faster than the server takes it, and sends each piece without waiting for the next. A
    /// Content-Length that was set is kept and enforced, otherwise the content is chunked. If the server wants no more of
    /// it, the rest stays unread.
    ///
    /// A reader that is at its end is no content: a GET, HEAD, DELETE, OPTIONS, TRACE or CONNECT is sent without framing then. Their
    /// head therefore waits for the first read; that of other methods does not.
    ///
    /// Await the response by [`response`](Self::response): at the same time, so that it flows while this still sends, or
    /// afterwards. The reader need not be [`Send`].
    ///
    /// # Errors
    /// An error of the reader aborts the exchange, so that the server does not take a part for the whole. Also when the
    /// exchange has failed. A server that wants no more of the content is not an error; see its response.
    ///
    /// # Cancel safety
    /// What was read is written, and the request is not ended. Dropping the future loses what dropping a single read of
    /// the reader loses: nothing, for most readers.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hearken::Error> {
    /// let request = hearken::request("POST", "http://127.0.0.1:3000/echo")?;
    /// let file = tokio::fs::File::open("large").await?;
    /// let (response, sent) = tokio::join!(request.response(), request.pipe_from(file));
    /// sent?;
    /// println!("{}", response?.status());
    /// # Ok(()) }
    /// ```
    pub async fn pipe_from(&self, reader: impl AsyncRead) -> Result<(), Error> {
        let _source = self.announce_source();
        let mut reader = pin!(reader);
        let mut buffer = BytesMut::new();
        loop {
            if buffer.capacity() < READ_BYTES_MIN {
                buffer.reserve(READ_BYTES);
            }
            match self.while_wanted(reader.read_buf(&mut buffer)).await? {
                None | Some(Ok(0)) => return self.end_and_wait(Bytes::new()).await,
                Some(Ok(_)) => self.write_and_drain(buffer.split().freeze()).await?,
                Some(Err(error)) => return Err(self.abort_with(Error::other(error))),
            }
        }
    }

    /// As [`pipe_from`](Self::pipe_from), from a stream of pieces. It need not be `Send`; the request of a server is such a
    /// stream.
    ///
    /// # Errors
    /// As [`pipe_from`](Self::pipe_from).
    ///
    /// # Cancel safety
    /// What was taken from the stream is written, and the request not ended.
    ///
    /// ```
    /// use hearken::Server;
    /// // A proxy: both directions at once.
    /// let server = Server::new(async |req, res| {
    ///     let out = hearken::request("POST", "http://127.0.0.1:3000/echo")?;
    ///     let (sent, _) = tokio::join!(
    ///         async { res.pipe_from_stream(out.response().await?).await },
    ///         out.pipe_from_stream(req)
    ///     );
    ///     sent
    /// });
    /// ```
    pub async fn pipe_from_stream<B: Into<Bytes>, E: Into<BoxError>>(
        &self,
        stream: impl Stream<Item = Result<B, E>>,
    ) -> Result<(), Error> {
        let _source = self.announce_source();
        let mut stream = pin!(stream);
        loop {
            let next = poll_fn(|cx| poll_piece(stream.as_mut(), cx));
            match self.while_wanted(next).await?.flatten() {
                None => return self.end_and_wait(Bytes::new()).await,
                Some(Ok(piece)) => self.write_and_drain(piece).await?,
                Some(Err(error)) => return Err(self.abort_with(Error::other(error))),
            }
        }
    }

    /// As [`pipe_from_stream`](Self::pipe_from_stream), from the body of a message, with its trailers: what a proxy does with a
    /// request. Set Content-Length before if the message has one.
    ///
    /// # Errors
    /// As [`pipe_from`](Self::pipe_from).
    ///
    /// # Cancel safety
    /// What was taken from the message is written, and the request not ended.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |mut req, res| {
    ///     let out = hearken::request("POST", "http://127.0.0.1:3000/echo")?;
    ///     let (sent, _) = tokio::join!(
    ///         async { res.pipe_from_message(out.response().await?).await },
    ///         out.pipe_from_message(&mut req)
    ///     );
    ///     sent
    /// });
    /// ```
    pub async fn pipe_from_message<S: Source>(
        &self,
        message: &mut IncomingMessage<S>,
    ) -> Result<(), Error> {
        loop {
            match self.while_wanted(message.data()).await? {
                None => return self.end_and_wait(Bytes::new()).await,
                Some(Ok(Some(piece))) => self.write_and_drain(piece).await?,
                Some(Ok(None)) => break,
                Some(Err(error)) => return Err(self.abort_with(error)),
            }
        }
        let trailers = message.trailers();
        let trailers = (!trailers.view().is_empty()).then(|| Box::new(trailers));
        self.exchange
            .order(|state| state.end(Bytes::new(), trailers));
        self.end_and_wait(Bytes::new()).await
    }

    /// Waits for a future and drives the exchange meanwhile, so that written content is sent and a failure is noticed.
    /// `None` when the server wants no more content.
    async fn while_wanted<T>(&self, waited: impl Future<Output = T>) -> Result<Option<T>, Error> {
        let mut waited = pin!(waited);
        let _guard = WaitGuard(&self.exchange, Side::Request);
        poll_fn(|cx| {
            if let Poll::Ready(over) =
                self.exchange
                    .poll(Side::Request, cx, ExchangeState::unwanted)
            {
                return Poll::Ready(over.map(|()| None));
            }
            waited.as_mut().poll(cx).map(|value| Ok(Some(value)))
        })
        .await
    }

    async fn write_and_drain(&self, piece: Bytes) -> Result<(), Error> {
        if self.write(piece) {
            Ok(())
        } else {
            self.drain().await
        }
    }

    /// Aborts the exchange: the content ends before its end.
    fn abort_with(&self, error: Error) -> Error {
        self.abort_handle().abort();
        error
    }
}
