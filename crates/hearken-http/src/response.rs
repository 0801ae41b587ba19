//! The response of a server as its handler holds it: Node's `ServerResponse`.
//!
//! Here: [`ServerResponse`], [`Sent`], [`Deferred`]. Not here: the encoding (`conn/exchange.rs`).

use crate::conn::exchange::Exchange;
use crate::error::Error;
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::message::add_listeners;
use crate::outgoing_message::{self, OutgoingMessage};
use bytes::Bytes;
use hearken_proto::{Fields, Misuse};
use http::StatusCode;
use std::cell::RefCell;
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
/// 204 or 304, the content is counted and not sent. Nothing that is written after the peer has gone is an error here:
/// [`drain`](Self::drain) tells.
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
        self.exchange.state().outgoing.reason = Some(reason.into());
        self
    }

    /// Sets a field in the place of all with this name. A name or value that cannot be sent (CR, LF, NUL, …) turns the
    /// response into a 500, and the log says why; [`set_header`](OutgoingMessage::set_header) tells at once.
    #[must_use]
    pub fn set(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        if let Err(misuse) = self.exchange.state().outgoing.fields.set(name, value) {
            self.refuse(misuse);
        }
        self
    }

    /// Adds a field after the others, as [`set`](Self::set) otherwise.
    #[must_use]
    pub fn append(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        if let Err(misuse) = self.exchange.state().outgoing.fields.append(name, value) {
            self.refuse(misuse);
        }
        self
    }

    fn refuse(&self, misuse: Misuse) {
        self.exchange.state().outgoing.misuse.get_or_insert(misuse);
    }

    /// Removes all fields with this name; tells whether there was one.
    pub fn remove_header(&self, name: &str) -> bool {
        self.exchange.state().outgoing.fields.remove(name)
    }

    /// Whether to send a Date field. Default true.
    pub fn send_date(&self, send: bool) {
        self.exchange.state().outgoing.send_date = send;
    }

    /// Sends the head now, before there is content.
    pub fn flush_headers(&self) {
        self.exchange.order(|state, env| state.flush_head(env));
    }

    /// Whether the head is out, so that status and fields can no longer be changed.
    #[must_use]
    pub fn headers_sent(&self) -> bool {
        self.exchange.state().outgoing.stage != crate::conn::outgoing::Stage::Head
    }

    /// Queues a piece of content and tells whether there is room for more. On `false` wait for [`drain`](Self::drain).
    /// Whoever goes on without waiting loses the connection at `limits.body.write_queue_bytes_max`.
    pub fn write(&self, piece: impl Into<Bytes>) -> bool {
        let piece = piece.into();
        self.exchange.order(|state, env| state.write(env, piece))
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

    /// Bytes that are queued and not yet handed to the transport.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.exchange.state().out.len()
    }

    /// Ends the response with this as its content, or as its last piece.
    #[inline]
    pub fn end(self, content: impl Into<Bytes>) -> Sent {
        let content = content.into();
        self.exchange
            .order(|state, env| state.end(env, content, None));
        Sent(())
    }

    /// Ends a chunked response with trailers. To HTTP/1.0, and with a Content-Length that was set, they are left out.
    pub fn end_with_trailers(self, trailers: &Fields) -> Sent {
        self.exchange
            .order(|state, env| state.end(env, Bytes::new(), Some(trailers)));
        Sent(())
    }

    /// Puts the duty to answer into a value of its own, for whoever answers later, from a callback. If it is dropped
    /// unanswered, or the response that was taken from it is, the client gets a 500 and the log tells of it.
    pub fn defer(mut self) -> (Sent, Deferred) {
        self.owed = true;
        (
            Sent(()),
            Deferred {
                response: RefCell::new(Some(self)),
            },
        )
    }

    pub(crate) fn end_with_error(self, error: &Error) -> Sent {
        self.fail(error);
        Sent(())
    }

    fn fail(&self, error: &Error) {
        let status = error.status().as_u16();
        if error.status().is_server_error() && !error.is_closed() {
            tracing::error!(status, %error, "a handler failed");
        }
        self.exchange.order(|state, env| {
            if state.outgoing.stage == crate::conn::outgoing::Stage::Head && !state.is_over() {
                state.answer(env, status, &format!("{}\n", error.public_text()));
            } else if !state.is_over() {
                // A part is out: the client must not take it for the whole.
                state.close(crate::Closed::Aborted);
            }
        });
    }
}

impl OutgoingMessage for ServerResponse {}

impl outgoing_message::sealed::Outgoing for ServerResponse {
    fn edit_fields(&self, edit: &mut dyn FnMut(&mut Fields)) {
        edit(&mut self.exchange.state().outgoing.fields);
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
/// use hearken_http::Status;
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

/// The duty to answer one request later.
///
/// ```
/// use hearken_http::{Server, event};
/// let server = Server::new(async |req, res| {
///     let (sent, answer) = res.defer();
///     req.on(event::Ready, move |whole| answer.end(whole.body.clone()));
///     sent
/// });
/// ```
#[derive(Debug)]
#[must_use = "dropping it answers 500"]
pub struct Deferred {
    response: RefCell<Option<ServerResponse>>,
}

impl Deferred {
    /// Answers with this content. The second call does nothing.
    pub fn end(&self, content: impl Into<Bytes>) {
        if let Some(response) = self.try_take() {
            let _: Sent = response.end(content);
        }
    }

    /// The response, to set what is to be set before it ends. To be called once.
    ///
    /// # Panics
    /// On the second call: the duty was already taken.
    #[must_use]
    #[track_caller]
    pub fn take(&self) -> ServerResponse {
        self.try_take()
            .expect("expected an answer that is still owed; `take` was called before")
    }

    /// The response, or `None` on the second call.
    #[must_use]
    pub fn try_take(&self) -> Option<ServerResponse> {
        self.response.borrow_mut().take()
    }
}
