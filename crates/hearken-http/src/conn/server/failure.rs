//! How an exchange or a connection ends before its time: faults, lost transports, the end of the peer's input.
//!
//! Here: which listeners are notified, what is still sent, and what the pump is to do. Not here: the deadlines that lead
//! here (`deadlines.rs`), the usual end of an exchange (`mod.rs`).

use super::{Runner, ServerConnection, Turn};
use crate::conn::Ending;
use crate::conn::exchange::Exchange;
use crate::conn::notify::notify_failed;
use crate::conn::outgoing::Stage;
use crate::error::{Closed, Error, Failure};
use crate::event::callbacks::notify_all;
use crate::event::client_error::ClientError;
use crate::event::observe::Step;
use hearken_proto::Half;
use http::StatusCode;
use std::io;
use std::rc::Rc;

impl ServerConnection {
    /// The peer broke the protocol, or missed a deadline. The body reader fails first; if no response has begun then, the
    /// fault gets one.
    #[cold]
    pub(super) fn fail(&mut self, error: &Error, raw: &[u8], turn: &mut Turn<'_, '_>) {
        let Some(exchange) = self.exchange.as_ref().map(Rc::clone) else {
            return;
        };
        let with_handler = turn.runner.running();
        let why = if error.status() == StatusCode::REQUEST_TIMEOUT {
            Closed::ReadTimeout
        } else {
            Closed::BadMessage
        };
        {
            let mut state = exchange.state();
            state.incoming.fail(error.clone());
            state.carrier.must_close();
            state.wake_reader();
            self.observe(&mut state, Step::Failed { error }, turn.now);
        }
        self.ready = false;
        self.notify_expectation(&exchange, error);
        notify_failed(&exchange, error);
        if with_handler {
            self.poll_runner(turn);
            self.drop_handler(turn.runner, why);
        }
        let stage = exchange.state().outgoing.stage;
        match stage {
            Stage::Head => self.respond_to_fault(&exchange, error, raw),
            Stage::Body => exchange.state().close(Closed::BadMessage),
            Stage::Ended => {}
        }
        let mut state = exchange.state();
        self.why = why;
        state.close(why);
        self.ending = Some(if stage == Stage::Body {
            state.ending_of_part()
        } else {
            Ending::Linger
        });
    }

    /// Emits `CheckExpectation` for an expectation that has no handler, and is a fault therefore.
    fn notify_expectation(&self, exchange: &Exchange, error: &Error) {
        let listeners = &self.env.exchange.hooks.listeners.check_expectation;
        let unknown = hearken_proto::Fault::ExpectationUnknown.code();
        if listeners.is_empty() || error.protocol().is_none_or(|error| error.code() != unknown) {
            return;
        }
        // Copied, so that the exchange is not borrowed while a listener runs.
        let mut state = exchange.state();
        let head = state.carrier.line().map(|line| line.proto.head().clone());
        drop(state);
        if let Some(head) = head {
            notify_all(listeners, |listener| listener(&head));
        }
    }

    /// The response to a fault: that of a listener, or the default.
    #[cold]
    fn respond_to_fault(&self, exchange: &Exchange, error: &Error, raw: &[u8]) {
        let failure = ClientError::new(&self.peer, error, raw);
        let listeners = &exchange.env.hooks.listeners.client_error;
        notify_all(listeners, |listener| listener(&failure));
        let mut state = exchange.state();
        let Some(response) = failure.into_answer() else {
            let text = format!("{}\n", error.public_text());
            return state.respond(&exchange.env, error.status().as_u16(), &text);
        };
        if let Some(line) = state.carrier.line() {
            line.out.push(response);
        }
        state.outgoing.stage = Stage::Ended;
    }

    /// The peer cannot be reached any more.
    #[cold]
    pub(super) fn abort(&mut self, why: Closed, turn: &mut Turn<'_, '_>) {
        self.why = why;
        // A peer that does not read would otherwise leave its bytes with the system for minutes.
        let given_up = matches!(
            why,
            Closed::WriteTimeout | Closed::Stopped | Closed::Aborted
        );
        self.ending = Some(if given_up && self.exchange.is_some() {
            Ending::Cut
        } else {
            Ending::Now
        });
        drop(self.take_pending());
        let Some(exchange) = self.exchange.as_ref().map(Rc::clone) else {
            return;
        };
        let error = Error::closed(why);
        {
            let mut state = exchange.state();
            state.close(why);
            state.carrier.discard();
            self.observe(&mut state, Step::Failed { error: &error }, turn.now);
        }
        notify_failed(&exchange, &error);
        self.poll_runner(turn);
        self.drop_handler(turn.runner, why);
        exchange.state().carrier.discard();
    }

    /// Drops the handler where it stands, and reports that if it has not ended.
    #[cold]
    pub(super) fn drop_handler(&self, runner: &mut dyn Runner, why: Closed) {
        let running = runner.running();
        runner.cancel();
        if running && let Some(exchange) = &self.exchange {
            exchange.state().report_dropped(&exchange.env, why);
        }
    }

    /// Content could not be sent to its end, because its file cannot be read or has become shorter.
    #[cold]
    pub(in crate::conn) fn report_cut(&self, error: &io::Error) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        let state = &mut *exchange.state();
        let next_has_come = state.number > 0 && state.outgoing.stage == Stage::Head;
        if next_has_come || state.request.is_some_and(|request| !request.alone) {
            state.request = None; // of several responses on their way it may be any
        }
        let failure = Failure::new(500, "a response was cut").caused_by(error.to_string());
        let failure = state.report(&exchange.env, failure);
        if state.number == 0
            && let Some(watch) = state.watches.last_mut()
        {
            watch.facts.set_failure(&failure);
        }
    }

    pub(super) fn receive_eof(&mut self, turn: &mut Turn<'_, '_>) {
        let received = self.with_line(|line| (line.proto.receive_eof(), line.proto.halves()));
        let Some((event, (recv, send))) = received else {
            self.ending.get_or_insert(Ending::Now);
            return;
        };
        match event {
            Err(_) if recv == Half::Failed && self.ending.is_some() => {}
            Err(error) => self.fail(&error.into(), &[], turn),
            Ok(_) if send == Half::MustClose => {
                self.ending.get_or_insert(Ending::Now);
            }
            // A half-closed client gets its response. The probe shows whether it is still there.
            Ok(_) => self.probe_later(turn.now),
        }
    }
}
