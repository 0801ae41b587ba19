//! Bytes, ends and orders in any sequence, to find state-machine bugs that no single message shows.
//!
//! Here: [`check_operations`]. In any sequence: nothing panics, a rejected order writes nothing, a finished connection stays
//! finished, and the other role understands every written byte. Not here: arbitrary bytes (`check.rs`).

use crate::escape;
use hearken_proto::{
    Connection, Error, Event, Fields, Half, Head, Length, Limits, Misuse, Request, Response, Role,
};

/// Pieces that a peer may send; each operation takes one of them, whole or a part.
const PIECES: [&str; 24] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost : a\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    "data",
    "4\r\ndata\r\n",
    "0\r\n\r\n",
    "0\r\nX: 1\r\nHost: b\r\n\r\n",
    "\r\n",
    "\0",
];

const STATUSES: [u16; 12] = [200, 204, 304, 404, 101, 100, 103, 205, 400, 500, 99, 1000];

const FIELDS: [&[(&str, &str)]; 9] = [
    &[],
    &[("Connection", "close")],
    &[("Connection", "keep-alive")],
    &[("Content-Length", "3")],
    &[("Transfer-Encoding", "chunked")],
    &[("Content-Length", "3"), ("Transfer-Encoding", "chunked")],
    &[("Connection", "upgrade"), ("Upgrade", "echo")],
    &[("Content-Length", "x")],
    &[("X-Long", "a value that is neither short nor special")],
];

const LENGTHS: [Length; 4] = [
    Length::Known(0),
    Length::Known(3),
    Length::Known(9),
    Length::Unknown,
];

const REQUESTS: [(&str, &str); 6] = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("POST", "/"),
    ("CONNECT", "a:1"),
    ("OPTIONS", "*"),
    ("", "no"),
];

/// Reads the bytes as a list of operations and carries them out on a server or a client.
///
/// # Panics
/// When a promise does not hold.
pub fn check_operations(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let role = if bytes.next().unwrap_or(0) & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let mut bench = Bench::new(role);
    while let Some(operation) = bytes.next() {
        let argument = bytes.next().unwrap_or(0);
        bench.step(operation, argument);
        bench.promises();
    }
}

struct Bench {
    connection: Connection,
    buffer: Vec<u8>,
    spare: Box<Head>,
    /// The other role, new for each message that is sent, and whether it saw the end of it.
    listener: Option<(Connection, bool)>,
    error: Option<Error>,
    finished: bool,
    /// Method and upgrade of the open request.
    asked: (String, bool),
    unanswered: u32,
}

impl Bench {
    fn new(role: Role) -> Self {
        Self {
            connection: Connection::new(role, &Limits::default()),
            buffer: Vec::new(),
            spare: Box::default(),
            listener: None,
            error: None,
            finished: false,
            asked: ("GET".to_owned(), false),
            unanswered: 0,
        }
    }

    fn step(&mut self, operation: u8, argument: u8) {
        let pick = usize::from(argument);
        match operation % 16 {
            0..=4 => {
                let piece = PIECES[pick % PIECES.len()].as_bytes();
                let length = if operation & 0x80 == 0 {
                    piece.len()
                } else {
                    piece.len() / 2
                };
                self.buffer.extend_from_slice(&piece[..length]);
                self.receive();
            }
            5 => self.eof(),
            6 | 7 => self.order(|connection, out| {
                let fields = fields(FIELDS[pick % FIELDS.len()], connection.role())?;
                let length = LENGTHS[usize::from(operation >> 4) % LENGTHS.len()];
                send_head(connection, pick / FIELDS.len(), &fields, length, out)
            }),
            8 | 9 => {
                self.order(|connection, out| {
                    connection.send_content(&[b'x'; 12][..pick % 12], out)
                });
            }
            10 => self.order(|connection, out| connection.send_end(None, out)),
            11 => self.order(|connection, out| {
                let mut trailers = Fields::new();
                trailers.append(["X-Sum", "Host"][pick % 2], "1")?;
                connection.send_end(Some(&trailers), out)
            }),
            12 if argument < 64 => self.connection.must_close(),
            13 => self.connection.swap_head(&mut self.spare),
            14 => self.connection.report_lines(argument & 1 == 0),
            15 if argument < 16 => {
                self.connection.reset(7);
                *self = Self {
                    connection: core::mem::replace(
                        &mut self.connection,
                        Connection::new(Role::Server, &Limits::default()),
                    ),
                    ..Self::new(Role::Server)
                };
            }
            _ => {}
        }
    }

    fn receive(&mut self) {
        let buffer = core::mem::take(&mut self.buffer);
        let mut used = 0;
        loop {
            match self.connection.receive(&buffer[used..]) {
                Err(error) => {
                    self.failed(error);
                    return;
                }
                Ok((consumed, event)) => {
                    used += consumed;
                    match event {
                        None => break,
                        Some(Event::Head { .. }) if self.connection.role() == Role::Server => {
                            let head = self.connection.head();
                            self.asked = (head.method().to_owned(), head.upgrade().is_some());
                            self.unanswered += 1;
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        self.buffer = buffer[used..].to_vec();
        let waits = matches!(self.connection.halves().0, Half::Done | Half::Switched);
        assert!(self.buffer.is_empty() || waits, "bytes are left over");
    }

    fn eof(&mut self) {
        if let Err(error) = self.connection.receive_eof() {
            self.failed(error);
        }
    }

    fn failed(&mut self, error: Error) {
        if self.unanswered == 0 {
            self.asked = (self.connection.head().method().to_owned(), false); // even of a broken head, for HEAD
        }
        assert_eq!(
            *self.error.get_or_insert(error),
            error,
            "one error for ever"
        );
        assert_eq!(self.connection.halves().0, Half::Failed);
    }

    /// Carries out an order. A rejected one writes nothing; written bytes go to the other role.
    fn order(&mut self, order: impl FnOnce(&mut Connection, &mut Vec<u8>) -> Result<(), Misuse>) {
        let (before, finished) = (self.connection.halves(), self.connection.is_finished());
        let mut out = Vec::new();
        if order(&mut self.connection, &mut out).is_err() {
            assert_eq!(escape(&out), "", "a refused order writes nothing");
            return;
        }
        assert!(!finished, "what is finished says nothing more");
        let begins = before.1 == Half::Idle && self.connection.halves().1 != Half::Idle;
        if begins {
            self.listener = Some((self.other_end(), false));
            self.unanswered = self.unanswered.saturating_sub(1);
        } else if before.1 == Half::Idle {
            return; // an interim response; `link.rs` checks those
        }
        let (listener, ended) = match &mut self.listener {
            Some(listener) => (&mut listener.0, &mut listener.1),
            None => return,
        };
        let mut rest = &out[..];
        loop {
            match listener.receive(rest) {
                Err(error) => panic!("it wrote \"{}\": {error}", escape(&out)),
                Ok((consumed, event)) => {
                    rest = &rest[consumed..];
                    *ended |= matches!(event, Some(Event::End | Event::Switched));
                    if event.is_none() {
                        break;
                    }
                }
            }
        }
        if !matches!(self.connection.halves().1, Half::Body | Half::Idle) {
            *ended |= matches!(listener.receive_eof(), Ok(Some(Event::End)));
            assert!(*ended, "it ended with \"{}\"", escape(&out));
        }
    }

    /// A new connection of the other role that waits for the next message.
    fn other_end(&self) -> Connection {
        let role = self.connection.role().peer();
        let mut other = Connection::new(role, &Limits::default());
        if role == Role::Server {
            return other;
        }
        let (method, upgrade) = match (self.unanswered, self.error, &*self.asked.0) {
            (0, Some(_), "HEAD") => ("HEAD", false),
            (0, ..) => ("GET", false),
            (_, _, method) => (method, self.asked.1),
        };
        let target = if method == "CONNECT" { "a:1" } else { "/" };
        let pairs: &[(&str, &str)] = if upgrade { FIELDS[6] } else { &[] };
        let mut fields = fields(pairs, Role::Client).expect("legal fields");
        fields.set("Host", "a").expect("a legal field");
        if method == "CONNECT" {
            fields.set("Host", target).expect("a legal field");
        }
        let request = Request::new(method, target, &fields, Length::Known(0));
        let mut out = Vec::new();
        let sent = other.send_request(&request, &mut out);
        sent.expect("a legal request");
        other.send_end(None, &mut out).expect("a legal end");
        other
    }

    fn promises(&mut self) {
        let finished = self.connection.is_finished();
        assert!(finished || !self.finished, "what is finished stays so");
        self.finished = finished;
        if let Some(error) = self.error {
            assert_eq!(self.connection.receive(b"GET"), Err(error));
            assert!(!self.connection.persistent());
        }
        // `Debug` works in every state.
        let _ = format!("{:?}", self.connection);
    }
}

fn fields(pairs: &[(&str, &str)], role: Role) -> Result<Fields, Misuse> {
    let mut fields = Fields::new();
    for (name, value) in pairs {
        fields.append(name, value)?;
    }
    if role == Role::Client {
        fields.append("Host", "a:1")?;
    }
    Ok(fields)
}

fn send_head(
    connection: &mut Connection,
    pick: usize,
    fields: &Fields,
    length: Length,
    out: &mut Vec<u8>,
) -> Result<(), Misuse> {
    if connection.role() == Role::Server {
        let status = STATUSES[pick % STATUSES.len()];
        let response = Response::new(status, fields, length);
        return connection.send_response(&response, out).map(drop);
    }
    let (method, target) = REQUESTS[pick % REQUESTS.len()];
    let request = Request::new(method, target, fields, length);
    connection.send_request(&request, out).map(drop)
}
