//! The orders by which a handler gets the transport of its connection.
//!
//! Here: [`State::switch`], with an answer (RFC 9110 §7.8, §9.3.6), and [`State::surrender`], without. Not here: the handles
//! that users hold (`net/upgraded.rs`), what becomes of the connection (`tunnel.rs`).

use crate::conn::context::WorkerContext;
use crate::conn::exchange::State;
use crate::conn::incoming::Progress;
use crate::conn::outgoing::{FlushEvent, Stage};
use crate::error::Error;
use crate::net::upgraded::Handover;
use hearken_proto::{Length, Misuse, Response, list_members};
use std::sync::Arc;

impl State {
    /// Sends the switch to `protocol`, or the answer to CONNECT; the transport goes to `handover` when it has been sent.
    pub(crate) fn switch(
        &mut self,
        env: &WorkerContext,
        protocol: Option<&str>,
        handover: &Arc<Handover>,
    ) -> Result<(), Error> {
        if self.is_over() || self.outgoing.stage != Stage::Head {
            return Err(Error::new(500, "expected a response that has not begun"));
        }
        let extra = self.extra.as_deref();
        if let Some(protocol) = protocol {
            let offered = extra.and_then(|extra| extra.offered.as_deref());
            if !offered.is_some_and(|offered| offers(offered, protocol)) {
                let text = format!("expected a request that offers an upgrade to {protocol}");
                return Err(Error::new(400, text));
            }
            self.outgoing.fields.set("Upgrade", protocol)?;
            self.outgoing.status = 101;
        } else {
            if !extra.is_some_and(|extra| extra.tunnel) {
                return Err(Error::new(400, "expected the method CONNECT"));
            }
            if !(200..300).contains(&self.outgoing.status) {
                return Err(Error::new(500, "expected a status of 2xx for a tunnel"));
            }
        }
        self.encode_switch(env)?;
        self.hand(handover);
        Ok(())
    }

    fn encode_switch(&mut self, env: &WorkerContext) -> Result<(), Misuse> {
        if let Some(misuse) = self.outgoing.take_misuse() {
            return Err(misuse);
        }
        let (from, position) = (self.out.tail.len(), self.out.position());
        let date = env.clock.date();
        let mut response = Response::new(
            self.outgoing.status,
            &self.outgoing.fields,
            Length::Known(0),
        );
        self.outgoing.dress(&mut response, &date);
        self.proto.send_response(&response, &mut self.out.tail)?;
        self.strip_probe(from);
        if self.is_marked(env) {
            let (number, end) = (self.number, self.out.position());
            self.marks.push(position + 1, number, FlushEvent::First);
            self.marks.push(end, number, FlushEvent::Head);
            self.marks.push(end, number, FlushEvent::End);
        }
        Ok(())
    }

    /// Gives the transport to `handover` with nothing sent.
    pub(crate) fn surrender(&mut self, handover: &Arc<Handover>) {
        // What was sent ahead to a half-closed peer cannot be taken back.
        let untouched =
            !self.is_over() && self.outgoing.stage == Stage::Head && self.course.probed == 0;
        if untouched && self.proto.hand_over().is_ok() {
            self.hand(handover);
        } else {
            handover.fail(Error::new(
                500,
                "expected a response that has not begun, on a connection that lives",
            ));
        }
    }

    fn hand(&mut self, handover: &Arc<Handover>) {
        self.outgoing.stage = Stage::Ended;
        if matches!(self.incoming.progress, Progress::Open) {
            let text = "expected the rest of the body from the transport, which was handed over";
            self.incoming.fail(Error::new(500, text));
            self.wake_reader();
        }
        self.extra.get_or_insert_default().handover = Some(Arc::clone(handover));
        self.wake_if_said();
    }

    /// Whether somebody is to get the transport.
    pub(super) fn is_handed(&self) -> bool {
        let extra = self.extra.as_ref();
        extra.is_some_and(|extra| extra.handover.is_some())
    }
}

/// Whether the list of an Upgrade field has this protocol, compared without case (RFC 9110 §7.8).
fn offers(list: &[u8], protocol: &str) -> bool {
    list_members(list).any(|member| member.eq_ignore_ascii_case(protocol.as_bytes()))
}
