//! Work that must be done before a response ends: storing a session, for example.
//!
//! Here: [`ServerResponse::hold_end`], [`EndHold`]. Not here: how an exchange keeps the end back (`conn/end_hold.rs`).

use crate::conn::exchange::Exchange;
use crate::message::response::ServerResponse;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;

impl ServerResponse {
    /// Keeps the end of this response back until the returned value is dropped: the client does not get the last content before
    /// that, and of a response that ends in one piece it gets nothing. For layers that have something to do before the client may
    /// send its next request. Several holds add up.
    ///
    /// ```
    /// use hearken::{IncomingMessage, Sent, Server, ServerResponse};
    /// async fn store() -> Result<(), std::io::Error> {
    ///     Ok(()) // writes to a database
    /// }
    /// async fn layer(req: IncomingMessage, res: ServerResponse) -> Sent {
    ///     let again = res.again();
    ///     let hold = res.hold_end();
    ///     let sent = handler(req, res).await;
    ///     hold.asked().await; // a handler may answer later
    ///     if let Err(error) = store().await {
    ///         hold.cancel();
    ///         return again.fail(error);
    ///     }
    ///     sent // dropping the hold lets the response go
    /// }
    /// async fn handler(_req: IncomingMessage, res: ServerResponse) -> Sent {
    ///     res.end("stored")
    /// }
    /// let server = Server::new(layer);
    /// ```
    #[must_use = "the end is held until this is dropped"]
    pub fn hold_end(&self) -> EndHold {
        self.exchange.add_end_hold();
        EndHold {
            exchange: Rc::clone(&self.exchange),
            held: true,
        }
    }
}

/// Keeps the end of a response back until it is dropped: [`ServerResponse::hold_end`].
pub struct EndHold {
    exchange: Rc<Exchange>,
    held: bool,
}

impl EndHold {
    /// Waits until the end of the response is asked for, or the exchange is over. A handler may do more after it has ended its
    /// response: poll it beside this.
    pub async fn asked(&self) {
        poll_fn(|cx| self.exchange.poll_end_asked(cx)).await;
    }

    /// Drops the end that was asked for, so that [`ServerResponse::fail`] can answer instead. What was written before stays sent: then
    /// the failure cuts the response.
    pub fn cancel(mut self) {
        self.exchange.cancel_kept_end();
        self.release();
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.held) {
            self.exchange.release_end();
        }
    }
}

impl Drop for EndHold {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for EndHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndHold")
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}
