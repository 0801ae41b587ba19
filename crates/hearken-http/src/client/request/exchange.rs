//! One exchange of a client, as its request and its response share it: who drives the connection, and who is told.
//!
//! Here: [`Exchange`] with its lock, and [`Core`], its state: no connection yet, one being made, one in use, over. Whoever
//! waits for something drives the connection in place; there is no task. Beside it: what becomes of a connection that
//! has ended its exchange (`settle.rs`). Not here: the handles (`request.rs`, `message/response.rs`), the connection
//! (`wire.rs`).

use crate::client::agent::connection::now;
use crate::client::agent::options::BoxFuture;
use crate::client::agent::{Leased, Taken, runtime};
use crate::client::connect::{self, Plan, acquire};
use crate::client::event::{Heard, Told, call};
use crate::client::info::{Connected, Timings};
use crate::client::request::head_pool;
use crate::client::request::wakers::Waiters;
use crate::conn::client::ExchangeOptions;
use crate::conn::incoming::Incoming;
use crate::error::Error;
use crate::error::failure::{Cause, Failure, Phase};
use crate::net::upgraded::Upgraded;
use bytes::Bytes;
use hearken_proto::{Fields, Head, Length, Limits, Request};
use http::Method;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The two sides that may wait, each in a task of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// See the module.
pub(crate) struct Exchange {
    core: Mutex<Core>,
}

/// How far it has come.
pub(crate) enum Stage {
    /// Nobody has waited for anything yet.
    Draft,
    /// A connection is being looked for or made.
    Acquiring(BoxFuture<Result<Leased, Error>>),
    /// The future above is being polled, without the lock.
    Busy,
    Live(Leased),
    Over,
}

/// What is known of the request before it has a connection, and afterwards for a second try.
pub(crate) struct Draft {
    pub(crate) method: Method,
    /// The request target, if it is not that of the URL. Node's `path`.
    pub(crate) path: Option<Box<str>>,
    pub(crate) fields: Fields,
    pub(crate) terms: ExchangeOptions,
    /// The whole time, counted from the first wait.
    pub(crate) time: Option<Duration>,
    /// Written before there was a connection.
    pub(crate) pieces: VecDeque<Bytes>,
    pub(crate) pieces_bytes: usize,
    pub(crate) end: Option<(Bytes, Option<Box<Fields>>)>,
    /// Something was written piece by piece, so the length was not known with the head.
    pub(crate) streamed: bool,
    pub(crate) limits: Arc<Limits>,
}

pub(crate) struct Core {
    pub(crate) plan: Plan,
    pub(crate) draft: Draft,
    pub(crate) stage: Stage,
    pub(crate) heard: Heard,
    waiters: Waiters,
    /// The response: its head until somebody takes it, and its body once the connection is gone.
    pub(crate) head: Option<Box<Head>>,
    pub(crate) incoming: Incoming,
    pub(crate) upgraded: Option<Upgraded>,
    pub(crate) failure: Option<Error>,
    pub(crate) connected: Option<Connected>,
    pub(crate) timings: Timings,
    pub(crate) began: Option<Instant>,
    /// When there was a connection.
    pub(crate) live: Instant,
    /// The end of the request is encoded.
    pub(crate) ended: bool,
    /// An order that could not be carried out.
    pub(crate) misuse: Option<hearken_proto::Misuse>,
    /// What happens only once.
    pub(crate) once: Once,
}

/// What has happened, of what happens only once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Once {
    pub(crate) response: bool,
    /// The head of the response is in the hands of the user.
    pub(crate) taken: bool,
    pub(crate) finish: bool,
    pub(crate) retried: bool,
    pub(crate) closed: bool,
    /// `write` has said stop, and nobody was told of room since.
    pub(crate) full: bool,
    /// The user gave it up.
    pub(crate) aborted: bool,
}

impl Exchange {
    pub(crate) fn new(plan: Plan, draft: Draft) -> Arc<Self> {
        Arc::new(Self {
            core: Mutex::new(Core {
                plan,
                draft,
                stage: Stage::Draft,
                heard: Heard::default(),
                waiters: Waiters::default(),
                head: None,
                incoming: Incoming::default(),
                upgraded: None,
                failure: None,
                connected: None,
                timings: Timings::default(),
                began: None,
                live: now(),
                ended: false,
                misuse: None,
                once: Once::default(),
            }),
        })
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out an order, and wakes whoever drives the connection, for there may be something to write.
    pub(crate) fn order<T>(&self, order: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.core();
        let result = order(&mut core);
        core.waiters.wake_all();
        drop(core);
        self.tell();
        result
    }

    /// Drives the connection until `ready` gives something. Whoever calls this is woken when it is worth another call.
    pub(crate) fn poll<T>(
        &self,
        side: Side,
        cx: &mut Context<'_>,
        mut ready: impl FnMut(&mut Core) -> Option<T>,
    ) -> Poll<T> {
        let mut core = self.core();
        let found = loop {
            if let Some(found) = ready(&mut core) {
                core.waiters.forget(side);
                break Some(found);
            }
            let relay = core.waiters.register(side, cx.waker());
            let mut context = match &relay {
                Some(relay) => Context::from_waker(relay),
                None => Context::from_waker(cx.waker()),
            };
            let moved;
            (core, moved) = self.drive(core, &mut context);
            core.wake_other(side);
            if !moved {
                break ready(&mut core);
            }
        };
        drop(core);
        self.tell();
        found.map_or(Poll::Pending, Poll::Ready)
    }

    /// One step; tells whether the stage has changed, so that another step may be possible.
    fn drive<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        cx: &mut Context<'_>,
    ) -> (MutexGuard<'a, Core>, bool) {
        match &mut core.stage {
            Stage::Draft => {
                core.set_out();
                (core, true)
            }
            Stage::Acquiring(_) => {
                let Stage::Acquiring(mut acquiring) =
                    std::mem::replace(&mut core.stage, Stage::Busy)
                else {
                    return (core, false);
                };
                // Code of the user may run in here: its resolver, its connector.
                drop(core);
                let polled = acquiring.as_mut().poll(cx);
                let mut core = self.core();
                if !matches!(core.stage, Stage::Busy) {
                    drop(core); // given up meanwhile
                    drop((acquiring, polled));
                    return (self.core(), false);
                }
                match polled {
                    Poll::Pending => {
                        core.stage = Stage::Acquiring(acquiring);
                        return (core, false);
                    }
                    Poll::Ready(Ok(leased)) => core.start(leased),
                    Poll::Ready(Err(error)) => core.fail(error),
                }
                (core, true)
            }
            Stage::Live(leased) => {
                let over = leased.wire.poll(cx).is_ready();
                core.judge_switch();
                core.note();
                if over {
                    core.settle();
                }
                (core, over)
            }
            Stage::Busy | Stage::Over => (core, false),
        }
    }

    /// Whoever waited on this side does so no more; the other side drives from here on.
    pub(crate) fn stop_waiting(&self, side: Side) {
        self.core().waiters.leave(side);
    }

    /// Calls listeners with what has happened, outside of the lock, in order. A listener may come here again: what it has
    /// caused is told when it is back.
    pub(crate) fn tell(&self) {
        loop {
            let mut core = self.core();
            if !core.heard.any || core.heard.is_calling() {
                return;
            }
            let Some((mut listeners, queue)) = core.heard.take() else {
                // Nothing will be told any more: they may hold what they please no longer.
                let over = core.once.closed.then(|| core.heard.clear());
                drop(core);
                drop(over);
                return;
            };
            drop(core);
            queue.iter().for_each(|told| call(&mut listeners, told));
            self.core().heard.put_back(listeners);
        }
    }

    /// Gives the exchange up. The second call does nothing, nor does one after the end.
    pub(crate) fn abort(&self) {
        let mut core = self.core();
        let stage = core.abort();
        core.waiters.wake_all(); // they may be other tasks than this one
        drop(core);
        drop(stage); // futures of the user may be in there
        self.tell();
    }
}

impl Core {
    /// The first wait: an idle connection is there at once, anything else takes its time.
    fn set_out(&mut self) {
        let began = now();
        self.began = Some(began);
        if let Some(time) = self.draft.time {
            // Past the end of all time is no deadline.
            self.plan.until = began.checked_add(time).map(|at| (at, time));
        }
        self.draft.terms.until = self.plan.until;
        self.draft.terms.interims = self.heard.interims;
        self.draft.terms.inactivity_told = self.heard.timeout;
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return self.fail(error),
        };
        let plan = &self.plan;
        if plan.connector.is_some() {
            // One that the request has brought is nobody else's.
            let plan = self.travelling();
            self.stage = Stage::Acquiring(Box::pin(connect::single(plan, began)));
            return;
        }
        match plan
            .agent
            .inner
            .take(&plan.key(&runtime), plan.route.as_ref())
        {
            Taken::Idle(leased) => self.start(leased),
            taken => {
                let plan = self.travelling();
                self.stage = Stage::Acquiring(Box::pin(acquire(plan, taken)));
            }
        }
    }

    /// The plan for whoever makes a connection; how far that has come can be seen here.
    pub(crate) fn travelling(&mut self) -> Plan {
        self.plan.step.get_or_insert_default();
        self.plan.clone()
    }

    /// There is a connection: what was written so far is encoded.
    fn start(&mut self, mut leased: Leased) {
        let now = now();
        self.live = now;
        let reused = leased.wire.exchanges > 0;
        leased.wire.exchanges += 1;
        let origin = &leased.wire.origin;
        if !reused {
            self.timings = origin.timings;
        }
        self.timings.queue = self.began.map_or(Duration::ZERO, |began| now - began);
        let connected = Connected {
            origin: Arc::clone(origin),
            reused,
        };
        self.heard.tell(|| Told::Socket(connected.clone()));
        self.connected = Some(connected);
        let used = leased.wire.used();
        used.begin(self.draft.terms, &self.draft.limits, now);
        head_pool::take()
            .into_iter()
            .for_each(|head| used.give_head(head));
        match self.encode(&mut leased, now) {
            Ok(()) => self.stage = Stage::Live(leased),
            Err(misuse) => self.fail(hearken_proto::Error::from(misuse).into()),
        }
    }

    /// Encodes the head and what was written before there was a connection.
    fn encode(&mut self, leased: &mut Leased, now: Instant) -> Result<(), hearken_proto::Misuse> {
        if let Some(misuse) = self.misuse {
            return Err(misuse);
        }
        let draft = &mut self.draft;
        let length = match &draft.end {
            Some((content, None)) if !draft.streamed => Length::Known(content.len() as u64),
            _ => Length::Unknown,
        };
        let origin = Arc::clone(&leased.wire.origin);
        let target = &self.plan.target;
        let absolute = origin.proxied.then(|| target.absolute_form());
        let authority = (draft.method == Method::CONNECT).then(|| target.authority());
        let form = draft
            .path
            .as_deref()
            .or(authority.as_deref())
            .or(absolute.as_deref())
            .unwrap_or_else(|| target.origin_form());
        let own = origin.proxy_auth.as_deref();
        let own = own.filter(|_| draft.fields.view().get("proxy-authorization").is_none());
        if let Some(auth) = own {
            draft.fields.append("Proxy-Authorization", auth)?;
        }
        let used = leased.wire.used();
        let request = Request::new(draft.method.as_str(), form, &draft.fields, length);
        let sent = used.send_head(&request, now);
        if own.is_some() {
            draft.fields.remove("Proxy-Authorization");
        }
        sent?;
        for piece in draft.pieces.drain(..) {
            used.send_content(piece)?;
        }
        draft.pieces_bytes = 0;
        if let Some((content, trailers)) = &draft.end {
            used.send_content(content.clone())?;
            used.send_end(trailers.clone())?;
        }
        Ok(())
    }

    /// Gives the exchange up; what was in the way of it is to be dropped without the lock.
    fn abort(&mut self) -> Option<Stage> {
        if self.once.closed {
            return None;
        }
        self.once.aborted = true;
        let peer = self.plan.target.authority();
        self.heard.tell(|| Told::Abort);
        let (phase, peer) = match &self.stage {
            Stage::Live(_) | Stage::Over if self.once.response => (Phase::Read, peer),
            Stage::Live(_) => (Phase::Wait, peer),
            _ => self.plan.step().unwrap_or((Phase::Connect, peer)),
        };
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        self.fail(Error::client(Failure {
            phase,
            peer,
            cause: Cause::Aborted,
            retry_safe: false,
        }));
        Some(stage)
    }

    /// The other side is woken if there is something for it.
    fn wake_other(&mut self, side: Side) {
        let over = matches!(self.stage, Stage::Over);
        let news = match (side, &mut self.stage) {
            (Side::Request, Stage::Live(leased)) => leased.wire.used().has_news(),
            (Side::Response, Stage::Live(_)) => !self.once.full,
            _ => over,
        };
        if news {
            self.waiters.wake_other(side);
        }
    }
}
