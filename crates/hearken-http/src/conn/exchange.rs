//! One exchange, a request and its response, as whatever carries it and its handler share it.
//!
//! Here: [`Exchange`], [`State`] and what is received into it. Not here: orders of the handler (`orders.rs`), what carries an
//! exchange (`carrier.rs`), when it begins and ends (`server/mod.rs`, `session.rs`), the handles that users hold
//! (`message/`).

use super::Input;
use super::attached::Attached;
use super::carrier::Carrier;
use super::context::{ExchangeContext, LastRequest, RespondToFailure, Surroundings};
use super::end_hold::HeldEnd;
use super::incoming::{Incoming, Progress};
use super::layers::Layers;
use super::line::Line;
use super::listeners::{ListenerSlot, Listeners};
use super::outgoing::{Outgoing, Stage};
use super::output::Output;
use crate::error::Closed;
use crate::event::peer::Peer;
use crate::event::watch::Watch;
use crate::net::handover::Recipient;
use bytes::Bytes;
use hearken_proto::{BodyLength, Connection, Event, Half, Head, Limits, Role};
use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// See the module. Shared by reference count on one thread. Its state is borrowed for the length of one order and never
/// while code of the user runs.
pub(crate) struct Exchange {
    pub(crate) env: Surroundings,
    state: RefCell<State>,
}

pub(crate) struct State {
    pub(crate) carrier: Carrier,
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) listeners: ListenerSlot,
    /// Listeners of exchanges before this one, with their numbers, until the transport has taken the last byte of each.
    pub(crate) awaiting_flush: Vec<(u32, Box<Listeners>)>,
    /// Observed exchanges that are over, until the transport has taken the last byte of their responses.
    pub(crate) watches: Vec<Watch<Rc<Peer>>>,
    pub(crate) wakers: Wakers,
    pub(crate) overrides: Option<Box<Overrides>>,
    pub(crate) attached: Attached<RespondToFailure>,
    pub(crate) peer: Option<Rc<Peer>>,
    /// For logs and errors: the request whose head the surroundings hold. `None` before a head has come.
    pub(crate) request: Option<LastRequest>,
    /// Number of the exchange on its connection, from 1 on; 0 until its first byte has come.
    pub(crate) number: u32,
    pub(crate) closed: Option<Closed>,
}

/// Tasks that wait for an exchange.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// The task that drives the connection, while an order may come from elsewhere. Taken out while that task runs.
    pub(crate) task: Option<Waker>,
    /// Tasks that wait for the end of the exchange.
    pub(crate) closed: Vec<Waker>,
}

/// Rarely used state, boxed to keep [`State`] small.
#[derive(Default)]
pub(crate) struct Overrides {
    /// Limits of this exchange.
    pub(crate) limits: Option<Limits>,
    /// The protocols to which the client would switch: the value of Upgrade.
    pub(crate) offered: Option<Box<[u8]>>,
    /// The method is CONNECT.
    pub(crate) tunnel: bool,
    /// Gets the transport once the switch has been sent.
    pub(crate) recipient: Option<Arc<dyn Recipient>>,
    /// Hooks on the head and filters on the content of the response.
    pub(crate) layers: Layers,
    /// Observer and facts, while an observer is installed.
    pub(crate) watch: Option<Box<Watch<Rc<Peer>>>>,
    pub(crate) session: Option<Box<OfSession>>,
    /// The handler has failed, and the server's own form of failures was asked for a response.
    pub(crate) failed: bool,
    /// A layer holds the end of the response.
    pub(crate) held_end: Option<HeldEnd>,
}

/// What only sessions need: their user sets the request line, and may send a response before its request is there.
#[derive(Debug, Default)]
pub(crate) struct OfSession {
    /// Method and target of an outgoing request.
    pub(crate) request_line: Option<(String, String)>,
    /// The head that has come in.
    pub(crate) head: Option<Rc<Head>>,
    /// Content that waits: of a response for its request, or of a request for `100 Continue`.
    pub(crate) early: Option<Early>,
    /// A request whose head was sent and whose content waits for `100 Continue`.
    pub(crate) hold: Option<ContinueHold>,
}

/// Content queued by a session: of a response before its request arrived, of a request before `100 Continue`.
#[derive(Debug, Default)]
pub(crate) struct Early {
    pub(crate) pieces: Vec<Bytes>,
    /// No further piece comes.
    pub(crate) ended: bool,
}

/// The wait for `100 Continue`.
#[derive(Debug, Default)]
pub(crate) struct ContinueHold {
    /// When the connection saw it first.
    pub(crate) since: Option<Instant>,
}

impl Early {
    pub(crate) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }
}

impl Exchange {
    pub(crate) fn new(env: &Rc<ExchangeContext>, carrier: Carrier) -> Rc<Self> {
        let state = State {
            carrier,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            listeners: ListenerSlot::Empty,
            awaiting_flush: Vec::new(),
            watches: Vec::new(),
            wakers: Wakers::default(),
            overrides: None,
            attached: Attached::default(),
            peer: None,
            request: None,
            number: 0,
            closed: None,
        };
        Rc::new(Self {
            env: Surroundings::new(env),
            state: RefCell::new(state),
        })
    }

    /// An exchange for a server's HTTP/1.1 connection, with a line.
    pub(crate) fn of_server(env: &Rc<ExchangeContext>) -> Rc<Self> {
        let mut proto = Connection::new(Role::Server, &env.limits);
        proto.pass_expectations(env.hooks.intercepted.check_expectation);
        proto.tell_keep_alive(env.keep_alive);
        Self::new(env, Carrier::H1(Box::new(Line::new(proto))))
    }

    /// An exchange for a session, either side.
    pub(crate) fn of_session(env: &Rc<ExchangeContext>, role: Role) -> Rc<Self> {
        let proto = Connection::new(role, &env.limits);
        let exchange = Self::new(env, Carrier::H1(Box::new(Line::new(proto))));
        let request_line = (role == Role::Client).then(|| (String::new(), "/".to_owned()));
        let session = OfSession {
            request_line,
            ..OfSession::default()
        };
        exchange.state().overrides().session = Some(Box::new(session));
        exchange
    }

    /// The state, for one order.
    #[inline]
    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// The state of an exchange that has no other handle.
    #[inline]
    pub(crate) fn state_mut(&mut self) -> &mut State {
        self.state.get_mut()
    }

    /// The head of the request.
    #[inline]
    pub(crate) fn head(&self) -> &Head {
        self.env.head()
    }

    /// The place for the head of a request that has just come, and the state. The request has no handles yet.
    #[inline]
    pub(crate) fn begin_request(self: &mut Rc<Self>) -> (&mut Box<Head>, &mut State) {
        if Rc::get_mut(self).is_none() {
            self.separate();
        }
        let Some(unshared) = Rc::get_mut(self) else {
            unreachable!("an exchange that has just been made has no other owner")
        };
        (&mut unshared.env.head, unshared.state.get_mut())
    }

    /// The carrier moves on to a new exchange, since handles of this one are left.
    #[cold]
    pub(crate) fn move_on(self: &mut Rc<Self>) {
        let mut next = Self::new(&self.env.shared, Carrier::Gone);
        {
            let (head, state) = next.begin_request();
            let mut before = self.state();
            before.move_on(state);
            // A file may still fail: the error names its request.
            if state
                .carrier
                .line()
                .is_some_and(|line| line.out.has_files())
            {
                state.request = before.request;
                (**head).clone_from(self.head());
            }
        }
        *self = next;
    }

    /// Moves the state to an exchange without other owners. Those that are left see one that is over.
    #[cold]
    fn separate(self: &mut Rc<Self>) {
        let separate = Self::new(&self.env.shared, Carrier::Gone);
        self.state.swap(&separate.state);
        std::mem::replace(self, separate)
            .state()
            .close(Closed::Done);
    }

    /// Bytes that its line has for the transport, if there are some.
    #[inline]
    pub(crate) fn output(&self) -> Option<RefMut<'_, Output>> {
        let line = RefMut::filter_map(self.state(), |state| state.carrier.line()).ok()?;
        let output = RefMut::map(line, |line| &mut line.out);
        (!output.is_empty()).then_some(output)
    }

    /// Carries out an order of the application and wakes the task of the connection.
    #[inline]
    pub(crate) fn order<T>(&self, order: impl FnOnce(&mut State, &Surroundings) -> T) -> T {
        let mut state = self.state.borrow_mut();
        let result = order(&mut state, &self.env);
        if let Some(task) = &state.wakers.task {
            task.wake_by_ref();
        }
        result
    }

    /// Waits until the exchange is over.
    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<Closed> {
        let mut state = self.state.borrow_mut();
        if let Some(closed) = state.closed {
            return Poll::Ready(closed);
        }
        if state.is_answered() {
            return Poll::Ready(Closed::Done);
        }
        let waiting = &mut state.wakers.closed;
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl State {
    /// Prepares for a connection. An exchange that is new or comes from the pool is ready for its first message.
    pub(crate) fn attach(&mut self, peer: &Rc<Peer>, report_lines: bool) {
        if let Carrier::H1(line) = &mut self.carrier {
            line.attach(peer.bytes_read(), peer.bytes_written(), report_lines);
        }
        self.peer = Some(Rc::clone(peer));
        self.request = None;
        self.wakers.task = None;
    }

    /// Prepares for the next exchange of the same connection. No handle of this one is left.
    #[inline(always)]
    pub(crate) fn next(&mut self) {
        if let Carrier::H1(line) = &mut self.carrier {
            line.next();
        }
        self.incoming.reset();
        self.outgoing.reset();
        self.number = 0;
        if self.closed.is_some() || self.overrides.is_some() || self.listeners.is_used() {
            self.closed = None;
            self.overrides = None;
            self.listeners = ListenerSlot::Empty;
        }
        if self.attached.is_used() {
            self.attached.clear();
        }
        if !self.wakers.closed.is_empty() {
            self.wakers.closed.clear();
        }
    }

    /// The carrier and the peer move to `next`, since handles of this exchange are left.
    #[cold]
    pub(crate) fn move_on(&mut self, next: &mut Self) {
        next.carrier = std::mem::replace(&mut self.carrier, Carrier::Gone);
        next.awaiting_flush = std::mem::take(&mut self.awaiting_flush);
        next.watches = std::mem::take(&mut self.watches);
        next.peer.clone_from(&self.peer);
        next.wakers.task = self.wakers.task.take();
        next.next();
        self.close(Closed::Done);
    }

    /// Rarely used state, made when it is needed.
    pub(crate) fn overrides(&mut self) -> &mut Overrides {
        self.overrides.get_or_insert_default()
    }

    /// The limits of this exchange.
    #[inline]
    pub(crate) fn limits<'a>(&'a self, env: &'a ExchangeContext) -> &'a Limits {
        let own = self.overrides.as_ref().and_then(|own| own.limits.as_ref());
        own.unwrap_or(&env.limits)
    }

    /// The label of the route that handles the request.
    pub(crate) fn route(&self) -> Option<Rc<str>> {
        self.attached.route.clone()
    }

    /// The part that only sessions have.
    pub(crate) fn session(&mut self) -> Option<&mut OfSession> {
        self.overrides.as_mut()?.session.as_deref_mut()
    }

    /// A head has come: notes whether the client waits for 100 before it sends its body.
    #[inline]
    pub(crate) fn receive_head(&mut self, expects_continue: bool, body: BodyLength) {
        let empty = matches!(body, BodyLength::None | BodyLength::Length(0));
        self.incoming.expects_continue = expects_continue && !empty;
    }

    /// A piece of the body has come.
    pub(crate) fn receive_content(&mut self, content: &[u8], owner: Option<&Bytes>) {
        self.incoming.count(content.len());
        self.incoming.expects_continue = false; // RFC 9110 §10.1.1: the client does not wait any more
        self.incoming.push(content, owner);
    }

    /// Feeds the line of this exchange, and takes in what belongs to the body. `None` when more bytes are needed.
    #[inline]
    pub(crate) fn receive<'a>(
        &mut self,
        input: &Input<'a>,
        at: &mut usize,
    ) -> Result<Option<Event<'a>>, hearken_proto::Error> {
        let Carrier::H1(line) = &mut self.carrier else {
            return Ok(None);
        };
        let (used, event) = line.proto.receive(&input.bytes()[*at..])?;
        *at += used;
        match event {
            Some(Event::Head { body }) => {
                let expects = line.proto.head().expects_continue();
                self.receive_head(expects, body);
            }
            Some(Event::Content(content)) => self.receive_content(content, input.owner()),
            Some(Event::End) => self.incoming.complete(line.proto.trailers()),
            _ => {}
        }
        Ok(event)
    }

    /// A message without body ends with its head. False if a body follows.
    #[inline]
    pub(crate) fn receive_empty_body(&mut self) -> bool {
        let Carrier::H1(line) = &mut self.carrier else {
            return false;
        };
        let complete = line.proto.end_if_complete();
        if complete {
            self.incoming.progress = Progress::Complete;
        }
        complete
    }

    /// More input is needed. If that is the rest of a head, its time runs from here on.
    #[inline]
    pub(crate) fn wait_for_head(&mut self, now: Instant) {
        if let Carrier::H1(line) = &mut self.carrier
            && line.proto.halves().0 == Half::Idle
        {
            line.times.head_since.get_or_insert(now);
        }
    }

    /// Wakes the reader of the body, in whatever task it is.
    pub(crate) fn wake_reader(&mut self) {
        self.incoming.wake(None);
    }

    /// Wakes the reader of the body unless it is the handler, which is polled right after.
    #[inline]
    pub(crate) fn wake_reader_elsewhere(&mut self) {
        self.incoming.wake(self.wakers.task.as_ref());
    }

    /// Remembers the task that drives the connection, for orders that come from elsewhere.
    pub(crate) fn set_task(&mut self, cx: &Context<'_>) {
        let known = self.wakers.task.as_ref();
        if !known.is_some_and(|task| task.will_wake(cx.waker())) {
            self.wakers.task = Some(cx.waker().clone());
        }
    }

    /// Whether the response can still be chosen: its head has not left, and the exchange is not over.
    pub(crate) fn can_respond(&self) -> bool {
        self.outgoing.stage == Stage::Head && !self.is_over()
    }
}
