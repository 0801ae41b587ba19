//! What the examples `threads`, `processes`, `selector` and `async` share: one client of a server, as plain data. Bytes go
//! in, answers come out, on the protocol core alone. Nothing in here waits, so each example waits in its own way.

use std::process;
use std::thread;
use std::time::{Duration, SystemTime};

use hearken_proto::{Connection, Date, Event, Fields, Length, Limits, Misuse, Response, Role};

/// How long a client may be silent. The server of `hearken` has a deadline for each phase; these pages have this one.
pub const IDLE: Duration = Duration::from_secs(15);

/// The address to listen on: the first argument, or this one.
#[must_use]
pub fn address() -> String {
    let argument = std::env::args().nth(1);
    argument.unwrap_or_else(|| "127.0.0.1:3000".to_owned())
}

/// One client: what it sent and is not understood yet, and what it is still to be sent.
///
/// ```
/// let mut client = common::Client::new();
/// client.receive(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
/// assert!(client.output().starts_with(b"HTTP/1.1 200 OK\r\n"));
/// client.sent(client.output().len());
/// assert!(!client.is_finished(), "it may ask again");
/// ```
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    input: Vec<u8>,
    output: Vec<u8>,
    body_bytes: usize,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            connection: Connection::new(Role::Server, &Limits::default()),
            input: Vec::new(),
            output: Vec::new(),
            body_bytes: 0,
        }
    }
}

impl Client {
    /// A client that has just connected.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in bytes: of half a request, of one, of several. Each request that is complete is answered.
    ///
    /// # Errors
    /// When the answer cannot be sent as it is; a mistake on this page, whatever the client does.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Misuse> {
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            match self.connection.receive(&input[at..]) {
                Ok((used, event)) => {
                    at += used;
                    match event {
                        None => break, // it needs more bytes
                        Some(Event::Head { .. }) => self.begin()?,
                        Some(Event::Content(piece)) => self.body_bytes += piece.len(),
                        Some(Event::End) => self.answer()?,
                        Some(_) => {}
                    }
                }
                // Nothing behind a fault is read as a message: answer, and close.
                Err(error) => return self.refuse(&error),
            }
        }
        input.drain(..at);
        self.input = input;
        Ok(())
    }

    /// The client will send no more.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn end_of_input(&mut self) -> Result<(), Misuse> {
        match self.connection.receive_eof() {
            Ok(_) => Ok(()),
            Err(error) => self.refuse(&error), // in the middle of a request
        }
    }

    /// What is to be sent.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The first `count` bytes of the output were sent.
    pub fn sent(&mut self, count: usize) {
        self.output.drain(..count);
    }

    /// Whether the connection is to be closed: all is said and sent. The server of `hearken` goes on reading for a moment
    /// before it closes, or bytes that still come could destroy an answer on its way (RFC 9112 §9.6).
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.connection.is_finished() && self.output.is_empty()
    }

    fn begin(&mut self) -> Result<(), Misuse> {
        self.body_bytes = 0;
        if self.connection.head().expects_continue() {
            let go_on = Response::new(100, const { &Fields::new() }, Length::Known(0));
            self.connection.send_response(&go_on, &mut self.output)?;
        }
        Ok(())
    }

    fn answer(&mut self) -> Result<(), Misuse> {
        let head = self.connection.head();
        let status = if head.method() == "CONNECT" { 501 } else { 200 };
        let (method, target, bytes) = (head.method(), head.target(), self.body_bytes);
        let (process, thread) = (process::id(), thread::current().id());
        let text = format!(
            "{method} {target} with {bytes} bytes, answered by process {process}, {thread:?}\n"
        );
        self.respond(status, &text)
    }

    fn refuse(&mut self, error: &hearken_proto::Error) -> Result<(), Misuse> {
        match error.answer() {
            hearken_proto::Answer::Status(status) => self.respond(status, &format!("{error}\n")),
            _ => Ok(()),
        }
    }

    /// Head, content, end; the connection knows which of it may be sent, and how it is framed.
    fn respond(&mut self, status: u16, text: &str) -> Result<(), Misuse> {
        let mut fields = Fields::new();
        fields.set("Content-Type", "text/plain; charset=utf-8")?;
        let now = httpdate::fmt_http_date(SystemTime::now());
        let date = now.as_bytes().try_into().map(Date::new);
        let mut response = Response::new(status, &fields, Length::Known(text.len() as u64));
        response.date = date.as_ref().ok().and_then(|date| date.as_ref().ok());
        self.connection.send_response(&response, &mut self.output)?;
        if self.connection.can_send_content() {
            self.connection
                .send_content(text.as_bytes(), &mut self.output)?; // not to HEAD
        }
        self.connection.send_end(None, &mut self.output)
    }
}

/// The example of the README, compiled with those of this page.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples of the client's page.
#[cfg(doctest)]
#[doc = include_str!("../../docs/client.md")]
pub struct ClientPage;
