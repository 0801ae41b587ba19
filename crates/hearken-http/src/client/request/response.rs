//! The response as its user holds it: an [`IncomingMessage`] whose body comes from a client's exchange.
//!
//! Here: [`Response`], [`ClientSource`], [`ResponseFuture`]. Not here: head and body, which work as for requests
//! (`message/incoming.rs`), the waits (`exchange.rs`).

use crate::client::info::{ConnectionInfo, Timings};
use crate::client::request::exchange::Exchange;
use crate::client::request::head_pool;
use crate::client::request::state::ExchangeState;
use crate::client::request::wakers::Side;
use crate::error::Error;
use crate::message::incoming::IncomingMessage;
use crate::message::source::{Source, sealed};
use crate::net::upgraded::Upgraded;
use bytes::Bytes;
use hearken_proto::{Fields, Head};
use http::StatusCode;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use url::Url;

/// A response to a client: Node's `IncomingMessage` of `'response'`. Head and body as for a request on a server, but it
/// may be sent to another thread.
///
/// Its body arrives while a task waits for it; otherwise nothing is read from the server. Dropping it before the end of its
/// body closes the connection, unless the rest has arrived already.
///
/// ```no_run
/// # async fn example() -> Result<(), hearken::Error> {
/// let mut response = hearken::get("http://127.0.0.1:3000/").await?;
/// println!("{} {:?}", response.status(), response.header("content-type"));
/// while let Some(piece) = response.data().await? {
///     println!("{} bytes", piece.len());
/// }
/// # Ok(()) }
/// ```
pub type Response = IncomingMessage<ClientSource>;

/// The exchange of a client.
pub struct ClientSource {
    exchange: Arc<Exchange>,
    /// `Some` until the message is dropped.
    head: Option<Box<Head>>,
}

impl Source for ClientSource {}

impl sealed::Source for ClientSource {
    const IS_REQUEST: bool = false;

    fn poll_data(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let mut cx = Context::from_waker(cx.waker());
        self.exchange
            .poll(Side::Response, &mut cx, ExchangeState::next_piece)
    }

    fn put_back(&mut self, piece: Bytes) {
        self.exchange.state().body().put_back(piece);
    }

    fn destroy(&self) {
        self.exchange.abort();
    }

    fn stop_waiting(&mut self) {
        self.exchange.state().body().wanted = false;
        self.exchange.stop_waiting(Side::Response);
    }

    fn trailers(&self) -> Fields {
        self.exchange.state().body().trailers.clone()
    }

    fn is_complete(&self) -> bool {
        self.exchange.state().body().is_complete()
    }

    fn buffered_bytes_max(&self) -> u64 {
        self.exchange.state().parts.limits.body.buffered_bytes_max
    }

    fn form_fields_max(&self) -> u32 {
        self.exchange.state().parts.limits.body.form_fields_max
    }

    fn head(&self) -> &Head {
        static NONE: Head = Head::new();
        self.head.as_deref().unwrap_or(&NONE)
    }

    fn release(&mut self) {
        self.head.take().into_iter().for_each(head_pool::put_back);
        let mut state = self.exchange.state();
        state.release();
        self.exchange.deliver(state);
    }
}

impl fmt::Debug for ClientSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSource")
    }
}

impl IncomingMessage<ClientSource> {
    /// The status.
    #[doc(alias = "statusCode")]
    #[must_use]
    pub fn status(&self) -> StatusCode {
        // The protocol accepts none outside of 100 to 999.
        StatusCode::from_u16(self.head().status()).unwrap_or_default()
    }

    /// The reason phrase, often empty. Not for decisions. Its octets are read as UTF-8, or else as ISO 8859-1;
    /// [`head`](Self::head) has them as sent.
    #[doc(alias = "statusMessage")]
    #[must_use]
    pub fn status_message(&self) -> String {
        crate::message::headers::text(self.head().reason())
    }

    /// The URL of the request, without user and password.
    #[must_use]
    pub fn url(&self) -> Url {
        self.source().exchange.state().plan.target.url().clone()
    }

    /// The connection it came on.
    #[must_use]
    pub fn connection(&self) -> ConnectionInfo {
        let info = self.source().exchange.state().info.clone();
        info.unwrap_or_default()
    }

    /// How long each step took so far.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.source().exchange.state().timings
    }

    /// The transport, after `101 Switching Protocols` or after 2xx to CONNECT. It leaves the agent and belongs to the caller.
    /// Node's `'upgrade'` and `'connect'`.
    ///
    /// # Errors
    /// When the server has not switched.
    pub fn upgrade(self) -> Result<Upgraded, Error> {
        let mut state = self.source().exchange.state();
        let upgraded = state.upgraded.take();
        upgraded.ok_or_else(|| {
            let (peer, status) = (state.plan.target.name(), self.status());
            Error::new(
                502,
                format!("expected {peer} to switch protocols, it answered {status}"),
            )
        })
    }
}

/// The future of a response. Nothing moves before it is awaited; dropping it before it is ready aborts the exchange.
#[must_use = "nothing is sent until it is awaited"]
pub struct ResponseFuture {
    exchange: Arc<Exchange>,
    ready: bool,
}

impl ResponseFuture {
    pub(crate) const fn new(exchange: Arc<Exchange>) -> Self {
        Self {
            exchange,
            ready: false,
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = poll_response(&self.exchange, cx);
        self.ready |= polled.is_ready();
        polled
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        let taken = self.ready || self.exchange.state().flags.taken;
        if !taken {
            self.exchange.abort();
        }
    }
}

/// The response, once its head has arrived. Ready once.
pub(crate) fn poll_response(
    exchange: &Arc<Exchange>,
    cx: &mut Context<'_>,
) -> Poll<Result<Response, Error>> {
    let polled = exchange.poll(Side::Response, cx, |state| {
        if state.flags.taken {
            return Some(Err(Error::new(500, "expected to take the response flags")));
        }
        if let Some(head) = state.take_head() {
            state.flags.taken = true;
            return Some(Ok(head));
        }
        state.failure.clone().map(Err)
    });
    polled.map_ok(|head| {
        let exchange = Arc::clone(exchange);
        let head = Some(head);
        IncomingMessage::new(ClientSource { exchange, head })
    })
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
