//! Limits of one exchange.
//!
//! Here: [`IncomingMessage::limits`]. Not here: the limits of a server ([`Server::limits`](crate::Server::limits)), their
//! defaults (hearken-proto), their enforcement (`conn/server/deadlines.rs`).

use crate::conn::limits::clamp_all;
use crate::message::incoming::IncomingMessage;
use hearken_proto::Limits;

impl IncomingMessage {
    /// Changes the limits of this exchange alone: those of the body, and those of time that are not over. Limits that were
    /// applied with the head (of the head, of chunk extensions and trailers) and those of the connection (`keep_alive`,
    /// `connection_age`, `linger`, `linger_idle`, `grace`) do not change. A further call starts from the result of the previous one.
    ///
    /// ```
    /// use hearken::{Error, Server};
    /// use std::time::Duration;
    /// let server = Server::new(async |mut req, res| {
    ///     if req.path() == "/upload" {
    ///         req.limits(|limits| {
    ///             limits.body.buffered_bytes_max = 100 * 1024 * 1024;
    ///             limits.time.body_idle = Duration::from_secs(120);
    ///         });
    ///     }
    ///     let body = req.bytes().await?;
    ///     Ok(res.end(format!("{} bytes", body.len())))
    /// });
    /// ```
    #[doc(alias = "setTimeout")]
    pub fn limits(&self, change: impl FnOnce(&mut Limits)) {
        let exchange = &self.source.exchange;
        // Not borrowed while `change` runs: it may call back.
        let mut limits = exchange.state().limits(&exchange.env).clone();
        change(&mut limits);
        clamp_all(&mut limits);
        exchange.order(|state, _| {
            state.overrides().limits = Some(limits);
        });
    }

    /// Bounds the body of this request, streamed or collected, at `bytes`: reading past it returns an error with status 413, and what
    /// is still to come is dropped. Sets `limits.body.buffered_bytes_max` to the same. Bytes that were received before count too.
    /// A later call replaces the bound.
    ///
    /// ```
    /// use hearken::{Error, Server};
    /// let server = Server::new(async |mut req, res| {
    ///     req.limit_body(1024 * 1024);
    ///     let mut total = 0;
    ///     while let Some(piece) = req.data().await? { // 413 past one mebibyte
    ///         total += piece.len();
    ///     }
    ///     Ok(res.end(format!("{total} bytes")))
    /// });
    /// ```
    pub fn limit_body(&self, bytes: u64) {
        self.limits(|limits| limits.body.buffered_bytes_max = bytes);
        self.source
            .exchange
            .order(|state, _| state.incoming.bound(bytes));
    }
}
