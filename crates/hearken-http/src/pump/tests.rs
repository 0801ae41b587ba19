//! The pump on a transport in memory that wakes only whom it has told to wait.

mod giving_way;
mod lingering;

use super::*;
use crate::conn::server::ServedConnection;
use crate::conn::tests::harness::{
    Bell, Gate, Guard, HandlerFuture, Log, Make, Open, Setup, get, ok, post_head, run_tasks, serve,
    spawn, without_dates,
};
use crate::event;
use crate::server::runner::HandlerRunner;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Both directions, as the peer sees them.
#[derive(Default)]
struct Wire {
    sent: VecDeque<u8>,
    /// Sent again and again, without end.
    flood: Option<Vec<u8>>,
    fin: bool,
    read_fails: Option<io::ErrorKind>,
    write_fails: Option<io::ErrorKind>,
    reader: Option<Waker>,
    room: usize,
    /// Most bytes taken by one call.
    take: usize,
    writer: Option<Waker>,
    /// How much it takes and holds back when there is no room, as TLS does.
    holds: usize,
    held: VecDeque<u8>,
    heard: Vec<u8>,
    shut: bool,
    reads: usize,
    writes: usize,
}

#[derive(Clone)]
struct End(Rc<RefCell<Wire>>);

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut wire = self.0.borrow_mut();
        wire.reads += 1;
        if let Some(kind) = wire.read_fails {
            return Poll::Ready(Err(kind.into()));
        }
        if let (Some(flood), true) = (wire.flood.clone(), wire.sent.is_empty()) {
            wire.sent.extend(flood);
        }
        if wire.sent.is_empty() && !wire.fin {
            wire.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = wire.sent.len().min(buffer.remaining());
        let piece: Vec<u8> = wire.sent.drain(..count).collect();
        buffer.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.0.borrow_mut();
        wire.writes += 1;
        if let Some(kind) = wire.write_fails {
            return Poll::Ready(Err(kind.into()));
        }
        if wire.holds > 0 {
            let count = bytes.len().min(wire.holds - wire.held.len());
            wire.held.extend(&bytes[..count]);
            let passed = wire.pass_on(cx);
            return if count == 0 {
                passed.map_ok(|()| 0)
            } else {
                Poll::Ready(Ok(count))
            };
        }
        let count = bytes.len().min(wire.room).min(wire.take);
        if count == 0 {
            wire.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        wire.room -= count;
        wire.heard.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().pass_on(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.0.borrow_mut().pass_on(cx))?;
        self.0.borrow_mut().shut = true;
        Poll::Ready(Ok(()))
    }
}

impl Wire {
    /// What is held goes on, as far as there is room.
    fn pass_on(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let count = self.held.len().min(self.room);
        self.room -= count;
        self.heard.extend(self.held.drain(..count));
        if self.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A task with its pump, polled only when it is woken.
struct Piped {
    pump: Pump<End, ServedConnection<HandlerRunner<Make, HandlerFuture>>>,
    wire: Rc<RefCell<Wire>>,
    bell: Arc<Bell>,
    open: Open,
    now: Instant,
    polls: usize,
    done: bool,
}

impl Piped {
    fn new(setup: Setup) -> Self {
        let open = setup.open();
        let wire = Rc::new(RefCell::new(Wire {
            room: usize::MAX,
            take: usize::MAX,
            ..Wire::default()
        }));
        let mut piped = Self {
            pump: Pump::new(End(Rc::clone(&wire)), open.drive()),
            wire,
            bell: Arc::default(),
            now: open.now,
            open,
            polls: 0,
            done: false,
        };
        piped.poll(false);
        piped.go();
        piped
    }

    fn poll(&mut self, due: bool) {
        if self.done {
            return;
        }
        self.polls += 1;
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut cx = Context::from_waker(&waker);
        let mut scratch = [0; 4096];
        let budget = &self.open.env.exchange.budget;
        budget.begin();
        let polled = self.pump.poll(&mut cx, self.now, due, &mut scratch);
        budget.end();
        self.done = polled.is_ready();
    }

    /// Whether the connection gave way. It is woken, as by its worker.
    fn gave_way(&self) -> bool {
        let cx = Context::from_waker(Waker::noop());
        let next = self.open.env.exchange.later.poll_next(&cx);
        next.map(Waker::wake).is_ready()
    }

    fn go(&mut self) {
        for _ in 0..100_000 {
            if !run_tasks() & !self.bell.rang() & !self.gave_way() {
                return;
            }
            self.poll(false);
        }
        panic!("the pump spins");
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.borrow_mut().sent.extend(bytes.as_ref());
        self.arrived();
    }

    fn end_input(&mut self) {
        self.wire.borrow_mut().fin = true;
        self.arrived();
    }

    fn arrived(&mut self) {
        let reader = self.wire.borrow_mut().reader.take();
        reader.into_iter().for_each(Waker::wake);
        self.go();
    }

    fn give_room(&mut self, bytes: usize) {
        self.wire.borrow_mut().room += bytes;
        let writer = self.wire.borrow_mut().writer.take();
        writer.into_iter().for_each(Waker::wake);
        self.go();
    }

    /// Lets time pass in which no deadline lies.
    fn pass(&mut self, time: Duration) {
        let at = self.pump.deadline().expect("a deadline");
        self.now += time;
        assert!(self.now < at, "a deadline lies before");
    }

    /// Passes the next deadline.
    fn jump(&mut self) -> Duration {
        let at = self.pump.deadline().expect("a deadline");
        let passed = at - self.now;
        self.now = at;
        self.poll(true);
        self.go();
        passed
    }

    fn heard(&self) -> String {
        let heard = std::mem::take(&mut self.wire.borrow_mut().heard);
        without_dates(&String::from_utf8(heard).unwrap())
    }
}

const CLOSING: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[test]
fn requests_are_answered_and_the_task_sleeps_in_between() {
    let mut piped = Piped::new(serve(async |req, res| res.end(req.url().to_owned())));
    piped.send(get("/1") + &get("/2"));
    assert_eq!(piped.heard(), ok("/1") + &ok("/2"));
    assert_eq!(piped.wire.borrow().writes, 1, "joined into one write");
    let polls = piped.polls;
    piped.send(get("/3"));
    assert_eq!((piped.heard(), piped.polls), (ok("/3"), polls + 1));
}

/// The reader takes all that is queued and then waits for more: the transport must be watched again.
#[test]
fn a_transport_that_was_left_unread_is_read_again() {
    let gate = Gate::default();
    let wait = gate.clone();
    let mut piped = Piped::new(serve(async move |mut req, res| {
        wait.wait().await;
        let mut total = 0;
        while let Some(piece) = req.data().await? {
            total += piece.len();
        }
        Ok(res.end(total.to_string()))
    }));
    piped.send(post_head(200_000) + &".".repeat(100_000));
    assert!(!piped.wire.borrow().sent.is_empty(), "nobody reads yet");
    gate.open();
    piped.go();
    piped.send(".".repeat(100_000));
    assert_eq!(piped.heard(), ok("200000"));
}

#[test]
fn a_transport_that_is_not_wanted_is_not_touched() {
    let mut piped = Piped::new(serve(async move |mut req, res| {
        Gate::default().wait().await;
        let _ = req.data().await;
        res.end("")
    }));
    piped.send(post_head(200_000) + &".".repeat(100_000));
    let reads = piped.wire.borrow().reads;
    for _ in 0..10 {
        piped.poll(false);
    }
    assert_eq!(piped.wire.borrow().reads, reads);
}

#[test]
fn an_idle_connection_closes_at_its_deadline_without_a_word() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send(get("/"));
    piped.heard();
    assert_eq!(piped.jump(), Duration::from_secs(15));
    assert_eq!(piped.heard(), "");
    assert!(piped.done);
}

#[test]
fn a_transport_that_takes_little_gets_all() {
    let body = "0123456789".repeat(3_000);
    let text = body.clone();
    let mut piped = Piped::new(serve(async move |_req, res| {
        res.write(text[..20_000].to_owned());
        res.write(text[20_000..20_100].to_owned());
        res.end(text[20_100..].to_owned())
    }));
    piped.wire.borrow_mut().take = 7;
    piped.send("GET / HTTP/1.0\r\n\r\n");
    let heard = piped.heard();
    let (_, heard) = heard.split_once("\r\n\r\n").unwrap();
    assert_eq!(heard, body);
}

#[test]
fn a_transport_without_room_is_waited_for() {
    let mut piped = Piped::new(serve(async |_req, res| {
        for _ in 0..100 {
            if !res.write("0123456789".repeat(1_000)) {
                res.drain().await?;
            }
        }
        Ok(res.end(""))
    }));
    piped.wire.borrow_mut().room = 0;
    piped.send("GET / HTTP/1.0\r\n\r\n");
    let polls = piped.polls;
    assert_eq!(piped.heard(), "");
    for _ in 0..110 {
        piped.give_room(10_000);
    }
    assert_eq!(piped.heard().matches("0123456789").count(), 100_000);
    assert!(piped.polls - polls < 400, "{}", piped.polls - polls);
}

#[test]
fn a_peer_that_is_gone_ends_the_handler() {
    for (read, write) in [
        (Some(io::ErrorKind::ConnectionReset), None),
        (None, Some(io::ErrorKind::BrokenPipe)),
    ] {
        let log = Log::default();
        let seen = log.clone();
        let mut piped = Piped::new(serve(async move |req, res| {
            let _guard = Guard(seen.clone(), "dropped");
            res.flush_headers();
            let why = req.closed().await;
            seen.add(format!("{why:?}"));
            Gate::default().wait().await;
            res.end("")
        }));
        piped.wire.borrow_mut().write_fails = write;
        piped.send(get("/"));
        piped.wire.borrow_mut().read_fails = read;
        piped.arrived();
        let why = if read.is_some() { "Reset" } else { "PeerGone" };
        assert_eq!(log.take(), [why, "dropped"]);
        assert!(piped.done);
    }
}

/// Nothing is left to be written and no side sends: bytes that the transport holds back must leave all the same.
#[test]
fn bytes_that_a_transport_holds_back_go_on_when_there_is_room() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("0123456789".repeat(10))));
    piped.wire.borrow_mut().holds = 1_000;
    piped.wire.borrow_mut().room = 20;
    piped.send(get("/"));
    assert_eq!(piped.heard().len(), 20);
    piped.give_room(60);
    assert_eq!(piped.heard().len(), 60);
    piped.give_room(1_000);
    assert!(piped.heard().ends_with("0123456789"));
    assert!(piped.wire.borrow().held.is_empty());
    assert_eq!(
        piped.jump(),
        Duration::from_secs(15),
        "idle, and no longer watched for it"
    );
    assert!(piped.done);
}

#[test]
fn a_connection_does_not_close_on_bytes_that_are_held_back() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("0123456789")));
    piped.wire.borrow_mut().holds = 1_000;
    piped.wire.borrow_mut().room = 20;
    piped.send(CLOSING);
    assert!(!piped.wire.borrow().shut && !piped.done);
    piped.give_room(1_000);
    assert!(piped.heard().ends_with("0123456789"));
    assert!(piped.wire.borrow().shut);
    piped.end_input();
    assert!(piped.done);
}

#[test]
fn a_peer_that_takes_nothing_of_what_is_held_back_is_left() {
    let log = Log::default();
    for (request, holds) in [
        (CLOSING.to_owned(), 1_000),
        (get("/"), 1_000),
        (get("/"), 10),
    ] {
        let seen = log.clone();
        let setup = serve(async |_req, res| res.end("0123456789"));
        let setup = setup.on(event::Disconnected, move |(_, why)| {
            seen.add(format!("{why:?}"))
        });
        let mut piped = Piped::new(setup);
        piped.wire.borrow_mut().holds = holds;
        piped.wire.borrow_mut().room = 20;
        piped.send(request);
        let mut passed = Duration::ZERO;
        while !piped.done {
            passed += piped.jump();
        }
        assert_eq!(passed, Duration::from_secs(30), "limits.time.write_idle");
        assert_eq!(log.take(), ["WriteTimeout"]);
    }
}
