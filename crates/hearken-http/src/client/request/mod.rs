//! A request as its user makes it: Node's `ClientRequest`.
//!
//! Here: [`ClientRequest`], [`AbortHandle`]. Not here: what can be set before (`request_options.rs`), content from
//! readers and streams (`message/pipe.rs`), the header methods that it shares with responses (`message/outgoing.rs`), how it
//! is carried out (`exchange.rs`).

pub(crate) mod completion;
pub(crate) mod exchange;
pub(crate) mod head_pool;
pub(crate) mod options;
pub(crate) mod pipe;
pub(crate) mod response;
pub(crate) mod wakers;

use crate::client::agent::Agent;
use crate::client::connect::Plan;
use crate::client::event::{self, ClientEvent};
use crate::client::request::exchange::{Core, Draft, Exchange, Side, Stage};
use crate::client::request::response::{Response, ResponseFuture, poll_response};
use crate::client::target::Target;
use crate::conn::client::ExchangeOptions;
use crate::error::Error;
use crate::error::failure::{Cause, Failure, Phase};
use crate::message::outgoing::{self, OutgoingMessage};
use bytes::Bytes;
use hearken_proto::Fields;
use http::Method;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

/// A request that goes out, and by [`end`](Self::end) its response. Node's `ClientRequest`. It may be sent to another thread.
///
/// Its fields can be set by the methods of [`OutgoingMessage`]; order and case are kept. Nothing is added but Host,
/// what frames the content, `Authorization` if the URL names a user, and `Connection: close` if the agent keeps no
/// connections.
///
/// How the content is framed follows Node's rules: one `end` with all of it sends a Content-Length, writing piece by piece sends
/// chunks, a Content-Length that was set is kept and enforced. **Nothing moves while nobody waits**: what is written
/// goes out while the response, its body, or room to write is awaited. Dropping the request before its end gives the
/// exchange up.
///
/// ```no_run
/// use hearken_http::{OutgoingMessage, request};
/// # async fn example() -> Result<(), hearken_http::Error> {
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
    pub(crate) fn new(agent: &Agent, method: Method, url: &str) -> Result<Self, Error> {
        let mut target = Target::parse(url)?;
        let options = &agent.inner.options;
        let mut fields = Fields::with_capacity(256, 8);
        fields.append("Host", target.host_field())?;
        if let Some(auth) = target.basic_auth() {
            fields.append("Authorization", auth)?;
            target.strip_auth();
        }
        if !options.keep_alive {
            fields.append("Connection", "close")?;
        }
        let terms = ExchangeOptions {
            response: options.response_timeout,
            inactivity: None,
            inactivity_told: false,
            until: None,
            hold: None,
            idempotent: method.is_idempotent(),
            interims: false,
        };
        let plan = Plan {
            agent: agent.clone(),
            target,
            route: None,
            connector: None,
            until: None,
            step: None,
        };
        let draft = Draft {
            method,
            path: None,
            fields,
            terms,
            time: None,
            pieces: VecDeque::new(),
            pieces_bytes: 0,
            end: None,
            streamed: false,
            limits: Arc::clone(&agent.inner.limits),
        };
        Ok(Self {
            exchange: Exchange::new(plan, draft),
        })
    }

    /// Changes what can be changed before the first wait.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Core)) {
        let mut core = self.exchange.core();
        if matches!(core.stage, Stage::Draft) {
            change(&mut core);
        }
    }

    /// Sets a field in the place of all with this name; one that cannot be sent fails the request when it is awaited. See
    /// [`set_header`](OutgoingMessage::set_header) for one that tells at once.
    #[must_use]
    pub fn set(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        if let Err(misuse) = self.set_header(name, value) {
            self.change(|core| {
                core.misuse.get_or_insert(misuse);
            });
        }
        self
    }

    /// Listens to an event of [`client::event`](crate::client::event). To be called before the first wait; what has happened
    /// before is not told.
    ///
    /// ```no_run
    /// use hearken_http::{client::event, request};
    /// # async fn example() -> Result<(), hearken_http::Error> {
    /// let request = request("GET", "http://127.0.0.1:3000/")?;
    /// request.on(client::event::Information, |head| println!("{}", head.status()));
    /// request.on(client::event::Close, |()| println!("over"));
    /// let response = request.end("").await?;
    /// # Ok(()) }
    /// ```
    pub fn on<E: ClientEvent>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(<E as event::sealed::Event>::Args<'a>) + Send + 'static,
    ) {
        self.exchange.core().heard.add(event, listener);
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.exchange.core().draft.method.clone()
    }

    /// The URL, normalised, without user and password.
    #[must_use]
    pub fn url(&self) -> url::Url {
        self.exchange.core().plan.target.url().clone()
    }

    /// Writes a piece of content; tells whether there is room for more. If not, wait for [`drain`](Self::drain): whoever goes on
    /// writing past `limits.body.write_queue_bytes_max` loses the exchange. An empty piece sends the head. After the end of the
    /// exchange nothing happens.
    pub fn write(&self, piece: impl Into<Bytes>) -> bool {
        let piece = piece.into();
        self.exchange.order(|core| core.write(piece))
    }

    /// Sends the head with the next wait, before there is any content. Node's `flushHeaders`.
    pub fn flush_headers(&self) {
        self.write(Bytes::new());
    }

    /// Waits until there is room to write; connects if need be, and drives the exchange meanwhile. For content from a
    /// reader or a stream there are [`pipe_from`](Self::pipe_from) and [`pipe_from_stream`](Self::pipe_from_stream).
    ///
    /// # Errors
    /// When the exchange has failed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what was written stays written, and goes on when something is awaited
    /// again.
    pub async fn drain(&self) -> Result<(), Error> {
        self.wait(|core| {
            core.failure
                .clone()
                .map(Err)
                .or_else(|| core.is_drained().then_some(Ok(())))
        })
        .await
    }

    /// Ends the request with this content, which may be empty, and gives the response. Nothing moves before that is awaited.
    pub fn end(self, content: impl Into<Bytes>) -> ResponseFuture {
        let content = content.into();
        self.exchange.order(|core| core.end(content, None));
        self.into_response()
    }

    /// As [`end`](Self::end), with trailers: they make the request chunked.
    pub fn end_with_trailers(self, content: impl Into<Bytes>, trailers: Fields) -> ResponseFuture {
        let content = content.into();
        self.exchange
            .order(|core| core.end(content, Some(Box::new(trailers))));
        self.into_response()
    }

    fn into_response(self) -> ResponseFuture {
        ResponseFuture::new(Arc::clone(&self.exchange))
    }

    /// Waits for the response while there is still something to write; the head of the request is sent. Ready once.
    /// From then on the response does not depend on this handle, and either side can be awaited while the other is,
    /// by `tokio::join!`, `tokio::select!` or two tasks.
    ///
    /// # Errors
    /// When the exchange has failed, and on the second call after it was ready.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the response, if it has come, is there for the next call. So it may stand
    /// in a `tokio::select!` beside [`drain`](Self::drain).
    ///
    /// # An echo, both directions at once
    /// The server answers each line as it comes, so that whoever first wrote everything and then read would wait
    /// forever once the way is full. [`finish`](Self::finish) ends the request, for [`end`](Self::end) gives a
    /// response that is taken already.
    /// ```no_run
    /// # async fn example() -> Result<(), hearken_http::Error> {
    /// let request = hearken_http::request("POST", "http://127.0.0.1:3000/echo")?;
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
        self.flush_headers();
        let _leaving = Leaving(&self.exchange, Side::Response);
        poll_fn(|cx| poll_response(&self.exchange, cx)).await
    }

    /// Ends the request with this content and waits until the transport has taken it all: for whoever has the
    /// response from [`response`](Self::response) already, or awaits it elsewhere. Whoever has not, uses
    /// [`end`](Self::end). Node's `'finish'`.
    ///
    /// # Errors
    /// When the exchange has failed before. That the server wants no more of it is no error: its response tells.
    ///
    /// # Cancel safety
    /// The end is ordered by the call, not by the first wait. Dropping the future loses nothing of it: the rest goes
    /// out while the response is awaited.
    pub fn finish(
        self,
        content: impl Into<Bytes>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        let content = content.into();
        self.exchange.order(|core| core.end(content, None));
        async move { self.sent().await }
    }

    /// Waits until all of it is with the transport, or nobody wants it.
    async fn sent(&self) -> Result<(), Error> {
        self.wait(|core| {
            let failure = core.failure.clone().map(Err);
            failure.or_else(|| core.is_sent().then_some(Ok(())))
        })
        .await
    }

    /// See [`finish`](Self::finish).
    pub(crate) async fn end_and_wait(&self, content: Bytes) -> Result<(), Error> {
        self.exchange.order(|core| core.end(content, None));
        self.sent().await
    }

    async fn wait<T>(&self, mut ready: impl FnMut(&mut Core) -> Option<T>) -> T {
        let _leaving = Leaving(&self.exchange, Side::Request);
        poll_fn(|cx: &mut Context<'_>| -> Poll<T> {
            self.exchange.poll(Side::Request, cx, &mut ready)
        })
        .await
    }

    /// Ends the exchange from elsewhere. Node's `AbortSignal`.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle {
            exchange: Arc::downgrade(&self.exchange),
        }
    }

    /// Whether it has, or had, a connection that was used before. Node's `reusedSocket`.
    #[must_use]
    pub fn reused_socket(&self) -> bool {
        let core = self.exchange.core();
        core.connected
            .as_ref()
            .is_some_and(|connected| connected.reused())
    }

    /// Whether the head is out, so that its fields change nothing any more. Node's `headersSent`.
    #[must_use]
    pub fn headers_sent(&self) -> bool {
        !matches!(
            self.exchange.core().stage,
            Stage::Draft | Stage::Acquiring(_) | Stage::Busy
        )
    }
}

/// Somebody waits on one side, as long as this lives.
pub(crate) struct Leaving<'a>(pub(crate) &'a Exchange, pub(crate) Side);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.stop_waiting(self.1);
    }
}

impl Drop for ClientRequest {
    fn drop(&mut self) {
        let given_up = {
            let core = self.exchange.core();
            core.draft.end.is_none() && !core.ended
        };
        if given_up {
            self.exchange.abort();
        }
    }
}

impl OutgoingMessage for ClientRequest {}

impl outgoing::sealed::Outgoing for ClientRequest {
    fn edit_fields(&self, edit: &mut dyn FnMut(&mut Fields)) {
        let mut core = self.exchange.core();
        if core.connected.is_none() {
            edit(&mut core.draft.fields);
        } else {
            edit(&mut core.draft.fields.clone()); // what was sent is what a second try sends
        }
    }
}

impl Core {
    fn write(&mut self, piece: Bytes) -> bool {
        if matches!(self.stage, Stage::Over) || self.draft.end.is_some() || self.ended {
            return true; // nobody wants it, and nobody has to wait
        }
        self.draft.streamed = true;
        match &mut self.stage {
            Stage::Live(leased) => {
                if let Err(misuse) = leased.wire.used().send_content(piece) {
                    self.fail(hearken_proto::Error::from(misuse).into());
                }
            }
            _ => {
                self.draft.pieces_bytes += piece.len();
                self.draft.pieces.push_back(piece);
            }
        }
        let most = self.draft.limits.body.write_queue_bytes_max;
        if self.pending_bytes() as u64 > most {
            let phase = Phase::Write;
            let peer = self.plan.target.authority();
            self.fail(Error::client(Failure {
                phase,
                peer,
                cause: Cause::Unwaited(most),
                retry_safe: false,
            }));
        }
        let room = self.has_room();
        self.once.full |= !room;
        room
    }

    fn end(&mut self, content: Bytes, trailers: Option<Box<Fields>>) {
        if self.ended || self.draft.end.is_some() {
            return;
        }
        let Stage::Live(leased) = &mut self.stage else {
            self.draft.end = Some((content, trailers));
            return;
        };
        self.ended = true;
        let used = leased.wire.used();
        let sent = used
            .send_content(content)
            .and_then(|()| used.send_end(trailers));
        if let Err(misuse) = sent {
            self.fail(hearken_proto::Error::from(misuse).into());
        }
    }

    /// As the transport sees it: less than half of what may wait does.
    fn is_drained(&mut self) -> bool {
        let most = self.draft.limits.body.queue_bytes;
        let waits = matches!(self.stage, Stage::Draft | Stage::Acquiring(_) | Stage::Busy);
        !waits && self.pending_bytes() as u64 <= most / 2
    }

    /// Whether nothing of the content that is still to come is wanted.
    pub(crate) fn unwanted(&mut self) -> Option<Result<(), Error>> {
        if let Some(error) = &self.failure {
            return Some(Err(error.clone()));
        }
        let over = match &mut self.stage {
            Stage::Live(leased) => leased.wire.used().is_stopped(),
            stage => matches!(stage, Stage::Over),
        };
        over.then_some(Ok(()))
    }

    fn is_sent(&mut self) -> bool {
        match &mut self.stage {
            Stage::Live(leased) => {
                let used = leased.wire.used();
                used.sent().is_some() || used.is_stopped()
            }
            stage => matches!(stage, Stage::Over),
        }
    }
}

/// Ends an exchange from elsewhere. Cheap to clone; it does not keep the exchange alive.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hearken_http::Error> {
/// let request = hearken_http::request("GET", "http://127.0.0.1:9/")?;
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
    /// Gives the exchange up: its connection is closed, and whoever waits gets an error. The second call does nothing,
    /// nor does one after the end.
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
        let core = self.exchange.core();
        write!(f, "{} {:?}", core.draft.method, core.plan.target)
    }
}
