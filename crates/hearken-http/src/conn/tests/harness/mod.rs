//! A server connection in memory, with a clock that jumps: no socket, no runtime, no real time.
//!
//! Here: [`serve`] and [`Link`], which acts as the pump, with pieces of any size. It calls the connection only after an event:
//! bytes, room, a deadline, or its waker, so a lost wake-up fails the test. Not here: the client's connection
//! (`client_connection.rs`), that of a session (`session.rs`).
//!
//! The only part of the server's tests that calls `conn`: tests use [`Setup`] and [`Link`].

mod texts;
mod tools;

pub(crate) use texts::{CHUNKED, answer, get, ok, post, post_head, refusal, without_dates};
pub(crate) use tools::{Bell, Gate, Guard, Log, either, file, run_tasks, spawn, tasks};

use tools::LogObserver;

use crate::conn::clock::Clock;
use crate::conn::context::{Hooks, WorkerContext};
use crate::conn::output::{Output, SLICES};
use crate::conn::server::{ServedConnection, ServerConnection};
use crate::conn::{Drive, Ending, Input};
use crate::event::observe::Observer;
use crate::event::peer::Peer;
use crate::event::watch::ReadClock;
use crate::event::{ServerEvent, sealed};
use crate::message::answer::Answer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::{Sent, ServerResponse};
use crate::net::file_reader::FileReader;
use crate::server::handler::handler as boxed;
use crate::server::handlers::{Interceptable, SpecialHandlers};
use crate::server::runner::{HandlerRunner, Handlers};
use bytes::Bytes;
use hearken_proto::Limits;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = ()>>>;
pub(crate) type Make = Box<dyn Fn(IncomingMessage, ServerResponse) -> HandlerFuture>;

/// A connection that takes more turns without outside input spins.
const TURNS_MAX: usize = 1_000_000;

/// A server with this handler, not open yet.
pub(crate) fn serve<H, R>(handler: H) -> Setup
where
    H: AsyncFn(IncomingMessage, ServerResponse) -> R + 'static,
    R: Answer + 'static,
{
    let handler = Rc::new(handler);
    let make: Make = Box::new(move |req, res| {
        let handler = Rc::clone(&handler);
        Box::pin(async move {
            let handle = res.again();
            let answer = (*handler)(req, res).await;
            let _: Sent = answer.answer(handle);
        })
    });
    Setup {
        make,
        hooks: Hooks::default(),
        special: SpecialHandlers::default(),
        limits: Limits::default(),
        clock: None,
    }
}

/// As [`serve`], and a gate that each handler waits at before it begins.
pub(crate) fn serve_gated<H, R>(handler: H) -> (Setup, Gate)
where
    H: AsyncFn(IncomingMessage, ServerResponse) -> R + 'static,
    R: Answer + 'static,
{
    serve_with_gate(async move |req, res, gate| {
        gate.wait().await;
        handler(req, res).await
    })
}

/// As [`serve`], and a gate that handlers get as an argument.
pub(crate) fn serve_with_gate<H, R>(handler: H) -> (Setup, Gate)
where
    H: AsyncFn(IncomingMessage, ServerResponse, Gate) -> R + 'static,
    R: Answer + 'static,
{
    let gate = Gate::default();
    let opened = gate.clone();
    let setup = serve(async move |req, res| handler(req, res, opened.clone()).await);
    (setup, gate)
}

pub(crate) struct Setup {
    make: Make,
    hooks: Hooks,
    special: SpecialHandlers,
    limits: Limits,
    clock: Option<ReadClock>,
}

impl Setup {
    /// What a connection reads to see how long it has been polled. Without it the time of a poll is not bounded.
    pub(crate) fn clock(mut self, read: ReadClock) -> Self {
        self.clock = Some(read);
        self
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    pub(crate) fn on<E: ServerEvent>(
        mut self,
        event: E,
        listener: impl for<'a> Fn(<E as sealed::Server>::Args<'a>) + Send + Sync + 'static,
    ) -> Self {
        event.add(listener, &mut self.hooks.listeners);
        self
    }

    pub(crate) fn handle<E, H, R>(mut self, event: E, handler: H) -> Self
    where
        E: Interceptable,
        H: crate::server::HandlerFn<R> + Send + Sync + 'static,
        R: Answer + 'static,
    {
        event.keep(boxed(handler), &mut self.special);
        self
    }

    pub(crate) fn should_upgrade(
        mut self,
        decide: impl Fn(&hearken_proto::Head) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hooks.intercepted.should_upgrade = Some(Box::new(decide));
        self
    }

    /// Writes every observed step into `log`, with the number of its exchange.
    pub(crate) fn observe(mut self, log: &Log) -> Self {
        self.hooks.observer = Some(Arc::new(LogObserver(log.clone())));
        self
    }

    /// Shows every step to `observer`.
    pub(crate) fn observe_with(mut self, observer: Arc<dyn Observer>) -> Self {
        self.hooks.observer = Some(observer);
        self
    }

    /// Opens for clients.
    pub(crate) fn open(mut self) -> Open {
        self.special.note(&mut self.hooks.intercepted);
        let now = Instant::now();
        // Later than the files that the tests make.
        let mut clock = Clock::new(now, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        clock.read = self.clock;
        Open {
            env: WorkerContext::new(self.limits, Arc::new(self.hooks), clock),
            handlers: Handlers::new(self.make, &self.special),
            now,
        }
    }

    /// Opens the server and connects one client.
    pub(crate) fn connect(self) -> Link {
        self.open().connect()
    }
}

/// The date of the server, in seconds: in 2096.
pub(crate) const NOW: u64 = 4_000_000_000;

/// A worker without its thread.
pub(crate) struct Open {
    pub(crate) env: Rc<WorkerContext>,
    handlers: Rc<Handlers<Make, HandlerFuture>>,
    pub(crate) now: Instant,
}

impl Open {
    /// A connection for a test with its own pump.
    pub(crate) fn drive(&self) -> ServedConnection<HandlerRunner<Make, HandlerFuture>> {
        let peer = Rc::new(Peer::new(1, None, None));
        let expires = self.now + self.env.exchange.limits.time.connection_age;
        ServedConnection {
            served: ServerConnection::new(&self.env, peer, self.now, expires),
            runner: self.runner(),
        }
    }

    /// What runs the handler for one exchange at a time.
    pub(crate) fn runner(&self) -> HandlerRunner<Make, HandlerFuture> {
        HandlerRunner::new(&self.handlers)
    }

    pub(crate) fn connect(&self) -> Link {
        let bell = Arc::new(Bell::default());
        let mut link = Link {
            drive: self.drive(),
            env: Rc::clone(&self.env),
            now: self.now,
            waker: Waker::from(Arc::clone(&bell)),
            bell,
            sent: VecDeque::new(),
            fin: false,
            cut: usize::MAX,
            owned: false,
            room: usize::MAX,
            take: usize::MAX,
            heard: Vec::new(),
            end: None,
            timeouts: 0,
        };
        link.run();
        link
    }
}

/// A client, and the server connection at the other end.
pub(crate) struct Link {
    pub(crate) drive: ServedConnection<HandlerRunner<Make, HandlerFuture>>,
    pub(crate) env: Rc<WorkerContext>,
    pub(crate) now: Instant,
    waker: Waker,
    bell: Arc<Bell>,
    /// Bytes on their way to the server.
    sent: VecDeque<u8>,
    fin: bool,
    /// Most bytes that the server gets at once.
    pub(crate) cut: usize,
    /// Input is passed as owned buffers.
    pub(crate) owned: bool,
    /// How many more bytes the client takes.
    pub(crate) room: usize,
    /// Most bytes that the client takes at once.
    pub(crate) take: usize,
    heard: Vec<u8>,
    end: Option<Ending>,
    /// Deadlines that have passed.
    pub(crate) timeouts: usize,
}

impl Link {
    /// The client sends these bytes.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.sent.extend(bytes.as_ref());
        self.run();
        self
    }

    /// Sends a request without a body and returns what comes back. The connection stays open.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, fields: &[(&str, &str)]) -> String {
        let lines: String = fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        self.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
        assert!(self.is_open(), "{fields:?}");
        self.heard()
    }

    /// The client closes its direction.
    pub(crate) fn end_input(&mut self) -> &mut Self {
        self.fin = true;
        self.run();
        self
    }

    /// The connection is lost.
    pub(crate) fn lose(&mut self, kind: io::ErrorKind) -> &mut Self {
        self.sent.clear();
        let mut cx = Context::from_waker(&self.waker);
        self.drive
            .handle_lost(&io::Error::from(kind), &mut cx, self.now);
        self.run();
        self
    }

    /// The client takes `bytes` more.
    pub(crate) fn give_room(&mut self, bytes: usize) -> &mut Self {
        self.room = self.room.saturating_add(bytes);
        self.run();
        self
    }

    /// The bytes that the client has received since the last call, with equal dates.
    pub(crate) fn heard(&mut self) -> String {
        let heard = std::mem::take(&mut self.heard);
        without_dates(&String::from_utf8(heard).expect("expected text from the server"))
    }

    /// As [`heard`](Self::heard), unchanged.
    pub(crate) fn heard_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.heard)
    }

    /// Number of bytes received since the last call of [`heard`](Self::heard).
    pub(crate) fn heard_len(&self) -> usize {
        self.heard.len()
    }

    /// How the server has ended the connection; `None` while it is open.
    pub(crate) fn ended(&self) -> Option<Ending> {
        self.end
    }

    #[track_caller]
    pub(crate) fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// Bytes that the server has not read.
    pub(crate) fn unread(&self) -> usize {
        self.sent.len()
    }

    /// How often the connection was woken so far.
    pub(crate) fn wakes(&self) -> usize {
        self.bell.total()
    }

    /// Continues if the connection or a task was woken.
    pub(crate) fn go(&mut self) -> &mut Self {
        while run_tasks() || self.rang() {
            self.run();
        }
        self
    }

    fn rang(&self) -> bool {
        self.bell.rang()
    }

    /// Advances the clock, stopping at each deadline.
    pub(crate) fn pass(&mut self, time: Duration) -> &mut Self {
        let until = self.now + time;
        for _ in 0..TURNS_MAX {
            match self.deadline().filter(|&at| at <= until) {
                None => {
                    self.now = until;
                    return self;
                }
                Some(at) => self.now = self.now.max(at),
            }
            let mut cx = Context::from_waker(&self.waker);
            self.timeouts += 1;
            self.drive.handle_timeout(&mut cx, self.now);
            self.run();
        }
        panic!("deadlines without end");
    }

    pub(crate) fn secs(&mut self, seconds: u64) -> &mut Self {
        self.pass(Duration::from_secs(seconds))
    }

    /// Time to the next deadline; `None` if only the deadlines of a whole day are left, which every exchange has.
    pub(crate) fn deadline_in(&self) -> Option<Duration> {
        self.deadline()
            .map(|at| at.saturating_duration_since(self.now))
            .filter(|&left| left < Duration::from_secs(20 * 3600))
    }

    fn deadline(&self) -> Option<Instant> {
        self.end.map_or_else(|| self.drive.deadline(), |_| None)
    }

    /// Acts as the pump until nothing moves.
    pub(crate) fn run(&mut self) {
        for _ in 0..TURNS_MAX {
            let moved = self.turn();
            let woken = run_tasks() | self.rang();
            if !moved && !woken {
                return;
            }
        }
        panic!("the connection spins");
    }

    fn turn(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        let waker = self.waker.clone();
        let mut cx = Context::from_waker(&waker);
        let read = self.read(&mut cx);
        if !read {
            self.drive.poll_app(&mut cx, self.now);
        }
        let wrote = self.write();
        if let Some(ending) = self.drive.ending() {
            self.end = Some(ending);
            if ending != Ending::HandOver {
                self.drive.handle_closed(self.now);
            }
            return false;
        }
        read || wrote || (!self.sent.is_empty() && self.drive.wants_read())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.drive.wants_read() {
            return false;
        }
        if self.sent.is_empty() {
            let fin = std::mem::take(&mut self.fin);
            if fin {
                self.drive.handle_eof(cx, self.now);
            }
            return fin;
        }
        let count = self.cut.min(self.sent.len()).min(64 * 1024);
        let piece: Vec<u8> = self.sent.drain(..count).collect();
        if self.owned {
            let piece = Bytes::from(piece);
            self.drive.handle_input(&Input::Owned(&piece), cx, self.now);
        } else {
            self.drive
                .handle_input(&Input::Borrowed(&piece), cx, self.now);
        }
        true
    }

    fn write(&mut self) -> bool {
        let (room, take, heard) = (&mut self.room, self.take, &mut self.heard);
        let mut lost = None;
        let mut write = |output: &Output| {
            let most = take.min(*room);
            if let (Some(file), 1..) = (output.file(), most) {
                let mut cx = Context::from_waker(Waker::noop());
                let Poll::Ready(read) = file.poll_bytes(FileReader::boxed, &mut cx) else {
                    panic!("there is no runtime to read a file later");
                };
                let bytes = read.map_err(|error| lost = Some(error)).ok()?;
                let taken = bytes.len().min(most);
                heard.extend_from_slice(&bytes[..taken]);
                *room -= taken;
                return Some(taken);
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = output.slices(&mut slices);
            let mut left = take.min(*room);
            let before = heard.len();
            for slice in &slices[..count] {
                let taken = left.min(slice.len());
                heard.extend_from_slice(&slice[..taken]);
                left -= taken;
            }
            let taken = heard.len() - before;
            *room -= taken;
            (taken > 0).then_some(taken)
        };
        let wrote = write_all(&mut self.drive, self.now, &mut write);
        if let Some(error) = lost {
            let waker = self.waker.clone();
            let mut cx = Context::from_waker(&waker);
            self.drive.handle_lost(&error, &mut cx, self.now);
        }
        wrote
    }
}

/// Has `write` take what a connection has to write, until it takes no more. True if it took something.
pub(crate) fn write_all(
    drive: &mut impl Drive,
    now: Instant,
    write: &mut dyn FnMut(&Output) -> Option<usize>,
) -> bool {
    let mut wrote = false;
    loop {
        let count = drive.output().and_then(|output| write(&output));
        drive.handle_sent(count.unwrap_or(0), now);
        if count.is_none() {
            return wrote;
        }
        wrote = true;
    }
}
