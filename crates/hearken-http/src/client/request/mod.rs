//! A request as its user makes it, and its response: Node's `ClientRequest` and `IncomingMessage`.
//!
//! Here: [`ClientRequest`], [`AbortHandle`]; what can be set before it is sent (`options.rs`), content from readers and streams
//! (`pipe.rs`), the response (`response.rs`); the exchange below them (`exchange.rs` the lock and the waits, `state.rs`, `parts.rs`,
//! `write.rs`, `completion.rs`, `wakers.rs`), heads for reuse (`head_pool.rs`).
//! May know: the agent, connecting, events of a client, the client's connection without I/O, messages.
//! Must not know: redirects, cookies, content codings (`fetch/`), servers, sessions.

mod completion;
mod exchange;
mod head_pool;
mod options;
mod parts;
mod pipe;
pub(crate) mod response;
mod state;
mod wakers;
mod write;

use crate::client::agent::Agent;
use crate::client::connect::plan::ConnectPlan;
use crate::client::event::{self, ClientEvent};
use crate::client::request::exchange::{Exchange, WaitGuard};
use crate::client::request::parts::RequestParts;
use crate::client::request::response::{Response, ResponseFuture, poll_response};
use crate::client::request::state::ExchangeState;
use crate::client::request::wakers::Side;
use crate::client::target::TargetUri;
use crate::error::Error;
use crate::message::outgoing::{self, OutgoingMessage};
use bytes::Bytes;
use hearken_proto::Fields;
use http::Method;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use url::Url;

impl Agent {
    /// A request that uses this agent. Nothing is sent before it is awaited. Node's `http.request` with the option `agent`.
    ///
    /// # Errors
    /// When the method is not a token, or the URL is neither http nor https.
    pub fn request(&self, method: &str, url: &str) -> Result<ClientRequest, Error> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| {
            Error::new(
                500,
                format!("expected a method of token characters, not {method:?}"),
            )
        })?;
        ClientRequest::new(self, method, TargetUri::parse(url)?)
    }
}

/// A request to a server; [`end`](Self::end) returns its response. Node's `ClientRequest`. It may be sent to another thread.
///
/// The methods of [`OutgoingMessage`] set its fields; order and case are kept. Nothing is added but Host, the framing of the
/// content, `Authorization` if the URL names a user, and `Connection: close` if the agent keeps no connections.
///
/// The content is framed by Node's rules: one `end` with all of it sends a Content-Length, writing piece by piece sends
/// chunks, a Content-Length that was set is kept and enforced. A request without content has no framing, but a POST, PUT or
/// PATCH, which says `Content-Length: 0`. **Nothing moves unless a task waits**: written content is sent while the response,
/// its body, or room to write is awaited. Dropping the request before its end aborts the exchange.
///
/// The head is sent with the first content or the end. A wait before both sends it at once: in chunks for a method that
/// defines content, and without any for GET, HEAD, DELETE, OPTIONS, TRACE and CONNECT, after which writing content is an error. Set
/// `Transfer-Encoding: chunked` or a Content-Length to send content with these methods later. While a reader or a stream is
/// piped, their head waits for its first piece or its end.
///
/// ```no_run
/// use hearken::{OutgoingMessage, request};
/// # async fn example() -> Result<(), hearken::Error> {
/// let mut request = request("POST", "http://127.0.0.1:3000/upload")?;
/// request.set_header("Content-Type", "text/plain")?;
/// for n in 0..1000 {
///     if !request.write(format!("line {n}\n")) {
///         request.drain().await?;
///     }
/// }
/// let response = request.end("").await?;
/// println!("{}", response.status());
/// # Ok(()) }
/// ```
pub struct ClientRequest {
    pub(crate) exchange: Arc<Exchange>,
}

impl ClientRequest {
    pub(crate) fn new(agent: &Agent, method: Method, mut target: TargetUri) -> Result<Self, Error> {
        let parts = RequestParts::new(agent, method, &mut target)?;
        Ok(Self::from_parts(agent, target, parts))
    }

    /// With these fields, to a URL and the zone of its address. They replace those of the same names that a client adds.
    pub(crate) fn with_fields(
        agent: &Agent,
        method: Method,
        (url, zone): (Url, Option<Arc<str>>),
        fields: &Fields,
    ) -> Result<Self, Error> {
        let mut target = TargetUri::from_url(url)?.with_zone(zone);
        let mut parts = RequestParts::new(agent, method, &mut target)?;
        for (name, _) in fields.view().iter() {
            parts.fields.remove(name);
        }
        for (name, value) in fields.view().iter() {
            parts.fields.append(name, value)?;
        }
        Ok(Self::from_parts(agent, target, parts))
    }

    fn from_parts(agent: &Agent, target: TargetUri, parts: RequestParts) -> Self {
        let plan = ConnectPlan::new(agent.clone(), target);
        Self {
            exchange: Exchange::new(plan, parts),
        }
    }

    /// Replaces all fields with this name. A field that cannot be sent fails the request when it is awaited;
    /// [`set_header`](OutgoingMessage::set_header) returns the error at once.
    #[must_use]
    pub fn set(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        if let Err(misuse) = self.set_header(name, value) {
            self.exchange.change(|state| {
                state.misuse.get_or_insert(misuse);
            });
        }
        self
    }

    /// Listens to an event of [`client::event`](crate::client::event). Call it before the first wait: earlier events are not
    /// emitted again.
    ///
    /// ```no_run
    /// use hearken::{client::event, request};
    /// # async fn example() -> Result<(), hearken::Error> {
    /// let request = request("GET", "http://127.0.0.1:3000/")?;
    /// request.on(event::Information, |head| println!("{}", head.status()));
    /// request.on(event::Close, |()| println!("over"));
    /// let response = request.end("").await?;
    /// # Ok(()) }
    /// ```
    pub fn on<E: ClientEvent>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(<E as event::sealed::Sealed>::Args<'a>) + Send + 'static,
    ) {
        self.exchange.state().events.add(event, listener);
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.exchange.state().parts.method.clone()
    }

    /// The URL, normalised, without user and password.
    #[must_use]
    pub fn url(&self) -> Url {
        self.exchange.state().plan.target.url().clone()
    }

    /// Writes a piece of content; returns whether there is room for more. If not, wait for [`drain`](Self::drain): writing on
    /// past `limits.body.write_queue_bytes_max` fails the exchange. An empty piece has no effect. After the end of the
    /// request or the exchange the piece is dropped.
    pub fn write(&self, piece: impl Into<Bytes>) -> bool {
        let piece = piece.into();
        self.exchange.order(|state| state.write(piece))
    }

    /// Sends the head with the next wait, before there is any content: how it is framed then stands at [`ClientRequest`].
    #[doc(alias = "flushHeaders")]
    pub fn flush_headers(&self) {
        self.exchange.state().parts.hold.yielded = true;
    }

    /// Content from a source will follow, unless it is empty: until the returned guard is dropped, the head of a method that
    /// defines no content waits for the first piece or the end.
    pub(crate) fn announce_source(&self) -> SourceGuard {
        let hold = &mut self.exchange.state().parts.hold;
        hold.source = true;
        hold.yielded = false; // the source is read before the next turn
        SourceGuard(Arc::clone(&self.exchange))
    }

    /// Waits until there is room to write; connects if necessary, and drives the exchange meanwhile. For content from a
    /// reader or a stream use [`pipe_from`](Self::pipe_from) or [`pipe_from_stream`](Self::pipe_from_stream).
    ///
    /// # Errors
    /// When the exchange has failed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what was written is sent during the next wait.
    pub async fn drain(&self) -> Result<(), Error> {
        self.wait(|state| {
            state
                .failure
                .clone()
                .map(Err)
                .or_else(|| state.is_drained().then_some(Ok(())))
        })
        .await
    }

    /// Ends the request with this content, which may be empty, and returns the response. Nothing moves before that is awaited.
    pub fn end(self, content: impl Into<Bytes>) -> ResponseFuture {
        let content = content.into();
        self.exchange.order(|state| state.end(content, None));
        self.into_response()
    }

    /// As [`end`](Self::end), with trailers: they make the request chunked.
    pub fn end_with_trailers(self, content: impl Into<Bytes>, trailers: Fields) -> ResponseFuture {
        let content = content.into();
        self.exchange
            .order(|state| state.end(content, Some(Box::new(trailers))));
        self.into_response()
    }

    fn into_response(self) -> ResponseFuture {
        ResponseFuture::new(Arc::clone(&self.exchange))
    }

    /// Waits for the response while there is still something to write; sends the head of the request. Ready once.
    /// From then on the response does not depend on this handle: both sides can be awaited at the same time, by
    /// `tokio::join!`, `tokio::select!` or two tasks.
    ///
    /// # Errors
    /// When the exchange has failed, and on the second call after it was ready.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: a response that has arrived is kept for the next call. So it can be used in a
    /// `tokio::select!` beside [`drain`](Self::drain).
    ///
    /// # An echo, both directions at once
    /// The server answers each line as it arrives. A client that wrote everything before it read would wait forever
    /// once both directions are full. [`finish`](Self::finish) ends the request: [`end`](Self::end) would return the response,
    /// which is taken already.
    /// ```no_run
    /// # async fn example() -> Result<(), hearken::Error> {
    /// let request = hearken::request("POST", "http://127.0.0.1:3000/echo")?;
    /// let mut response = request.response().await?;
    /// let write = async {
    ///     for n in 0..1_000_000 {
    ///         if !request.write(format!("line {n}\n")) {
    ///             request.drain().await?;
    ///         }
    ///     }
    ///     request.finish("that was all\n").await
    /// };
    /// let read = async {
    ///     let mut total = 0;
    ///     while let Some(piece) = response.data().await? {
    ///         total += piece.len();
    ///     }
    ///     Ok(total)
    /// };
    /// let ((), total) = tokio::try_join!(write, read)?;
    /// println!("{total} bytes came back");
    /// # Ok(()) }
    /// ```
    pub async fn response(&self) -> Result<Response, Error> {
        let _guard = WaitGuard(&self.exchange, Side::Response);
        poll_fn(|cx| poll_response(&self.exchange, cx)).await
    }

    /// Ends the request with this content and waits until the transport has taken it all. Use it when the response is awaited
    /// elsewhere or was taken from [`response`](Self::response), and [`end`](Self::end) otherwise. Node's `'finish'`.
    ///
    /// # Errors
    /// When the exchange has failed before. A server that wants no more of the content is not an error; see its response.
    ///
    /// # Cancel safety
    /// The call itself ends the request, not the first wait. Dropping the future loses nothing: the rest is sent while the
    /// response is awaited.
    pub fn finish(
        self,
        content: impl Into<Bytes>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        let content = content.into();
        self.exchange.order(|state| state.end(content, None));
        async move { self.sent().await }
    }

    /// Waits until the transport has taken the whole request, or the server wants no more of it.
    async fn sent(&self) -> Result<(), Error> {
        self.wait(|state| {
            let failure = state.failure.clone().map(Err);
            failure.or_else(|| state.is_sent().then_some(Ok(())))
        })
        .await
    }

    /// See [`finish`](Self::finish).
    pub(crate) async fn end_and_wait(&self, content: Bytes) -> Result<(), Error> {
        self.exchange.order(|state| state.end(content, None));
        self.sent().await
    }

    async fn wait<T>(&self, mut ready: impl FnMut(&mut ExchangeState) -> Option<T>) -> T {
        let _guard = WaitGuard(&self.exchange, Side::Request);
        poll_fn(|cx: &mut Context<'_>| -> Poll<T> {
            self.exchange.poll(Side::Request, cx, &mut ready)
        })
        .await
    }

    /// A handle to abort the exchange from elsewhere.
    #[doc(alias = "AbortSignal")]
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle {
            exchange: Arc::downgrade(&self.exchange),
        }
    }

    /// Whether its connection had carried an exchange before.
    #[doc(alias = "reusedSocket")]
    #[must_use]
    pub fn reused_socket(&self) -> bool {
        let state = self.exchange.state();
        state.info.as_ref().is_some_and(|info| info.reused())
    }

    /// Whether the head was sent, so that setting fields has no effect any more.
    #[doc(alias = "headersSent")]
    #[must_use]
    pub fn headers_sent(&self) -> bool {
        !self.exchange.state().is_before_connection()
    }
}

/// See [`ClientRequest::announce_source`].
pub(crate) struct SourceGuard(Arc<Exchange>);

impl Drop for SourceGuard {
    fn drop(&mut self) {
        self.0.order(|state| {
            state.parts.hold.source = false;
            state.release_head();
        });
    }
}

impl Drop for ClientRequest {
    fn drop(&mut self) {
        let ended = self.exchange.state().has_ended();
        if !ended {
            self.exchange.abort();
        }
    }
}

impl OutgoingMessage for ClientRequest {}

impl outgoing::sealed::Outgoing for ClientRequest {
    fn edit_fields(&self, edit: &mut dyn FnMut(&mut Fields)) {
        let mut state = self.exchange.state();
        if state.info.is_none() {
            edit(&mut state.parts.fields);
        } else {
            edit(&mut state.parts.fields.clone()); // a second attempt sends the fields of the first
        }
    }
}

/// Aborts an exchange from elsewhere. Cheap to clone; it does not keep the exchange alive.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hearken::Error> {
/// let request = hearken::request("GET", "http://127.0.0.1:9/")?;
/// let handle = request.abort_handle();
/// handle.abort();
/// let error = request.end("").await.unwrap_err();
/// assert!(error.is_aborted());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    exchange: Weak<Exchange>,
}

impl AbortHandle {
    /// Aborts the exchange: closes its connection, and fails the waits for it. Does nothing on the second call, or after the
    /// end.
    pub fn abort(&self) {
        if let Some(exchange) = self.exchange.upgrade() {
            exchange.abort();
        }
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AbortHandle")
    }
}

impl fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.exchange.state();
        write!(f, "{} {:?}", state.parts.method, state.plan.target)
    }
}
