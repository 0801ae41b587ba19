//! One exchange as its connection and its handler share it: the request that comes in, the response that goes out.
//!
//! Here: [`Exchange`] and the orders that a handler gives ([`State::write`], [`State::end`], …), which encode straight
//! into the output of the connection. Not here: when an exchange begins and ends (`served.rs`, `solo.rs`), the handles
//! that users hold (`message/incoming.rs`, `message/response.rs`).

use super::Input;
use super::context::WorkerContext;
use super::incoming::{Incoming, Progress};
use super::notify::Flow;
use super::outgoing::{FlushQueue, Outgoing};
use super::output::Output;
use crate::error::Closed;
use crate::event::peer::Peer;
use crate::net::upgraded::Handover;
use bytes::Bytes;
use hearken_proto::{BodyLength, Connection, Event, Head, Limits, Role};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// See the module. Shared by reference count on one thread; its state is borrowed for the length of one order and never
/// while code of the user runs.
pub(crate) struct Exchange {
    pub(crate) env: Rc<WorkerContext>,
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

/// What was said of a response before its request was there.
#[derive(Debug, Default)]
pub(crate) struct Early {
    pub(crate) pieces: Vec<Bytes>,
    /// Nothing more comes.
    pub(crate) ended: bool,
}

impl Early {
    pub(crate) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }
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
    /// The first byte of the current request.
    pub(crate) began: Option<Instant>,
    /// The last byte in either direction.
    pub(crate) moved: Option<Instant>,
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
        began: None,
        moved: None,
        write_since: None,
        probe_at: None,
        parked: Vec::new(),
    };
}

/// What is known of the exchange that is under way; all of it is forgotten with it.
#[derive(Debug, Default)]
pub(crate) struct Course {
    pub(crate) wait: Wait,
    /// Body bytes received of this message.
    pub(crate) body_bytes: u64,
    /// How much of `HTTP/1.1 ` was sent ahead, to find out whether the peer is still there.
    pub(crate) probed: usize,
    /// More requests lie in the buffer, so this response is not the last.
    pub(crate) more_input: bool,
    /// The connection is old enough, or has had enough requests; this response is the last.
    pub(crate) last: bool,
    /// The client waits for 100 before it sends its body.
    pub(crate) owes_continue: bool,
    /// The end of the connection is the end of the answer.
    pub(crate) until_close: bool,
    /// The listeners are out, being called.
    pub(crate) telling: bool,
}

/// Who is to be woken.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// The task that drives the connection, once something waits outside of it.
    pub(super) task: Option<Waker>,
    /// That task runs now, and will see what is ordered.
    pub(crate) in_task: bool,
    /// Who waits for the end of the exchange.
    pub(super) closed: Vec<Waker>,
}

/// What only sessions need, where nobody owns a head and a message may be ordered before its time.
#[derive(Debug, Default)]
pub(crate) struct Solitary {
    /// Method and target of a request that goes out.
    pub(crate) request_line: Option<Box<(String, String)>>,
    /// The head that came in.
    pub(crate) head: Option<Rc<Head>>,
    /// What was said of a response before its request was there.
    pub(crate) early: Option<Box<Early>>,
}

/// What hardly any exchange needs.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// Limits of its own.
    pub(crate) limits: Option<Limits>,
    /// The protocols that the client would switch to.
    pub(crate) offered: Option<Box<[u8]>>,
    /// The method is CONNECT.
    pub(crate) tunnel: bool,
    /// Who is to get the transport.
    pub(crate) handover: Option<Arc<Handover>>,
}

pub(crate) struct State {
    pub(crate) turn: Turn,
    pub(crate) proto: Connection,
    pub(crate) out: Output,
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) marks: FlushQueue,
    pub(crate) flow: Option<Box<Flow>>,
    pub(crate) course: Course,
    pub(crate) wakers: Wakers,
    pub(crate) session: Solitary,
    pub(crate) extra: Option<Box<Extra>>,
    pub(crate) peer: Option<Rc<Peer>>,
    /// Memory for the next head.
    pub(crate) spare_head: Option<Box<Head>>,
    /// Number of the exchange on its connection, from 1 on; 0 until its first byte has come.
    pub(crate) number: u32,
    pub(crate) closed: Option<Closed>,
}

impl Exchange {
    pub(crate) fn new(env: &Rc<WorkerContext>, role: Role) -> Rc<Self> {
        let mut proto = Connection::new(role, &env.limits);
        proto.pass_expectations(env.hooks.special.check_expectation.is_some());
        proto.tell_keep_alive(env.keep_alive);
        let state = State {
            turn: Turn::NONE,
            proto,
            out: Output::default(),
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            marks: FlushQueue::default(),
            flow: None,
            course: Course::default(),
            wakers: Wakers::default(),
            session: Solitary::default(),
            extra: None,
            peer: None,
            spare_head: None,
            number: 0,
            closed: None,
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
    pub(crate) fn order<T>(&self, order: impl FnOnce(&mut State, &WorkerContext) -> T) -> T {
        let mut state = self.state.borrow_mut();
        let result = order(&mut state, &self.env);
        if !state.wakers.in_task {
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
        if state.is_said() {
            return Poll::Ready(Closed::Done);
        }
        if !state
            .wakers
            .closed
            .iter()
            .any(|waker| waker.will_wake(cx.waker()))
        {
            state.wakers.closed.push(cx.waker().clone());
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
        self.wakers.task = None;
    }

    /// Ready for the next exchange of the same connection.
    pub(crate) fn next(&mut self) {
        self.incoming.reset();
        self.outgoing.reset();
        self.flow = None;
        self.course = Course::default();
        self.extra = None;
        self.number = 0;
        self.closed = None;
        self.wakers.closed.clear();
        self.outgoing.drain.clear();
    }

    /// The limits of this exchange.
    #[inline]
    pub(crate) fn limits<'a>(&'a self, env: &'a WorkerContext) -> &'a Limits {
        let own = self.extra.as_ref().and_then(|extra| extra.limits.as_ref());
        own.unwrap_or(&env.limits)
    }

    /// Moves what belongs to the connection into `other`, for handles of this exchange outlive it.
    pub(crate) fn hand_over(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.proto, &mut other.proto);
        std::mem::swap(&mut self.out, &mut other.out);
        std::mem::swap(&mut self.marks, &mut other.marks);
        std::mem::swap(&mut self.wakers.task, &mut other.wakers.task);
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
                    self.course.owes_continue = true;
                }
                Took::Head(body)
            }
            Some(Event::Content(content)) => {
                self.course.body_bytes += content.len() as u64;
                self.course.owes_continue = false; // RFC 9110 §10.1.1: the content has come, nobody waits
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
        let task = self.wakers.task.as_ref().filter(|_| self.wakers.in_task);
        self.incoming.wake(task);
    }

    /// Wakes whoever waits for the body, unless it is the handler, which is polled right after.
    pub(crate) fn wake_reader_elsewhere(&mut self) {
        self.incoming.wake(self.wakers.task.as_ref());
    }

    /// Remembers the task that drives the connection.
    pub(crate) fn set_task(&mut self, cx: &Context<'_>) {
        if !self
            .wakers
            .task
            .as_ref()
            .is_some_and(|task| task.will_wake(cx.waker()))
        {
            self.wakers.task = Some(cx.waker().clone());
        }
    }

    fn wake_task(&self) {
        if let Some(task) = &self.wakers.task {
            task.wake_by_ref();
        }
    }
}
