//! A client's end of a connection in memory.
//!
//! Here: [`Connection`]. Not here: the bytes of a request and the meaning of a response (`exchange.rs`).

use super::error::{InjectError, Why};
use super::exchange::Exchange;
use super::pipe::{ClientEnd, End};
use super::request::Request;
use super::response::Response;
use super::server::Inner;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Instant;

/// A client's end of a connection to a [`TestServer`](super::TestServer): whole requests and responses, or bytes.
///
/// ```
/// use hearken::Server;
/// use hearken::test::{Request, TestServer};
/// let server = Server::new(async |req, res| res.end(req.path().to_owned()));
/// let test = TestServer::new(&server);
///
/// // One exchange after the other, on one connection.
/// let mut connection = test.connect();
/// assert_eq!(connection.inject(Request::get("/1"))?.text(), "/1");
/// assert_eq!(connection.inject(Request::get("/2"))?.text(), "/2");
///
/// // Pipelined: both requests are sent before the first response is read.
/// connection.request(Request::get("/3"))?.request(Request::get("/4"))?;
/// assert_eq!(connection.response()?.text(), "/3");
/// assert_eq!(connection.response()?.text(), "/4");
///
/// // Bytes, where a client would not send such a request.
/// connection.send("GET /5 HTTP/1.0\r\n\r\n");
/// assert!(connection.received().ends_with("\r\nConnection: close\r\n\r\n/5"));
/// assert!(!connection.is_open());
/// # Ok::<(), hearken::test::InjectError>(())
/// ```
///
/// After a response of 101, or of 2xx to CONNECT, [`send`](Self::send) and [`received`](Self::received) speak the new
/// protocol with the handler.
pub struct Connection {
    server: Rc<Inner>,
    end: ClientEnd,
    /// Requests without a complete response, in order.
    exchanges: VecDeque<Exchange>,
    /// Why the connection carries no further request.
    last: Option<&'static str>,
}

impl Connection {
    pub(super) const fn new(server: Rc<Inner>, end: ClientEnd) -> Self {
        Self {
            server,
            end,
            exchanges: VecDeque::new(),
            last: None,
        }
    }

    /// Sends a request and returns its response. The connection can carry the next one afterwards, unless either side has
    /// declared it closed.
    ///
    /// # Errors
    /// When no whole response comes; [`InjectError`] says why. Responses with an error status are responses.
    pub fn inject(&mut self, request: Request) -> Result<Response, InjectError> {
        while !self.exchanges.is_empty() {
            self.response()?;
        }
        self.request(request)?;
        self.response()
    }

    /// Sends a request without waiting for its response: the next one is pipelined.
    ///
    /// # Errors
    /// When the request breaks the protocol, or the connection cannot carry another one.
    pub fn request(&mut self, request: Request) -> Result<&mut Self, InjectError> {
        let name = format!("{request:?}");
        let error = |why| InjectError {
            request: name,
            why,
            received: String::new(),
        };
        if let Some(why) = self.last {
            return Err(error(Why::NotSent(why)));
        }
        if self.exchanges.back().is_some_and(|last| !last.is_sent()) {
            let why = "the body of the request before it waits for `100 Continue`";
            return Err(error(Why::NotSent(why)));
        }
        let mut bytes = Vec::new();
        match Exchange::begin(request, &mut bytes) {
            Ok(exchange) => self.exchanges.push_back(exchange),
            Err(misuse) => return Err(error(Why::Request(misuse))),
        }
        self.send(bytes);
        Ok(self)
    }

    /// Waits for the response to the first request that has none yet. The clock does not move.
    ///
    /// # Errors
    /// As [`inject`](Self::inject).
    ///
    /// # Panics
    /// When there is no such request.
    #[track_caller]
    pub fn response(&mut self) -> Result<Response, InjectError> {
        assert!(
            !self.exchanges.is_empty(),
            "expected a request without a response"
        );
        let (mut since, mut seen) = (Instant::now(), 0);
        self.server.settle();
        loop {
            seen += self.receive()?;
            if let Some(exchange) = self.exchanges.pop_front_if(|first| first.response.complete) {
                self.end_exchange(&exchange);
                return Ok(exchange.response);
            }
            let patience = self.server.patience();
            let why = match self.end.ending() {
                Some(End::Closed) => Why::Closed,
                Some(End::Cut) => Why::Cut,
                None if since.elapsed() >= patience => Why::Waiting(patience),
                None => {
                    self.server.pause();
                    if std::mem::take(&mut seen) > 0 {
                        since = Instant::now();
                    }
                    continue;
                }
            };
            return Err(self.fail(why));
        }
    }

    /// The part of the next response that was received: `None` until its head is complete. For responses that stream, such as server-sent events. [`response`](Self::response) returns the same response once it is complete.
    ///
    /// # Errors
    /// When the response is malformed.
    pub fn response_so_far(&mut self) -> Result<Option<&Response>, InjectError> {
        self.server.settle();
        self.receive()?;
        Ok(self.exchanges.front().and_then(Exchange::so_far))
    }

    /// Decodes what was received for the first request. Returns the number of bytes.
    fn receive(&mut self) -> Result<usize, InjectError> {
        let mut total = 0;
        while let Some(exchange) = self.exchanges.front_mut() {
            let mut out = Vec::new();
            match self.end.receive(|bytes| exchange.receive(bytes, &mut out)) {
                Ok(count) => total += count,
                Err(error) => return Err(self.fail(Why::Protocol(error))),
            }
            if out.is_empty() {
                let closed = self.end.ending() == Some(End::Closed);
                if closed && !exchange.response.complete && exchange.receive_eof().is_err() {
                    return Err(self.fail(Why::Closed));
                }
                break;
            }
            self.send(out);
        }
        Ok(total)
    }

    fn end_exchange(&mut self, exchange: &Exchange) {
        if !exchange.is_reusable() {
            self.last = Some("the connection ended with the exchange before it");
        }
    }

    /// The first request gets no response, or none yet.
    fn fail(&mut self, why: Why) -> InjectError {
        let waits = matches!(why, Why::Waiting(_));
        let mut received = Vec::new();
        let request = self.exchanges.front().map_or_else(String::new, |first| {
            received.extend_from_slice(&first.raw);
            first.request.clone()
        });
        if !waits {
            self.exchanges.pop_front();
            self.last = Some("the connection has failed");
            received.extend_from_slice(&self.end.take_all());
        }
        InjectError {
            request,
            why,
            received: String::from_utf8_lossy(&received).into_owned(),
        }
    }

    /// The client sends these bytes, unchecked.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.end.send(bytes.as_ref());
        self.server.settle();
        self
    }

    /// The client sends no more, and still receives.
    pub fn end_input(&mut self) -> &mut Self {
        self.end.end();
        self.server.settle();
        self
    }

    /// The connection breaks, as by a reset.
    pub fn reset(&mut self) -> &mut Self {
        self.end.lose(io::ErrorKind::ConnectionReset);
        self.server.settle();
        self
    }

    /// The client receives `bytes` more, and nothing after that until the next call. Default: everything. The rest stays
    /// with the server, as behind a full socket.
    pub fn set_room(&mut self, bytes: usize) -> &mut Self {
        self.end.set_room(bytes);
        self.server.settle();
        self
    }

    /// The bytes that the client has received since the last call, as text, those of responses included that
    /// [`response`](Self::response) has not read. Bytes that are not UTF-8 become U+FFFD.
    pub fn received(&mut self) -> String {
        String::from_utf8_lossy(&self.received_bytes()).into_owned()
    }

    /// [`received`](Self::received), as it came.
    pub fn received_bytes(&mut self) -> Bytes {
        self.server.settle();
        self.end.take_all().freeze()
    }

    /// Number of bytes that were sent and that the server has not read: it reads no further than its limits and its handler
    /// allow.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.server.settle();
        self.end.unread()
    }

    /// Whether the connection is open: the server has not ended its direction.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.server.settle();
        self.end.ending().is_none()
    }

    /// Whether the server has ended the connection as a failure: the client sees a reset instead of an end, so that it does
    /// not take a truncated response for a whole one.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.server.settle();
        self.end.ending() == Some(End::Cut)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("requests", &self.exchanges.len())
            .field("end", &self.end.ending())
            .finish_non_exhaustive()
    }
}
