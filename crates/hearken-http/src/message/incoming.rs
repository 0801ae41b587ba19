//! A message that comes in, as its user holds it: Node's `IncomingMessage`.
//!
//! Here: [`IncomingMessage`], its head, and its events. Not here: how its body is read (`message/body.rs`), where that comes from
//! (`message/source.rs`), how it is received (`conn/incoming.rs`).

use crate::conn::exchange::Exchange;
use crate::error::Closed;
use crate::event::peer::Peer;
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::message::headers::{self, Duplicates, MergedHeaders};
use crate::message::ranges::{self, Ranges};
use crate::message::source::{ServerSource, Source};
use hearken_proto::{Fields, FieldsRef, Head, Version, list_members};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;

/// A message that came in: a request on a server, or a response to a client. Its head is there; its body comes as it is
/// asked for, by pull ([`data`](Self::data), [`bytes`](Self::bytes), as a [`Stream`](futures_core::Stream), as
/// [`AsyncRead`](tokio::io::AsyncRead)) or by events ([`on`](Self::on)). The parameter says
/// which of the two it is; without it, it is a request.
///
/// A body that nobody reads stops the transport from being read; when the message is dropped, the rest of its body is
/// read and dropped up to `limits.body.drain_bytes_max`, past which the connection closes.
///
/// ```
/// use hearken_http::Server;
/// let server = Server::new(async |mut req, res| {
///     let mut total = 0;
///     while let Some(piece) = req.data().await? {
///         total += piece.len();
///     }
///     Ok(res.end(format!("{} {}: {total} bytes\n", req.method(), req.url())))
/// });
/// # fn check(_: hearken_http::Server) {} check(server);
/// ```
pub struct IncomingMessage<S: Source = ServerSource> {
    /// There until the message is dropped.
    head: Option<Box<Head>>,
    pub(crate) source: S,
}

impl IncomingMessage {
    /// The method. Any token is legal; compare with the constants of [`Method`] or with a string.
    #[must_use]
    pub fn method(&self) -> Method {
        // The protocol accepts no method that is not a token.
        Method::from_bytes(self.head().method_bytes()).unwrap_or_default()
    }

    /// The request target as sent, never normalised. Node's `url`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.head().target()
    }

    /// The path of the target: without the query, and without scheme and host of an absolute one. Not decoded.
    #[must_use]
    pub fn path(&self) -> &str {
        let target = self.head().target();
        let path = match query_at(target.as_bytes()) {
            Some(at) => &target[..at],
            None => target,
        };
        if path.starts_with('/') {
            return path;
        }
        // Absolute-form: the path begins behind the authority.
        match path.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => path,
        }
    }

    /// The query of the target without its question mark. Not decoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.head().target().split_once('?').map(|(_, query)| query)
    }

    /// The protocols that the client would switch to, the best first: what Upgrade lists, where RFC 9110 §7.8 lets it count
    /// (HTTP/1.1, and Connection names it). Empty for a plain request. What is no UTF-8 is left out. Node's `upgrade` of a
    /// request, and more; to switch is [`ServerResponse::upgrade`](crate::ServerResponse::upgrade).
    #[must_use]
    pub fn upgrade_protocols(&self) -> Vec<&str> {
        let offered = self.head().upgrade().unwrap_or_default();
        list_members(offered)
            .filter_map(|name| std::str::from_utf8(name).ok())
            .collect()
    }

    /// Which bytes of a representation of `len` bytes the client asks for. Only a GET with one Range field asks for a part
    /// (RFC 9110 §14.2). If-Range is not looked at: [`send_file`](crate::ServerResponse::send_file) does that too.
    #[must_use]
    pub fn ranges(&self, len: u64) -> Ranges {
        ranges::asked_for(self.head())
            .map_or(Ranges::CompleteMessage, |field| Ranges::parse(field, len))
    }

    /// Listeners get nothing of the body from here on. What comes is queued up to `limits.body.queue_bytes`, then the
    /// transport is left unread; the time for the body does not run. Whoever pulls is not concerned: not to pull is to
    /// pause. Dropping the message is [`resume`](Self::resume), for nobody could call it any more.
    ///
    /// ```
    /// use hearken_http::{Server, event};
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

    /// Listeners get the body again, what has come meanwhile first.
    pub fn resume(&self) {
        self.source.set_paused(false);
    }

    /// Whether listeners get nothing of the body now.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.source.exchange.state().incoming.paused
    }

    /// Who sent it.
    #[must_use]
    pub fn peer(&self) -> Rc<Peer> {
        let peer = self.source.exchange.state().peer.clone();
        peer.unwrap_or_else(|| Rc::new(Peer::new(0, None, None)))
    }

    /// Waits until the exchange is over and tells why. Resolves at once when it is over already. A handler whose client
    /// is gone is polled once more after this has resolved, and then dropped; what must go on belongs into a task.
    pub fn closed(&self) -> impl Future<Output = Closed> + use<> {
        let exchange = Rc::clone(&self.source.exchange);
        poll_fn(move |cx| exchange.poll_closed(cx))
    }

    /// Listens to an event of this message, or of the answer to it. A listener that takes the body lets it flow as fast as
    /// it comes. What has already come is delivered before what comes later: the head at once, within this call; a
    /// second listener for the same event is called after the first. When the exchange is over, or its
    /// [`Ready`](crate::event::Ready) was told, a new listener is not called any more.
    ///
    /// ```
    /// use hearken_http::{Server, event};
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
    pub(crate) fn new(head: Box<Head>, source: S) -> Self {
        Self {
            head: Some(head),
            source,
        }
    }

    pub(crate) const fn source(&self) -> &S {
        &self.source
    }

    /// The version of the message.
    #[must_use]
    pub fn version(&self) -> http::Version {
        match self.head().version() {
            Version::Http10 => http::Version::HTTP_10,
            Version::Http2 => http::Version::HTTP_2,
            _ => http::Version::HTTP_11,
        }
    }

    /// The version as its two numbers. Node's `httpVersionMajor` and `httpVersionMinor`.
    #[must_use]
    pub fn http_version(&self) -> (u8, u8) {
        match self.head().version() {
            Version::Http10 => (1, 0),
            Version::Http2 => (2, 0),
            _ => (1, 1),
        }
    }

    /// Whether the message has come whole, body and trailers included, whoever has read it by now. Node's `complete`.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.source.is_complete()
    }

    /// The value of the first field with this name, compared without case. `None` also when it is not UTF-8; see
    /// [`raw_headers`](Self::raw_headers) for the bytes.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head()
            .fields()
            .get(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The fields as sent: order, case and duplicates kept.
    #[must_use]
    pub fn raw_headers(&self) -> FieldsRef<'_> {
        self.head().fields()
    }

    /// The fields as a map of the `http` crate, made on each call.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        map_of(self.head().fields())
    }

    /// The values of each name, in lower case, in the order they came. Node's `headersDistinct`.
    #[must_use]
    pub fn headers_distinct(&self) -> BTreeMap<String, Vec<String>> {
        headers::distinct(self.head().fields())
    }

    /// One value for each name, by Node's rules; see [`MergedHeaders`]. Node's `headers`, with `joinDuplicateHeaders` as the
    /// argument.
    ///
    /// ```
    /// use hearken_http::Server;
    /// use hearken_http::message::Duplicates;
    /// let server = Server::new(async |req, res| {
    ///     let headers = req.headers_joined(Duplicates::Drop);
    ///     res.end(headers.get("accept").unwrap_or("anything").to_owned())
    /// });
    /// ```
    #[must_use]
    pub fn headers_joined(&self, duplicates: Duplicates) -> MergedHeaders {
        MergedHeaders::new(self.head().fields(), duplicates)
    }

    /// The whole head.
    #[must_use]
    pub fn head(&self) -> &Head {
        static NONE: Head = Head::new();
        self.head.as_deref().unwrap_or(&NONE)
    }

    /// The trailers as sent: order, case and duplicates kept. Empty until the body has ended. What must not stand in
    /// trailers is left out (RFC 9110 §6.5.1). Node's `rawTrailers`.
    #[must_use]
    pub fn trailers(&self) -> Fields {
        self.source.trailers()
    }

    /// The values of each trailer, as [`headers_distinct`](Self::headers_distinct). Node's `trailersDistinct`.
    #[must_use]
    pub fn trailers_distinct(&self) -> BTreeMap<String, Vec<String>> {
        headers::distinct(self.trailers().view())
    }

    /// One value for each trailer, as [`headers_joined`](Self::headers_joined). Node's `trailers`.
    #[must_use]
    pub fn trailers_joined(&self, duplicates: Duplicates) -> MergedHeaders {
        MergedHeaders::new(self.trailers().view(), duplicates)
    }

    /// Gives the exchange up: what was not read is dropped, of an answer only what has left already arrives, and the
    /// connection closes. Whoever waits for something of this exchange gets an error. The second call does nothing. Node's
    /// `destroy`.
    pub fn destroy(&self) {
        self.source.destroy();
    }
}

/// Where the question mark of a target is. Most targets have none, which eight bytes at a time show soonest.
#[inline]
fn query_at(target: &[u8]) -> Option<usize> {
    let has_mark = |word: &[u8; 8]| {
        let differs = u64::from_le_bytes(*word) ^ u64::from_le_bytes([b'?'; 8]);
        differs.wrapping_sub(0x0101_0101_0101_0101) & !differs & 0x8080_8080_8080_8080 != 0
    };
    let (words, _) = target.as_chunks();
    let none =
        target.last_chunk().is_some_and(|last| !has_mark(last)) && !words.iter().any(has_mark);
    if none {
        return None;
    }
    target.iter().position(|&byte| byte == b'?')
}

/// Keeps listeners of a message as long as something may come.
pub(crate) fn add_listeners(exchange: &Exchange, listeners: MessageListeners) {
    let late = exchange.order(|state, _| {
        if state.closed.is_some() {
            return Some(listeners); // nobody would ever let go of them: they are dropped once the borrow has ended
        }
        state.listeners.get_or_insert().append(listeners);
        None
    });
    drop(late);
}

pub(crate) fn map_of(fields: FieldsRef<'_>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            // The head limit keeps us far below the capacity of the map; a fuller one keeps what it has.
            let _ = map.try_append(name, value);
        }
    }
    map
}

impl<S: Source> Drop for IncomingMessage<S> {
    fn drop(&mut self) {
        self.source.release(self.head.take());
    }
}

impl<S: Source> fmt::Debug for IncomingMessage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::query_at;

    #[test]
    fn a_question_mark_is_found_at_every_place() {
        for len in 0..40 {
            let path = "/x".repeat(20);
            assert_eq!(query_at(&path.as_bytes()[..len]), None, "{len}");
            for at in 0..len {
                let mut target = path.as_bytes()[..len].to_vec();
                target[at..].fill(b'?');
                assert_eq!(query_at(&target), Some(at), "{len}");
            }
        }
    }
}
