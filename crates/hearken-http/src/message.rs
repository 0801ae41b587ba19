//! A message that comes in, as its user holds it: Node's `IncomingMessage`.
//!
//! Here: [`IncomingMessage`], pull and events over one body. Not here: where the body comes from (`source.rs`), how it is
//! received (`conn/incoming.rs`).

use crate::conn::exchange::Exchange;
use crate::error::{Closed, Error};
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::peer::Peer;
use crate::source::{ServerSource, Source, next_piece};
use bytes::{Bytes, BytesMut};
use hearken_proto::{Fields, FieldsRef, Head, Version};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;

/// A message that came in: a request on a server, or a response to a client. Its head is there; its body comes as it is
/// asked for, by pull ([`data`](Self::data), [`bytes`](Self::bytes)) or by events ([`on`](Self::on)). The parameter says
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

/// A complete message, as [`event::Ready`](crate::event::Ready) shows it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Whole<'a> {
    /// Its body, unless a listener for [`event::DataReady`](crate::event::DataReady) has taken it.
    pub body: &'a Bytes,
    /// Its trailers.
    pub trailers: FieldsRef<'a>,
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
        let end = target.bytes().position(|byte| byte == b'?');
        let path = &target[..end.unwrap_or(target.len())];
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
    /// it comes. What has already come is delivered before what comes later: the head at once, within this call; a second listener for the same event is called after the first. When the exchange is
    /// over, or its [`Ready`](crate::event::Ready) was told, a new listener is not called any more.
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
            Version::Http11 => http::Version::HTTP_11,
        }
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

    /// The whole head.
    #[must_use]
    pub fn head(&self) -> &Head {
        static NONE: Head = Head::new();
        self.head.as_deref().unwrap_or(&NONE)
    }

    /// Waits for the next piece of the body. `None` at its end; the second call after it answers `None` again. If the
    /// client waits for `100 Continue`, the first call sends it.
    ///
    /// # Errors
    /// When the body will never be complete: the peer is gone, broke the protocol, or was too slow. All that came before
    /// is handed out first.
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        next_piece(&mut self.source).await
    }

    /// The whole body, collected.
    ///
    /// # Errors
    /// As [`data`](Self::data), and past `limits.body.buffered_bytes_max` with status 413.
    pub async fn bytes(&mut self) -> Result<Bytes, Error> {
        let max = self.source.buffered_bytes_max();
        self.bytes_up_to(max).await
    }

    /// The whole body, collected up to a limit of one's own.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub async fn bytes_up_to(&mut self, max: u64) -> Result<Bytes, Error> {
        if self
            .head()
            .content_length()
            .is_some_and(|length| length > max)
        {
            return Err(Error::too_large(max));
        }
        let Some(first) = self.data().await? else {
            return Ok(Bytes::new());
        };
        let mut all = BytesMut::from(first);
        while let Some(piece) = self.data().await? {
            if (all.len() + piece.len()) as u64 > max {
                return Err(Error::too_large(max));
            }
            all.extend_from_slice(&piece);
        }
        if all.len() as u64 > max {
            Err(Error::too_large(max))
        } else {
            Ok(all.freeze())
        }
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and with status 400 when it is not UTF-8.
    pub async fn text(&mut self) -> Result<String, Error> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into())
            .map_err(|error| Error::new(400, format!("expected a body of UTF-8: {error}")))
    }

    /// The trailers; empty until the body has ended. What must not stand in trailers is left out (RFC 9110 §6.5.1).
    #[must_use]
    pub fn trailers(&self) -> Fields {
        self.source.trailers()
    }
}

/// Keeps listeners of a message as long as something may come.
pub(crate) fn add_listeners(exchange: &Exchange, listeners: MessageListeners) {
    let late = exchange.order(|state, _| {
        if state.closed.is_some() {
            return Some(listeners); // nobody would ever let go of them: they are dropped once the borrow has ended
        }
        state.flow.get_or_insert_default().absorb(listeners);
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
