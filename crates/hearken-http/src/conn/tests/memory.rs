//! A second carrier: one connection in memory that carries several exchanges at the same time, as HTTP/2 will. No byte of
//! HTTP/1.1 is made or read here, and no handle, event or handler knows of it.
//!
//! Here: [`Stream`], what carries one exchange, [`Multiplexed`], a connection of streams, and what both must do. Not here: the
//! HTTP/1.1 carrier (`conn/line.rs`).

use super::harness::{Log, serve};
use crate::conn::carrier::Carrier;
use crate::conn::exchange::Exchange;
use crate::conn::notify::{deliver_body, notify_closed, notify_flushed};
use crate::conn::outgoing::{FlushEvent, Stage};
use crate::conn::output::Piece;
use crate::conn::server::{Kind, Runner};
use crate::error::Closed;
use crate::event;
use crate::event::peer::Peer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use crate::{Failure, OutgoingMessage};
use bytes::Bytes;
use hearken_proto::{Fields, Head, Misuse, Request, Response, Role, Version};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What an exchange has sent: frames as text, in the order of the whole connection.
type Frames = Rc<RefCell<Vec<String>>>;

/// What carries one exchange.
pub(crate) struct Stream {
    id: u32,
    frames: Frames,
    /// Bytes of content that the peer has not taken yet.
    queued: usize,
    /// Events that come when so many of them are left.
    flush: VecDeque<(usize, FlushEvent)>,
    content: bool,
    reset: bool,
}

impl Stream {
    fn frame(&self, text: impl std::fmt::Display) {
        self.frames.borrow_mut().push(format!("{} {text}", self.id));
    }

    fn head(response: &Response<'_>) -> String {
        let mut text = format!("head {}", response.status);
        for (name, value) in response.fields.view().iter() {
            let (name, value) = (
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value),
            );
            text.push_str(&format!(" {name}={value}"));
        }
        text
    }

    pub(crate) fn send_interim(&mut self, response: &Response<'_>) -> Result<(), Misuse> {
        self.frame(Self::head(response));
        Ok(())
    }

    pub(crate) fn send_response(
        &mut self,
        response: &Response<'_>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        self.frame(Self::head(response));
        self.content = !matches!(response.status, 204 | 304);
        self.mark(flush, FlushEvent::Head);
        Ok(())
    }

    pub(crate) fn send_request(&mut self, _: &Request<'_>, _: Option<u32>) -> Result<(), Misuse> {
        Err(Misuse::OutOfOrder) // this end is a server
    }

    pub(crate) fn send_switch(&mut self, _: &Response<'_>, _: Option<u32>) -> Result<(), Misuse> {
        Err(Misuse::Status) // a stream cannot give its transport away
    }

    #[expect(clippy::needless_pass_by_value, reason = "as the other carrier")]
    pub(crate) fn send_content(&mut self, piece: Bytes, flush: Option<u32>) -> Result<(), Misuse> {
        let len = piece.len();
        self.queued += len;
        self.frame(format_args!("data {}", String::from_utf8_lossy(&piece)));
        self.mark(flush, FlushEvent::Data(len));
        Ok(())
    }

    pub(crate) fn send_pieces(
        &mut self,
        pieces: impl Iterator<Item = Piece>,
        _len: usize,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        for piece in pieces {
            if let Piece::Bytes(bytes) = piece {
                self.send_content(bytes, flush)?;
            }
        }
        Ok(())
    }

    pub(crate) fn send_end(
        &mut self,
        trailers: Option<&Fields>,
        flush: Option<u32>,
    ) -> Result<(), Misuse> {
        let trailers = trailers.map_or(0, |fields| fields.view().len());
        self.frame(match trailers {
            0 => "end".to_owned(),
            count => format!("end with {count} trailers"),
        });
        self.mark(flush, FlushEvent::End);
        Ok(())
    }

    fn mark(&mut self, flush: Option<u32>, event: FlushEvent) {
        if flush.is_some() {
            self.flush.push_back((self.queued, event));
        }
    }

    pub(crate) fn can_send_content(&self) -> bool {
        self.content
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued
    }

    pub(crate) fn taken_bytes(&self) -> u64 {
        u64::MAX
    }

    pub(crate) fn bytes_in_memory(&self) -> usize {
        self.queued
    }

    pub(crate) fn notify_room(&mut self, left: u64, _exchange: u32) {
        let position = self.queued.saturating_sub(left as usize);
        self.flush.push_back((position, FlushEvent::Room));
    }

    pub(crate) fn discard(&mut self) {
        self.queued = 0;
    }

    /// A stream that fails is reset, and the connection goes on.
    pub(crate) fn must_close(&mut self) {
        if !std::mem::replace(&mut self.reset, true) {
            self.frame("reset");
        }
    }

    pub(crate) fn is_last(&self, _draining: bool) -> bool {
        false
    }

    pub(crate) fn body_left(&self) -> Option<u64> {
        None
    }

    pub(crate) fn role(&self) -> Role {
        Role::Server
    }

    pub(crate) fn detach(&mut self) -> bool {
        false
    }
}

/// A connection that carries several exchanges at the same time, each with a runner of its own.
struct Multiplexed<R> {
    env: Rc<crate::conn::context::ExchangeContext>,
    peer: Rc<Peer>,
    frames: Frames,
    streams: Vec<(u32, Rc<Exchange>, R)>,
    runner: Box<dyn Fn() -> R>,
}

impl<R: Runner> Multiplexed<R> {
    /// A request comes in on a stream of its own, with a body to follow.
    fn request(&mut self, id: u32, method: &str, target: &str) -> &mut Self {
        let stream = Stream {
            id,
            frames: Rc::clone(&self.frames),
            queued: 0,
            flush: VecDeque::new(),
            content: true,
            reset: false,
        };
        let mut exchange = Exchange::new(&self.env, Carrier::Memory(stream));
        {
            let mut state = exchange.state();
            state.peer = Some(Rc::clone(&self.peer));
            state.number = id;
        }
        let mut fields = Fields::new();
        fields.set("Host", "memory").unwrap();
        **exchange.begin_request().0 =
            Head::of_request(method, target, Version::Http2, &fields).unwrap();
        let mut runner = (self.runner)();
        runner.start(Kind::Plain, Rc::clone(&exchange));
        self.streams.push((id, exchange, runner));
        self.run()
    }

    /// A piece of the body of a request.
    fn data(&mut self, id: u32, piece: &str) -> &mut Self {
        let exchange = self.exchange(id);
        exchange.state().receive_content(piece.as_bytes(), None);
        exchange.state().wake_reader();
        self.run()
    }

    /// The end of a request.
    fn end(&mut self, id: u32) -> &mut Self {
        let exchange = self.exchange(id);
        exchange.state().incoming.complete(Fields::new().view());
        exchange.state().wake_reader();
        self.run()
    }

    /// The peer takes all that is queued on a stream.
    fn take(&mut self, id: u32) -> &mut Self {
        let exchange = self.exchange(id);
        loop {
            let event = {
                let mut state = exchange.state();
                let Carrier::Memory(stream) = &mut state.carrier else {
                    unreachable!("every exchange here has a stream")
                };
                stream.queued = 0;
                stream.flush.pop_front()
            };
            let Some((_, event)) = event else { break };
            notify_flushed(&exchange, id, event).unwrap();
        }
        exchange.state().wake_writers(&self.env);
        self.run()
    }

    fn exchange(&self, id: u32) -> Rc<Exchange> {
        let found = self.streams.iter().find(|(of, ..)| *of == id);
        Rc::clone(&found.expect("a stream that is open").1)
    }

    /// Lets every handler go on, and forgets the exchanges that are complete.
    fn run(&mut self) -> &mut Self {
        let mut cx = Context::from_waker(Waker::noop());
        self.streams.retain_mut(|(_, exchange, runner)| {
            if runner.running()
                && let Poll::Ready(Err(_)) = runner.poll(&mut cx, &|| Rc::clone(exchange))
            {
                exchange.fail_handler(Failure::new(500, "a handler panicked"));
            }
            let _ = deliver_body(exchange);
            let over = {
                let state = exchange.state();
                state.outgoing.stage == Stage::Ended
                    && state.incoming.is_complete()
                    && state.carrier.queued_bytes() == 0
            };
            if over && !runner.running() {
                let listeners = exchange.state().listeners.take();
                notify_closed(listeners, Closed::Done);
                exchange.state().close(Closed::Done);
            }
            !over || runner.running()
        });
        self
    }

    /// The frames since the last call.
    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.frames.borrow_mut())
    }
}

/// A connection in memory to a server with this handler.
fn multiplex<H, A>(handler: H) -> Multiplexed<impl Runner>
where
    H: AsyncFn(IncomingMessage, ServerResponse) -> A + 'static,
    A: crate::Answer + 'static,
{
    let open = serve(handler)
        .limits(|limits| limits.body.queue_bytes = 8)
        .open();
    Multiplexed {
        env: Rc::clone(&open.env.exchange),
        peer: Rc::new(Peer::new(1, None, None)),
        frames: Frames::default(),
        streams: Vec::new(),
        runner: Box::new(move || open.runner()),
    }
}

#[test]
fn a_stream_carries_a_request_and_its_response() {
    let mut connection = multiplex(async |req, res| {
        assert_eq!(req.version(), http::Version::HTTP_2);
        res.status(201).set("X-Path", req.path()).end(format!(
            "{} {}",
            req.method(),
            req.peer().id()
        ))
    });
    connection.request(1, "PUT", "/a?b").end(1);
    let sent = connection.sent();
    assert_eq!(sent, ["1 head 201 X-Path=/a", "1 data PUT 1", "1 end"]);
}

#[test]
fn a_later_request_is_answered_first_while_an_earlier_one_reads_its_body() {
    let mut connection = multiplex(async |mut req, res| {
        let body = req.text().await?;
        Ok(res.end(body))
    });
    connection.request(1, "POST", "/slow").data(1, "one ");
    connection
        .request(3, "POST", "/fast")
        .data(3, "three")
        .end(3);
    assert_eq!(connection.sent(), ["3 head 200", "3 data three", "3 end"]);
    connection.data(1, "two").end(1);
    assert_eq!(connection.sent(), ["1 head 200", "1 data one two", "1 end"]);
}

#[test]
fn backpressure_holds_one_stream_and_not_its_neighbour() {
    let mut connection = multiplex(async |_req, res| {
        while res.write("12345678") {}
        res.drain().await?;
        Ok(res.end("!"))
    });
    connection.request(1, "GET", "/").end(1);
    connection.request(3, "GET", "/").end(3);
    connection.sent();
    connection.take(3);
    assert_eq!(
        connection.sent(),
        ["3 data !", "3 end"],
        "only the third has room"
    );
    connection.take(1);
    assert_eq!(connection.sent(), ["1 data !", "1 end"]);
}

#[test]
fn events_come_in_the_order_of_every_exchange() {
    let log = Log::default();
    let heard = log.clone();
    let mut connection = multiplex(async move |req, res| {
        let (id, log) = (req.path().to_owned(), heard.clone());
        let say = move |what: &'static str| {
            let (id, log) = (id.clone(), log.clone());
            move || log.add(format!("{id} {what}"))
        };
        let [ready, header, done, closed] = ["ready", "header done", "done", "closed"].map(say);
        let (sent, answer) = res.defer();
        let answer = RefCell::new(Some(answer));
        req.on(event::Ready, move |_| {
            ready();
            if let Some(answer) = answer.take() {
                answer.end("x");
            }
        });
        req.on(event::HeaderDone, move |()| header());
        req.on(event::Done, move |()| done());
        req.on(event::Closed, move |_| closed());
        sent
    });
    connection.request(1, "GET", "/1");
    connection.request(3, "GET", "/3").end(3).take(3);
    assert_eq!(
        log.take(),
        ["/3 ready", "/3 header done", "/3 done", "/3 closed"]
    );
    connection.end(1).take(1);
    assert_eq!(
        log.take(),
        ["/1 ready", "/1 header done", "/1 done", "/1 closed"]
    );
}

#[test]
fn a_panic_and_a_hook_concern_one_stream() {
    let mut connection = multiplex(async |req, res| {
        res.on_head(|head| head.set("X-Hook", "ran").unwrap());
        assert_ne!(req.path(), "/panic");
        assert!(res.get_header("x-hook").is_none());
        res.end("fine")
    });
    connection.request(1, "GET", "/panic").end(1);
    connection.request(3, "GET", "/").end(3);
    let sent = connection.sent();
    assert!(sent[0].starts_with("1 head 500 "), "{sent:?}");
    assert!(sent[0].ends_with("X-Hook=ran"), "{sent:?}");
    assert_eq!(sent[3..], ["3 head 200 X-Hook=ran", "3 data fine", "3 end"]);
}

#[test]
fn a_response_that_cannot_be_finished_resets_its_stream_alone() {
    let mut connection = multiplex(async |req, res| {
        if req.path() == "/cut" {
            res.write("part");
            return Err(Failure::new(500, "no more"));
        }
        Ok(res.end("whole"))
    });
    connection.request(1, "GET", "/cut").end(1);
    connection.request(3, "GET", "/").end(3);
    let sent = connection.sent();
    assert_eq!(sent[..3], ["1 head 200", "1 data part", "1 reset"]);
    assert_eq!(sent[3..], ["3 head 200", "3 data whole", "3 end"]);
}
