//! The content of a request that waits for `100 Continue` (RFC 9110 §10.1.1).
//!
//! Here: [`expects_continue`], and how the request of a session waits. Not here: the same for an agent's connection
//! (`client/orders.rs`), the server's side (`incoming.rs`).

use super::context::Surroundings;
use super::exchange::{ContinueHold, Early, State};
use super::outgoing::Stage;
use hearken_proto::{FieldsRef, Length, list_members};

/// Whether these fields of a request hold its content back.
pub(crate) fn expects_continue(fields: FieldsRef<'_>) -> bool {
    let mut expected = fields.get_all("Expect").flat_map(list_members);
    expected.any(|one| one.eq_ignore_ascii_case(b"100-continue"))
}

impl State {
    /// Sends the head of a request that expects `100 Continue`, so that its content is queued from here on. Does nothing for
    /// any other message, or after the head.
    pub(crate) fn hold_for_continue(&mut self, env: &Surroundings, length: Length) {
        let expects = expects_continue(self.outgoing.fields.view());
        if !expects || self.is_over() || self.outgoing.stage != Stage::Head {
            return;
        }
        if length == Length::Known(0) {
            self.outgoing.fields.remove("Expect"); // MUST NOT be sent without content
            return;
        }
        match self.send_head(env, length) {
            Ok(()) => {
                if let Some(session) = self.session() {
                    session.hold = Some(ContinueHold::default());
                }
            }
            Err(misuse) => self.abort(env, misuse),
        }
    }

    /// The content goes out: the server asked for it, or the time is over.
    pub(crate) fn release_held(&mut self, env: &Surroundings) {
        if let Some(early) = self.take_held() {
            self.send_early(env, early);
        }
    }

    /// A final response came instead of `100 Continue`: the content is not sent, and no exchange can follow.
    pub(crate) fn drop_held(&mut self) {
        if self.take_held().is_some() {
            self.carrier.must_close();
            self.outgoing.stage = Stage::Ended;
        }
    }

    fn take_held(&mut self) -> Option<Early> {
        let session = self.session()?;
        session.hold.take()?;
        Some(session.early.take().unwrap_or_default())
    }
}
