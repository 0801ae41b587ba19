//! The connection of a session, both sides: its deadlines, its end, and the bytes that it returns.

use super::harness::{Bell, write_all};
use crate::conn::clock::Clock;
use crate::conn::context::{ExchangeContext, Hooks, Surroundings};
use crate::conn::exchange::{Exchange, State};
use crate::conn::output::{Output, SLICES};
use crate::conn::session::SessionConnection;
use crate::conn::{Drive, Ending, Input};
use crate::session::SessionOutgoing;
use crate::{Fields, Limits};
use bytes::Bytes;
use hearken_proto::Role;
use std::io::IoSlice;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant, SystemTime};

/// A session in memory, and its peer.
struct SessionLink {
    connection: SessionConnection,
    exchange: Rc<Exchange>,
    now: Instant,
    bell: Arc<Bell>,
    room: usize,
    heard: Vec<u8>,
    end: Option<Ending>,
}

impl SessionLink {
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
            connection: SessionConnection::new(Rc::clone(&exchange), now),
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

    /// A client session that has sent its request.
    fn client() -> Self {
        let mut link = Self::new(Role::Client);
        link.order(|state, env| state.end(env, Bytes::new()));
        link.run();
        link
    }

    fn order(&mut self, order: impl FnOnce(&mut State, &Surroundings)) {
        self.exchange.order(order);
        self.run();
    }

    fn hear(&mut self, bytes: impl AsRef<[u8]>) {
        let waker = Waker::from(Arc::clone(&self.bell));
        let input = Input::Borrowed(bytes.as_ref());
        self.connection
            .handle_input(&input, &mut Context::from_waker(&waker), self.now);
        self.run();
    }

    fn hear_end(&mut self) {
        let waker = Waker::from(Arc::clone(&self.bell));
        self.connection
            .handle_eof(&mut Context::from_waker(&waker), self.now);
        self.run();
    }

    fn run(&mut self) {
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut cx = Context::from_waker(&waker);
        while self.end.is_none() {
            // As `Attached` does: deadlines first.
            if self.connection.deadline().is_some_and(|at| at <= self.now) {
                self.connection.handle_timeout(&mut cx, self.now);
            }
            self.connection.poll_app(&mut cx, self.now);
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
            let wrote = write_all(&mut self.connection, self.now, &mut write);
            self.end = self.connection.ending();
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
        self.connection.failure.as_ref().map(ToString::to_string)
    }

    /// The body received so far.
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
fn a_server_session_answers_one_request_and_returns_the_rest() {
    let mut link = SessionLink::server();
    link.hear(GET.to_owned() + GET);
    link.order(|state, env| state.end(env, Bytes::from_static(b"x")));
    assert!(link.heard().ends_with("Content-Length: 1\r\n\r\nx"));
    assert_eq!((link.end, link.failure()), (Some(Ending::Keep), None));
    assert_eq!(link.connection.rest, GET.as_bytes());
}

#[test]
fn a_server_session_that_answered_early_returns_the_next_request() {
    let mut link = SessionLink::server();
    link.hear("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    link.order(|state, env| state.end(env, Bytes::from_static(b"x")));
    link.hear("bc".to_owned() + GET);
    assert_eq!((link.end, link.failure()), (Some(Ending::Keep), None));
    assert_eq!(link.connection.rest, GET.as_bytes());
    assert_eq!(
        link.exchange
            .state()
            .session()
            .unwrap()
            .head
            .as_ref()
            .unwrap()
            .method(),
        "POST"
    );
    assert_eq!(link.body(), b"abc");
}

#[test]
fn a_client_session_returns_the_bytes_after_its_response() {
    let mut link = SessionLink::client();
    assert_eq!(link.heard(), GET);
    link.hear(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200",
    );
    assert_eq!((link.end, link.failure()), (Some(Ending::Keep), None));
    assert_eq!(link.connection.rest, b"HTTP/1.1 200");
    assert_eq!(link.body(), b"ok");
}

#[test]
fn a_response_until_close_ends_with_it() {
    let mut link = SessionLink::client();
    link.hear("HTTP/1.1 200 OK\r\n\r\nab");
    assert_eq!(link.end, None);
    link.hear_end();
    assert_eq!((link.end, link.failure()), (Some(Ending::Keep), None));
    assert_eq!(link.body(), b"ab");
}

#[test]
fn a_premature_end_is_an_error() {
    let mut link = SessionLink::client();
    link.hear_end();
    assert_eq!(link.failure().unwrap(), "the peer closed the connection");
    for part in [
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
    ] {
        let mut link = SessionLink::client();
        link.hear(part);
        link.hear_end();
        assert!(link.failure().unwrap().contains("TRUNCATED"), "{part:?}");
    }
    let mut link = SessionLink::server();
    link.hear_end();
    assert_eq!(link.failure().unwrap(), "the peer closed the connection");
    assert_eq!(link.heard(), "");
}

#[test]
fn a_response_has_no_deadline() {
    let mut link = SessionLink::server();
    link.hear(GET);
    link.secs(3600);
    assert_eq!(link.end, None);
    link.order(|state, env| state.end(env, Bytes::from_static(b"x")));
    assert_eq!(link.failure(), None);
    assert!(link.heard().ends_with("\r\n\r\nx"));
}

#[test]
fn a_peer_that_does_not_read_fails_the_session() {
    for whole in [true, false] {
        let mut link = SessionLink::server();
        link.room = 10;
        link.hear(GET);
        link.order(|state, env| {
            if whole {
                state.end(env, Bytes::from_static(b"x"));
            } else {
                state.write(env, Bytes::from_static(b"x"));
            }
        });
        link.secs(29);
        assert_eq!(link.end, None);
        link.secs(1);
        assert_eq!(link.failure().unwrap(), "the peer was too slow to receive");
        assert!(link.end.is_some());
    }
}

#[test]
fn an_unread_error_response_ends_at_the_write_deadline() {
    let mut link = SessionLink::server();
    link.room = 0;
    link.hear("BAD\n");
    assert_eq!(link.end, None, "the response waits for room");
    link.secs(30);
    assert!(link.end.is_some());
    assert!(
        link.failure().unwrap().contains("H1_BARE_LF"),
        "the first reason is kept"
    );
}

#[test]
fn heads_and_bodies_have_their_deadlines() {
    let mut link = SessionLink::server();
    link.hear("GET / HT");
    link.secs(9);
    link.hear("TP");
    link.secs(1);
    assert!(link.heard().starts_with("HTTP/1.1 408 "));
    let mut link = SessionLink::server();
    link.hear("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    link.secs(3600);
    assert_eq!(link.end, None, "the body is not read");
    let noop = Context::from_waker(Waker::noop());
    assert!(
        link.exchange
            .order(|state, _| state.poll_data(Some(&noop)))
            .is_pending()
    );
    link.run();
    link.secs(9);
    assert_eq!(link.end, None);
    link.secs(1);
    assert_eq!(link.failure().unwrap(), "the peer was too slow to send");
    let mut link = SessionLink::client();
    link.secs(30);
    assert_eq!(link.failure().unwrap(), "the peer was too slow to send");
}

/// One byte a second is below the minimum rate.
#[test]
fn a_body_that_drips_is_cut_off() {
    let mut link = SessionLink::client();
    link.hear("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    let noop = Context::from_waker(Waker::noop());
    for second in 0.. {
        link.exchange
            .order(|state, _| while state.poll_data(Some(&noop)).is_ready() {});
        link.run();
        link.secs(1);
        if link.end.is_some() {
            assert_eq!(second, 9);
            break;
        }
        link.hear(".");
    }
    assert_eq!(link.failure().unwrap(), "the peer was too slow to send");
}

#[test]
fn an_unread_body_stops_reading_the_transport() {
    let mut link = SessionLink::client();
    link.hear("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(link.connection.wants_read());
    let chunk = format!("{:x}\r\n{}\r\n", 70_000, ".".repeat(70_000));
    link.hear(chunk);
    assert!(!link.connection.wants_read());
    assert_eq!(link.body().len(), 70_000);
    assert!(link.connection.wants_read());
}

#[test]
fn a_request_that_cannot_be_sent_fails_the_session() {
    let mut link = SessionLink::new(Role::Client);
    link.order(|state, env| {
        state.session().unwrap().request_line = Some(("GET".to_owned(), "/a b".to_owned()));
        state.end(env, Bytes::new());
    });
    assert!(link.end.is_some());
    assert!(link.failure().is_some());
    assert_eq!(link.heard(), "", "a client does not send a 500");
}

#[test]
fn trailers_are_sent() {
    let mut link = SessionLink::server();
    link.hear(GET);
    link.order(|state, env| {
        state.write(env, Bytes::from_static(b"x"));
        let mut trailers = Fields::new();
        trailers.append("X-T", "1").unwrap();
        state.add_trailers(&trailers);
        state.end(env, Bytes::new());
    });
    assert!(
        link.heard()
            .ends_with("\r\n\r\n1\r\nx\r\n0\r\nX-T: 1\r\n\r\n")
    );
}

// ---- how a request is framed, and content that waits for 100 ----

/// A client session whose request was not sent, and the handle that sends it.
fn unsent(fields: &[(&str, &str)]) -> (SessionLink, SessionOutgoing) {
    let mut link = SessionLink::new(Role::Client);
    link.order(|state, _| {
        if let Some(line) = &mut state.session().unwrap().request_line {
            line.0.clear();
        }
    });
    let request = SessionOutgoing {
        exchange: Rc::downgrade(&link.exchange),
    };
    fields
        .iter()
        .for_each(|(name, value)| request.set(name, value));
    (link, request)
}

#[test]
fn a_request_without_content_has_no_framing_but_where_its_method_defines_content() {
    type Send = fn(&SessionOutgoing);
    let ways: [Send; 4] = [
        |request| request.send(""),
        |request| request.end(&Fields::new()),
        |request| {
            assert!(request.write(""));
            request.end(&Fields::new());
        },
        |request| {
            request.write("");
            request.send("");
        },
    ];
    for (number, send) in ways.into_iter().enumerate() {
        for method in ["", "GET", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"] {
            let (mut link, request) = unsent(&[]);
            request.set_method(method);
            send(&request);
            link.run();
            let framing = match method {
                "POST" | "PUT" | "PATCH" => "Content-Length: 0\r\n",
                _ => "",
            };
            let method = if method.is_empty() { "GET" } else { method };
            let expected = format!("{method} / HTTP/1.1\r\nHost: a\r\n{framing}\r\n");
            assert_eq!(link.heard(), expected, "way {number}");
        }
    }
}

const EXPECT: (&str, &str) = ("expect", "100-Continue");

fn head_of(framing: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nexpect: 100-Continue\r\n{framing}\r\n\r\n")
}

#[test]
fn the_content_of_a_session_waits_for_100() {
    let (mut link, request) = unsent(&[EXPECT]);
    request.send("body");
    link.run();
    assert_eq!(link.heard(), head_of("Content-Length: 4"));
    link.hear("HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_eq!(link.heard(), "");
    link.hear("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(link.heard(), "body");
    link.hear("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(link.connection.failure.is_none());

    // Piece by piece, before and after.
    let (mut link, request) = unsent(&[EXPECT]);
    request.write("one");
    request.write("two");
    link.run();
    assert_eq!(link.heard(), head_of("Transfer-Encoding: chunked"));
    link.hear("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(link.heard(), "3\r\none\r\n3\r\ntwo\r\n");
    request.send("end");
    link.run();
    assert_eq!(link.heard(), "3\r\nend\r\n0\r\n\r\n");
}

#[test]
fn the_content_of_a_session_waits_for_a_second() {
    let (mut link, request) = unsent(&[EXPECT]);
    request.send("body");
    link.run();
    link.heard();
    link.pass(Duration::from_millis(999));
    assert_eq!(link.heard(), "");
    link.pass(Duration::from_millis(1));
    assert_eq!(link.heard(), "body");
    link.hear("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(link.connection.failure.is_none());
    assert_eq!(link.end, Some(Ending::Keep));
}

#[test]
fn a_final_response_replaces_100_in_a_session() {
    let (mut link, request) = unsent(&[EXPECT]);
    request.send("body");
    link.run();
    link.heard();
    link.hear("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
    assert_eq!(link.heard(), "");
    assert!(link.connection.failure.is_none());
    assert!(link.end.is_some());
}

#[test]
fn a_session_without_content_expects_nothing() {
    let (mut link, request) = unsent(&[EXPECT]);
    request.send("");
    link.run();
    assert_eq!(link.heard(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}
