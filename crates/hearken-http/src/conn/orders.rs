//! The orders that a handler or a listener gives: they encode straight into the output of the connection.
//!
//! Here: [`State::write`], [`State::end`] and the like, and what becomes of an order that cannot be carried out. Not here:
//! content in several pieces (`pieces.rs`), the state itself (`exchange.rs`), the encoding (hearken-proto).

use super::Ending;
use super::context::WorkerContext;
use super::exchange::State;
use super::incoming::Progress;
use super::outgoing::{FlushEvent, Stage};
use super::output::Output;
use crate::error::{Closed, Error};
use bytes::Bytes;
use hearken_proto::{BodyLength, Fields, Length, Misuse, Request, Response, Role};
use std::task::{Context, Poll, Waker};

impl State {
    /// The next piece of the body, sending 100 when the client waits for it (RFC 9110 §10.1.1).
    pub(crate) fn poll_data(
        &mut self,
        cx: Option<&Context<'_>>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let polled = self.incoming.poll(cx);
        if polled.is_pending() && self.course.owes_continue && self.outgoing.stage == Stage::Head {
            self.course.owes_continue = false;
            // It is legal here: a request is there, and its answer has not begun.
            let _ = self.encode_interim(100, &Fields::new());
        }
        polled
    }

    /// Sends an interim response.
    pub(crate) fn encode_interim(&mut self, status: u16, fields: &Fields) -> Result<(), Misuse> {
        if status >= 200 || status == 101 {
            return Err(Misuse::Status); // that would be the answer
        }
        if self.is_over() {
            return Err(Misuse::InterimLate);
        }
        let from = self.out.tail.len();
        let response = Response::new(status, fields, Length::Known(0));
        self.proto.send_response(&response, &mut self.out.tail)?;
        if status == 100 {
            self.course.owes_continue = false;
        }
        self.strip_probe(from);
        Ok(())
    }

    /// What was sent ahead of the head is cut from its beginning.
    pub(super) fn strip_probe(&mut self, from: usize) {
        let sent = self.course.probed.min(self.out.tail.len() - from);
        if sent > 0 {
            self.out.tail.drain(from..from + sent);
            self.course.probed = 0;
        }
    }

    /// Encodes the head of a response or request.
    pub(super) fn encode_head(
        &mut self,
        env: &WorkerContext,
        length: Length,
    ) -> Result<(), Misuse> {
        if let Some(misuse) = self.outgoing.take_misuse() {
            return Err(misuse);
        }
        let from = self.out.tail.len();
        let position = self.out.position();
        if let Some(line) = &self.session.request_line {
            let request = Request::new(&line.0, &line.1, &self.outgoing.fields, length);
            self.proto.send_request(&request, &mut self.out.tail)?;
        } else {
            if self.outgoing.status < 200 {
                return Err(Misuse::Status); // an interim one is no answer: the client would go on waiting
            }
            self.decide_close(env);
            let date = env.clock.date();
            let mut response = Response::new(self.outgoing.status, &self.outgoing.fields, length);
            self.outgoing.dress(&mut response, &date);
            let body = self.proto.send_response(&response, &mut self.out.tail)?;
            self.course.until_close = body == BodyLength::UntilClose;
            self.strip_probe(from);
        }
        self.outgoing.stage = Stage::Body;
        if self.is_marked(env) {
            let (number, end) = (self.number, self.out.position());
            self.marks.push(position + 1, number, FlushEvent::First);
            self.marks.push(end, number, FlushEvent::Head);
        }
        Ok(())
    }

    pub(super) fn is_marked(&self, env: &WorkerContext) -> bool {
        env.observed || self.flow.is_some() || self.course.telling
    }

    /// Whether this response must say `close`: the server stops, or the rest of the request is not worth reading.
    pub(super) fn decide_close(&mut self, env: &WorkerContext) {
        let unread = matches!(self.incoming.progress, Progress::Open) && !self.incoming.was_wanted;
        // A client that waits for 100 may send its body after this answer or not: nobody could tell what follows.
        let unsure = self.course.owes_continue;
        let failed = matches!(self.incoming.progress, Progress::Failed(_));
        let last = env.draining.get() || self.course.last;
        // Bytes behind CONNECT may have been sent for the tunnel, in good faith or not: they are never requests.
        let refused = self.extra.as_ref().is_some_and(|extra| extra.tunnel);
        if refused
            || (last && !self.course.more_input)
            || failed
            || unsure
            || (unread && self.unread_bytes() > self.limits(env).body.drain_bytes_max)
        {
            self.proto.must_close();
        }
    }

    /// Bytes of the body that nobody has read, and what is known of those to come.
    pub(crate) fn unread_bytes(&self) -> u64 {
        let left = self.proto.body_left().unwrap_or(0);
        left + self.incoming.queued() as u64 + self.incoming.dropped_bytes
    }

    /// Adds a piece of content. `Err` when it is past the declared length: what fits is sent, and the rest is cut.
    pub(super) fn encode_content(
        &mut self,
        env: &WorkerContext,
        piece: Bytes,
    ) -> Result<(), Misuse> {
        if piece.is_empty() || !self.proto.can_send_content() {
            return Ok(()); // HEAD, 204, 304: the content is for the count only
        }
        let len = piece.len();
        if Output::copies(len) {
            self.proto.send_content(&piece, &mut self.out.tail)?;
        } else {
            let after = self.proto.frame_content(len, &mut self.out.tail)?;
            self.out.push(piece);
            self.out.tail.extend_from_slice(after);
        }
        if self.is_marked(env) {
            self.marks
                .push(self.out.position(), self.number, FlushEvent::Data(len));
        }
        Ok(())
    }

    pub(super) fn encode_end(&mut self, env: &WorkerContext) -> Result<(), Misuse> {
        if self.outgoing.extras.is_some() {
            self.encode_trailers()?;
        } else {
            self.proto.send_end(None, &mut self.out.tail)?;
        }
        self.outgoing.stage = Stage::Ended;
        if self.is_marked(env) {
            self.marks
                .push(self.out.position(), self.number, FlushEvent::End);
        }
        self.wake_if_said();
        Ok(())
    }

    /// The end of a message that may have trailers.
    #[cold]
    fn encode_trailers(&mut self) -> Result<(), Misuse> {
        let trailers = self.outgoing.extras.as_ref().map(|extras| &extras.trailers);
        match self.proto.send_end(trailers, &mut self.out.tail) {
            Err(misuse @ (Misuse::TrailersNotAllowed | Misuse::TrailerName)) => {
                tracing::error!(%misuse, "trailers were left out");
                self.proto.send_end(None, &mut self.out.tail)
            }
            done => done,
        }
    }

    /// Sends a whole message, or the rest of it. After the end, or when the peer is gone, nothing happens.
    #[inline]
    pub(crate) fn end(&mut self, env: &WorkerContext, content: Bytes) {
        if self.is_over() {
            return;
        }
        if self.outgoing.stage == Stage::Body {
            return self.end_begun(env, content);
        }
        let length = match &self.outgoing.extras {
            Some(extras) if !extras.trailers.view().is_empty() => Length::Unknown,
            _ => Length::Known(content.len() as u64),
        };
        if let Err(misuse) = self.encode_head(env, length) {
            return self.replace_by_500(env, misuse);
        }
        let sent = self
            .encode_content(env, content)
            .and_then(|()| self.encode_end(env));
        if let Err(misuse) = sent {
            self.give_up(misuse);
        }
    }

    fn end_begun(&mut self, env: &WorkerContext, content: Bytes) {
        let sent = self
            .encode_last(env, content)
            .and_then(|()| self.encode_end(env));
        if let Err(misuse) = sent {
            self.give_up(misuse);
        }
    }

    /// As [`end`](Self::end), with trailers, which make a message chunked whose head is not out.
    pub(crate) fn end_with_trailers(
        &mut self,
        env: &WorkerContext,
        content: Bytes,
        trailers: &Fields,
    ) {
        self.add_trailers(trailers);
        self.end(env, content);
    }

    /// Keeps trailers for the end.
    pub(crate) fn add_trailers(&mut self, trailers: &Fields) {
        let own = &mut self.outgoing.extras().trailers;
        for (name, value) in trailers.view().iter() {
            // It comes from such a list, so it can be in one.
            let _ = own.append(name, value);
        }
    }

    /// Sends a piece and tells whether there is room for more.
    pub(crate) fn write(&mut self, env: &WorkerContext, piece: Bytes) -> bool {
        if self.is_over() {
            return false;
        }
        if self.out.in_memory() as u64 > self.limits(env).body.write_queue_bytes_max {
            tracing::error!(
                bytes = self.out.in_memory(),
                "a handler went on writing without waiting for `drain`"
            );
            self.close(Closed::Aborted);
            self.out.discard(); // a peer that takes next to nothing must not hold all this any longer
            return false;
        }
        if self.flush_head(env)
            && let Err(misuse) = self.encode_or_keep(env, piece)
        {
            self.give_up(misuse);
        }
        let room = (self.queued_bytes() as u64) < self.limits(env).body.queue_bytes;
        if !room && (self.flow.is_some() || self.course.telling) && !self.outgoing.full {
            self.outgoing.full = true;
            self.mark_room(env);
        }
        room
    }

    /// Sends the head now. False when that failed and the response is over.
    pub(crate) fn flush_head(&mut self, env: &WorkerContext) -> bool {
        if self.outgoing.stage == Stage::Head
            && !self.is_over()
            && let Err(misuse) = self.encode_head(env, Length::Unknown)
        {
            self.replace_by_500(env, misuse);
        }
        self.outgoing.stage == Stage::Body
    }

    /// Whether no more can be said in this exchange.
    pub(crate) fn is_over(&self) -> bool {
        self.closed.is_some() || self.outgoing.stage == Stage::Ended
    }

    /// The handler asked for something that cannot be sent, before anything was: the client gets a 500.
    #[cold]
    pub(super) fn replace_by_500(&mut self, env: &WorkerContext, misuse: Misuse) {
        tracing::error!(%misuse, "a response could not be sent as it was asked for; the client gets a 500");
        self.answer(env, 500, "Internal Server Error\n");
    }

    /// A plain-text answer in place of whatever was set. Nothing happens when a head is out already.
    #[cold]
    pub(crate) fn answer(&mut self, env: &WorkerContext, status: u16, text: &str) {
        self.outgoing.reset();
        self.outgoing.status = status;
        // Legal by construction.
        let _ = self
            .outgoing
            .fields
            .set("Content-Type", "text/plain; charset=utf-8");
        let _ = self
            .outgoing
            .fields
            .set("X-Content-Type-Options", "nosniff");
        let content = Bytes::copy_from_slice(text.as_bytes());
        let sent = self
            .encode_head(env, Length::Known(content.len() as u64))
            .and_then(|()| self.encode_content(env, content))
            .and_then(|()| self.encode_end(env));
        if let Err(misuse) = sent {
            self.give_up(misuse);
        }
    }

    /// An error as the answer of a server, unless one has begun.
    #[cold]
    pub(crate) fn answer_if_owed(&mut self, env: &WorkerContext, error: &Error) {
        let owed = self.outgoing.stage == Stage::Head && !self.is_over();
        if owed && self.proto.role() == Role::Server {
            let text = format!("{}\n", error.public_text());
            self.answer(env, error.status().as_u16(), &text);
        }
    }

    /// The message cannot be finished as it was begun: what was sent is cut here and the connection closes, so that the
    /// peer never takes the part for the whole.
    #[cold]
    pub(super) fn give_up(&mut self, misuse: Misuse) {
        tracing::error!(%misuse, "a message could not be finished; the connection is closed");
        self.close(Closed::Aborted);
    }

    /// The application has had enough: what was not handed to the transport is dropped and the connection closes.
    pub(crate) fn destroy(&mut self) {
        self.close(Closed::Aborted);
        self.out.discard();
    }

    /// Whether all is said, so that nobody need wait for more: the answer is given, and the body has come, or nobody
    /// has asked for it. A handler that waits for the end of its own exchange must not be what holds that up.
    pub(crate) fn is_said(&self) -> bool {
        let asked = matches!(self.incoming.progress, Progress::Open) && self.incoming.was_wanted;
        self.outgoing.stage == Stage::Ended && !asked
    }

    pub(crate) fn wake_if_said(&mut self) {
        if !self.wakers.closed.is_empty() && self.is_said() {
            self.wakers.closed.drain(..).for_each(Waker::wake);
        }
    }

    /// How the connection ends with an answer that is cut.
    pub(crate) fn ending_of_part(&self) -> Ending {
        if self.course.until_close && self.outgoing.stage != Stage::Head {
            Ending::Cut
        } else {
            Ending::Now
        }
    }

    /// The exchange is over; everybody who waits is told. The first reason counts.
    pub(crate) fn close(&mut self, why: Closed) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(why);
        if let Some(handover) = self
            .extra
            .as_ref()
            .and_then(|extra| extra.handover.as_ref())
        {
            handover.fail(Error::closed(why));
        }
        if why != Closed::Done {
            self.incoming.fail(Error::closed(why));
            self.proto.must_close();
        }
        self.wake_reader();
        for waker in self
            .wakers
            .closed
            .drain(..)
            .chain(self.outgoing.drain.drain(..))
        {
            waker.wake();
        }
    }
}
