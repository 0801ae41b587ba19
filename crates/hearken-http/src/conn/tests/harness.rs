//! A served connection in memory, with a clock that jumps: no socket, no runtime, no waiting.
//!
//! Here: [`serve`] and [`Link`], which does what a pump does, in pieces as small as a test likes; [`spawn`], [`Gate`]
//! and [`Log`] for handlers. The connection is called only when something has happened to it: bytes, room, a deadline,
//! or its waker. So a wake-up that gets lost leaves a test hanging in its assertion, as it would leave a client.

use crate::conn::clock::Clock;
use crate::conn::context::{Hooks, WorkerContext};
use crate::conn::output::{Output, SLICES};
use crate::conn::server::{ServedConnection, ServerConnection};
use crate::conn::{Drive, Ending, Input};
use crate::event::observe::{Observation, Observer, Step};
use crate::event::peer::Peer;
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
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = ()>>>;
pub(crate) type Make = Box<dyn Fn(IncomingMessage, ServerResponse) -> HandlerFuture>;

/// More turns than this without anything from outside is a spin.
const TURNS_MAX: usize = 1_000_000;

/// A server with this handler, to be changed before a client connects.
pub(crate) fn serve<H, R>(handler: H) -> Setup
where
    H: AsyncFn(IncomingMessage, ServerResponse) -> R + 'static,
    R: Answer + 'static,
{
    let handler = Rc::new(handler);
    let make: Make = Box::new(move |req, res| {
        let handler = Rc::clone(&handler);
        Box::pin(async move {
            let again = res.again();
            let answer = (*handler)(req, res).await;
            let _: Sent = answer.answer(again);
        })
    });
    Setup {
        make,
        hooks: Hooks::default(),
        special: SpecialHandlers::default(),
        limits: Limits::default(),
    }
}

pub(crate) struct Setup {
    make: Make,
    hooks: Hooks,
    special: SpecialHandlers,
    limits: Limits,
}

impl Setup {
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
        H: AsyncFn(IncomingMessage, ServerResponse) -> R + Send + Sync + 'static,
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

    /// Writes every step into `log`, with the exchange it belongs to.
    pub(crate) fn observe(mut self, log: &Log) -> Self {
        self.hooks.observer = Some(Arc::new(Seen(log.clone())));
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
        let clock = Clock::new(now, SystemTime::UNIX_EPOCH);
        Open {
            env: WorkerContext::new(self.limits, Arc::new(self.hooks), clock),
            handlers: Handlers::new(self.make, &self.special),
            now,
        }
    }

    /// Opens for one client.
    pub(crate) fn connect(self) -> Link {
        self.open().connect()
    }
}

/// A worker without its thread.
pub(crate) struct Open {
    pub(crate) env: Rc<WorkerContext>,
    handlers: Rc<Handlers<Make, HandlerFuture>>,
    pub(crate) now: Instant,
}

impl Open {
    /// A connection for a pump of the test's own.
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

/// Counts how often it rang.
#[derive(Default)]
pub(crate) struct Bell {
    rung: AtomicUsize,
    ever: AtomicUsize,
}

impl Bell {
    /// Whether it rang since the last call.
    pub(crate) fn rang(&self) -> bool {
        self.rung.swap(0, Ordering::Relaxed) > 0
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::Relaxed);
        self.ever.fetch_add(1, Ordering::Relaxed);
    }
}

/// One client and the served connection at its other end.
pub(crate) struct Link {
    pub(crate) drive: ServedConnection<HandlerRunner<Make, HandlerFuture>>,
    pub(crate) env: Rc<WorkerContext>,
    pub(crate) now: Instant,
    waker: Waker,
    bell: Arc<Bell>,
    /// On its way to the server.
    sent: VecDeque<u8>,
    fin: bool,
    /// Most bytes that the server is given at a time.
    pub(crate) cut: usize,
    /// Input comes in buffers of its own.
    pub(crate) owned: bool,
    /// How many more bytes the client takes.
    pub(crate) room: usize,
    /// Most bytes that the client takes at a time.
    pub(crate) take: usize,
    heard: Vec<u8>,
    end: Option<Ending>,
    /// Deadlines that have passed.
    pub(crate) timeouts: usize,
}

impl Link {
    /// The client sends.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.sent.extend(bytes.as_ref());
        self.run();
        self
    }

    /// The client has nothing more to send.
    pub(crate) fn end_input(&mut self) -> &mut Self {
        self.fin = true;
        self.run();
        self
    }

    /// The connection breaks.
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

    /// What the client has heard since the last call, its dates made equal.
    pub(crate) fn heard(&mut self) -> String {
        let heard = std::mem::take(&mut self.heard);
        without_dates(&String::from_utf8(heard).expect("expected text from the server"))
    }

    /// As [`heard`](Self::heard), as it came.
    pub(crate) fn heard_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.heard)
    }

    /// Number of bytes that the client has heard since the last call of [`heard`](Self::heard).
    pub(crate) fn heard_len(&self) -> usize {
        self.heard.len()
    }

    /// How the server has ended the connection, if it has.
    pub(crate) fn ended(&self) -> Option<Ending> {
        self.end
    }

    #[track_caller]
    pub(crate) fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// Bytes that the server has left unread.
    pub(crate) fn unread(&self) -> usize {
        self.sent.len()
    }

    /// How often the connection was woken so far.
    pub(crate) fn wakes(&self) -> usize {
        self.bell.ever.load(Ordering::Relaxed)
    }

    /// Goes on if somebody has woken the connection, or tasks are ready.
    pub(crate) fn go(&mut self) -> &mut Self {
        while run_tasks() || self.rang() {
            self.run();
        }
        self
    }

    fn rang(&self) -> bool {
        self.bell.rang()
    }

    /// Time goes on; what is due in between happens then.
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

    /// From now to the next deadline within hours: that of a whole day, which every exchange has, is left out.
    pub(crate) fn deadline_in(&self) -> Option<Duration> {
        self.deadline()
            .map(|at| at.saturating_duration_since(self.now))
            .filter(|&left| left < Duration::from_secs(20 * 3600))
    }

    fn deadline(&self) -> Option<Instant> {
        self.end.map_or_else(|| self.drive.deadline(), |_| None)
    }

    /// What a pump does, until nothing moves.
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
        let wrote = self.drive.poll_write(&mut write, self.now);
        if let Some(error) = lost {
            let waker = self.waker.clone();
            let mut cx = Context::from_waker(&waker);
            self.drive.handle_lost(&error, &mut cx, self.now);
        }
        wrote
    }
}

/// A file with this content and without a name.
pub(crate) fn file(content: &[u8]) -> std::fs::File {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(format!("hearken-http-{process}-{count}"));
    std::fs::write(&path, content).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path);
    std::fs::remove_file(&path).unwrap();
    file.unwrap()
}

/// `Date: …` with its value replaced, since the clock on the wall is not what is tested.
pub(crate) fn without_dates(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\r\nDate: ") {
        let (_, after) = after.split_once("\r\n").expect("a whole Date field");
        out += before;
        out += "\r\nDate: now\r\n";
        rest = after;
    }
    out + rest
}

/// A response of 200 as it is sent for `res.end(body)`.
pub(crate) fn ok(body: &str) -> String {
    answer("200 OK", "", body)
}

/// A response with a Content-Length; `fields` stand before Date, each with its line end.
pub(crate) fn answer(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{fields}Date: now\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The answer that the server gives by itself, which closes.
pub(crate) fn refusal(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\
         Date: now\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub(crate) fn post(body: &str) -> String {
    let length = body.len();
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A head that announces this much body.
pub(crate) fn post_head(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

pub(crate) const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

// ---- what handlers use ----

/// A place in handlers to wait at until the test opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Rc<RefCell<(bool, Vec<Waker>)>>);

impl Gate {
    pub(crate) fn open(&self) {
        let wakers = {
            let mut gate = self.0.borrow_mut();
            gate.0 = true;
            std::mem::take(&mut gate.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn wait(&self) -> impl Future<Output = ()> + use<> {
        let gate = Rc::clone(&self.0);
        std::future::poll_fn(move |cx| {
            let mut gate = gate.borrow_mut();
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1.push(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// Lines, in the order in which things happened.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Seen(Log);

impl Observer for Seen {
    fn observe(&self, seen: &Observation<'_>) {
        let (exchange, step) = (seen.exchange, seen.step);
        self.0.add(match step {
            Step::Closed {
                why,
                bytes_in,
                bytes_out,
            } => format!("{exchange} closed: {why:?}, {bytes_in} in, {bytes_out} out"),
            Step::Ended { why } => format!("{exchange} Ended {why:?}"),
            Step::BodyEnd { .. } => format!("{exchange} {step:?}"),
            Step::Interim { status } | Step::ResponseHead { status, .. } => {
                format!("{exchange} {} {status}", step.name())
            }
            step => format!("{exchange} {}", step.name()),
        });
    }
}

/// Writes into a log when it is dropped.
pub(crate) struct Guard(pub(crate) Log, pub(crate) &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

struct Task {
    future: HandlerFuture,
    bell: Arc<Bell>,
}

thread_local! {
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
}

/// A task beside the connection, as `spawn_local` makes one. Tests have a thread each, and so tasks of their own.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let bell = Arc::new(Bell::default());
    bell.rung.store(1, Ordering::Relaxed);
    let task = Task {
        future: Box::pin(future),
        bell,
    };
    TASKS.with_borrow_mut(|tasks| tasks.push(task));
}

/// Runs what was woken. True if something was.
pub(crate) fn run_tasks() -> bool {
    let mut any = false;
    let tasks = TASKS.take();
    for mut task in tasks {
        let rang = task.bell.rung.swap(0, Ordering::Relaxed) > 0;
        any |= rang;
        let waker = Waker::from(Arc::clone(&task.bell));
        let done = rang
            && task
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready();
        if !done {
            TASKS.with_borrow_mut(|tasks| tasks.push(task));
        }
    }
    any
}

/// Tasks that have not ended.
pub(crate) fn tasks() -> usize {
    TASKS.with_borrow(Vec::len)
}

/// Polls both until the first is ready. For handlers that wait for one thing or another.
pub(crate) async fn either<A>(one: impl Future<Output = A>, other: impl Future<Output = A>) -> A {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    std::future::poll_fn(move |cx| match one.as_mut().poll(cx) {
        Poll::Pending => other.as_mut().poll(cx),
        ready => ready,
    })
    .await
}
