//! A handler has failed: it returned an error, panicked, dropped its deferred response, asked for what cannot be sent, or was dropped.
//!
//! Here: the log, the event, what observers see, and the response. Not here: faults of the peer (`server/failure.rs`).

use super::context::{RespondToFailure, Surroundings};
use super::exchange::{Exchange, State};
use super::outgoing::Stage;
use crate::error::request::log_failure;
use crate::error::{Closed, Error, Failure};
use crate::event::callbacks::catch_panic;
use std::rc::Rc;

impl Exchange {
    /// Reports the failure of a handler and responds with it. A response that has begun is cut, so that the client does not
    /// mistake the part for the whole.
    #[cold]
    pub(crate) fn fail_handler(self: &Rc<Self>, failure: Failure) {
        let failure = self.state().report(&self.env, failure);
        if self.has_kept_end() {
            return; // it failed after it had answered
        }
        let stage = self.state().outgoing.stage;
        if stage == Stage::Head {
            self.respond_to_failure(&failure);
            return;
        }
        self.order(|state, _| {
            if !state.is_over() {
                state.close(Closed::Aborted);
            }
        });
    }

    /// The response of the server's own form, or the default.
    fn respond_to_failure(self: &Rc<Self>, failure: &Failure) {
        if !self.state().can_respond() {
            return;
        }
        let own = self.state().attached.on_failure.clone();
        let form: Option<&RespondToFailure> = match (&own, &self.env.hooks.on_failure) {
            (Some(own), _) => Some(&**own),
            (None, Some(of_all)) => Some(&**of_all),
            (None, None) => None,
        };
        if let Some(respond) = form {
            let first = {
                let mut state = self.state();
                let first = !std::mem::replace(&mut state.overrides().failed, true);
                state.outgoing.reset_to(failure.status().as_u16());
                if !state.add_fields_of(&self.env, failure) {
                    return;
                }
                first
            };
            if first {
                match catch_panic(|| respond(failure, Rc::clone(self))) {
                    Ok(()) => return,
                    Err(panic) => tracing::error!(panic, "the function of `on_failure` panicked"),
                }
            }
        }
        self.respond_by_default(failure);
    }

    /// The public message as plain text. Hooks on the head run.
    fn respond_by_default(&self, failure: &Failure) {
        {
            let mut state = self.state();
            if !state.can_respond() {
                return;
            }
            state.outgoing.reset_to_text(failure.status().as_u16());
            if !state.add_fields_of(&self.env, failure) {
                return;
            }
        }
        let text = format!("{}\n", failure.public_message());
        if self.has_layers() {
            self.end(text.into());
        } else {
            self.order(|state, env| state.respond_as_set(env, &text));
        }
    }
}

impl State {
    /// Logs a failure, shows it to observers and listeners, and returns it with its request.
    #[cold]
    pub(crate) fn report(&mut self, env: &Surroundings, failure: Failure) -> Failure {
        let request = self.failed_request(env);
        let status = failure.status();
        if failure.is_closed() {
            return failure.of_request(request); // the exchange was over before
        }
        if status.is_server_error() {
            let status = status.as_u16();
            log_failure!(&request, status, error = ?failure, "a handler failed");
        }
        let failure = failure.of_request(request);
        self.announce(env, &failure);
        failure
    }

    fn announce(&mut self, env: &Surroundings, failure: &Failure) {
        self.note_failure(failure);
        env.hooks.notify_handler_failed(failure);
    }

    /// Reports that the server has dropped a handler before its end. A client that leaves is no failure, and neither is a handler
    /// that has aborted its exchange. Only a stop is logged as an error: the other reasons are in the hand of clients.
    #[cold]
    pub(crate) fn report_dropped(&mut self, env: &Surroundings, why: Closed) {
        match why {
            Closed::Done | Closed::PeerGone | Closed::Reset | Closed::Aborted => return,
            Closed::BadMessage
            | Closed::ReadTimeout
            | Closed::WriteTimeout
            | Closed::Inactive
            | Closed::Stopped => {}
        }
        let failure = Failure::new(500, "the handler was dropped before its end");
        let failure = failure.caused_by(Error::closed(why));
        let request = self.failed_request(env);
        if why == Closed::Stopped {
            log_failure!(&request, error = ?failure, "a handler was dropped");
        }
        self.announce(env, &failure.of_request(request));
    }

    /// Adds the fields of a failure. False when they cannot be sent, and the response is a 500 without them.
    fn add_fields_of(&mut self, env: &Surroundings, failure: &Failure) -> bool {
        match failure.fields() {
            None => true,
            Some(Ok(fields)) => {
                for (name, value) in fields.view().iter() {
                    // It comes from such a list, so it can be in one.
                    let _ = self.outgoing.fields.append(name, value);
                }
                true
            }
            Some(Err(misuse)) => {
                self.replace_by_500(env, *misuse);
                false
            }
        }
    }
}
