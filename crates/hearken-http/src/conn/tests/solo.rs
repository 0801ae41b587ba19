//! A session's connection, both sides: its deadlines, its end, and what it leaves to others.

use super::harness::Bell;
use crate::conn::clock::Clock;
use crate::conn::context::{ExchangeContext, Hooks};
use crate::conn::exchange::{Exchange, State};
use crate::conn::output::{Output, SLICES};
use crate::conn::session::SessionConnection;
use crate::conn::{Drive, Ending, Input};
use crate::{Fields, Limits};
use bytes::Bytes;
use hearken_proto::Role;
use std::io::IoSlice;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant, SystemTime};

/// A session in memory and its peer.
struct Lone {
    solo: SessionConnection,
    exchange: Rc<Exchange>,
    now: Instant,
    bell: Arc<Bell>,
    room: usize,
    heard: Vec<u8>,
    end: Option<Ending>,
}

impl Lone {
    fn new(role: Role) -> Self {
        let now = Instant::now();
        let clock = Clock::new(now, SystemTime::UNIX_EPOCH);
        let env = ExchangeContext::new(Limits::default(), Arc::new(Hooks::default()), clock);
        let exchange = Exchange::of_session(&env, role);
        if role == Role::Client {
            let mut state = exchange.state();
            state.session().unwrap().request_line = Some(("GET".to_owned(), "/".to_owned()));
            state.outgoing.fields.set("Host", "a").unwrap();
        }
        Self {
            solo: SessionConnection::new(Rc::clone(&exchange), now),
            exchange,
            now,
            bell: Arc::default(),
            room: usize::MAX,
            heard: Vec::new(),
            end: None,
        }
    }

    fn server() -> Self {
        Self::new(Role::Server)
    }

    /// A client whose request is on its way.
    fn client() -> Self {
        let mut lone = Self::new(Role::Client);
        lone.order(|state, env| state.end(env, Bytes::new()));
        lone.run();
        lone
    }

    fn order(&mut self, order: impl FnOnce(&mut State, &ExchangeContext)) {
        self.exchange.order(order);
        self.run();
    }

    fn hear(&mut self, bytes: impl AsRef<[u8]>) {
        let waker = Waker::from(Arc::clone(&self.bell));
        let input = Input::Borrowed(bytes.as_ref());
        self.solo
            .handle_input(&input, &mut Context::from_waker(&waker), self.now);
        self.run();
    }

    fn hear_end(&mut self) {
        let waker = Waker::from(Arc::clone(&self.bell));
        self.solo
            .handle_eof(&mut Context::from_waker(&waker), self.now);
        self.run();
    }

    fn run(&mut self) {
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut cx = Context::from_waker(&waker);
        while self.end.is_none() {
            // As `Attached` does: what is due comes first.
            if self.solo.deadline().is_some_and(|at| at <= self.now) {
                self.solo.handle_timeout(&mut cx, self.now);
            }
            self.solo.poll_app(&mut cx, self.now);
            let (room, heard) = (&mut self.room, &mut self.heard);
            let mut write = |output: &Output| {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = output.slices(&mut slices);
                let before = heard.len();
                for slice in &slices[..count] {
                    let taken = (*room).min(slice.len());
                    heard.extend_from_slice(&slice[..taken]);
                    *room -= taken;
                }
                Some(heard.len() - before).filter(|&taken| taken > 0)
            };
            let wrote = self.solo.poll_write(&mut write, self.now);
            self.end = self.solo.ending();
            if !wrote && !self.bell.rang() {
                return;
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.run();
    }

    fn secs(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn heard(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.heard)).unwrap()
    }

    fn failure(&self) -> Option<String> {
        self.solo.failure.as_ref().map(ToString::to_string)
    }

    /// The body as far as it has come.
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut state = self.exchange.state();
        while let Some(piece) = state.incoming.take() {
            body.extend_from_slice(&piece);
        }
        body
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_server_answers_one_request_and_leaves_the_rest() {
    let mut lone = Lone::server();
    lone.hear(GET.to_owned() + GET);
    lone.order(|state, env| state.end(env, Bytes::from_static(b"x")));
    assert!(lone.heard().ends_with("Content-Length: 1\r\n\r\nx"));
    assert_eq!((lone.end, lone.failure()), (Some(Ending::Keep), None));
    assert_eq!(lone.solo.rest, GET.as_bytes());
}

#[test]
fn a_server_that_answered_early_leaves_the_next_request_alone() {
    let mut lone = Lone::server();
    lone.hear("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    lone.order(|state, env| state.end(env, Bytes::from_static(b"x")));
    lone.hear("bc".to_owned() + GET);
    assert_eq!((lone.end, lone.failure()), (Some(Ending::Keep), None));
    assert_eq!(lone.solo.rest, GET.as_bytes());
    assert_eq!(
        lone.exchange
            .state()
            .session()
            .unwrap()
            .head
            .as_ref()
            .unwrap()
            .method(),
        "POST"
    );
    assert_eq!(lone.body(), b"abc");
}

#[test]
fn a_client_leaves_what_is_behind_its_response() {
    let mut lone = Lone::client();
    assert_eq!(lone.heard(), GET);
    lone.hear(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200",
    );
    assert_eq!((lone.end, lone.failure()), (Some(Ending::Keep), None));
    assert_eq!(lone.solo.rest, b"HTTP/1.1 200");
    assert_eq!(lone.body(), b"ok");
}

#[test]
fn a_response_until_close_ends_with_it() {
    let mut lone = Lone::client();
    lone.hear("HTTP/1.1 200 OK\r\n\r\nab");
    assert_eq!(lone.end, None);
    lone.hear_end();
    assert_eq!((lone.end, lone.failure()), (Some(Ending::Keep), None));
    assert_eq!(lone.body(), b"ab");
}

#[test]
fn an_end_too_soon_is_an_error() {
    let mut lone = Lone::client();
    lone.hear_end();
    assert_eq!(lone.failure().unwrap(), "the peer closed the connection");
    for part in [
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
    ] {
        let mut lone = Lone::client();
        lone.hear(part);
        lone.hear_end();
        assert!(lone.failure().unwrap().contains("TRUNCATED"), "{part:?}");
    }
    let mut lone = Lone::server();
    lone.hear_end();
    assert_eq!(lone.failure().unwrap(), "the peer closed the connection");
    assert_eq!(lone.heard(), "");
}

#[test]
fn an_answer_may_take_its_time() {
    let mut lone = Lone::server();
    lone.hear(GET);
    lone.secs(3600);
    assert_eq!(lone.end, None);
    lone.order(|state, env| state.end(env, Bytes::from_static(b"x")));
    assert_eq!(lone.failure(), None);
    assert!(lone.heard().ends_with("\r\n\r\nx"));
}

#[test]
fn a_peer_that_does_not_read_is_left() {
    for whole in [true, false] {
        let mut lone = Lone::server();
        lone.room = 10;
        lone.hear(GET);
        lone.order(|state, env| {
            if whole {
                state.end(env, Bytes::from_static(b"x"));
            } else {
                state.write(env, Bytes::from_static(b"x"));
            }
        });
        lone.secs(29);
        assert_eq!(lone.end, None);
        lone.secs(1);
        assert_eq!(lone.failure().unwrap(), "the peer was too slow to receive");
        assert!(lone.end.is_some());
    }
}

#[test]
fn a_refusal_that_nobody_reads_ends_too() {
    let mut lone = Lone::server();
    lone.room = 0;
    lone.hear("BAD\n");
    assert_eq!(lone.end, None, "the answer waits for room");
    lone.secs(30);
    assert!(lone.end.is_some());
    assert!(
        lone.failure().unwrap().contains("H1_BARE_LF"),
        "the first reason counts"
    );
}

#[test]
fn heads_and_bodies_have_their_deadlines() {
    let mut lone = Lone::server();
    lone.hear("GET / HT");
    lone.secs(9);
    lone.hear("TP");
    lone.secs(1);
    assert!(lone.heard().starts_with("HTTP/1.1 408 "));
    let mut lone = Lone::server();
    lone.hear("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    lone.secs(3600);
    assert_eq!(lone.end, None, "nobody has asked for the body");
    let noop = Context::from_waker(Waker::noop());
    assert!(
        lone.exchange
            .order(|state, _| state.poll_data(Some(&noop)))
            .is_pending()
    );
    lone.run();
    lone.secs(9);
    assert_eq!(lone.end, None);
    lone.secs(1);
    assert_eq!(lone.failure().unwrap(), "the peer was too slow to send");
    let mut lone = Lone::client();
    lone.secs(30);
    assert_eq!(lone.failure().unwrap(), "the peer was too slow to send");
}

/// One byte a second is no progress worth waiting for.
#[test]
fn a_body_that_drips_is_cut_off() {
    let mut lone = Lone::client();
    lone.hear("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    let noop = Context::from_waker(Waker::noop());
    for second in 0.. {
        lone.exchange
            .order(|state, _| while state.poll_data(Some(&noop)).is_ready() {});
        lone.run();
        lone.secs(1);
        if lone.end.is_some() {
            assert_eq!(second, 9);
            break;
        }
        lone.hear(".");
    }
    assert_eq!(lone.failure().unwrap(), "the peer was too slow to send");
}

#[test]
fn a_body_that_nobody_reads_stops_the_transport() {
    let mut lone = Lone::client();
    lone.hear("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(lone.solo.wants_read());
    let chunk = format!("{:x}\r\n{}\r\n", 70_000, ".".repeat(70_000));
    lone.hear(chunk);
    assert!(!lone.solo.wants_read());
    assert_eq!(lone.body().len(), 70_000);
    assert!(lone.solo.wants_read());
}

#[test]
fn what_cannot_be_sent_fails_the_session() {
    let mut lone = Lone::new(Role::Client);
    lone.order(|state, env| {
        state.session().unwrap().request_line = Some(("GET".to_owned(), "/a b".to_owned()));
        state.end(env, Bytes::new());
    });
    assert!(lone.end.is_some());
    assert!(lone.failure().is_some());
    assert_eq!(
        lone.heard(),
        "",
        "a server's 500 is nothing for a client to say"
    );
}

#[test]
fn trailers_travel() {
    let mut lone = Lone::server();
    lone.hear(GET);
    lone.order(|state, env| {
        state.write(env, Bytes::from_static(b"x"));
        let mut trailers = Fields::new();
        trailers.append("X-T", "1").unwrap();
        state.add_trailers(&trailers);
        state.end(env, Bytes::new());
    });
    assert!(
        lone.heard()
            .ends_with("\r\n\r\n1\r\nx\r\n0\r\nX-T: 1\r\n\r\n")
    );
}
