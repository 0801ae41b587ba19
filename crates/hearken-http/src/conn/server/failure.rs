//! How an exchange or a connection ends before its time: faults, lost transports, the end of the peer's input.
//!
//! Here: who is told, what is still answered, and what the pump is to do. Not here: the deadlines that lead here
//! (`timers.rs`), the usual end of an exchange (`served.rs`).

use crate::conn::Ending;
use crate::conn::exchange::Exchange;
use crate::conn::notify::notify_failed;
use crate::conn::outgoing::Stage;
use crate::conn::server::{Runner, ServerConnection};
use crate::error::{Closed, Error};
use crate::event::callbacks::notify_all;
use crate::event::client_error::ClientError;
use hearken_proto::Half;
use http::StatusCode;
use std::task::Context;
use std::time::Instant;

impl ServerConnection {
    /// The peer broke the protocol, or a deadline. Its reader is told first; if no answer has begun then, it is this one.
    #[cold]
    pub(super) fn fail(
        &mut self,
        error: &Error,
        raw: &[u8],
        cx: &mut Context<'_>,
        runner: &mut dyn Runner,
    ) {
        let Some(exchange) = self.exchange.clone() else {
            return;
        };
        let with_handler = runner.running();
        {
            let mut state = exchange.state();
            state.incoming.fail(error.clone());
            state.proto.must_close();
            state.wake_reader();
        }
        self.ready = false;
        notify_failed(&exchange, error);
        if with_handler {
            self.poll_runner(cx, runner);
            runner.cancel();
        }
        let stage = exchange.state().outgoing.stage;
        match stage {
            Stage::Head => self.answer_fault(&exchange, error, raw),
            Stage::Body => exchange.state().close(Closed::BadMessage),
            Stage::Ended => {}
        }
        let mut state = exchange.state();
        self.why = if error.status() == StatusCode::REQUEST_TIMEOUT {
            Closed::ReadTimeout
        } else {
            Closed::BadMessage
        };
        state.close(self.why);
        self.ending = Some(if stage == Stage::Body {
            state.ending_of_part()
        } else {
            Ending::Linger
        });
    }

    /// The answer to a fault: the listener's, or the default.
    #[cold]
    fn answer_fault(&self, exchange: &Exchange, error: &Error, raw: &[u8]) {
        let failure = ClientError::new(&self.peer, error, raw);
        let listeners = &self.env.hooks.listeners.client_error;
        notify_all(listeners, |listener| listener(&failure));
        let mut state = exchange.state();
        match failure.into_answer() {
            Some(answer) => {
                state.out.push(answer);
                state.outgoing.stage = Stage::Ended;
            }
            None => state.answer(
                &self.env,
                error.status().as_u16(),
                &format!("{}\n", error.public_text()),
            ),
        }
    }

    /// Nobody can be reached any more.
    #[cold]
    pub(super) fn abort(&mut self, why: Closed, cx: &mut Context<'_>, runner: &mut dyn Runner) {
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
        let Some(exchange) = self.exchange.clone() else {
            return;
        };
        {
            let mut state = exchange.state();
            state.close(why);
            state.out.discard();
        }
        notify_failed(&exchange, &Error::closed(why));
        self.poll_runner(cx, runner);
        runner.cancel();
        exchange.state().out.discard();
    }

    pub(super) fn tell_eof(&mut self, cx: &mut Context<'_>, runner: &mut dyn Runner, now: Instant) {
        let Some(exchange) = self.exchange.clone() else {
            self.ending.get_or_insert(Ending::Now);
            return;
        };
        let told = exchange.state().proto.receive_eof();
        let (recv, send) = exchange.state().proto.halves();
        match told {
            Err(_) if recv == Half::Failed && self.ending.is_some() => {}
            Err(error) => self.fail(&error.into(), &[], cx, runner),
            Ok(_) if send == Half::MustClose => {
                self.ending.get_or_insert(Ending::Now);
            }
            // A half-closed client gets its answer; whether it is still there will show.
            Ok(_) => self.probe_later(now),
        }
    }
}
