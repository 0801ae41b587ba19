//! Responses that hand the transport over to another protocol (RFC 9110 §7.8, §9.3.6).
//!
//! Here: [`ServerResponse::upgrade`], [`ServerResponse::accept_tunnel`], [`ServerResponse::into_socket`]. Not here: when the
//! transport changes hands (`conn/switch.rs`), the transport in its new hands (`net/upgraded.rs`).

use crate::error::Error;
use crate::message::response::{Sent, ServerResponse};
use crate::net::handover::Recipient;
use crate::net::upgraded::{Handover, Upgrading};
use std::sync::Arc;

impl ServerResponse {
    /// Sends `101 Switching Protocols` with this protocol, then hands the transport over. Fields that were set on the
    /// response are sent; a status that was set is not. Node's `'upgrade'` event, with the response written for you.
    ///
    /// A plain handler may call it too. It ends the exchange; the connection stays open until the transport is dropped.
    ///
    /// # Errors
    /// With status 400 when the request does not offer this protocol (RFC 9110 §7.8: a server must not switch to
    /// another), and with 500 when the head has been sent or cannot be sent. A handler that returns the error responds
    /// with it.
    ///
    /// ```
    /// use hearken::{Error, Server};
    /// let server = Server::new(async |_req, res| {
    ///     let (sent, upgrading) = res.set("X-A", "1").upgrade("echo")?;
    ///     let stream = upgrading.await?;
    ///     drop(stream); // closes
    ///     Ok(sent)
    /// });
    /// ```
    pub fn upgrade(self, protocol: &str) -> Result<(Sent, Upgrading), Error> {
        self.switch(Some(protocol))
    }

    /// Responds to CONNECT with 200, or with another 2xx status that was set, then hands the transport over.
    ///
    /// # Errors
    /// With status 400 when the method is not CONNECT, and as [`upgrade`](Self::upgrade).
    pub fn accept_tunnel(self) -> Result<(Sent, Upgrading), Error> {
        self.switch(None)
    }

    fn switch(self, protocol: Option<&str>) -> Result<(Sent, Upgrading), Error> {
        self.exchange.run_hooks(None);
        let handover = self.handover();
        let recipient: Arc<dyn Recipient> = Arc::clone(&handover) as _;
        self.exchange
            .order(|state, env| state.switch(env, protocol, recipient))?;
        Ok((Sent(()), Upgrading::new(handover)))
    }

    fn handover(&self) -> Arc<Handover> {
        let state = self.exchange.state();
        Handover::new(state.limits(&self.exchange.env).time.upgraded_idle)
    }

    /// Hands the transport over without sending a response: its new owner writes one, if there is to be one. Body bytes that
    /// have been received are read from the request, the rest from the transport. Node's raw socket of `'upgrade'` and
    /// `'connect'`.
    ///
    /// [`Upgrading`] fails when a response has begun, or when the connection is closing.
    pub fn into_socket(self) -> (Sent, Upgrading) {
        let handover = self.handover();
        let recipient: Arc<dyn Recipient> = Arc::clone(&handover) as _;
        self.exchange.order(|state, _| state.detach(recipient));
        (Sent(()), Upgrading::new(handover))
    }
}
