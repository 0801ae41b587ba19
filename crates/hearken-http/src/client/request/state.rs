//! The state of one exchange of a client.
//!
//! Here: [`ExchangeState`] and its [`Stage`]: no connection yet, one being opened, one in use, over; how it begins and is aborted. Not
//! here: the lock and the waits (`exchange.rs`), events and the end (`completion.rs`), writing (`write.rs`).

use crate::client::agent::connection::PooledConnection;
use crate::client::agent::options::BoxFuture;
use crate::client::agent::shared::{Acquired, Permit};
use crate::client::connect;
use crate::client::connect::plan::ConnectPlan;
use crate::client::event::{Event, EventQueue};
use crate::client::info::{ConnectionInfo, Timings};
use crate::client::request::head_pool;
use crate::client::request::parts::RequestParts;
use crate::client::request::wakers::{Side, Wakers};
use crate::client::runtime::{self, now};
use crate::conn::incoming::Incoming;
use crate::error::Error;
use crate::error::client::{Cause, ExchangeError, Party, Phase};
use crate::net::upgraded::Upgraded;
use hearken_proto::{Head, Length, Misuse, Request};
use http::Method;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How far an exchange has come.
pub(crate) enum Stage {
    /// No task has waited for it yet.
    Unsent,
    /// The future waits in the queue or opens a connection.
    Connecting(BoxFuture<Result<Box<PooledConnection>, Error>>),
    /// A task polls that future, without the lock.
    Polling,
    Live(Box<PooledConnection>),
    Over,
}

/// See the module.
pub(crate) struct ExchangeState {
    pub(crate) plan: ConnectPlan,
    pub(crate) parts: RequestParts,
    pub(crate) stage: Stage,
    pub(crate) events: EventQueue,
    pub(crate) wakers: Wakers,
    /// The head of the response, once it has left the connection and until it is taken.
    pub(crate) head: Option<Box<Head>>,
    /// The body of the response, once it has left the connection.
    pub(crate) incoming: Incoming,
    pub(crate) upgraded: Option<Upgraded>,
    pub(crate) failure: Option<Error>,
    pub(crate) info: Option<ConnectionInfo>,
    pub(crate) timings: Timings,
    /// The first wait.
    pub(crate) began: Option<Instant>,
    /// When there was a connection.
    pub(crate) connected: Instant,
    /// The first order that could not be carried out.
    pub(crate) misuse: Option<Misuse>,
    pub(crate) flags: Flags,
}

/// What has happened, of all that happens at most once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// The end of the request was encoded after there was a connection.
    pub(crate) ended: bool,
    pub(crate) finish: bool,
    /// The head of the response has arrived.
    pub(crate) response: bool,
    /// The user has taken the head of the response.
    pub(crate) taken: bool,
    pub(crate) retried: bool,
    pub(crate) closed: bool,
    /// `write` has returned false, and no `Drain` was emitted since.
    pub(crate) full: bool,
}

impl ExchangeState {
    pub(crate) fn new(plan: ConnectPlan, parts: RequestParts) -> Self {
        Self {
            plan,
            parts,
            stage: Stage::Unsent,
            events: EventQueue::default(),
            wakers: Wakers::default(),
            head: None,
            incoming: Incoming::default(),
            upgraded: None,
            failure: None,
            info: None,
            timings: Timings::default(),
            began: None,
            connected: now(),
            misuse: None,
            flags: Flags::default(),
        }
    }

    /// The first wait: takes an idle connection at once, or begins to wait for one.
    pub(crate) fn start(&mut self) {
        let began = now();
        self.began = Some(began);
        self.start_deadline();
        self.parts.options.until = self.plan.until;
        self.parts.options.interims = self.events.interims;
        self.parts.options.inactivity_told = self.events.timeout;
        let runtime = match runtime::current() {
            Ok(runtime) => runtime,
            Err(error) => return self.fail(error),
        };
        let plan = &self.plan;
        if plan.connector.is_some() {
            // The connection of the request's own connector stays out of the pool.
            return self.connect(Permit::default(), began);
        }
        let shared = &plan.agent.shared;
        match shared.acquire(&plan.key(), plan.route.as_ref(), runtime.id()) {
            Ok(Acquired::Connection(connection)) => self.on_connected(connection),
            Ok(Acquired::Permit(permit)) => self.connect(permit, began),
            Err(ticket) => {
                let plan = self.plan.observed();
                self.stage = Stage::Connecting(Box::pin(connect::acquire(plan, ticket)));
            }
        }
    }

    /// The deadline counts from the first wait.
    pub(crate) fn start_deadline(&mut self) {
        if let Some(time) = self.parts.deadline.take() {
            // A deadline past the end of `Instant` is none.
            self.plan.until = now().checked_add(time).map(|at| (at, time));
        }
    }

    /// Begins to open a connection.
    pub(crate) fn connect(&mut self, permit: Permit, began: Instant) {
        let plan = self.plan.observed();
        self.stage = Stage::Connecting(Box::pin(connect::open(plan, permit, began)));
    }

    /// Begins the exchange on a connection: encodes what was written so far.
    pub(crate) fn on_connected(&mut self, mut connection: Box<PooledConnection>) {
        let now = now();
        self.connected = now;
        let reused = connection.exchanges > 0;
        connection.exchanges += 1;
        let facts = &connection.facts;
        if !reused {
            self.timings = facts.timings;
        }
        self.timings.queue = self.began.map_or(Duration::ZERO, |began| now - began);
        let info = ConnectionInfo {
            facts: Arc::clone(facts),
            reused,
        };
        self.events.push(|| Event::Socket(info.clone()));
        self.info = Some(info);
        let http = connection.http();
        let mut options = self.parts.options;
        let time = self.plan.agent.shared.options.continue_timeout;
        options.hold = self.parts.expects_continue().then_some(time);
        http.begin(options, &self.parts.limits, now);
        if let Some(head) = head_pool::take() {
            http.give_head(head);
        }
        if let Some(observer) = &self.plan.agent.shared.options.observer {
            connection.observe(observer, self.began.unwrap_or(now));
        }
        match self.encode(&mut connection, now) {
            Ok(()) => self.stage = Stage::Live(connection),
            Err(misuse) => self.fail(hearken_proto::Error::from(misuse).into()),
        }
    }

    /// Encodes the head and what was written before there was a connection.
    fn encode(&mut self, connection: &mut PooledConnection, now: Instant) -> Result<(), Misuse> {
        if let Some(misuse) = self.misuse {
            return Err(misuse);
        }
        let parts = &mut self.parts;
        let length = parts.length();
        if length == Length::Known(0) && !parts.announces_content() && parts.expects_continue() {
            parts.fields.remove("Expect"); // RFC 9110 §10.1.1: MUST NOT be sent without content
        }
        let facts = Arc::clone(&connection.facts);
        let target = &self.plan.target;
        let absolute = facts.proxied.then(|| target.absolute_form());
        let authority = (parts.method == Method::CONNECT).then(|| target.authority());
        let form = parts
            .path
            .as_deref()
            .or(authority.as_deref())
            .or(absolute.as_deref())
            .unwrap_or_else(|| target.origin_form());
        let proxy_auth = facts.proxy_auth.as_deref();
        let proxy_auth =
            proxy_auth.filter(|_| parts.fields.view().get("proxy-authorization").is_none());
        if let Some(auth) = proxy_auth {
            parts.fields.append("Proxy-Authorization", auth)?;
        }
        let http = connection.http();
        let request = Request::new(parts.method.as_str(), form, &parts.fields, length);
        let sent = http.send_head(&request, now);
        if proxy_auth.is_some() {
            parts.fields.remove("Proxy-Authorization");
        }
        sent?;
        for piece in parts.pieces.drain(..) {
            http.send_content(piece)?;
        }
        parts.pieces_bytes = 0;
        match &parts.end {
            Some((content, trailers)) => {
                http.send_content(content.clone())?;
                http.send_end(trailers.clone())?;
            }
            None if length == Length::Known(0) => {
                parts.hold.bare = true;
                http.send_end(None)?;
            }
            None => {}
        }
        Ok(())
    }

    /// Aborts the exchange. The caller drops the returned stage without the lock: it may hold futures of the user.
    pub(crate) fn abort(&mut self) -> Option<Stage> {
        if self.flags.closed {
            return None;
        }
        let peer = Party::from(self.plan.target.name());
        self.events.push(|| Event::Abort);
        let (phase, peer) = match &self.stage {
            Stage::Live(_) | Stage::Over if self.flags.response => (Phase::Read, peer),
            Stage::Live(_) => (Phase::Wait, peer),
            _ => self.plan.running().unwrap_or((Phase::Connect, peer)),
        };
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        self.fail(Error::client(ExchangeError {
            phase,
            peer,
            cause: Cause::Aborted,
            retry_safe: false,
        }));
        Some(stage)
    }

    /// Wakes the other side if the last step brought something for it.
    pub(crate) fn wake_other(&mut self, side: Side) {
        let over = matches!(self.stage, Stage::Over);
        let news = match (side, &mut self.stage) {
            (Side::Request, Stage::Live(connection)) => connection.http().has_news(),
            (Side::Response, Stage::Live(_)) => !self.flags.full,
            _ => over,
        };
        if news {
            self.wakers.wake_other(side);
        }
    }

    /// Whether there was no connection yet.
    pub(crate) const fn is_before_connection(&self) -> bool {
        matches!(
            self.stage,
            Stage::Unsent | Stage::Connecting(_) | Stage::Polling
        )
    }
}
