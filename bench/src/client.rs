//! One running client peer: started on its core, given orders line by line, stopped for certain.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::peers::Peer;
use crate::rows::Row;
use crate::system;
use crate::workshop::Workshop;

/// How long a client may take beyond the time that its order says.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a client says after a load.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Tally {
    /// Exchanges that went well.
    pub requests: u64,
    /// Exchanges that failed.
    pub errors: u64,
    /// How long it took, in µs.
    pub duration_us: u64,
}

/// What a client saw of one answer.
#[derive(Debug, Deserialize)]
pub struct Seen {
    /// The status code.
    pub status: u16,
    /// The body, as text.
    pub content: String,
}

/// A client that takes orders. Dropping it ends the process.
pub struct Client {
    child: Child,
    orders: ChildStdin,
    lines: Receiver<String>,
    log: std::path::PathBuf,
}

impl Client {
    /// Starts the peer for a row, pinned to `core`, to ask the server on `port`.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(
        peer: &Peer,
        workshop: &Workshop,
        (row, port): (Row, u16),
        core: usize,
    ) -> io::Result<Self> {
        let log = workshop.log(peer);
        let mut command = workshop.client_command(peer, row, port);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let mut child = system::spawn_pinned(&mut command, core)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (orders, output) = pipes.ok_or_else(|| io::Error::other("no pipes to the client"))?;
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            orders,
            lines,
            log,
        })
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// So many seconds of load. One failed exchange makes it an error.
    ///
    /// # Errors
    /// One line that says what went wrong.
    pub fn seconds(&mut self, seconds: u32) -> io::Result<Tally> {
        let time = Duration::from_secs(u64::from(seconds));
        let tally = self.order(&format!("seconds {seconds}"), time)?;
        self.good(tally)
    }

    /// So many exchanges. One failed exchange makes it an error.
    ///
    /// # Errors
    /// One line that says what went wrong.
    pub fn count(&mut self, count: u32) -> io::Result<Tally> {
        let tally = self.order(&format!("count {count}"), PATIENCE)?;
        self.good(tally)
    }

    /// One exchange, shown.
    ///
    /// # Errors
    /// One line that says what went wrong.
    pub fn show(&mut self) -> io::Result<Seen> {
        self.order("show", Duration::ZERO)
    }

    fn order<A: DeserializeOwned>(&mut self, order: &str, time: Duration) -> io::Result<A> {
        // If the process has ended, its log says more than the broken pipe.
        let _ = writeln!(self.orders, "{order}").and_then(|()| self.orders.flush());
        let line = self.lines.recv_timeout(time + PATIENCE).map_err(|_| {
            io::Error::other(format!("no answer to \"{order}\"; {}", self.last_words()))
        })?;
        serde_json::from_str(&line)
            .map_err(|error| io::Error::other(format!("{error} in the line {line}")))
    }

    fn good(&self, tally: Tally) -> io::Result<Tally> {
        if tally.errors == 0 && tally.requests > 0 {
            return Ok(tally);
        }
        let (errors, requests) = (tally.errors, tally.requests);
        Err(io::Error::other(format!(
            "{errors} failed requests, {requests} good ones; {}",
            self.last_words()
        )))
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().last().unwrap_or("it said nothing").to_owned()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It would end by itself with its standard input; a stuck one would not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
