//! The access log: one line on stderr for each request, when its last byte is out or its client is gone.
//!
//! Here: [`listen`] sees every exchange through the observer of the server; [`open`] gives the handler the [`Record`] in
//! which it notes what it answers. An exchange lives on one worker, so its record waits in a list of that thread. Not
//! here: what a response is (`echo/reply.rs`).

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

/// What is known of one exchange. Its handler and the log share it.
#[derive(Debug)]
pub(crate) struct Record {
    exchange: u32,
    /// Read here: what the observer is told is the time of the turn, and many answers take no longer than one.
    started: Instant,
    /// Method and target, for a terminal: nothing in it can move the cursor or end the line.
    request: RefCell<String>,
    status: Cell<u16>,
    bytes: Cell<u64>,
}

impl Record {
    pub(crate) fn set_status(&self, status: u16) {
        self.status.set(status);
    }

    /// The handler failed. The library answers for it, unless a head is out or nobody is there to be answered.
    pub(crate) fn set_error(&self, error: &Error) {
        let gone = error.is_closed() && error.status().is_server_error();
        if self.status.get() == 0 && !gone {
            self.status.set(error.status().as_u16());
        }
    }

    /// Bytes of a body, as they go out: after compression, without framing.
    pub(crate) fn add_bytes(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
    }
}

thread_local! {
    /// Exchanges of this worker that have begun and not ended, by connection, in their order. With pipelining the next
    /// one begins before the last byte of the one before is out.
    static OPEN: RefCell<HashMap<u64, VecDeque<Rc<Record>>>> = RefCell::default();
}

/// One line that belongs to no request.
pub(crate) fn note(coloured: bool, text: &str) {
    Log { coloured }.note(None, text);
}

/// Sets the log up.
pub(crate) fn listen(server: &mut Server, coloured: bool) {
    let log = Log { coloured };
    server.observer(log);
    server.on(event::ClientError, move |failure| log.fault(failure));
    server.on(event::TlsClientError, move |failure| {
        log.note(Some(failure.peer()), &failure.error().to_string());
    });
}

/// The record of the exchange that this request belongs to; `None` when nothing is logged. To be called once, before the
/// handler waits for anything.
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
    /// The last byte of an answer is out.
    fn end(self, seen: &Observation<'_>) {
        let record = OPEN.with_borrow_mut(|open| {
            let id = seen.peer.id();
            let records = open.get_mut(&id)?;
            if records.front()?.exchange != seen.exchange {
                return None; // the answer to a head that no handler saw
            }
            let record = records.pop_front();
            if records.is_empty() {
                open.remove(&id); // an idle connection costs nothing here
            }
            record
        });
        if let Some(record) = record {
            self.write(&self.line(seen, &record, None));
        }
    }

    /// The connection is closed; what was open on it ends here.
    fn cut(self, seen: &Observation<'_>, why: Closed) {
        let records = OPEN.with_borrow_mut(|open| open.remove(&seen.peer.id()));
        for record in records.into_iter().flatten() {
            self.write(&self.line(seen, &record, Some(why)));
        }
    }

    /// Something came that is no request. If it belongs to an exchange that is open, its line will have the status.
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

    /// Something that happened before a request was there, or beside all of them.
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

    /// In one piece, so that the lines of several workers do not mix. Nobody may be reading; the server goes on.
    fn write(self, line: &str) {
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

/// In milliseconds, with as many digits as say something.
fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        0.0..10.0 => format!("{ms:.2} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

/// Adds text of our own, which is more than ASCII. Should something of a client ever be in it, it stays on its line.
fn push_own(line: &mut String, text: &str) {
    line.extend(
        text.chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c }),
    );
}

/// Adds text that comes from a client: whatever is not a visible ASCII character is written as its bytes, `\x1b`, and
/// the backslash too, so that nobody can pretend.
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
