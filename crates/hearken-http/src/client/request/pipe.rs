//! Content of a request from readers and streams, piece by piece, no faster than the server takes it.
//!
//! Here: `pipe_from`, `pipe_from_stream` of [`ClientRequest`]. Not here: the same for responses (`message/pipe.rs` of the
//! crate).

use crate::client::request::exchange::{Core, Side};
use crate::client::request::{ClientRequest, Leaving};
use crate::error::Error;
use crate::message::pipe::{READ_BYTES, READ_BYTES_MIN};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt};

impl ClientRequest {
    /// Sends all that a reader gives as the content, ends the request, and waits until the transport has taken it.
    /// Node's `readable.pipe(req)`. Reads no faster than the server takes it. The head goes out before the first
    /// piece, and each piece without waiting for the next. A Content-Length that was set is kept and enforced,
    /// otherwise the content is chunked. If the server wants no more of it, the rest is left unread.
    ///
    /// The response is awaited by [`response`](Self::response): at the same time, so that it flows while this still
    /// sends, or afterwards. The reader need not be [`Send`].
    ///
    /// # Errors
    /// Of the reader, which aborts the exchange: the server must not take the part for the whole. And when the
    /// exchange has failed. That the server wants no more of the content is no error: its response tells.
    ///
    /// # Cancel safety
    /// What was read is written, and the request not ended. Dropping the future loses what dropping a single read of
    /// the reader would lose: nothing, for most.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hearken_http::Error> {
    /// let request = hearken_http::request("POST", "http://127.0.0.1:3000/echo")?;
    /// let file = tokio::fs::File::open("large").await?;
    /// let (response, sent) = tokio::join!(request.response(), request.pipe_from(file));
    /// sent?;
    /// println!("{}", response?.status());
    /// # Ok(()) }
    /// ```
    pub async fn pipe_from(&self, reader: impl AsyncRead) -> Result<(), Error> {
        let mut reader = pin!(reader);
        let mut buffer = BytesMut::new();
        loop {
            if buffer.capacity() < READ_BYTES_MIN {
                buffer.reserve(READ_BYTES);
            }
            match self.while_wanted(reader.read_buf(&mut buffer)).await? {
                None | Some(Ok(0)) => return self.end_and_wait(Bytes::new()).await,
                Some(Ok(_)) => self.pass_on(buffer.split().freeze()).await?,
                Some(Err(error)) => return Err(self.give_up(error.into())),
            }
        }
    }

    /// As [`pipe_from`](Self::pipe_from), from a stream of pieces. It need not be `Send`: the request of a server is one.
    ///
    /// # Errors
    /// As [`pipe_from`](Self::pipe_from).
    ///
    /// # Cancel safety
    /// What was taken from the stream is written, and the request not ended.
    ///
    /// ```
    /// use hearken_http::Server;
    /// // A proxy: both directions at once.
    /// let server = Server::new(async |req, res| {
    ///     let out = hearken_http::request("POST", "http://127.0.0.1:3000/echo")?;
    ///     let (sent, _) = tokio::join!(
    ///         async { res.pipe_from_stream(out.response().await?).await },
    ///         out.pipe_from_stream(req)
    ///     );
    ///     sent
    /// });
    /// ```
    pub async fn pipe_from_stream<B: Into<Bytes>, E: Into<Error>>(
        &self,
        stream: impl Stream<Item = Result<B, E>>,
    ) -> Result<(), Error> {
        let mut stream = pin!(stream);
        loop {
            let next = poll_fn(|cx| stream.as_mut().poll_next(cx));
            match self.while_wanted(next).await?.flatten() {
                None => return self.end_and_wait(Bytes::new()).await,
                Some(Ok(piece)) => self.pass_on(piece.into()).await?,
                Some(Err(error)) => return Err(self.give_up(error.into())),
            }
        }
    }

    /// Waits for something and drives the exchange meanwhile, so that what was written goes out and a failure is
    /// seen. `None` when nobody wants more.
    async fn while_wanted<T>(&self, waited: impl Future<Output = T>) -> Result<Option<T>, Error> {
        let mut waited = pin!(waited);
        let _leaving = Leaving(&self.exchange, Side::Request);
        poll_fn(|cx| {
            if let Poll::Ready(over) = self.exchange.poll(Side::Request, cx, Core::unwanted) {
                return Poll::Ready(over.map(|()| None));
            }
            waited.as_mut().poll(cx).map(|value| Ok(Some(value)))
        })
        .await
    }

    async fn pass_on(&self, piece: Bytes) -> Result<(), Error> {
        if self.write(piece) {
            Ok(())
        } else {
            self.drain().await
        }
    }

    /// What was to be sent has broken off.
    fn give_up(&self, error: Error) -> Error {
        self.abort_handle().abort();
        error
    }
}
