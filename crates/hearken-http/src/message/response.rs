//! The response of a server as its handler holds it: Node's `ServerResponse`.
//!
//! Here: [`ServerResponse`], [`Sent`]: what every response needs. Not here: interim responses (`message/interim.rs`), content from
//! readers and files (`message/pipe.rs`, `message/send_file.rs`), the encoding (`conn/orders.rs`).

use crate::conn::exchange::Exchange;
use crate::conn::observed::log_failure;
use crate::conn::outgoing::Stage;
use crate::error::Error;
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::message::deferred::Deferred;
use crate::message::incoming::add_listeners;
use crate::message::outgoing::{self, OutgoingMessage};
use bytes::Bytes;
use hearken_proto::{Fields, Misuse};
use http::StatusCode;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;

/// The proof that an exchange is answered, or that somebody holds the duty to do so. Only a response can make one, by
/// consuming itself.
///
/// ```
/// use hearken_http::{IncomingMessage, Sent, Server, ServerResponse};
/// async fn hello(_req: IncomingMessage, res: ServerResponse) -> Sent {
///     res.end("Hello, World!")
/// }
/// let server = Server::new(hello);
/// ```
#[derive(Debug)]
#[must_use = "a handler returns it to prove that it answered"]
pub struct Sent(pub(crate) ());

/// The response to one request. Status and fields can be set until the first byte is written; then content follows, and
/// [`end`](Self::end) consumes it.
///
/// How the content is framed follows Node's rules: one `end` with all of it sends a Content-Length, writing piece by
/// piece sends chunks (until close to HTTP/1.0), a Content-Length that was set is kept and enforced. To HEAD, and with
/// 204 or 304, the content is counted and not sent. Node's `strictContentLength` is always on: content that does not have the
/// length that was set never passes for a whole message. No Content-Type is guessed: text is sent without one. Nothing
/// that is written after the peer has gone is an error here: [`drain`](Self::drain) tells.
///
/// ```
/// use hearken_http::Server;
/// let server = Server::new(async |_req, res| {
///     let res = res.status(201).set("Content-Type", "text/plain");
///     for n in 0..1000 {
///         if !res.write(format!("line {n}\n")) {
///             res.drain().await?;
///         }
///     }
///     Ok(res.end(""))
/// });
/// # fn check(_: hearken_http::Server) {} check(server);
/// ```
pub struct ServerResponse {
    pub(crate) exchange: Rc<Exchange>,
    /// Nobody else answers: the handler has ended, or may end, without it.
    owed: bool,
}

impl ServerResponse {
    pub(crate) fn new(exchange: Rc<Exchange>) -> Self {
        Self {
            exchange,
            owed: false,
        }
    }

    pub(crate) fn again(&self) -> Self {
        Self::new(Rc::clone(&self.exchange))
    }

    /// Sets the status, and the registered reason phrase with it. Default 200. A status outside of 200 to 999 turns the
    /// response into a 500: an interim one is no answer.
    #[must_use]
    pub fn status(self, status: impl Into<Status>) -> Self {
        self.set_status(status);
        self
    }

    /// As [`status`](Self::status), for a response that is not to be moved. After the head is out nothing happens.
    pub fn set_status(&self, status: impl Into<Status>) {
        let status = status.into().0;
        self.exchange.state().outgoing.status = status;
    }

    /// Sets the reason phrase.
    #[must_use]
    pub fn reason(self, reason: &str) -> Self {
        self.exchange.state().outgoing.extras().reason = Some(reason.into());
        self
    }

    /// Sets a field in the place of all with this name. A name or value that cannot be sent (CR, LF, NUL, …) turns the
    /// response into a 500, and the log says why; [`set_header`](OutgoingMessage::set_header) tells at once.
    #[must_use]
    pub fn set(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let refused = self.exchange.state().outgoing.fields.set(name, value);
        self.note(refused)
    }

    /// Adds a field after the others, as [`set`](Self::set) otherwise.
    #[must_use]
    pub fn append(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let refused = self.exchange.state().outgoing.fields.append(name, value);
        self.note(refused)
    }

    #[inline]
    fn note(self, refused: Result<(), Misuse>) -> Self {
        if let Err(misuse) = refused {
            self.exchange.state().outgoing.reject(misuse);
        }
        self
    }

    /// Sets the status, the reason phrase if there is one, and these fields, each in the place of all with its name.
    /// Nothing is sent yet, and what is set later counts: unlike Node's `writeHead`, whose head is fixed by this call, it
    /// does not keep [`end`](Self::end) from sending a Content-Length. After the head is out nothing happens.
    ///
    /// ```
    /// use hearken_http::Server;
    /// let server = Server::new(async |_req, res| {
    ///     res.write_head(404, None, [("Content-Type", "text/plain")]).end("no such page\n")
    /// });
    /// ```
    #[must_use]
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

    /// Whether to send a Date field. Default true. Removing `Date` is the same as false.
    pub fn send_date(&self, send: bool) {
        let outgoing = &mut self.exchange.state().outgoing;
        if !send || outgoing.extras.is_some() {
            outgoing.extras().no_date = !send;
        }
    }

    /// Sends the head now, before there is content.
    pub fn flush_headers(&self) {
        self.exchange.flush_head();
    }

    /// Whether the head is out, so that status and fields can no longer be changed.
    #[must_use]
    pub fn headers_sent(&self) -> bool {
        self.exchange.state().outgoing.stage != Stage::Head
    }

    /// Queues a piece of content and tells whether there is room for more. On `false` wait for [`drain`](Self::drain).
    /// Whoever goes on without waiting loses the connection at `limits.body.write_queue_bytes_max`.
    pub fn write(&self, piece: impl Into<Bytes>) -> bool {
        let piece = piece.into();
        self.exchange.write(piece)
    }

    /// Waits until there is room to write: at once when there is.
    ///
    /// # Errors
    /// When nothing can be delivered any more.
    pub async fn drain(&self) -> Result<(), Error> {
        poll_fn(|cx| self.exchange.order(|state, env| state.poll_drain(env, cx))).await
    }

    /// Listens to what becomes of this response: [`HeaderDone`](crate::event::HeaderDone),
    /// [`DataDone`](crate::event::DataDone), [`Done`](crate::event::Done) or [`Failed`](crate::event::Failed). What was
    /// written before is not told.
    ///
    /// ```
    /// use hearken_http::{Server, event};
    /// let server = Server::new(async |_req, res| {
    ///     res.on(event::Done, |()| println!("the last byte has left"));
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

    /// Keeps back what is written from here on, up to [`uncork`](Self::uncork), so that it goes as one chunk and in one
    /// write. Corks add up: each is to be taken away. `end` takes all away. The head goes out with the first write all the
    /// same, and so does what was kept back when it reaches `limits.body.queue_bytes`, or when [`drain`](Self::drain) is
    /// awaited. Without a cork, writes of one turn are sent together, each as a chunk of its own.
    ///
    /// ```
    /// use hearken_http::Server;
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

    /// Takes one cork away. Without a cork nothing happens.
    pub fn uncork(&self) {
        self.exchange.order(|state, env| state.uncork(env));
    }

    /// How often the response is corked. Node's `writableCorked`.
    #[must_use]
    pub fn writable_corked(&self) -> u32 {
        self.exchange.state().corks()
    }

    /// Whether the response is corked.
    #[must_use]
    pub fn is_corked(&self) -> bool {
        self.writable_corked() > 0
    }

    /// Bytes that are queued, or kept back by a cork, and not yet handed to the transport; frames and heads count too.
    /// Node's `writableLength`.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.exchange.state().queued_bytes()
    }

    /// From so many queued bytes on `write` says that there is no more room: `limits.body.queue_bytes`. Node's
    /// `writableHighWaterMark`.
    #[must_use]
    pub fn writable_high_water_mark(&self) -> u64 {
        let state = self.exchange.state();
        state.limits(&self.exchange.env).body.queue_bytes
    }

    /// Whether there is no room to write. Node's `writableNeedDrain`.
    #[must_use]
    pub fn writable_need_drain(&self) -> bool {
        self.queued_bytes() as u64 >= self.writable_high_water_mark()
    }

    /// Whether nothing more can be said: an answer was given in the place of this one (a 500 for a field that cannot be
    /// sent), or the exchange is over. Whoever ends a response has none to ask any more. Node's `writableEnded`.
    #[must_use]
    pub fn writable_ended(&self) -> bool {
        self.exchange.state().is_over()
    }

    /// Whether an answer was given and all of it was handed to the transport; see [`event::Done`](crate::event::Done) for
    /// when that happens. Node's `writableFinished`.
    #[must_use]
    pub fn writable_finished(&self) -> bool {
        let state = self.exchange.state();
        state.outgoing.stage == Stage::Ended && state.carrier.queued_bytes() == 0
    }

    /// Ends the response with this as its content, or as its last piece.
    #[inline]
    pub fn end(self, content: impl Into<Bytes>) -> Sent {
        let content = content.into();
        self.exchange.end(content);
        Sent(())
    }

    /// Adds trailers, to be sent with the end. Trailers make a response chunked whose head is not out yet; to HTTP/1.0, and
    /// with a Content-Length that was set, they are left out and the log says so. Announce them by a `Trailer` field, which
    /// makes the response chunked too, and is refused beside a Content-Length. Further calls add to them.
    ///
    /// ```
    /// use hearken_http::{Fields, Server};
    /// let server = Server::new(async |_req, res| {
    ///     let mut trailers = Fields::new();
    ///     trailers.append("X-Checksum", "1b2c")?;
    ///     let res = res.set("Trailer", "X-Checksum");
    ///     res.write("some content");
    ///     res.add_trailers(&trailers);
    ///     Ok(res.end(""))
    /// });
    /// ```
    pub fn add_trailers(&self, trailers: &Fields) {
        self.exchange.state().add_trailers(trailers);
    }

    /// Ends the response with trailers: [`add_trailers`](Self::add_trailers) and [`end`](Self::end) in one.
    pub fn end_with_trailers(self, trailers: &Fields) -> Sent {
        self.add_trailers(trailers);
        self.end("")
    }

    /// Gives the exchange up: what the transport has not taken yet is dropped, earlier answers on the connection
    /// included, and the connection closes. The client sees that its answer was cut.
    pub fn destroy(self) -> Sent {
        self.exchange.order(|state, _| state.destroy());
        Sent(())
    }

    /// Puts the duty to answer into a value of its own, for whoever answers later, from a callback. If it is dropped
    /// unanswered, or the response that was taken from it is, the client gets a 500 and the log tells of it.
    pub fn defer(mut self) -> (Sent, Deferred) {
        self.owed = true;
        (Sent(()), Deferred::new(self))
    }

    pub(crate) fn end_with_error(self, error: &Error) -> Sent {
        self.fail(error);
        Sent(())
    }

    fn fail(&self, error: &Error) {
        let status = error.status().as_u16();
        if error.status().is_server_error() && !error.is_closed() {
            let request = self.exchange.state().failed_request();
            log_failure!(request, status, %error, "a handler failed");
        }
        self.exchange.state().note_error(error);
        if self.headers_sent() {
            // A part is out: the client must not take it for the whole.
            self.exchange.order(|state, _| {
                if !state.is_over() {
                    state.close(crate::Closed::Aborted);
                }
            });
        } else {
            let text = format!("{}\n", error.public_text());
            self.exchange.respond(status, &text);
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
        if self.owed && !self.exchange.state().is_over() {
            self.fail(&Error::new(500, "a deferred answer was dropped unanswered"));
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

/// A status, from a number or a [`StatusCode`].
///
/// ```
/// use hearken_http::message::Status;
/// let _: [Status; 2] = [404.into(), http::StatusCode::NOT_FOUND.into()];
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub(crate) u16);

impl From<u16> for Status {
    fn from(status: u16) -> Self {
        Self(status)
    }
}

impl From<StatusCode> for Status {
    fn from(status: StatusCode) -> Self {
        Self(status.as_u16())
    }
}
