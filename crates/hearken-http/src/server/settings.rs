//! The limits of a server by the names that Node gives them, and limits of one exchange.
//!
//! Here: methods of [`Server`] that set one field of [`Limits`] each, and [`IncomingMessage::limits`]. Not here: the limits and
//! their defaults (hearken-proto), who enforces them (`conn/server/deadlines.rs`).

use crate::conn::limits::clamp_all;
use crate::message::incoming::IncomingMessage;
use crate::server::Server;
use hearken_proto::Limits;
use std::time::Duration;

/// Node's names for limits. Each sets a field of [`Limits`] and leaves the others; the last call counts. Where Node takes 0 for
/// "off", zero is "at once" here: nothing is unlimited.
///
/// ```
/// use hearken_http::Server;
/// use std::time::Duration;
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server
///     .headers_timeout(Duration::from_secs(5))
///     .keep_alive_timeout(Duration::from_secs(60))
///     .keep_alive_timeout_buffer(Duration::from_secs(1))
///     .max_header_size(16 * 1024);
/// ```
impl Server {
    /// Sets `limits.time.head`: how long a head may take. Default 10 s (Node: 60 s).
    pub fn headers_timeout(&mut self, time: Duration) -> &mut Self {
        self.limits_mut().time.head = time;
        self
    }

    /// Sets `limits.time.request`: how long a whole request with its body may take. Default 24 h (Node: 300 s, which ends
    /// long uploads; here their rate is bounded instead).
    pub fn request_timeout(&mut self, time: Duration) -> &mut Self {
        self.limits_mut().time.request = time;
        self
    }

    /// Sets `limits.time.keep_alive`: how long a connection may be idle. Default 15 s (Node: 5 s).
    pub fn keep_alive_timeout(&mut self, time: Duration) -> &mut Self {
        self.limits_mut().time.keep_alive = time;
        self
    }

    /// Sets `limits.time.keep_alive_buffer`: from here on answers tell clients `keep_alive_timeout` in whole seconds, and the
    /// connection lives this much longer. Default: not told (Node: told, and 1 s).
    pub fn keep_alive_timeout_buffer(&mut self, time: Duration) -> &mut Self {
        self.limits_mut().time.keep_alive_buffer = Some(time);
        self
    }

    /// Sets `limits.time.inactive`: how long an exchange may go on without a byte in either direction. Default 24 h (Node: no
    /// limit). [`event::Timeout`](crate::event::Timeout) is told first, and may keep the connection.
    pub fn timeout(&mut self, time: Duration) -> &mut Self {
        self.limits_mut().time.inactive = time;
        self
    }

    /// Sets `limits.head.bytes_max`: bytes of a head. Default 32 KiB (Node: 16 KiB).
    pub fn max_header_size(&mut self, bytes: u32) -> &mut Self {
        self.limits_mut().head.bytes_max = bytes;
        self
    }

    /// Sets `limits.head.fields_max`: field lines of a head. Default 100; more is answered 431 (Node: 2,000, and drops what is
    /// more in silence).
    pub fn max_headers_count(&mut self, fields: u32) -> &mut Self {
        self.limits_mut().head.fields_max = fields;
        self
    }

    /// Sets `limits.connection.requests_max`: requests on one connection. The answer to the last one says `close`; when others
    /// are there already, the next gets 503 and [`event::DropRequest`](crate::event::DropRequest) is told. Default: as good as
    /// none, since neither time nor memory of a connection grows with its requests (Node: none). Zero counts as one.
    pub fn max_requests_per_socket(&mut self, requests: u32) -> &mut Self {
        self.limits_mut().connection.requests_max = requests;
        self
    }

    /// [`connections_max`](Self::connections_max) by Node's name.
    pub fn max_connections(&mut self, connections: usize) -> &mut Self {
        self.connections_max(connections)
    }
}

impl IncomingMessage {
    /// Changes limits for this exchange alone: those of the body and of time that are still ahead. What was decided with the
    /// head (its own limits, those of chunk extensions and trailers) and what belongs to the connection (`keep_alive`,
    /// `connection_age`, `linger`, `grace`) stay as they are. Each call goes on from where the one before ended.
    ///
    /// ```
    /// use hearken_http::{Error, Server};
    /// use std::time::Duration;
    /// let server = Server::new(async |mut req, res| {
    ///     if req.path() == "/upload" {
    ///         req.limits(|limits| {
    ///             limits.body.buffered_bytes_max = 100 * 1024 * 1024;
    ///             limits.time.body_idle = Duration::from_secs(120);
    ///         });
    ///     }
    ///     let body = req.bytes().await?;
    ///     Ok::<_, Error>(res.end(format!("{} bytes", body.len())))
    /// });
    /// ```
    pub fn limits(&self, change: impl FnOnce(&mut Limits)) {
        let exchange = &self.source.exchange;
        // Outside of the borrow: the user may do anything in there.
        let mut limits = exchange.state().limits(&exchange.env).clone();
        change(&mut limits);
        clamp_all(&mut limits);
        exchange.order(|state, _| {
            state.overrides().limits = Some(limits);
        });
    }
}
