//! One exchange as its connection and its handler share it: the request that comes in, the response that goes out.
//!
//! Here: [`Exchange`] and the orders that a handler gives ([`State::write`], [`State::end`], …), which encode straight
//! into the output of the connection. Not here: when an exchange begins and ends (`served.rs`, `solo.rs`), the handles
//! that users hold (`message.rs`, `response.rs`).

use super::Input;
use super::clock::Clock;
use super::flow::Flow;
use super::incoming::{Incoming, Progress};
use super::outgoing::{Mark, Marks, Outgoing, Stage};
use super::output::Output;
use crate::error::{Closed, Error};
use crate::event::ServerListeners;
use crate::observer::Observer;
use crate::panics::tell_all;
use crate::peer::Peer;
use bytes::Bytes;
use hearken_proto::{
    BodyLength, Connection, Event, Fields, Head, Length, Limits, Misuse, Request, Response, Role,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// What all connections of one worker share.
pub(crate) struct Env {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) hooks: Arc<Hooks>,
    /// There is an observer.
    pub(crate) observed: bool,
    /// The server is to stop: every exchange is the last of its connection.
    pub(crate) draining: Cell<bool>,
    /// The time to stop has run out: what still runs is cut.
    pub(crate) killed: Cell<bool>,
    /// Exchanges that no connection uses now, with their buffers.
    pub(crate) pool: RefCell<Vec<Rc<Exchange>>>,
}

/// Who listens to a whole server.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) listeners: ServerListeners,
    pub(crate) observer: Option<Box<dyn Observer>>,
}

impl Hooks {
    /// Tells that something of the server failed.
    #[cold]
    pub(crate) fn tell_error(&self, error: &Error) {
        tell_all(&self.listeners.error, |listener| listener(error));
    }
}

impl Env {
    pub(crate) fn new(limits: Limits, hooks: Arc<Hooks>, clock: Clock) -> Rc<Self> {
        Rc::new(Self {
            limits,
            clock,
            observed: hooks.observer.is_some(),
            hooks,
            draining: Cell::new(false),
            killed: Cell::new(false),
            pool: RefCell::new(Vec::new()),
        })
    }
}

/// See the module. Shared by reference count on one thread; its state is borrowed for the length of one order and never
/// while code of the user runs.
pub(crate) struct Exchange {
    pub(crate) env: Rc<Env>,
    state: RefCell<State>,
}

/// What [`State::receive`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Took {
    Line,
    Interim,
    Head(BodyLength),
    Content,
    End,
    Switched,
}

/// How long somebody has waited for the body: the rate of a body counts only while its reader wants it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wait {
    pub(crate) since: Option<Instant>,
    pub(crate) before: Duration,
}

impl Wait {
    /// Nobody waits any more, or what was waited for has come.
    pub(crate) fn stop(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.before += now - since;
        }
    }
}

/// What a served connection must remember only while an exchange is under way. It lives here so that an idle connection
/// does not carry it.
pub(crate) struct Turn {
    /// Received, but behind the current exchange.
    pub(crate) pending: Vec<u8>,
    /// The first byte of the current head.
    pub(crate) head_since: Option<Instant>,
    /// Last progress in writing; `None` while nothing waits to be written.
    pub(crate) write_since: Option<Instant>,
    /// When to ask a half-closed peer whether it is still there.
    pub(crate) probe_at: Option<Instant>,
    /// Who listens to answers of exchanges that are over, with their numbers, until the transport has taken them.
    pub(crate) parked: Vec<(u32, Box<Flow>)>,
}

impl Turn {
    const NONE: Self = Self {
        pending: Vec::new(),
        head_since: None,
        write_since: None,
        probe_at: None,
        parked: Vec::new(),
    };
}

pub(crate) struct State {
    pub(crate) turn: Turn,
    pub(crate) proto: Connection,
    pub(crate) out: Output,
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) marks: Marks,
    /// Method and target of a request that goes out.
    pub(crate) request_line: Option<Box<(String, String)>>,
    pub(crate) flow: Option<Box<Flow>>,
    pub(crate) wait: Wait,
    pub(crate) peer: Option<Rc<Peer>>,
    /// The head that came in, where nobody owns it: in sessions.
    pub(crate) head: Option<Rc<Head>>,
    /// A response that is ready before its request.
    pub(crate) early: Option<Bytes>,
    /// Memory for the next head.
    pub(crate) spare_head: Option<Box<Head>>,
    /// Number of the exchange on its connection, from 1 on; 0 until its first byte has come.
    pub(crate) number: u32,
    /// Body bytes received of this message.
    pub(crate) body_bytes: u64,
    /// More requests lie in the buffer, so this response is not the last.
    pub(crate) more_input: bool,
    /// The connection is old enough; this response is the last.
    pub(crate) last: bool,
    /// The client waits for 100 before it sends its body.
    pub(crate) owes_continue: bool,
    /// How much of `HTTP/1.1 ` was sent ahead, to find out whether the peer is still there.
    pub(crate) probed: usize,
    pub(crate) closed: Option<Closed>,
    closed_wakers: Vec<Waker>,
    /// The task that drives the connection, once something waits outside of it.
    task: Option<Waker>,
    /// That task runs now, and will see what is ordered.
    pub(crate) in_task: bool,
}

impl Exchange {
    pub(crate) fn new(env: &Rc<Env>, role: Role) -> Rc<Self> {
        let state = State {
            turn: Turn::NONE,
            proto: Connection::new(role, &env.limits),
            out: Output::default(),
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            marks: Marks::default(),
            request_line: None,
            flow: None,
            wait: Wait::default(),
            peer: None,
            head: None,
            early: None,
            spare_head: None,
            number: 0,
            body_bytes: 0,
            more_input: false,
            last: false,
            owes_continue: false,
            probed: 0,
            closed: None,
            closed_wakers: Vec::new(),
            task: None,
            in_task: false,
        };
        Rc::new(Self {
            env: Rc::clone(env),
            state: RefCell::new(state),
        })
    }

    /// The state, for one order.
    #[inline]
    pub(crate) fn state(&self) -> std::cell::RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// Carries out an order of the application and lets the connection know of it.
    #[inline]
    pub(crate) fn order<T>(&self, order: impl FnOnce(&mut State, &Env) -> T) -> T {
        let mut state = self.state.borrow_mut();
        let result = order(&mut state, &self.env);
        if !state.in_task {
            state.wake_task();
        }
        result
    }

    /// Waits until the exchange is over.
    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<Closed> {
        let mut state = self.state.borrow_mut();
        if let Some(closed) = state.closed {
            return Poll::Ready(closed);
        }
        if !state
            .closed_wakers
            .iter()
            .any(|waker| waker.will_wake(cx.waker()))
        {
            state.closed_wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl State {
    /// Ready for a connection. An exchange that is new or comes from the pool is ready for its first message.
    pub(crate) fn attach(&mut self, peer: &Rc<Peer>, report_lines: bool) {
        self.proto.reset(peer.bytes_read());
        self.proto.report_lines(report_lines);
        self.out.reset(peer.bytes_written());
        self.turn = Turn::NONE;
        self.peer = Some(Rc::clone(peer));
        self.task = None;
    }

    /// Ready for the next exchange of the same connection.
    pub(crate) fn next(&mut self) {
        self.incoming.reset();
        self.outgoing.reset();
        self.flow = None;
        self.wait = Wait::default();
        self.last = false;
        self.number = 0;
        self.body_bytes = 0;
        self.more_input = false;
        self.owes_continue = false;
        self.probed = 0;
        self.closed = None;
        self.closed_wakers.clear();
        self.outgoing.drain.clear();
    }

    /// Moves what belongs to the connection into `other`, for handles of this exchange outlive it.
    pub(crate) fn hand_over(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.proto, &mut other.proto);
        std::mem::swap(&mut self.out, &mut other.out);
        std::mem::swap(&mut self.marks, &mut other.marks);
        std::mem::swap(&mut self.task, &mut other.task);
        std::mem::swap(&mut self.turn, &mut other.turn);
        other.peer.clone_from(&self.peer);
        other.spare_head = self.spare_head.take();
    }

    /// Takes in bytes: feeds the protocol and keeps what belongs to the body.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        input: &Input<'_>,
        at: usize,
    ) -> Result<(usize, Option<Took>), hearken_proto::Error> {
        let (used, event) = self.proto.receive(&input.bytes()[at..])?;
        let took = match event {
            None => return Ok((used, None)),
            Some(Event::Head { body }) => {
                if self.proto.head().expects_continue()
                    && body != BodyLength::None
                    && body != BodyLength::Length(0)
                {
                    self.owes_continue = true;
                }
                Took::Head(body)
            }
            Some(Event::Content(content)) => {
                self.body_bytes += content.len() as u64;
                self.owes_continue = false; // RFC 9110 §10.1.1: the content has come, nobody waits
                self.incoming.push(content, input.owner());
                Took::Content
            }
            Some(Event::End) => {
                for (name, value) in self.proto.trailers().iter() {
                    // What was received is legal; a name or value that cannot be sent cannot be received either.
                    let _ = self.incoming.trailers.append(name, value);
                }
                self.incoming.progress = Progress::Complete;
                Took::End
            }
            Some(Event::Line) => Took::Line,
            Some(Event::Interim) => Took::Interim,
            Some(Event::Switched) => Took::Switched,
            Some(_) => return Ok((used, None)),
        };
        Ok((used, Some(took)))
    }

    /// Wakes whoever waits for the body, unless it is the task that drives the connection and runs now.
    pub(crate) fn wake_reader(&mut self) {
        let task = self.task.as_ref().filter(|_| self.in_task);
        self.incoming.wake(task);
    }

    /// Wakes whoever waits for the body, unless it is the handler, which is polled right after.
    pub(crate) fn wake_reader_elsewhere(&mut self) {
        self.incoming.wake(self.task.as_ref());
    }

    /// Remembers the task that drives the connection.
    pub(crate) fn set_task(&mut self, cx: &Context<'_>) {
        if !self
            .task
            .as_ref()
            .is_some_and(|task| task.will_wake(cx.waker()))
        {
            self.task = Some(cx.waker().clone());
        }
    }

    fn wake_task(&self) {
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }

    /// The next piece of the body, sending 100 when the client waits for it (RFC 9110 §10.1.1).
    pub(crate) fn poll_data(
        &mut self,
        cx: Option<&Context<'_>>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let polled = self.incoming.poll(cx);
        if polled.is_pending() && self.owes_continue && self.outgoing.stage == Stage::Head {
            self.owes_continue = false;
            self.encode_interim(100, &Fields::new());
        }
        polled
    }

    /// Sends an interim response. One that is not legal here is left out.
    pub(crate) fn encode_interim(&mut self, status: u16, fields: &Fields) {
        let from = self.out.tail.len();
        let response = Response::new(status, fields, Length::Known(0));
        if self
            .proto
            .send_response(&response, &mut self.out.tail)
            .is_ok()
        {
            self.strip_probe(from);
        }
    }

    /// What was sent ahead of the head is cut from its beginning.
    fn strip_probe(&mut self, from: usize) {
        let sent = self.probed.min(self.out.tail.len() - from);
        if sent > 0 {
            self.out.tail.drain(from..from + sent);
            self.probed = 0;
        }
    }

    /// Encodes the head of a response or request.
    fn encode_head(&mut self, env: &Env, length: Length) -> Result<(), Misuse> {
        if let Some(misuse) = self.outgoing.misuse.take() {
            return Err(misuse);
        }
        let from = self.out.tail.len();
        let position = self.out.position();
        if let Some(line) = &self.request_line {
            let request = Request::new(&line.0, &line.1, &self.outgoing.fields, length);
            self.proto.send_request(&request, &mut self.out.tail)?;
        } else {
            if self.outgoing.status < 200 {
                return Err(Misuse::Status); // an interim one is no answer: the client would go on waiting
            }
            self.decide_close(env);
            let date = env.clock.date();
            let mut response = Response::new(self.outgoing.status, &self.outgoing.fields, length);
            response.reason = self.outgoing.reason.as_deref().map(str::as_bytes);
            response.date = self.outgoing.send_date.then_some(&date);
            self.proto.send_response(&response, &mut self.out.tail)?;
            self.strip_probe(from);
        }
        self.outgoing.stage = Stage::Body;
        if self.is_marked(env) {
            let (number, end) = (self.number, self.out.position());
            self.marks.push(position + 1, number, Mark::First);
            self.marks.push(end, number, Mark::Head);
        }
        Ok(())
    }

    fn is_marked(&self, env: &Env) -> bool {
        env.observed || self.flow.is_some()
    }

    /// Whether this response must say `close`: the server stops, or the rest of the request is not worth reading.
    fn decide_close(&mut self, env: &Env) {
        let unread = matches!(self.incoming.progress, Progress::Open) && !self.incoming.was_wanted;
        let too_much = self.unread_bytes() > env.limits.body.drain_bytes_max;
        // A client that waits for 100 may send its body after this answer or not: nobody could tell what follows.
        let unsure = self.owes_continue;
        let failed = matches!(self.incoming.progress, Progress::Failed(_));
        let last = env.draining.get() || self.last;
        if (last && !self.more_input) || failed || unsure || (unread && too_much) {
            self.proto.must_close();
        }
    }

    /// Bytes of the body that nobody has read, and what is known of those to come.
    pub(crate) fn unread_bytes(&self) -> u64 {
        let left = self.proto.body_left().unwrap_or(0);
        left + self.incoming.queued() as u64 + self.incoming.dropped_bytes
    }

    /// Adds a piece of content. `Err` when it is past the declared length: what fits is sent, and the rest is cut.
    fn encode_content(&mut self, env: &Env, piece: Bytes) -> Result<(), Misuse> {
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
                .push(self.out.position(), self.number, Mark::Data(len));
        }
        Ok(())
    }

    fn encode_end(&mut self, env: &Env, trailers: Option<&Fields>) -> Result<(), Misuse> {
        let more_than_trailers = match self.proto.send_end(trailers, &mut self.out.tail) {
            Err(misuse @ (Misuse::TrailersNotAllowed | Misuse::TrailerName)) => {
                tracing::error!(%misuse, "trailers were left out");
                self.proto.send_end(None, &mut self.out.tail)
            }
            done => done,
        };
        more_than_trailers?;
        self.outgoing.stage = Stage::Ended;
        if self.is_marked(env) {
            self.marks.push(self.out.position(), self.number, Mark::End);
        }
        Ok(())
    }

    /// Sends a whole message, or the rest of it. After the end, or when the peer is gone, nothing happens.
    #[inline]
    pub(crate) fn end(&mut self, env: &Env, content: Bytes, trailers: Option<&Fields>) {
        if self.is_over() {
            return;
        }
        if self.outgoing.stage == Stage::Head {
            let length = if trailers.is_some() {
                Length::Unknown
            } else {
                Length::Known(content.len() as u64)
            };
            if let Err(misuse) = self.encode_head(env, length) {
                return self.replace_by_500(env, misuse);
            }
        }
        let sent = self
            .encode_content(env, content)
            .and_then(|()| self.encode_end(env, trailers));
        if let Err(misuse) = sent {
            self.give_up(misuse);
        }
    }

    /// Sends a piece and tells whether there is room for more.
    pub(crate) fn write(&mut self, env: &Env, piece: Bytes) -> bool {
        if self.is_over() {
            return false;
        }
        if self.out.len() as u64 > env.limits.body.write_queue_bytes_max {
            tracing::error!(
                bytes = self.out.len(),
                "a handler went on writing without waiting for `drain`"
            );
            self.close(Closed::Aborted);
            self.out.discard(); // a peer that takes next to nothing must not hold all this any longer
            return false;
        }
        if self.flush_head(env)
            && let Err(misuse) = self.encode_content(env, piece)
        {
            self.give_up(misuse);
        }
        (self.out.len() as u64) < env.limits.body.queue_bytes
    }

    /// Sends the head now. False when that failed and the response is over.
    pub(crate) fn flush_head(&mut self, env: &Env) -> bool {
        if self.outgoing.stage == Stage::Head
            && !self.is_over()
            && let Err(misuse) = self.encode_head(env, Length::Unknown)
        {
            self.replace_by_500(env, misuse);
        }
        self.outgoing.stage == Stage::Body
    }

    /// Waits until there is room.
    pub(crate) fn poll_drain(&mut self, env: &Env, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        match self.closed {
            Some(Closed::Done) | None
                if self.out.len() as u64 <= env.limits.body.queue_bytes / 2 =>
            {
                Poll::Ready(Ok(()))
            }
            Some(closed) => Poll::Ready(Err(Error::closed(closed))),
            None => {
                let drain = &mut self.outgoing.drain;
                if !drain.iter().any(|waker| waker.will_wake(cx.waker())) {
                    drain.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Whether no more can be said in this exchange.
    pub(crate) fn is_over(&self) -> bool {
        self.closed.is_some() || self.outgoing.stage == Stage::Ended
    }

    /// The handler asked for something that cannot be sent, before anything was: the client gets a 500.
    #[cold]
    fn replace_by_500(&mut self, env: &Env, misuse: Misuse) {
        tracing::error!(%misuse, "a response could not be sent as it was asked for; the client gets a 500");
        self.answer(env, 500, "Internal Server Error\n");
    }

    /// A plain-text answer in place of whatever was set. Nothing happens when a head is out already.
    #[cold]
    pub(crate) fn answer(&mut self, env: &Env, status: u16, text: &str) {
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
            .and_then(|()| self.encode_end(env, None));
        if let Err(misuse) = sent {
            self.give_up(misuse);
        }
    }

    /// An error as the answer of a server, unless one has begun.
    #[cold]
    pub(crate) fn answer_if_owed(&mut self, env: &Env, error: &Error) {
        let owed = self.outgoing.stage == Stage::Head && !self.is_over();
        if owed && self.proto.role() == Role::Server {
            let text = format!("{}\n", error.public_text());
            self.answer(env, error.status().as_u16(), &text);
        }
    }

    /// The message cannot be finished as it was begun: what was sent is cut here and the connection closes, so that the
    /// peer never takes the part for the whole.
    #[cold]
    fn give_up(&mut self, misuse: Misuse) {
        tracing::error!(%misuse, "a message could not be finished; the connection is closed");
        self.close(Closed::Aborted);
    }

    /// The exchange is over; everybody who waits is told. The first reason counts.
    pub(crate) fn close(&mut self, why: Closed) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(why);
        if why != Closed::Done {
            self.incoming.fail(Error::closed(why));
            self.proto.must_close();
        }
        self.wake_reader();
        for waker in self
            .closed_wakers
            .drain(..)
            .chain(self.outgoing.drain.drain(..))
        {
            waker.wake();
        }
    }

    /// The transport has taken bytes; whoever waits for room is told.
    pub(crate) fn wrote(&mut self, env: &Env, count: usize) {
        self.out.wrote(count);
        if self.out.len() as u64 <= env.limits.body.queue_bytes / 2 {
            self.outgoing.drain.drain(..).for_each(Waker::wake);
        }
    }
}
