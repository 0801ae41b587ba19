//! The connection of a client in memory, with a clock that jumps: what it sends, and what it receives, at every cut.

use crate::client::Phase;
use crate::conn::client::{ClientConnection, ExchangeOptions};
use crate::conn::output::Output;
use crate::conn::tests::harness::write_all;
use crate::conn::{Drive, Ending, Input};
use crate::error::Error;
use bytes::Bytes;
use hearken_proto::{Fields, Length, Limits, Request};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A client connection, and the transport of the test.
struct Link {
    connection: ClientConnection,
    limits: Arc<Limits>,
    now: Instant,
    /// How many more bytes the transport takes.
    room: usize,
    sent: String,
}

const OPTIONS: ExchangeOptions = ExchangeOptions {
    response: Duration::from_secs(60),
    inactivity: None,
    inactivity_told: false,
    until: None,
    hold: None,
    idempotent: true,
    interims: true,
};

fn connect() -> Link {
    connect_with(OPTIONS)
}

fn connect_with(options: ExchangeOptions) -> Link {
    let limits = Arc::new(Limits::default());
    let now = Instant::now();
    let mut connection =
        ClientConnection::new(&limits, Arc::<str>::from("peer:80").into(), now, |_, _| {
            None
        });
    connection.begin(options, &limits, now);
    Link {
        connection,
        limits,
        now,
        room: usize::MAX,
        sent: String::new(),
    }
}

impl Link {
    fn head(&mut self, method: &str, length: Length, more: &[(&str, &str)]) -> &mut Self {
        let mut fields = Fields::new();
        fields.append("Host", "peer").unwrap();
        for (name, value) in more {
            fields.append(name, value).unwrap();
        }
        let request = Request::new(method, "/", &fields, length);
        self.connection.send_head(&request, self.now).unwrap();
        self
    }

    fn get(&mut self) -> &mut Self {
        self.head("GET", Length::Known(0), &[]);
        self.connection.send_end(None).unwrap();
        self.turn()
    }

    /// One turn of a pump without input.
    fn turn(&mut self) -> &mut Self {
        let mut cx = Context::from_waker(Waker::noop());
        self.connection.poll_app(&mut cx, self.now);
        let (room, sent) = (&mut self.room, &mut self.sent);
        write_all(&mut self.connection, self.now, &mut |output: &Output| {
            let mut slices = [IoSlice::new(&[]); crate::conn::output::SLICES];
            let count = output.slices(&mut slices);
            let all: Vec<u8> = slices[..count]
                .iter()
                .flat_map(|one| one.to_vec())
                .collect();
            let taken = all.len().min(*room);
            sent.push_str(std::str::from_utf8(&all[..taken]).unwrap());
            *room -= taken;
            (taken > 0).then_some(taken)
        });
        self
    }

    fn hear(&mut self, bytes: &[u8]) -> &mut Self {
        let mut cx = Context::from_waker(Waker::noop());
        self.connection
            .handle_input(&Input::Borrowed(bytes), &mut cx, self.now);
        self.turn()
    }

    fn eof(&mut self) -> &mut Self {
        let mut cx = Context::from_waker(Waker::noop());
        self.connection.handle_eof(&mut cx, self.now);
        self.turn()
    }

    /// Advances the clock, stopping at each deadline.
    fn pass(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(at) = self.connection.deadline().filter(|&at| at <= end) {
            self.now = at.max(self.now);
            let mut cx = Context::from_waker(Waker::noop());
            self.connection.handle_timeout(&mut cx, self.now);
            self.turn();
        }
        self.now = end;
        self
    }

    fn sent(&mut self) -> String {
        std::mem::take(&mut self.sent)
    }

    /// Status, interim statuses, content, ending.
    fn seen(&mut self) -> (u16, Vec<u16>, String, Option<Ending>) {
        let status = self
            .connection
            .head
            .as_ref()
            .map_or(0, |head| head.status());
        let interims = self
            .connection
            .interims
            .iter()
            .map(hearken_proto::Head::status);
        let interims = interims.collect();
        let mut content = Vec::new();
        while let Some(piece) = self.connection.incoming.take() {
            content.extend_from_slice(&piece);
        }
        let content = String::from_utf8(content).unwrap();
        (status, interims, content, self.connection.ending())
    }

    fn failure(&self) -> Error {
        self.connection.failure.clone().expect("a failure")
    }
}

/// A response, whether the peer closes after it, and the expected status, interim statuses, content and ending.
struct Case(
    &'static str,
    bool,
    u16,
    &'static [u16],
    &'static str,
    Ending,
);

const CASES: [Case; 9] = [
    Case(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        false,
        200,
        &[],
        "ok",
        Ending::Keep,
    ),
    Case("HTTP/1.1 204 No\r\n\r\n", false, 204, &[], "", Ending::Keep),
    Case(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nA: b\r\n\r\n",
        false,
        200,
        &[],
        "ok",
        Ending::Keep,
    ),
    Case(
        "HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        false,
        200,
        &[103],
        "x",
        Ending::Keep,
    ),
    Case(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        false,
        200,
        &[],
        "x",
        Ending::Now,
    ),
    Case(
        "HTTP/1.1 200 OK\r\n\r\nto the end",
        true,
        200,
        &[],
        "to the end",
        Ending::Now,
    ),
    Case(
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        false,
        200,
        &[],
        "x",
        Ending::Now,
    ),
    Case(
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
        false,
        200,
        &[],
        "x",
        Ending::Keep,
    ),
    Case(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        true,
        200,
        &[],
        "x",
        Ending::Cut,
    ),
];

/// Checks a case whose response arrives in these pieces.
fn seen_of<'a>(case: &Case, pieces: impl Iterator<Item = &'a [u8]>) {
    let mut link = connect();
    link.get();
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        link.hear(piece);
    }
    if case.1 {
        link.eof();
    }
    let expected = (case.2, case.3.to_vec(), case.4.to_owned(), Some(case.5));
    assert_eq!(link.seen(), expected, "{:?}", case.0);
}

#[test]
fn responses_at_every_cut() {
    for case in &CASES {
        let bytes = case.0.as_bytes();
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            seen_of(case, [first, second].into_iter());
        }
        seen_of(case, bytes.chunks(1));
    }
}

#[test]
fn one_exchange_after_the_other() {
    let mut link = connect();
    for _ in 0..3 {
        link.get();
        assert_eq!(link.sent(), "GET / HTTP/1.1\r\nHost: peer\r\n\r\n");
        link.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        assert!(link.connection.is_reusable());
        link.seen();
        link.connection
            .begin(OPTIONS, &Arc::clone(&link.limits), link.now);
        assert!(!link.connection.is_reusable());
    }
}

#[test]
fn bytes_after_the_response_prevent_reuse() {
    let mut link = connect();
    link.get()
        .hear(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokH");
    assert!(link.connection.excess && !link.connection.is_reusable());
    assert_eq!(
        link.seen(),
        (200, vec![], "ok".to_owned(), Some(Ending::Now))
    );
}

#[test]
fn an_unread_body_stops_reading_and_its_deadline() {
    let mut link = connect();
    link.get()
        .hear(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    let piece = vec![b'x'; 16 * 1024];
    let mut given = 0;
    while link.connection.wants_read() {
        link.hear(&piece);
        given += 1;
    }
    assert_eq!(given, 4, "64 KiB");
    link.pass(Duration::from_secs(3600));
    assert!(
        link.connection.failure.is_none(),
        "no reader waits, so no deadline runs"
    );
    link.connection.incoming.take();
    assert!(link.connection.wants_read());
}

#[test]
fn a_body_waits_for_100_for_a_limited_time() {
    let hold = ExchangeOptions {
        hold: Some(Duration::from_secs(1)),
        ..OPTIONS
    };
    let ask = |link: &mut Link| {
        link.head("POST", Length::Known(4), &[("Expect", "100-continue")]);
        link.connection.send_content(Bytes::from("body")).unwrap();
        link.connection.send_end(None).unwrap();
        assert_eq!(
            link.turn().connection.pending_bytes(),
            4,
            "the body is held back"
        );
        assert!(link.sent().ends_with("\r\n\r\n"));
    };
    let mut link = connect_with(hold);
    ask(&mut link);
    link.hear(b"HTTP/1.1 102 Wait\r\n\r\n");
    assert_eq!(link.sent(), "");
    link.hear(b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(link.sent(), "body");
    link.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(link.connection.is_reusable());

    let mut link = connect_with(hold);
    ask(&mut link);
    link.pass(Duration::from_millis(999));
    assert_eq!(link.sent(), "");
    link.pass(Duration::from_millis(2));
    assert_eq!(link.sent(), "body");

    // A response instead: the body is not sent, and the connection cannot be reused.
    let mut link = connect_with(hold);
    ask(&mut link);
    link.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(link.sent(), "");
    assert_eq!(link.connection.ending(), Some(Ending::Now));
}

#[test]
fn every_phase_has_a_deadline() {
    // Writing.
    let mut link = connect();
    link.room = 10;
    link.get().pass(Duration::from_secs(29));
    assert!(link.connection.failure.is_none());
    link.pass(Duration::from_secs(2));
    assert_eq!(link.failure().phase(), Some(Phase::Write));
    assert!(link.failure().is_timeout());

    // Waiting, also with a part of the head.
    for half in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let mut link = connect();
        link.get()
            .pass(Duration::from_secs(30))
            .hear(half.as_bytes());
        link.pass(Duration::from_secs(29));
        assert!(link.connection.failure.is_none());
        link.pass(Duration::from_secs(2));
        assert_eq!(link.failure().phase(), Some(Phase::Wait));
        assert!(link.failure().is_timeout());
    }

    // The body, while a reader waits for it.
    let mut link = connect();
    link.get()
        .hear(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    assert!(link.connection.incoming.poll(None).is_pending());
    link.turn().pass(Duration::from_secs(31));
    assert_eq!(link.failure().phase(), Some(Phase::Read));
    let Poll::Ready(Some(Err(error))) = link.connection.incoming.poll(None) else {
        panic!("the reader gets an error");
    };
    assert!(error.is_timeout(), "{error}");

    // The whole exchange.
    let until = Some((
        Instant::now() + Duration::from_secs(5),
        Duration::from_secs(5),
    ));
    let mut link = connect_with(ExchangeOptions { until, ..OPTIONS });
    link.get()
        .hear(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    link.pass(Duration::from_secs(6));
    assert!(
        link.failure().to_string().contains("5s"),
        "{}",
        link.failure()
    );
}

#[test]
fn an_event_stream_may_be_slow_but_must_not_stall() {
    let answer =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9000\r\n\r\n";
    for (answer, fails) in [
        (answer.to_owned(), false),
        (answer.replace("event-stream", "plain"), true),
    ] {
        let mut link = connect();
        link.get().hear(answer.as_bytes());
        for _ in 0..20 {
            let waits = link.connection.incoming.poll(None);
            link.turn().pass(Duration::from_secs(15));
            if waits.is_pending() {
                link.hear(b":\n\n");
            }
        }
        assert_eq!(link.connection.failure.is_some(), fails);
    }
}

#[test]
fn a_server_that_stops_reading_can_still_respond() {
    let mut link = connect();
    link.head("POST", Length::Known(9), &[]);
    link.connection.send_content(Bytes::from("four")).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let broken = io::Error::from(io::ErrorKind::BrokenPipe);
    link.connection
        .handle_unwritable(&broken, &mut cx, link.now);
    assert_eq!(link.connection.ending(), None);
    link.hear(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
    assert_eq!(
        link.seen(),
        (413, vec![], "no".to_owned(), Some(Ending::Now))
    );

    let mut link = connect();
    link.head("POST", Length::Known(9), &[]).turn();
    link.connection
        .handle_unwritable(&broken, &mut cx, link.now);
    link.eof();
    assert_eq!(link.failure().phase(), Some(Phase::Write));
}

#[test]
fn retry_safety_depends_on_method_and_bytes() {
    let once = ExchangeOptions {
        idempotent: false,
        ..OPTIONS
    };
    let cases: [(ExchangeOptions, usize, &[u8], bool); 5] = [
        (OPTIONS, usize::MAX, b"", true),
        (OPTIONS, usize::MAX, b"H", false),
        (once, usize::MAX, b"", false),
        (once, 1, b"", false),
        (once, 0, b"", true),
    ];
    for (number, (options, room, answer, safe)) in cases.into_iter().enumerate() {
        let mut link = connect_with(options);
        link.room = room;
        link.get();
        if !answer.is_empty() {
            link.hear(answer);
        }
        link.eof();
        assert_eq!(link.failure().is_retry_safe(), safe, "case {number}");
    }
}

#[test]
fn interim_responses_are_bounded() {
    let mut link = connect();
    link.get();
    for _ in 0..128 {
        link.hear(b"HTTP/1.1 102 Wait\r\n\r\n");
    }
    assert!(link.connection.failure.is_none());
    link.hear(b"HTTP/1.1 102 Wait\r\n\r\n");
    assert!(
        link.failure().to_string().contains("LIMIT_INTERIMS"),
        "{}",
        link.failure()
    );
}
