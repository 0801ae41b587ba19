//! What `threads`, `processes`, `selector` and `async` have in common: the server's state for one client, on the protocol core
//! alone. Bytes go in, responses come out. Nothing here waits, so each example waits in its own way.

use std::process;
use std::thread;
use std::time::{Duration, SystemTime};

use hearken::proto::{Connection, Date, Event, Fields, Length, Limits, Misuse, Response, Role};

/// How long a client may be silent. `hearken::Server` has a deadline for each phase; these examples have this one.
pub(crate) const IDLE: Duration = Duration::from_secs(15);

/// One client: input that is not parsed yet, and output that is not sent yet.
#[derive(Debug)]
pub(crate) struct Client {
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
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Parses bytes: part of a request, or several. Answers each request that is complete.
    ///
    /// # Errors
    /// When a response is malformed: a bug in this file, never caused by the client.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), Misuse> {
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            match self.connection.receive(&input[at..]) {
                Ok((used, event)) => {
                    at += used;
                    match event {
                        None => break, // more bytes are needed
                        Some(Event::Head { .. }) => self.begin()?,
                        Some(Event::Content(piece)) => self.body_bytes += piece.len(),
                        Some(Event::End) => self.answer()?,
                        Some(_) => {}
                    }
                }
                // Bytes after a fault are not parsed as a message: answer and close.
                Err(error) => return self.refuse(&error),
            }
        }
        input.drain(..at);
        self.input = input;
        Ok(())
    }

    /// Handles the end of the client's input.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub(crate) fn end_of_input(&mut self) -> Result<(), Misuse> {
        match self.connection.receive_eof() {
            Ok(_) => Ok(()),
            Err(error) => self.refuse(&error), // in the middle of a request
        }
    }

    /// Bytes to send.
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    /// Removes the first `count` bytes of the output, which have been sent.
    pub(crate) fn sent(&mut self, count: usize) {
        self.output.drain(..count);
    }

    /// Whether the connection can be closed: all output is sent. `hearken::Server` keeps reading for a moment before it
    /// closes, since a reset caused by late input can destroy a response in flight (RFC 9112 §9.6).
    pub(crate) fn is_finished(&self) -> bool {
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
        let (method, target, bytes) = (head.method(), head.url(), self.body_bytes);
        let (process, thread) = (process::id(), thread::current().id());
        let text = format!(
            "{method} {target} with {bytes} bytes, answered by process {process}, {thread:?}\n"
        );
        self.respond(status, &text)
    }

    fn refuse(&mut self, error: &hearken::proto::Error) -> Result<(), Misuse> {
        match error.answer() {
            hearken::proto::Answer::Status(status) => self.respond(status, &format!("{error}\n")),
            _ => Ok(()),
        }
    }

    /// Sends head, content and end; the connection decides about the framing and whether content may be sent.
    fn respond(&mut self, status: u16, text: &str) -> Result<(), Misuse> {
        let mut fields = Fields::new();
        fields.set("Content-Type", "text/plain; charset=utf-8")?;
        // A clock may be set to any time; a date has four digits for the year.
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let now = SystemTime::now().clamp(SystemTime::UNIX_EPOCH, last);
        let now = httpdate::fmt_http_date(now);
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
