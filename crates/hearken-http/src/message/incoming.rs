//! A received message as its user holds it: Node's `IncomingMessage`.
//!
//! Here: [`IncomingMessage`], its head, and its events. Not here: reading its body (`message/body.rs`), the exchange behind it
//! (`message/source.rs`), receiving it (`conn/incoming.rs`).

use crate::conn::closing::Closing;
use crate::conn::exchange::Exchange;
use crate::error::Closed;
use crate::event::peer::Peer;
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::message::headers::{self, Duplicates, MergedHeaders, map_of};
use crate::message::ranges::{self, Ranges};
use crate::message::source::{ServerSource, Source};
use hearken_proto::{Fields, FieldsRef, Head, Version, list_members};
use http::{HeaderMap, Method};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;

/// A received message: a request on a server, or a response on a client. `IncomingMessage` without a parameter is a request;
/// [`Response`](crate::Response) is the other.
///
/// The head is complete when the handler gets the message: [`method`](Self::method), [`url`](Self::url),
/// [`header`](Self::header). The body is received while it is read, in one of four ways:
///
/// - collected up to a limit: [`bytes`](Self::bytes), [`text`](Self::text), [`json`](Self::json), [`form`](Self::form);
/// - piece by piece: [`data`](Self::data);
/// - as a [`Stream`](futures_core::Stream) or as [`AsyncRead`](tokio::io::AsyncRead), for code that takes these;
/// - by events: [`on`](Self::on) with [`DataReady`](crate::event::DataReady) or [`Ready`](crate::event::Ready).
///
/// **Backpressure.** While the body is not read, at most `limits.body.queue_bytes` (64 KiB) are queued; then the transport is
/// not read, and the client has to wait. **Dropping** the message drops the rest of its body: up to
/// `limits.body.drain_bytes_max` are received and dropped; with a longer rest the connection closes after the response, and the
/// client can send for `limits.time.linger`, so that it gets the response.
///
/// ```
/// use hearken::{Error, Server};
/// use tokio::io::AsyncWriteExt;
///
/// // Stores an upload of any size in constant memory.
/// let server = Server::new(async |mut req, res| {
///     if req.method() != "PUT" {
///         return Ok(res.status(405).set("Allow", "PUT").end(""));
///     }
///     let mut file = tokio::fs::File::create("upload").await?;
///     let mut total = 0;
///     while let Some(piece) = req.data().await? {
///         file.write_all(&piece).await?;
///         total += piece.len();
///     }
///     Ok(res.status(201).end(format!("{}: {total} bytes\n", req.path())))
/// });
/// ```
pub struct IncomingMessage<S: Source = ServerSource> {
    pub(crate) source: S,
}

impl IncomingMessage {
    /// The method. Any token is legal; compare with the constants of [`Method`] or with a string.
    #[must_use]
    pub fn method(&self) -> Method {
        // The protocol rejects a method that is not a token.
        match &self.source.method {
            Some(method) => (**method).clone(),
            None => Method::from_bytes(self.head().method_bytes()).unwrap_or_default(),
        }
    }

    /// The method as text, without a copy: that of [`method`](Self::method).
    #[must_use]
    #[inline]
    pub fn method_str(&self) -> &str {
        match &self.source.method {
            Some(method) => method.as_str(),
            None => self.head().method(),
        }
    }

    /// Replaces the method, for the code behind this: a router, a handler. The protocol, logs, observers and [`head`](Self::head) keep
    /// the one that was received.
    ///
    /// ```
    /// use hearken::{Method, Server};
    /// let server = Server::new(async |mut req, res| {
    ///     if req.method() == "POST" && req.header("x-http-method-override") == Some("DELETE") {
    ///         req.set_method(&Method::DELETE);
    ///     }
    ///     res.end(req.method().to_string())
    /// });
    /// ```
    pub fn set_method(&mut self, method: &Method) {
        self.source.method = Some(Box::new(method.clone()));
    }

    /// The request target as sent, not normalised. Routers and middleware do not change it.
    #[doc(alias = "target")]
    #[doc(alias = "originalUrl")]
    #[must_use]
    pub fn url(&self) -> &str {
        self.head().url()
    }

    /// The path of the request target, without query, scheme and host. Not percent-decoded:
    /// [`path_segments`](Self::path_segments) does that.
    #[must_use]
    pub fn path(&self) -> &str {
        self.head().path()
    }

    /// The query of the request target as sent, without its question mark. [`query`](Self::query) parses it.
    #[must_use]
    pub fn raw_query(&self) -> Option<&str> {
        self.head().raw_query()
    }

    /// The protocols that the client offers to switch to, in order of preference: the members of Upgrade in an HTTP/1.1
    /// request whose Connection field names it (RFC 9110 §7.8). Empty for a plain request. Members that are not UTF-8 are
    /// left out. To switch, call [`ServerResponse::upgrade`](crate::ServerResponse::upgrade).
    #[doc(alias = "upgrade")]
    #[must_use]
    pub fn upgrade_protocols(&self) -> Vec<&str> {
        let offered = self.head().upgrade().unwrap_or_default();
        list_members(offered)
            .filter_map(|name| std::str::from_utf8(name).ok())
            .collect()
    }

    /// Which bytes of a representation of `len` bytes the client asks for. Only a GET with one Range field asks for a part
    /// (RFC 9110 §14.2). Ignores If-Range: [`Precondition::ranges`](crate::message::Precondition::ranges) does not, and
    /// [`send_file`](crate::ServerResponse::send_file) neither.
    #[must_use]
    pub fn ranges(&self, len: u64) -> Ranges {
        ranges::range_field(self.head()).map_or(Ranges::Whole, |field| Ranges::parse(field, len))
    }

    /// As [`ranges`](Self::ranges), with ranges that overlap or touch combined: [`Ranges::parse_combined`].
    #[must_use]
    pub fn ranges_combined(&self, len: u64) -> Ranges {
        ranges::range_field(self.head())
            .map_or(Ranges::Whole, |field| Ranges::parse_combined(field, len))
    }

    /// Stops the delivery of the body to listeners until [`resume`](Self::resume). Up to `limits.body.queue_bytes` are queued
    /// meanwhile, then the transport is not read; `limits.time.body_idle` does not run. Has no effect on the methods that
    /// pull the body. Dropping the message resumes.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// use std::{rc::Rc, time::Duration};
    /// let server = Server::new(async |req, res| {
    ///     let req = Rc::new(req);
    ///     let slow = Rc::clone(&req);
    ///     req.on(event::DataReady, move |piece| {
    ///         println!("{} bytes", piece.len());
    ///         slow.pause();
    ///         let slow = Rc::clone(&slow);
    ///         tokio::task::spawn_local(async move {
    ///             tokio::time::sleep(Duration::from_millis(10)).await;
    ///             slow.resume();
    ///         });
    ///     });
    ///     let (sent, answer) = res.defer();
    ///     req.on(event::Ready, move |_| answer.end("thanks"));
    ///     sent
    /// });
    /// ```
    pub fn pause(&self) {
        self.source.set_paused(true);
    }

    /// Delivers the body to listeners again, queued bytes first.
    pub fn resume(&self) {
        self.source.set_paused(false);
    }

    /// Whether [`pause`](Self::pause) is in effect.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.source.exchange.state().incoming.paused
    }

    /// The time of the server, as Date has it: to the second, and in a test the time of its clock.
    ///
    /// ```
    /// let server = hearken::Server::new(async |req, res| res.end(req.now().to_string()));
    /// ```
    #[must_use]
    pub fn now(&self) -> crate::HttpDate {
        self.source.exchange.env.clock.wall()
    }

    /// The client's connection: its addresses, its number, its TLS facts.
    #[must_use]
    pub fn peer(&self) -> Rc<Peer> {
        let peer = self.source.exchange.state().peer.clone();
        peer.unwrap_or_else(|| Rc::new(Peer::new(0, None, None)))
    }

    /// Waits until the exchange is over and returns the reason; at once if it is over. A handler whose client has
    /// disconnected is polled once more after this resolves, and then dropped: work that must continue belongs in a task.
    #[doc(alias = "signal")]
    #[doc(alias = "aborted")]
    pub fn closed(&self) -> impl Future<Output = Closed> + use<> {
        let exchange = Rc::clone(&self.source.exchange);
        poll_fn(move |cx| exchange.poll_closed(cx))
    }

    /// Resolves when the server begins to stop; at once if it is stopping. For handlers that would run on: an event stream, a long
    /// poll. One that ends then does not hold up the end of the server, which otherwise waits for it as long as
    /// `limits.time.grace`. Never resolves in a session. Each call returns a future of its own.
    ///
    /// ```
    /// use hearken::Server;
    /// use std::time::Duration;
    /// let server = Server::new(async |req, res| {
    ///     let res = res.set("Content-Type", "text/event-stream");
    ///     let mut closing = req.closing();
    ///     for number in 0_u64.. {
    ///         res.write(format!("data: {number}\n\n"));
    ///         tokio::select! {
    ///             () = &mut closing => break, // the client connects again, to the next server
    ///             () = tokio::time::sleep(Duration::from_secs(1)) => {}
    ///         }
    ///     }
    ///     res.end("")
    /// });
    /// ```
    pub fn closing(&self) -> impl Future<Output = ()> + Unpin + use<> {
        Closing::new(&self.source.exchange.env.draining)
    }

    /// Adds a listener for an event of this message or of its response. Listeners for one event are called in the order in
    /// which they were added. A listener for the head is called within this call; one for the body also gets the bytes
    /// queued so far, and then the body as fast as it arrives. A listener added after
    /// [`Ready`](crate::event::Ready), or after the end of the exchange, is never called.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let server = Server::new(async |req, res| {
    ///     let (sent, answer) = res.defer();
    ///     req.on(event::Ready, move |whole| answer.end(format!("{} bytes", whole.body.len())));
    ///     sent
    /// });
    /// ```
    pub fn on<E: MessageEvent>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(<E as sealed::Message>::Args<'a>) + 'static,
    ) {
        let mut listeners = MessageListeners::default();
        event.add(listener, &mut listeners);
        let heads = listeners.line_ready.drain(..);
        heads
            .chain(listeners.header_ready.drain(..))
            .for_each(|mut listener| listener(self.head()));
        add_listeners(&self.source.exchange, listeners);
    }
}

impl<S: Source> IncomingMessage<S> {
    pub(crate) const fn new(source: S) -> Self {
        Self { source }
    }

    pub(crate) const fn source(&self) -> &S {
        &self.source
    }

    /// The HTTP version of the message.
    #[doc(alias = "httpVersion")]
    #[doc(alias = "httpVersionMajor")]
    #[doc(alias = "httpVersionMinor")]
    #[must_use]
    pub fn version(&self) -> http::Version {
        match self.head().version() {
            Version::Http10 => http::Version::HTTP_10,
            Version::Http2 => http::Version::HTTP_2,
            _ => http::Version::HTTP_11,
        }
    }

    /// Whether the whole message was received, body and trailers included; it may not have been read yet.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.source.is_complete()
    }

    /// The value of the first field with this name, compared without case. `None` also when it is not UTF-8:
    /// [`raw_headers`](Self::raw_headers) has the bytes.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head().header(name)
    }

    /// The fields as sent: order, case and duplicates kept.
    #[doc(alias = "rawHeaders")]
    #[must_use]
    pub fn raw_headers(&self) -> FieldsRef<'_> {
        self.head().fields()
    }

    /// The fields as a new map of the `http` crate.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        map_of(self.head().fields())
    }

    /// All values of each name, in the order received; names in lower case.
    #[doc(alias = "headersDistinct")]
    #[must_use]
    pub fn headers_distinct(&self) -> BTreeMap<String, Vec<String>> {
        headers::distinct(self.head().fields())
    }

    /// One value for each name, merged by the rules of Node's `headers`; see [`MergedHeaders`].
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::Duplicates;
    /// let server = Server::new(async |req, res| {
    ///     let headers = req.headers_joined(Duplicates::Drop);
    ///     res.end(headers.get("accept").unwrap_or("anything").to_owned())
    /// });
    /// ```
    #[must_use]
    #[doc(alias = "joinDuplicateHeaders")]
    pub fn headers_joined(&self, duplicates: Duplicates) -> MergedHeaders {
        MergedHeaders::new(self.head().fields(), duplicates)
    }

    /// The head.
    #[inline]
    #[must_use]
    pub fn head(&self) -> &Head {
        self.source.head()
    }

    /// The trailers as sent: order, case and duplicates kept. Empty until the end of the body. Fields that are forbidden in
    /// trailers are left out (RFC 9110 §6.5.1).
    #[doc(alias = "rawTrailers")]
    #[must_use]
    pub fn trailers(&self) -> Fields {
        self.source.trailers()
    }

    /// All values of each trailer, as [`headers_distinct`](Self::headers_distinct).
    #[doc(alias = "trailersDistinct")]
    #[must_use]
    pub fn trailers_distinct(&self) -> BTreeMap<String, Vec<String>> {
        headers::distinct(self.trailers().view())
    }

    /// One value for each trailer, as [`headers_joined`](Self::headers_joined).
    #[must_use]
    pub fn trailers_joined(&self, duplicates: Duplicates) -> MergedHeaders {
        MergedHeaders::new(self.trailers().view(), duplicates)
    }

    /// Aborts the exchange: unread input and unsent output are dropped, and the connection closes. Pending calls of this
    /// exchange return an error. The second call does nothing.
    pub fn destroy(&self) {
        self.source.destroy();
    }
}

/// Adds listeners to an exchange, unless it is over.
pub(crate) fn add_listeners(exchange: &Exchange, listeners: MessageListeners) {
    let late = exchange.order(|state, _| {
        if state.closed.is_some() {
            return Some(listeners); // dropped after the borrow: a destructor may call back
        }
        state.listeners.get_or_insert().append(listeners);
        None
    });
    drop(late);
}

impl<S: Source> Drop for IncomingMessage<S> {
    fn drop(&mut self) {
        self.source.release();
    }
}

impl<S: Source> fmt::Debug for IncomingMessage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head().fmt(f)
    }
}
