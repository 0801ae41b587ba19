//! The orders that a handler or a listener gives: they are encoded at once, by whatever carries the exchange.
//!
//! Here: [`State::write`], [`State::end`] and the like, and what becomes of an order that cannot be carried out. Not here:
//! content in several pieces (`cork.rs`), hooks and filters (`layers.rs`), the state itself (`exchange.rs`), the encoding
//! (`carrier.rs`).

use super::Ending;
use super::carrier::Carrier;
use super::context::Surroundings;
use super::exchange::State;
use super::incoming::Progress;
use super::outgoing::Stage;
use super::output::Output;
use crate::error::{Closed, Error, Failure};
use bytes::Bytes;
use hearken_proto::{Fields, Length, Misuse, Request, Response, Role};
use std::task::{Context, Poll, Waker};

impl State {
    /// The next piece of the body. Sends 100 when the client waits for it (RFC 9110 §10.1.1).
    pub(crate) fn poll_data(
        &mut self,
        cx: Option<&Context<'_>>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let polled = self.incoming.poll(cx);
        if polled.is_pending()
            && self.incoming.expects_continue
            && self.outgoing.stage == Stage::Head
        {
            self.incoming.expects_continue = false;
            // Legal here: a request has come, and its response has not begun.
            let _ = self.send_interim(100, &Fields::new());
        }
        polled
    }

    /// Sends an interim response.
    pub(crate) fn send_interim(&mut self, status: u16, fields: &Fields) -> Result<(), Misuse> {
        if status >= 200 || status == 101 {
            return Err(Misuse::Status); // that would be the final response
        }
        if self.is_over() {
            return Err(Misuse::InterimLate);
        }
        let response = Response::new(status, fields, Length::Known(0));
        self.carrier.send_interim(&response)?;
        self.show_interim(status);
        if status == 100 {
            self.incoming.expects_continue = false;
        }
        Ok(())
    }

    /// Sends the head of a response or request.
    pub(super) fn send_head(&mut self, env: &Surroundings, length: Length) -> Result<(), Misuse> {
        if let Some(misuse) = self.outgoing.take_misuse() {
            return Err(misuse);
        }
        let flush = self.flush_tag(env);
        if self.overrides.is_some()
            && let Some(session) = self.overrides.as_ref().and_then(|own| own.session.as_ref())
            && let Some((method, target)) = &session.request_line
        {
            let request = Request::new(method, target, &self.outgoing.fields, length);
            self.carrier.send_request(&request, flush)?;
            if env.observed.get() {
                self.show_request(length);
            }
        } else {
            self.prepare_response(env)?;
            let date = env.clock.date();
            let mut response = Response::new(self.outgoing.status, &self.outgoing.fields, length);
            self.outgoing.apply_to(&mut response, &date);
            self.carrier.send_response(&response, flush)?;
            if env.observed.get() {
                self.show_response(length);
            }
        }
        self.outgoing.stage = Stage::Body;
        Ok(())
    }

    /// Checks the status, and decides whether the connection closes after this response.
    #[inline]
    fn prepare_response(&mut self, env: &Surroundings) -> Result<(), Misuse> {
        if self.outgoing.status < 200 {
            return Err(Misuse::Status); // an interim response does not end the exchange: the client would wait on
        }
        if self.must_close(env) {
            self.carrier.must_close();
        }
        Ok(())
    }

    /// The number of this exchange, if listeners or the observer want to know when the transport has taken its bytes.
    #[inline]
    pub(super) fn flush_tag(&self, env: &Surroundings) -> Option<u32> {
        (env.observed.get() || self.listeners.is_used()).then_some(self.number)
    }

    /// Whether this response must say `close`: the server stops, or the rest of the request is not worth reading.
    #[inline]
    fn must_close(&self, env: &Surroundings) -> bool {
        // Bytes behind CONNECT may have been sent for the tunnel, in good faith or not: they are never requests.
        let refused = |state: &Self| state.overrides.as_ref().is_some_and(|own| own.tunnel);
        self.carrier.is_last(env.draining.get())
            || refused(self)
            || match self.incoming.progress {
                Progress::Complete => false,
                Progress::Failed(_) => true,
                Progress::Open => self.leaves_body(env),
            }
    }

    /// Whether a body that is still to come is better left unread.
    fn leaves_body(&self, env: &Surroundings) -> bool {
        // A client that waits for 100 may send its body after this response or not: what follows would be a guess.
        self.incoming.expects_continue
            || ((!self.incoming.was_wanted || self.incoming.unread)
                && self.unread_bytes() > self.limits(env).body.drain_bytes_max)
    }

    /// Whether the response has begun and is the last of its connection. The length of a body that is dropped does not matter
    /// then, and a client that sends its whole request before it reads the response must be able to send it.
    #[cold]
    pub(crate) fn is_answered_last(&mut self) -> bool {
        let line = self.carrier.line();
        let last = line.is_some_and(|line| !line.proto.persistent());
        last && self.outgoing.stage != Stage::Head
    }

    /// Bytes of the body that have not been read, and what is known of those to come.
    pub(crate) fn unread_bytes(&self) -> u64 {
        let left = self.carrier.body_left().unwrap_or(0);
        left + self.incoming.queued() as u64 + self.incoming.dropped_bytes
    }

    /// Adds a piece of content. `Err` when it is past the declared length: what fits is sent, and the rest is cut.
    pub(super) fn send_content(&mut self, env: &Surroundings, piece: Bytes) -> Result<(), Misuse> {
        if piece.is_empty() || !self.carrier.can_send_content() {
            return Ok(()); // HEAD, 204, 304: the content is for the count only
        }
        let flush = self.flush_tag(env);
        if env.observed.get() {
            self.count_content(piece.len());
        }
        self.carrier.send_content(piece, flush)
    }

    pub(super) fn send_end(&mut self, env: &Surroundings) -> Result<(), Misuse> {
        let flush = self.flush_tag(env);
        if self.outgoing.extras.is_some() {
            self.send_trailers(flush)?;
        } else {
            self.carrier.send_end(None, flush)?;
        }
        self.outgoing.stage = Stage::Ended;
        self.wake_if_answered();
        Ok(())
    }

    /// The end of a message that may have trailers.
    #[cold]
    fn send_trailers(&mut self, flush: Option<u32>) -> Result<(), Misuse> {
        let trailers = self.outgoing.extras.as_ref().map(|extras| &extras.trailers);
        match self.carrier.send_end(trailers, flush) {
            Err(misuse @ (Misuse::TrailersNotAllowed | Misuse::TrailerName)) => {
                tracing::error!(%misuse, "trailers were left out");
                self.carrier.send_end(None, flush)
            }
            done => done,
        }
    }

    /// Sends a whole message, or the rest of it. After the end, or when the peer is gone, nothing happens.
    #[inline]
    pub(crate) fn end(&mut self, env: &Surroundings, content: Bytes) {
        if self.is_over() {
            return;
        }
        let plain = self.outgoing.stage == Stage::Head
            && self.outgoing.extras.is_none()
            && self.overrides.is_none()
            && Output::copies(content.len());
        if plain && self.flush_tag(env).is_none() && matches!(self.carrier, Carrier::H1(_)) {
            return self.end_plain(env, &content);
        }
        self.end_any(env, content);
    }

    /// A whole response that is small and has nothing unusual: head, content and end are encoded in one pass.
    #[inline]
    fn end_plain(&mut self, env: &Surroundings, content: &[u8]) {
        let sent = self.prepare_response(env).and_then(|()| {
            let date = env.clock.date();
            let mut response =
                Response::new(self.outgoing.status, &self.outgoing.fields, Length::Unknown);
            response.date = Some(&date);
            match &mut self.carrier {
                Carrier::H1(line) => line.send_whole_response(&response, content),
                _ => Ok(()),
            }
        });
        match sent {
            Ok(()) => {
                self.outgoing.stage = Stage::Ended;
                self.wake_if_answered();
            }
            Err(misuse) => self.replace_by_500(env, misuse),
        }
    }

    fn end_any(&mut self, env: &Surroundings, content: Bytes) {
        if self.outgoing.stage == Stage::Body {
            let sent = (self.send_last(env, content)).and_then(|()| self.send_end(env));
            return self.abort_on(env, sent);
        }
        let length = if self.has_trailers() {
            Length::Unknown
        } else {
            Length::Known(content.len() as u64)
        };
        if let Err(misuse) = self.send_head(env, length) {
            return self.replace_by_500(env, misuse);
        }
        let sent = (self.send_content(env, content)).and_then(|()| self.send_end(env));
        self.abort_on(env, sent);
    }

    pub(crate) fn has_trailers(&self) -> bool {
        let extras = self.outgoing.extras.as_ref();
        extras.is_some_and(|extras| !extras.trailers.view().is_empty())
    }

    /// Keeps trailers for the end. They make a message chunked whose head has not left.
    pub(crate) fn add_trailers(&mut self, trailers: &Fields) {
        let own = &mut self.outgoing.extras().trailers;
        for (name, value) in trailers.view().iter() {
            // It comes from such a list, so it can be in one.
            let _ = own.append(name, value);
        }
    }

    /// Sends a piece and returns whether there is room for more.
    pub(crate) fn write(&mut self, env: &Surroundings, piece: Bytes) -> bool {
        if self.is_over() {
            return false;
        }
        let waiting = self.carrier.bytes_in_memory();
        if waiting as u64 > self.limits(env).body.write_queue_bytes_max {
            let text = format!(
                "{waiting} bytes wait for the client, and the handler went on writing without waiting for `drain`"
            );
            self.report(env, Failure::new(500, text));
            self.close(Closed::Aborted);
            self.carrier.discard(); // a peer that takes next to nothing must not hold all this any longer
            return false;
        }
        if self.flush_head(env)
            && let Err(misuse) = self.send_or_keep(env, piece)
        {
            self.abort(env, misuse);
        }
        let room = (self.queued_bytes() as u64) < self.window(env);
        if !room && self.listeners.is_used() && !self.outgoing.full {
            self.outgoing.full = true;
            self.mark_room(env);
        }
        room
    }

    /// Sends the head now. False when that failed and the response is over.
    pub(crate) fn flush_head(&mut self, env: &Surroundings) -> bool {
        if self.can_respond()
            && let Err(misuse) = self.send_head(env, Length::Unknown)
        {
            self.replace_by_500(env, misuse);
        }
        self.outgoing.stage == Stage::Body
    }

    /// Whether nothing more can be sent in this exchange.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.closed.is_some() || self.outgoing.stage == Stage::Ended
    }

    /// The handler asked for something that cannot be sent, before anything was: the client gets a 500.
    #[cold]
    pub(super) fn replace_by_500(&mut self, env: &Surroundings, misuse: Misuse) {
        let failure = Failure::new(500, "the response could not be sent as it was asked for");
        self.report(env, failure.caused_by(misuse));
        self.respond(env, 500, "Internal Server Error\n");
    }

    /// Responds with a plain text in place of what was set. The head must not have left.
    #[cold]
    pub(crate) fn respond(&mut self, env: &Surroundings, status: u16, text: &str) {
        self.outgoing.reset_to_text(status);
        self.respond_as_set(env, text);
    }

    /// Sends what is set, with a text as content.
    #[cold]
    pub(super) fn respond_as_set(&mut self, env: &Surroundings, text: &str) {
        let content = Bytes::copy_from_slice(text.as_bytes());
        let sent = self
            .send_head(env, Length::Known(content.len() as u64))
            .and_then(|()| self.send_content(env, content))
            .and_then(|()| self.send_end(env));
        self.abort_on(env, sent);
    }

    /// Responds with an error as a server does, unless a response has begun.
    #[cold]
    pub(crate) fn respond_if_pending(&mut self, env: &Surroundings, error: &Error) {
        if self.can_respond() && self.carrier.role() == Role::Server {
            let text = format!("{}\n", error.public_text());
            self.respond(env, error.status().as_u16(), &text);
        }
    }

    #[inline]
    pub(super) fn abort_on(&mut self, env: &Surroundings, sent: Result<(), Misuse>) {
        if let Err(misuse) = sent {
            self.abort(env, misuse);
        }
    }

    /// The message cannot be finished as it was begun: it is cut here and the connection closes, so that the peer never
    /// takes the part for the whole.
    #[cold]
    pub(super) fn abort(&mut self, env: &Surroundings, misuse: Misuse) {
        let failure = Failure::new(
            500,
            "a message could not be finished; the connection is closed",
        );
        self.report(env, failure.caused_by(misuse));
        self.close(Closed::Aborted);
    }

    /// The application gives the exchange up: what was not handed to the transport is dropped and the connection closes.
    pub(crate) fn destroy(&mut self) {
        self.close(Closed::Aborted);
        self.carrier.discard();
    }

    /// Whether the response has been given, and the body has come or is not wanted. A handler that waits for the end of its
    /// own exchange must not be what holds that up.
    pub(crate) fn is_answered(&self) -> bool {
        let asked = matches!(self.incoming.progress, Progress::Open) && self.incoming.was_wanted;
        self.outgoing.stage == Stage::Ended && !asked
    }

    #[inline]
    pub(crate) fn wake_if_answered(&mut self) {
        if !self.wakers.closed.is_empty() && self.is_answered() {
            self.wakers.closed.drain(..).for_each(Waker::wake);
        }
    }

    /// How the connection ends after a response that is cut.
    pub(crate) fn ending_of_part(&mut self) -> Ending {
        let begun = self.outgoing.stage != Stage::Head;
        if begun && self.carrier.line().is_some_and(|line| line.until_close) {
            Ending::Cut
        } else {
            Ending::Now
        }
    }

    /// Ends the exchange and wakes every task that waits for it. The first reason counts.
    pub(crate) fn close(&mut self, why: Closed) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(why);
        let own = self.overrides.as_ref();
        if let Some(recipient) = own.and_then(|own| own.recipient.as_ref()) {
            recipient.fail(Error::closed(why));
        }
        if why != Closed::Done {
            self.incoming.fail(Error::closed(why));
            self.carrier.must_close();
        }
        self.wake_reader();
        let waiting = self.wakers.closed.drain(..);
        (waiting.chain(self.outgoing.drain.drain(..))).for_each(Waker::wake);
    }
}
