//! The access log: one line on stderr for each request, when its last byte is sent or its client has disconnected.
//!
//! Here: [`Log`], which observes every exchange of the server, and the format of a line. Not here: the way of a line to stderr
//! (`access/queue.rs`), what the library logs (`access/library.rs`), the responses (`echo/response.rs`).

mod library;
mod queue;

use crate::fetch::shown::shown;
use hearken::observe::{ExchangeFacts, Observation, Observer, Step};
use hearken::{Closed, Error, Peer, Server, event};
use queue::LogQueue;
use std::fmt::Write as _;
use std::panic;
use std::time::{Duration, SystemTime};

pub(crate) use queue::print_within;

/// How long the end of the process waits for lines that were not written.
const FLUSH: Duration = Duration::from_millis(250);

/// The log of a process. Clones write to the same.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    style: Style,
    queue: LogQueue,
}

impl Log {
    /// Starts the log, and sends panics to it. Lines of requests need [`listen`].
    pub(crate) fn start(coloured: bool) -> Self {
        let style = Style { coloured };
        let note = move |dropped| {
            let text =
                format!("{dropped} lines of this log were dropped, because stderr was not read");
            style.note_line(None, &text)
        };
        let log = Self {
            style,
            queue: LogQueue::new(queue::stderr(), Box::new(note)),
        };
        let panics = log.clone();
        panic::set_hook(Box::new(move |panic| panics.note(None, &panic_text(panic))));
        log
    }

    /// Writes a line about something that happened before a request, or belongs to none.
    pub(crate) fn note(&self, peer: Option<&Peer>, text: &str) {
        self.queue.push(self.style.note_line(peer, text));
    }

    /// Waits a moment for lines that were not written.
    pub(crate) fn flush(&self) {
        self.queue.flush(FLUSH);
    }

    /// Writes a line for each request of the server, for TLS handshakes that fail, and for what the library logs.
    pub(crate) fn listen(&self, server: &mut Server) {
        library::listen(self.clone());
        server.observer(self.clone());
        let log = self.clone();
        server.on(event::TlsClientError, move |failure| {
            log.note(Some(failure.peer()), &failure.error().to_string());
        });
    }
}

/// What the hook of the standard library prints, without its line breaks. With `RUST_BACKTRACE` the backtrace follows.
fn panic_text(panic: &panic::PanicHookInfo<'_>) -> String {
    use std::backtrace::{Backtrace, BacktraceStatus};
    let thread = std::thread::current();
    let mut text = format!("thread {}", thread.name().unwrap_or("without a name"));
    // Writing to a `String` cannot fail.
    let _ = match panic.location() {
        Some(location) => write!(text, " panicked at {location}: "),
        None => write!(text, " panicked: "),
    };
    text.push_str(panic.payload_as_str().unwrap_or("no message"));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        let _ = write!(text, "; {backtrace}");
    }
    text
}

/// How lines are written.
#[derive(Clone, Copy, Debug)]
struct Style {
    coloured: bool,
}

impl Observer for Log {
    fn observe(&self, seen: &Observation<'_>) {
        if let Some(facts) = seen.facts
            && let Some(line) = self.style.line_at(seen.step, seen.peer, facts)
        {
            self.queue.push(line);
        }
    }
}

impl Style {
    /// The line to write at this step of an exchange.
    fn line_at(self, step: Step<'_>, peer: &Peer, facts: &ExchangeFacts) -> Option<String> {
        let handled = facts.handler_started().is_some();
        match step {
            Step::LastByteFlushed { .. } if handled => Some(self.line(peer, facts, None)),
            Step::Ended { why } if handled && !facts.is_sent() => {
                Some(self.line(peer, facts, Some(why)))
            }
            // After its response: the line of the request is written.
            Step::HandlerEnd { failure: Some(_) } if facts.is_sent() => {
                let failure = failure_of(facts)?;
                let mut line = self.opening_of(peer, facts);
                line.push_str(" - ");
                push_note(&mut line, &failure);
                Some(line)
            }
            Step::Failed { error } if !handled && facts.status().is_none() => {
                self.fault(peer, error)
            }
            _ => None,
        }
    }

    /// Input that is not a request. A client that has disconnected has no line.
    fn fault(self, peer: &Peer, error: &Error) -> Option<String> {
        if error.is_closed() && error.status().is_server_error() {
            return None;
        }
        let mut line = self.opening(peer);
        line.push_str(" - - ");
        self.push_status(&mut line, error.status().as_u16());
        line.push(' ');
        push_note(&mut line, &error.to_string());
        Some(line)
    }

    fn note_line(self, peer: Option<&Peer>, text: &str) -> String {
        let mut line = match peer {
            Some(peer) => self.opening(peer) + " - - - ",
            None => self.time() + " - - - - ",
        };
        push_note(&mut line, text);
        line
    }

    fn time(self) -> String {
        let now = humantime::format_rfc3339_millis(printable(SystemTime::now()));
        let (dim, plain) = if self.coloured {
            (DIM, PLAIN)
        } else {
            ("", "")
        };
        format!("{dim}{now}{plain}")
    }

    /// Time and client.
    fn opening(self, peer: &Peer) -> String {
        let time = self.time();
        match peer.remote_address() {
            Some(address) => format!("{time} {address}"),
            None => format!("{time} unix"),
        }
    }

    fn line(self, peer: &Peer, facts: &ExchangeFacts, cut: Option<Closed>) -> String {
        let mut line = self.opening_of(peer, facts);
        line.push(' ');
        self.push_status(&mut line, facts.status().unwrap_or(0));
        let started = facts.handler_started().unwrap_or_else(|| facts.began());
        // The clock is read here: the time of an observation is that of the worker's turn, and many exchanges take one only.
        let took = milliseconds(started.elapsed());
        // Writing to a `String` cannot fail.
        let _ = write!(line, " {} B {took}", facts.content_out());
        if let Some(route) = facts.route() {
            line.push_str(" route ");
            push_own(&mut line, route);
        }
        match failure_of(facts).or_else(|| cut.map(|why| why.to_string())) {
            Some(note) => {
                line.push(' ');
                push_note(&mut line, &note);
            }
            None => line.push('\n'),
        }
        line
    }

    /// Time, client, method and target.
    fn opening_of(self, peer: &Peer, facts: &ExchangeFacts) -> String {
        let mut line = self.opening(peer);
        line.push(' ');
        push_escaped(&mut line, facts.method().unwrap_or("-"));
        line.push(' ');
        let target = facts.url().unwrap_or("-");
        if target.starts_with('/') {
            push_escaped(&mut line, target);
        } else {
            // A whole URL, for a proxy: it may contain a password.
            push_escaped(&mut line, &shown(target));
        }
        line
    }

    fn push_status(self, line: &mut String, status: u16) {
        let colour = match status {
            _ if !self.coloured => "",
            200..=299 => GREEN,
            300..=399 => CYAN,
            400..=499 => YELLOW,
            _ => RED,
        };
        let plain = if self.coloured { PLAIN } else { "" };
        let _ = match status {
            0 => write!(line, "{colour}-{plain}"),
            _ => write!(line, "{colour}{status}{plain}"),
        };
    }
}

/// In milliseconds, with about three significant digits.
fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        0.0..10.0 => format!("{ms:.2} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

/// How the handler has failed. One below 500 is an answer, and its status says enough.
fn failure_of(facts: &ExchangeFacts) -> Option<String> {
    let failure = facts.failure()?;
    let failed = failure.status().is_server_error();
    failed.then(|| format!("{failure:?}")) // with all sources
}

/// Ends a line with a text of the server.
fn push_note(line: &mut String, text: &str) {
    line.push('(');
    push_own(line, text);
    line.push_str(")\n");
}

/// Adds a text of the server, which may be more than ASCII. Control characters are replaced, in case it quotes a client.
fn push_own(line: &mut String, text: &str) {
    line.extend(
        text.chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c }),
    );
}

/// Adds text from a client. Bytes other than visible ASCII are escaped as `\x1b`, and the backslash too, so that escapes
/// cannot be forged.
fn push_escaped(line: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => line.push_str("\\\\"),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
}

const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// The nearest time that the log's form can express, from 1970 to 9999: a clock may be set to any.
fn printable(time: SystemTime) -> SystemTime {
    let last = SystemTime::UNIX_EPOCH + Duration::from_millis(253_402_300_799_999);
    time.clamp(SystemTime::UNIX_EPOCH, last)
}

#[cfg(test)]
mod tests;
