//! Runs a connection over bytes and logs its events, one line for each fact.
//!
//! Here: [`Setup`], the assumptions of a run, and [`transcript`]. The README of the vectors explains the lines. The run also
//! checks the invariants of every input: the order of events, and that nothing is accepted after an error. Not here:
//! the pages (`vectors.rs`).

use crate::escape;
use hearken_proto::{
    Answer, BodyLength, Connection, Error, Event, Fields, FieldsRef, Half, Length, Limits, Request,
    Response, Role,
};

/// The assumptions of a run.
///
/// ```
/// use hearken_testkit::{Setup, transcript};
/// let log = transcript(&Setup::server(), [&b"GET / HTTP/1.0\r\n\r\n"[..]]);
/// assert_eq!(log, ["line GET / HTTP/1.0", "head none close", "end", "answer 200", "closed"]);
/// ```
#[derive(Clone, Debug)]
pub struct Setup {
    /// The role under test.
    pub role: Role,
    /// Its limits.
    pub limits: Limits,
    /// Whether it reports lines.
    pub report_lines: bool,
    /// Method of the requests that a client has sent.
    pub method: String,
    /// Whether these requests offered an upgrade.
    pub upgrade: bool,
    /// Number of requests that a client sends, each after the response before it.
    pub requests: u32,
    /// Whether a server grants an upgrade. A CONNECT is always granted.
    pub switch: bool,
    /// Whether the peer closes after the bytes.
    pub eof: bool,
}

impl Setup {
    /// A server with default limits that answers 200 to everything.
    #[must_use]
    pub fn server() -> Self {
        Self {
            role: Role::Server,
            limits: Limits::default(),
            report_lines: true,
            method: "GET".to_owned(),
            upgrade: false,
            requests: 1,
            switch: false,
            eof: false,
        }
    }

    /// A client with default limits that has sent one GET.
    #[must_use]
    pub fn client() -> Self {
        Self {
            role: Role::Client,
            ..Self::server()
        }
    }
}

/// The log of a connection that gets `pieces` one after the other.
///
/// # Panics
/// When the connection breaks an invariant; the text names it.
pub fn transcript<'a>(setup: &Setup, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut run = Run {
        setup,
        connection: Connection::new(setup.role, &setup.limits),
        log: Vec::new(),
        content: Vec::new(),
        buffer: Vec::new(),
        requests: setup.requests,
        error: None,
    };
    run.connection.report_lines(setup.report_lines);
    run.ask();
    for piece in pieces {
        run.feed(piece);
    }
    run.finish();
    run.log
}

struct Run<'s> {
    setup: &'s Setup,
    connection: Connection,
    log: Vec<String>,
    /// Content that is not logged yet: adjacent pieces are one entry.
    content: Vec<u8>,
    /// Bytes that arrived and were not consumed.
    buffer: Vec<u8>,
    requests: u32,
    error: Option<Error>,
}

impl Run<'_> {
    fn feed(&mut self, piece: &[u8]) {
        if let Some(error) = self.error {
            return self.nothing_is_accepted(error, piece);
        }
        let mut buffer = core::mem::take(&mut self.buffer);
        buffer.extend_from_slice(piece);
        let mut used = 0;
        loop {
            let before = self.connection.offset();
            match self.connection.receive(&buffer[used..]) {
                Err(error) => return self.fail(error),
                Ok((consumed, event)) => {
                    used += consumed;
                    assert_eq!(
                        self.connection.offset() - before,
                        consumed as u64,
                        "the offset counts what is consumed"
                    );
                    let Some(event) = event else { break };
                    self.note(event);
                }
            }
        }
        self.buffer = buffer.split_off(used);
        let waits = matches!(self.connection.halves().0, Half::Done | Half::Switched);
        assert!(
            self.buffer.is_empty() || waits,
            "bytes are left over only behind a message that is not answered, or a switch"
        );
    }

    fn finish(&mut self) {
        self.flush();
        if !self.buffer.is_empty() {
            let rest = escape(&self.buffer);
            self.log.push(format!("rest \"{rest}\""));
        }
        if !self.setup.eof || self.error.is_some() {
            return;
        }
        match self.connection.receive_eof() {
            Err(error) => return self.fail(error),
            Ok(Some(event)) => self.note(event),
            Ok(None) => {}
        }
        self.log.push("eof".to_owned());
        let halves = self.connection.halves();
        let again = self.connection.receive_eof();
        assert_eq!(again, Ok(None), "a second end changes nothing");
        assert_eq!(halves.1, self.connection.halves().1);
    }

    fn note(&mut self, event: Event<'_>) {
        if let Event::Content(content) = event {
            assert!(!content.is_empty(), "content is never empty");
            self.content.extend_from_slice(content);
            return;
        }
        self.flush();
        match event {
            Event::Line => self.log.push(self.start_line()),
            Event::Head { body } => {
                let close = if self.connection.persistent() {
                    ""
                } else {
                    " close"
                };
                self.head(format!("head {}{close}", body_text(body)));
            }
            Event::Interim => self.head(format!("interim {}", self.connection.head().status())),
            Event::Switched => self.head("switched".to_owned()),
            Event::End => {
                let trailers = entries("trailer", self.connection.trailers());
                self.log.extend(trailers);
                self.log.push("end".to_owned());
                self.next_exchange();
            }
            other => panic!("unknown event {other:?}"),
        }
    }

    /// The fields, then the facts of the head.
    fn head(&mut self, entry: String) {
        if self.setup.report_lines {
            let line = self.start_line();
            let last = self.log.last();
            assert_eq!(last, Some(&line), "the line was reported right before");
        }
        let fields = entries("field", self.connection.head().fields());
        self.log.extend(fields);
        self.log.push(entry);
    }

    fn start_line(&self) -> String {
        let head = self.connection.head();
        let version = head.version().as_str();
        match self.setup.role {
            Role::Server => format!("line {} {} {version}", head.method(), head.url()),
            Role::Client => {
                let line = format!("line {version} {} {}", head.status(), escape(head.reason()));
                line.trim_end().to_owned()
            }
        }
    }

    fn flush(&mut self) {
        if !self.content.is_empty() {
            let content = escape(&self.content);
            self.log.push(format!("content \"{content}\""));
            self.content.clear();
        }
    }

    /// A client sends its next request.
    fn ask(&mut self) {
        if self.setup.role != Role::Client || self.requests == 0 {
            return;
        }
        self.requests -= 1;
        let connect = self.setup.method == "CONNECT";
        let target = if connect { "a:443" } else { "/" };
        let mut fields = Fields::new();
        let host = if connect { target } else { "a" };
        fields.append("Host", host).expect("a legal field");
        if self.setup.upgrade {
            fields.append("Connection", "upgrade").expect("legal");
            fields.append("Upgrade", "echo").expect("legal");
        }
        let request = Request::new(&self.setup.method, target, &fields, Length::Known(0));
        let mut out = Vec::new();
        let sent = self.connection.send_request(&request, &mut out);
        sent.expect("a request may be sent now");
        let ended = self.connection.send_end(None, &mut out);
        ended.expect("a request without content may end");
    }

    /// A message is complete: a server answers it, a client sends its next request.
    fn next_exchange(&mut self) {
        if self.setup.role == Role::Server && self.connection.halves().1 == Half::Idle {
            self.answer();
        }
        if self.connection.is_finished() {
            self.log.push("closed".to_owned());
        } else {
            self.ask();
        }
    }

    fn answer(&mut self) {
        let grant = self.setup.switch && self.connection.head().upgrade().is_some();
        let status = if grant { 101 } else { 200 };
        let mut fields = Fields::new();
        if grant {
            fields.append("Upgrade", "echo").expect("a legal field");
        }
        let mut out = Vec::new();
        let response = Response::new(status, &fields, Length::Known(0));
        let sent = self.connection.send_response(&response, &mut out);
        sent.expect("a response may be sent now");
        self.log.push(format!("answer {status}"));
        if self.connection.halves().1 == Half::Switched {
            self.log.push("switched".to_owned());
            return;
        }
        let ended = self.connection.send_end(None, &mut out);
        ended.expect("a response without content may end");
    }

    fn fail(&mut self, error: Error) {
        self.flush();
        let (code, at) = (error.code(), error.at().expect("caused by outside bytes"));
        let answer = match (self.setup.role, error.answer()) {
            (Role::Server, Answer::Status(status)) => status.to_string(),
            _ => "close".to_owned(),
        };
        self.log.push(format!("error {code} at {at} → {answer}"));
        self.error = Some(error);
        // `Debug` works for a malformed head too.
        let _ = format!("{:?}", self.connection.head());
        self.nothing_is_accepted(error, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        self.say_why(error);
        self.nothing_is_accepted(error, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }

    /// After an error each call returns the same error, for any bytes.
    fn nothing_is_accepted(&mut self, error: Error, piece: &[u8]) {
        assert_eq!(self.connection.receive(piece), Err(error));
        assert_eq!(self.connection.receive_eof(), Err(error));
        assert!(!self.connection.persistent(), "an error is the end");
    }

    /// A server can still send a response to the fault, and is finished then; a client is finished at once.
    fn say_why(&mut self, error: Error) {
        let (role, send) = (self.setup.role, self.connection.halves().1);
        if role == Role::Server && send == Half::Idle {
            let Answer::Status(status) = error.answer() else {
                return;
            };
            let (fields, mut out) = (Fields::new(), Vec::new());
            let response = Response::new(status, &fields, Length::Known(0));
            let sent = self.connection.send_response(&response, &mut out);
            sent.expect("an error can be answered");
            let text = String::from_utf8_lossy(&out);
            assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
            let ended = self.connection.send_end(None, &mut out);
            ended.expect("an answer without content can end");
        }
        assert!(self.connection.is_finished(), "an error is the end");
    }
}

fn entries(kind: &str, fields: FieldsRef<'_>) -> Vec<String> {
    let entry = |(name, value): (&[u8], &[u8])| {
        let entry = format!("{kind} {}: {}", escape(name), escape(value));
        entry.trim_end().to_owned()
    };
    fields.iter().map(entry).collect()
}

fn body_text(body: BodyLength) -> String {
    match body {
        BodyLength::None => "none".to_owned(),
        BodyLength::Length(length) => format!("length {length}"),
        BodyLength::Chunked => "chunked".to_owned(),
        BodyLength::UntilClose => "until-close".to_owned(),
    }
}
