//! The access log: one line on stderr for each request, when its last byte is sent or its client has disconnected.
//!
//! Here: [`listen`] observes every exchange of the server; [`open`] returns the [`Record`] to which the handler adds status
//! and bytes. An exchange stays on one worker, so its record is in a list of that thread. Not here: the response
//! (`echo/response.rs`).

use hearken::event;
use hearken::observe::Step;
use hearken::observe::{Observation, Observer};
use hearken::server::ClientError;
use hearken::{Closed, Error, IncomingMessage, Peer, Server};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

/// One exchange. Shared by its handler and the log.
#[derive(Debug)]
pub(crate) struct Record {
    exchange: u32,
    /// Read here: the time of an observation is that of the worker's turn, and many exchanges take one turn only.
    started: Instant,
    /// Method and target, escaped for a terminal.
    request: RefCell<String>,
    status: Cell<u16>,
    bytes: Cell<u64>,
}

impl Record {
    pub(crate) fn set_status(&self, status: u16) {
        self.status.set(status);
    }

    /// The handler failed. The library responds, unless the head is sent or the client has disconnected.
    pub(crate) fn set_error(&self, error: &Error) {
        let gone = error.is_closed() && error.status().is_server_error();
        if self.status.get() == 0 && !gone {
            self.status.set(error.status().as_u16());
        }
    }

    /// Adds bytes of content: after compression, without framing.
    pub(crate) fn add_bytes(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
    }
}

thread_local! {
    /// Open exchanges of this worker by connection, in order. With pipelining an exchange begins before the last byte of
    /// the previous one is sent.
    static OPEN: RefCell<HashMap<u64, VecDeque<Rc<Record>>>> = RefCell::default();
}

/// Writes a line that belongs to no request.
pub(crate) fn note(coloured: bool, text: &str) {
    Log { coloured }.note(None, text);
}

/// Installs the log.
pub(crate) fn listen(server: &mut Server, coloured: bool) {
    let log = Log { coloured };
    server.observer(log);
    server.on(event::ClientError, move |failure| log.fault(failure));
    server.on(event::TlsClientError, move |failure| {
        log.note(Some(failure.peer()), &failure.error().to_string());
    });
}

/// The record of the exchange of this request; `None` without a log. Call it once, before the handler waits.
pub(crate) fn open(req: &IncomingMessage) -> Option<Rc<Record>> {
    OPEN.with_borrow(|open| {
        let record = open.get(&req.peer().id())?.back()?;
        let mut request = record.request.borrow_mut();
        push_escaped(&mut request, req.method().as_str());
        request.push(' ');
        push_escaped(&mut request, req.url());
        Some(Rc::clone(record))
    })
}

#[derive(Clone, Copy)]
struct Log {
    coloured: bool,
}

impl Observer for Log {
    fn observe(&self, seen: &Observation<'_>) {
        match seen.step {
            Step::HandlerStart => begin(seen),
            Step::LastByteFlushed => self.end(seen),
            Step::Closed { why, .. } => self.cut(seen, why),
            _ => {}
        }
    }
}

fn begin(seen: &Observation<'_>) {
    let record = Record {
        exchange: seen.exchange,
        started: Instant::now(),
        request: RefCell::default(),
        status: Cell::new(0),
        bytes: Cell::new(0),
    };
    OPEN.with_borrow_mut(|open| {
        open.entry(seen.peer.id())
            .or_default()
            .push_back(Rc::new(record));
    });
}

impl Log {
    /// The last byte of a response is sent.
    fn end(self, seen: &Observation<'_>) {
        let record = OPEN.with_borrow_mut(|open| {
            let id = seen.peer.id();
            let records = open.get_mut(&id)?;
            if records.front()?.exchange != seen.exchange {
                return None; // the response to a request that reached no handler
            }
            let record = records.pop_front();
            if records.is_empty() {
                open.remove(&id); // an idle connection has no entry
            }
            record
        });
        if let Some(record) = record {
            self.write(&self.line(seen, &record, None));
        }
    }

    /// The connection is closed: its open exchanges end here.
    fn cut(self, seen: &Observation<'_>, why: Closed) {
        let records = OPEN.with_borrow_mut(|open| open.remove(&seen.peer.id()));
        for record in records.into_iter().flatten() {
            self.write(&self.line(seen, &record, Some(why)));
        }
    }

    /// Input that is not a request. If it belongs to an open exchange, sets the status of its line.
    fn fault(self, failure: &ClientError<'_>) {
        let status = failure.error().status().as_u16();
        let noted = OPEN.with_borrow(|open| {
            let record = open.get(&failure.peer().id()).and_then(VecDeque::back);
            record.is_some_and(|record| {
                let unanswered = record.status.get() == 0;
                if unanswered {
                    record.set_status(status);
                }
                unanswered
            })
        });
        if !noted {
            let mut line = self.opening(failure.peer());
            line.push_str(" - - ");
            self.push_status(&mut line, status);
            line.push_str(" (");
            push_own(&mut line, &failure.error().to_string());
            line.push_str(")\n");
            self.write(&line);
        }
    }

    /// Something that happened before a request, or belongs to none.
    fn note(self, peer: Option<&Peer>, text: &str) {
        let mut line = match peer {
            Some(peer) => self.opening(peer) + " - - - (",
            None => self.time() + " - - - - (",
        };
        push_own(&mut line, text);
        line.push_str(")\n");
        self.write(&line);
    }

    fn time(self) -> String {
        let now = humantime::format_rfc3339_millis(SystemTime::now());
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
        match peer.address() {
            Some(address) => format!("{time} {address}"),
            None => format!("{time} unix"),
        }
    }

    fn line(self, seen: &Observation<'_>, record: &Record, cut: Option<Closed>) -> String {
        let mut line = self.opening(seen.peer);
        line.push(' ');
        line.push_str(&record.request.borrow());
        line.push(' ');
        self.push_status(&mut line, record.status.get());
        let took = record.started.elapsed();
        // Writing to a `String` cannot fail.
        let _ = write!(line, " {} B {}", record.bytes.get(), milliseconds(took));
        if let Some(why) = cut {
            let _ = write!(line, " ({why})");
        }
        line.push('\n');
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

    /// In one write, so that the lines of several workers do not mix. The server runs even if stderr is closed.
    fn write(self, line: &str) {
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
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

#[cfg(test)]
mod tests;
