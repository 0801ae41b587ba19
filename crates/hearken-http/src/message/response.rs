//! The response of a server as its handler holds it: Node's `ServerResponse`.
//!
//! Here: [`ServerResponse`], [`Sent`]. Not here: interim responses (`message/interim.rs`), content from readers and files
//! (`message/pipe.rs`, `message/send_file.rs`), upgrades (`net/upgraded.rs`), the encoding (`conn/orders.rs`).

use crate::conn::exchange::Exchange;
use crate::conn::outgoing::Stage;
use crate::error::{Error, Failure, Status};
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::message::deferred::Deferred;
use crate::message::incoming::add_listeners;
use crate::message::outgoing::{self, OutgoingMessage};
use bytes::Bytes;
use hearken_proto::{Fields, Head, Misuse};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;

/// Proof that a response was ended, deferred, or upgraded. Only the methods of [`ServerResponse`] that consume it return
/// one, so a handler whose result is `Sent` cannot forget its response or send it twice.
///
/// ```
/// use hearken::{IncomingMessage, Sent, Server, ServerResponse};
/// async fn hello(_req: IncomingMessage, res: ServerResponse) -> Sent {
///     res.end("Hello, World!")
/// }
/// let server = Server::new(hello);
/// ```
#[derive(Debug)]
#[must_use = "return it from the handler"]
pub struct Sent(pub(crate) ());

/// The response to one request. First set status and fields, then write content, then [`end`](Self::end), which consumes
/// the response: writing after the end does not compile.
///
/// | to send | call |
/// |---|---|
/// | all content at once | [`end`](Self::end) |
/// | piece by piece | [`write`](Self::write) and [`drain`](Self::drain), then `end` |
/// | a reader or a stream | [`pipe_from`](Self::pipe_from), [`pipe_from_stream`](Self::pipe_from_stream) |
/// | a file | [`send_file`](Self::send_file) |
/// | later, from a callback | [`defer`](Self::defer) |
/// | another protocol | [`upgrade`](Self::upgrade) |
///
/// **Framing.** A single `end` sends a Content-Length; writing piece by piece sends chunks (to HTTP/1.0: until close). A
/// Content-Length that was set is sent, and enforced: content of another length cuts the connection. In response to HEAD, and
/// with 204 or 304, the content is counted and not sent. No Content-Type is guessed.
///
/// **Errors.** A status or field that cannot be sent turns the response into a 500, and the reason is logged. Writing to a
/// client that has disconnected is not an error; [`drain`](Self::drain) returns one.
///
/// ```
/// use hearken::{Error, Server};
/// let server = Server::new(async |_req, res| {
///     let res = res.status(201).set("Content-Type", "text/plain");
///     for n in 0..1_000_000 {
///         if !res.write(format!("line {n}\n")) {
///             res.drain().await?; // wait until the client has taken some
///         }
///     }
///     Ok(res.end("done\n"))
/// });
/// ```
#[doc(alias = "strictContentLength")]
pub struct ServerResponse {
    pub(crate) exchange: Rc<Exchange>,
    /// Held by a [`Deferred`] or taken from one: the handler no longer answers, so dropping this sends a 500.
    deferred: bool,
}

impl ServerResponse {
    pub(crate) fn new(exchange: Rc<Exchange>) -> Self {
        Self {
            exchange,
            deferred: false,
        }
    }

    /// A second handle of the same response, for code around a handler that answers by what the handler returns. Of two ends the
    /// first counts; a write after it does nothing.
    ///
    /// ```
    /// use hearken::{Answer, IncomingMessage, Sent, Server, ServerResponse};
    /// async fn answer(req: IncomingMessage, res: ServerResponse) -> Sent {
    ///     let again = res.again();
    ///     let value = handler(req, res).await; // drops its handle
    ///     value.answer(again)
    /// }
    /// async fn handler(_req: IncomingMessage, res: ServerResponse) -> &'static str {
    ///     let _res = res.set("X-A", "1");
    ///     "hello"
    /// }
    /// let server = Server::new(answer);
    /// ```
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(Rc::clone(&self.exchange))
    }

    /// The head of the request that this responds to: for code that has the response alone, a layer or a form of failures. It stays
    /// as it is while this handle is there, also when the handler has dropped the request.
    ///
    /// ```
    /// use hearken::{Server, ServerResponse};
    /// fn origin(res: &ServerResponse) -> Option<&[u8]> {
    ///     res.request_head().fields().get("origin")
    /// }
    /// let server = Server::new(async |req, res| {
    ///     drop(req);
    ///     let allowed = origin(&res) == Some(b"https://example.com");
    ///     res.status(if allowed { 200 } else { 403 }).end("")
    /// });
    /// ```
    #[doc(alias = "req")]
    #[must_use]
    pub fn request_head(&self) -> &Head {
        self.exchange.head()
    }

    /// Sets the status and its registered reason phrase. Default 200. A status outside of 200 to 999 turns the response
    /// into a 500; for an interim one use [`write_information`](Self::write_information).
    #[must_use]
    #[doc(alias = "statusCode")]
    pub fn status(
        self, // it moves: write `let res = res.status(…)`, or the statement `res.set_status(…);`
        status: impl Into<Status>,
    ) -> Self {
        self.set_status(status);
        self
    }

    /// As [`status`](Self::status), by reference. Has no effect once the head is sent.
    pub fn set_status(&self, status: impl Into<Status>) {
        let status = status.into().0;
        self.exchange.state().outgoing.status = status;
    }

    /// Sets the reason phrase.
    #[must_use]
    #[doc(alias = "statusMessage")]
    pub fn reason(self, reason: &str) -> Self {
        self.exchange.state().outgoing.extras().reason = Some(reason.into());
        self
    }

    /// Sets a field and removes all others with its name. A name or value that cannot be sent (CR, LF, NUL, …) turns the
    /// response into a 500, and the reason is logged; [`set_header`](OutgoingMessage::set_header) returns it instead.
    #[must_use]
    #[inline]
    pub fn set(
        self, // it moves: write `let res = res.set(…)`, or the statement `res.set_header(…)?;`
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Self {
        let result = self.exchange.state().outgoing.fields.set(name, value);
        self.or_refuse(result)
    }

    /// Adds all fields of a list after the others: cheaper than one by one, for fields that every response has.
    ///
    /// ```
    /// use hearken::{Fields, Server};
    /// let mut always = Fields::new();
    /// always.append("X-Frame-Options", "DENY")?;
    /// let server = Server::new(async move |_req, res| res.append_all(&always).end("hi"));
    /// # Ok::<(), hearken::Misuse>(())
    /// ```
    #[must_use]
    pub fn append_all(self, fields: &Fields) -> Self {
        let refused = self.exchange.state().outgoing.fields.append_all(fields);
        self.or_refuse(refused)
    }

    /// Adds a field line after the others. Otherwise as [`set`](Self::set).
    #[must_use]
    #[inline]
    pub fn append(
        self, // it moves: write `let res = res.append(…)`, or the statement `res.append_header(…)?;`
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Self {
        let result = self.exchange.state().outgoing.fields.append(name, value);
        self.or_refuse(result)
    }

    #[inline]
    fn or_refuse(self, refused: Result<(), Misuse>) -> Self {
        if let Err(misuse) = refused {
            self.reject(misuse);
        }
        self
    }

    #[cold]
    fn reject(&self, misuse: Misuse) {
        self.exchange.state().outgoing.reject(misuse);
    }

    /// Sets the status, the reason phrase if given, and these fields as [`set`](Self::set) does. Sends nothing yet: later
    /// calls can change the head, and [`end`](Self::end) still adds a Content-Length, unlike after Node's `writeHead`. Has no
    /// effect once the head is sent.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |_req, res| {
    ///     res.write_head(404, None, [("Content-Type", "text/plain")]).end("no such page\n")
    /// });
    /// ```
    #[must_use]
    #[doc(alias = "writeHead")]
    pub fn write_head<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        self,
        status: impl Into<Status>,
        reason: Option<&str>,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let res = self.status(status);
        let res = match reason {
            Some(reason) => res.reason(reason),
            None => res,
        };
        headers
            .into_iter()
            .fold(res, |res, (name, value)| res.set(name, value))
    }

    /// Whether to send a Date field. Default true. Removing `Date` has the same effect as false.
    #[doc(alias = "sendDate")]
    pub fn send_date(&self, send: bool) {
        let outgoing = &mut self.exchange.state().outgoing;
        if !send || outgoing.extras.is_some() {
            outgoing.extras().no_date = !send;
        }
    }

    /// Sends the head now, before any content.
    #[doc(alias = "flushHeaders")]
    pub fn flush_headers(&self) {
        self.exchange.flush_head();
    }

    /// Whether the head is sent, so that status and fields can no longer be changed.
    #[must_use]
    #[doc(alias = "headersSent")]
    pub fn headers_sent(&self) -> bool {
        self.exchange.state().outgoing.stage != Stage::Head
    }

    /// Queues a piece of content and returns whether there is room for more. After `false` wait for [`drain`](Self::drain):
    /// a handler that writes on without waiting loses the connection at `limits.body.write_queue_bytes_max` (16 MiB).
    pub fn write(&self, piece: impl Into<Bytes>) -> bool {
        let piece = piece.into();
        self.exchange.write(piece)
    }

    /// Waits until there is room to write. When there is, it returns at once, or after other connections have had their turn if
    /// this one has taken its time: a handler that awaits it after each piece never keeps others waiting.
    ///
    /// # Errors
    /// When the exchange is over and nothing can be sent.
    pub async fn drain(&self) -> Result<(), Error> {
        poll_fn(|cx| self.exchange.order(|state, env| state.poll_drain(env, cx))).await
    }

    /// Adds a listener for an event of this response: [`HeaderDone`](crate::event::HeaderDone),
    /// [`DataDone`](crate::event::DataDone), [`Drain`](crate::event::Drain), [`Done`](crate::event::Done),
    /// [`Failed`](crate::event::Failed) or [`Closed`](crate::event::Closed). Emits no events for content written before.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let server = Server::new(async |_req, res| {
    ///     res.on(event::Done, |()| println!("the transport has taken the last byte"));
    ///     res.end("hi")
    /// });
    /// ```
    pub fn on<E: MessageEvent>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(<E as sealed::Message>::Args<'a>) + 'static,
    ) {
        let mut listeners = MessageListeners::default();
        event.add(listener, &mut listeners);
        add_listeners(&self.exchange, listeners);
    }

    /// Holds back content until [`uncork`](Self::uncork), so that several writes become one chunk. Corks nest: each needs
    /// its own `uncork`; `end` removes all. The head is sent with the first write regardless. Held content is sent when it
    /// reaches `limits.body.queue_bytes`, or when [`drain`](Self::drain) is awaited. Without a cork each write is its own
    /// chunk, and consecutive ones are still sent in one system call.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |_req, res| {
    ///     res.cork();
    ///     res.write("one ");
    ///     res.write("chunk");
    ///     res.uncork();
    ///     res.end(", and another")
    /// });
    /// ```
    pub fn cork(&self) {
        self.exchange.state().cork();
    }

    /// Removes one cork, if there is one.
    pub fn uncork(&self) {
        self.exchange.order(|state, env| state.uncork(env));
    }

    /// Number of corks: calls of [`cork`](Self::cork) without an [`uncork`](Self::uncork).
    #[must_use]
    #[doc(alias = "writableCorked")]
    pub fn corks(&self) -> u32 {
        self.exchange.state().corks()
    }

    /// Bytes queued or held back by a cork, and not yet taken by the transport; heads and chunk framing included.
    #[must_use]
    #[doc(alias = "writableLength")]
    pub fn queued_bytes(&self) -> usize {
        self.exchange.state().queued_bytes()
    }

    /// The number of queued bytes from which [`write`](Self::write) returns `false` now: 16 KiB at first, then a sixteenth of
    /// what the transport of this connection has taken, at most `limits.body.queue_bytes` of this exchange.
    #[must_use]
    #[doc(alias = "writableHighWaterMark")]
    pub fn high_water_mark(&self) -> u64 {
        self.exchange.state().window(&self.exchange.env)
    }

    /// Whether there is no room to write.
    #[must_use]
    #[doc(alias = "writableNeedDrain")]
    pub fn needs_drain(&self) -> bool {
        self.queued_bytes() as u64 >= self.high_water_mark()
    }

    /// Whether nothing more can be sent: the exchange is over, or a 500 has replaced this response because a field could not
    /// be sent.
    #[must_use]
    #[doc(alias = "writableEnded")]
    pub fn is_ended(&self) -> bool {
        self.exchange.has_kept_end() || self.exchange.state().is_over()
    }

    /// Whether a response was ended and the transport has taken all of it: [`event::Done`](crate::event::Done) as a question.
    #[must_use]
    #[doc(alias = "writableFinished")]
    pub fn is_finished(&self) -> bool {
        let state = self.exchange.state();
        state.outgoing.stage == Stage::Ended && state.carrier.queued_bytes() == 0
    }

    /// Ends the response with this content, or with this last piece of it.
    #[inline]
    pub fn end(self, content: impl Into<Bytes>) -> Sent {
        let content = content.into();
        self.exchange.end(content);
        Sent(())
    }

    /// Adds trailers, to be sent after the content. They make a response chunked whose head is not sent yet. To HTTP/1.0, and
    /// with a Content-Length that was set, they are dropped and that is logged. Announce them in a `Trailer` field, which
    /// makes the response chunked too, and is rejected beside a Content-Length. Further calls add to them.
    ///
    /// ```
    /// use hearken::{Fields, Server};
    /// let server = Server::new(async |_req, res| {
    ///     let mut trailers = Fields::new();
    ///     trailers.append("X-Checksum", "1b2c")?;
    ///     let res = res.set("Trailer", "X-Checksum");
    ///     res.write("some content");
    ///     res.add_trailers(&trailers);
    ///     Ok(res.end(""))
    /// });
    /// ```
    #[doc(alias = "addTrailers")]
    pub fn add_trailers(&self, trailers: &Fields) {
        self.exchange.state().add_trailers(trailers);
    }

    /// [`add_trailers`](Self::add_trailers) and [`end`](Self::end) in one call.
    pub fn end_with_trailers(self, trailers: &Fields) -> Sent {
        self.add_trailers(trailers);
        self.end("")
    }

    /// Aborts the exchange: bytes that the transport has not taken are dropped, those of earlier responses included, and the
    /// connection closes. The client detects that the response was cut.
    pub fn destroy(self) -> Sent {
        self.exchange.order(|state, _| state.destroy());
        Sent(())
    }

    /// Splits the response into the [`Sent`] that the handler returns and a [`Deferred`] that ends the response later, from a
    /// listener or another task. If the `Deferred`, or the response taken from it, is dropped unended, the client gets a 500
    /// and an error is logged.
    pub fn defer(mut self) -> (Sent, Deferred) {
        self.deferred = true;
        (Sent(()), Deferred::new(self))
    }

    /// Ends the response with a failure, as returning it from the handler does.
    pub fn fail(self, failure: impl Into<Failure>) -> Sent {
        self.exchange.fail_handler(failure.into());
        Sent(())
    }

    #[cold]
    fn fail_unanswered(&self) {
        let ended = self.exchange.state().is_over() || self.exchange.is_filtering();
        if !ended {
            let text = "a deferred response was dropped before it was ended";
            self.exchange.fail_handler(Failure::new(500, text));
        }
    }
}

impl OutgoingMessage for ServerResponse {}

impl outgoing::sealed::Outgoing for ServerResponse {
    fn edit_fields(&self, edit: &mut dyn FnMut(&mut Fields)) {
        edit(&mut self.exchange.state().outgoing.fields);
    }

    fn remove_default(&self, name: &str) {
        self.exchange.state().outgoing.remove_default(name);
    }
}

impl Drop for ServerResponse {
    #[inline]
    fn drop(&mut self) {
        if self.deferred {
            self.fail_unanswered();
        }
    }
}

impl fmt::Debug for ServerResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.exchange.state();
        f.debug_struct("ServerResponse")
            .field("status", &state.outgoing.status)
            .field("fields", &state.outgoing.fields)
            .field("stage", &state.outgoing.stage)
            .finish()
    }
}
