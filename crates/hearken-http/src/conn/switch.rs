//! The orders by which a handler gets the transport of its connection.
//!
//! Here: [`State::switch`], with a response (RFC 9110 §7.8, §9.3.6), and [`State::detach`], without. Not here: the handles
//! that users hold (`message/switch.rs`), what becomes of the connection (`server/tunnel.rs`).

use crate::conn::carrier::Carrier;
use crate::conn::context::Surroundings;
use crate::conn::exchange::State;
use crate::conn::incoming::Progress;
use crate::conn::outgoing::Stage;
use crate::error::Error;
use crate::net::handover::Recipient;
use hearken_proto::{Fields, Length, Misuse, Response, list_members};
use std::sync::Arc;

impl State {
    /// Sends the switch to `protocol`, or the answer to CONNECT; the transport goes to `recipient` when it has been sent.
    pub(crate) fn switch(
        &mut self,
        env: &Surroundings,
        protocol: Option<&str>,
        recipient: Arc<dyn Recipient>,
    ) -> Result<(), Error> {
        if !self.can_respond() {
            return Err(Error::new(500, "expected a response that has not begun"));
        }
        let own = self.overrides.as_deref();
        if let Some(protocol) = protocol {
            let offered = own.and_then(|own| own.offered.as_deref());
            if !offered.is_some_and(|offered| offers(offered, protocol)) {
                let text = format!("expected a request that offers an upgrade to {protocol}");
                return Err(Error::new(400, text));
            }
            self.outgoing.fields.set("Upgrade", protocol)?;
            self.outgoing.status = 101;
        } else {
            if !own.is_some_and(|own| own.tunnel) {
                return Err(Error::new(400, "expected the method CONNECT"));
            }
            if !(200..300).contains(&self.outgoing.status) {
                return Err(Error::new(500, "expected a status of 2xx for a tunnel"));
            }
        }
        self.send_switch(env)?;
        self.attach_upgrade(recipient);
        Ok(())
    }

    fn send_switch(&mut self, env: &Surroundings) -> Result<(), Misuse> {
        if let Some(misuse) = self.outgoing.take_misuse() {
            return Err(misuse);
        }
        let (date, flush) = (env.clock.date(), self.flush_tag(env));
        let (status, fields) = (self.outgoing.status, &self.outgoing.fields);
        let mut response = Response::new(status, fields, Length::Known(0));
        self.outgoing.apply_to(&mut response, &date);
        self.carrier.send_switch(&response, flush)?;
        if env.observed.get() {
            self.show_response(Length::Known(0));
        }
        Ok(())
    }

    /// Gives the transport to `recipient` with nothing sent.
    pub(crate) fn detach(&mut self, recipient: Arc<dyn Recipient>) {
        if self.can_respond() && self.carrier.detach() {
            self.attach_upgrade(recipient);
        } else {
            recipient.fail(Error::new(
                500,
                "expected a response that has not begun, on a connection that lives",
            ));
        }
    }

    fn attach_upgrade(&mut self, recipient: Arc<dyn Recipient>) {
        self.outgoing.stage = Stage::Ended;
        if matches!(self.incoming.progress, Progress::Open) {
            let text = "expected the rest of the body from the transport, which was handed over";
            self.incoming.fail(Error::new(500, text));
            self.wake_reader();
        }
        self.overrides().recipient = Some(recipient);
        self.wake_if_answered();
    }

    /// The transport has gone to another owner: the line goes to another connection, and memory that is not needed any more is
    /// freed.
    pub(super) fn release_line(&mut self) -> Carrier {
        let own = self.overrides.as_deref();
        if own.is_none_or(|own| own.watch.is_none()) {
            self.overrides = None;
        }
        self.outgoing.fields = Fields::new();
        std::mem::replace(&mut self.carrier, Carrier::Gone)
    }

    /// Whether the transport goes to another owner.
    pub(super) fn is_upgraded(&self) -> bool {
        let own = self.overrides.as_ref();
        own.is_some_and(|own| own.recipient.is_some())
    }
}

/// Whether the list of an Upgrade field has this protocol, compared without case (RFC 9110 §7.8).
fn offers(list: &[u8], protocol: &str) -> bool {
    list_members(list).any(|member| member.eq_ignore_ascii_case(protocol.as_bytes()))
}
