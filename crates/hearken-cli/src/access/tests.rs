//! The parts of a line. The integration tests check whole lines.

use super::*;
use hearken::ServerHandle;
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};

#[test]
fn text_from_a_client_is_escaped() {
    let mut line = String::new();
    push_escaped(&mut line, "/a\r\nb\u{1b}[31m\u{7f}é\\x1b c\u{9b}\0");
    assert_eq!(line, r"/a\x0d\x0ab\x1b[31m\x7f\xc3\xa9\\x1b c\xc2\x9b\x00");
}

#[test]
fn times_have_about_three_significant_digits() {
    for (micros, text) in [
        (0, "0.00 ms"),
        (1_234, "1.23 ms"),
        (12_345, "12 ms"),
        (2_000_000, "2000 ms"),
    ] {
        assert_eq!(milliseconds(Duration::from_micros(micros)), text);
    }
}

#[test]
fn a_status_is_coloured_only_if_enabled() {
    let status = |coloured, status| {
        let mut line = String::new();
        Style { coloured }.push_status(&mut line, status);
        line
    };
    assert_eq!(status(false, 200), "200");
    assert_eq!(status(false, 0), "-");
    assert_eq!(status(true, 404), "\u{1b}[33m404\u{1b}[0m");
}

/// Collects the lines that the log would write.
struct Lines(Sender<String>);

impl Observer for Lines {
    fn observe(&self, seen: &Observation<'_>) {
        let log = Style { coloured: false };
        let line = seen
            .facts
            .and_then(|facts| log.line_at(seen.step, seen.peer, facts));
        if let Some(line) = line {
            self.0.send(line).expect("the test waits");
        }
    }
}

/// A running server with the log, and one connection to it.
struct Logged {
    server: ServerHandle,
    client: TcpStream,
    lines: Receiver<String>,
}

impl Logged {
    fn start(mut server: Server) -> Self {
        let (sender, lines) = channel();
        server.observer(Lines(sender));
        let server = server.workers(1).listen("127.0.0.1:0").unwrap();
        let server = server.start().unwrap();
        let address = server.address().socket_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        Self {
            server,
            client,
            lines,
        }
    }

    /// Sends a GET and returns the next line, without its time and client.
    fn ask(&mut self, target: &str) -> String {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        self.client.write_all(request.as_bytes()).unwrap();
        self.line()
    }

    fn line(&self) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(10)).unwrap();
        line.split_once(" GET ").unwrap().1.to_owned()
    }

    fn stop(self) {
        drop(self.client);
        self.server.close();
        self.server.wait();
    }
}

#[test]
fn a_line_has_the_route_if_it_is_set() {
    let mut logged = Logged::start(Server::new(async |req, res| {
        if req.path() != "/" {
            res.set_route("/users/:id");
        }
        res.status(201).end("hello")
    }));
    for (target, end) in [("/", "ms\n"), ("/users/5", "ms route /users/:id\n")] {
        let line = logged.ask(target);
        assert!(
            line.starts_with(&format!("{target} 201 5 B ")) && line.ends_with(end),
            "{line:?}"
        );
    }
    logged.stop();
}

/// Without a subscriber for `tracing`: the line of the request names the failure.
#[test]
fn a_handler_that_fails_has_one_line_with_its_error() {
    use hearken::{Failure, IncomingMessage, ServerResponse};
    let handler = async |req: IncomingMessage, res: ServerResponse| {
        match req.path() {
            "/error" => return Err(Failure::new(503, "no \u{1b}database")),
            "/panic" => panic!("on purpose"),
            "/late" => {
                let _ = res.end("answered");
                tokio::time::sleep(Duration::from_millis(50)).await;
                return Err(Failure::new(500, "too late"));
            }
            _ => {}
        }
        Err::<hearken::Sent, _>(Failure::new(404, "no such page"))
    };
    let mut logged = Logged::start(Server::new(handler));
    let error = logged.ask("/error");
    assert!(
        error.starts_with("/error 503 20 B ") && error.ends_with(" ms (no \u{fffd}database)\n"),
        "{error}"
    );
    let panic = logged.ask("/panic");
    assert!(
        panic.ends_with(" ms (a handler panicked: on purpose)\n"),
        "{panic}"
    );
    let answer = logged.ask("/none");
    assert!(
        answer.starts_with("/none 404 13 B ") && answer.ends_with(" ms\n"),
        "{answer}"
    );
    let late = logged.ask("/late");
    assert!(
        late.starts_with("/late 200 8 B ") && late.ends_with(" ms\n"),
        "{late}"
    );
    let line = logged.line();
    assert!(line.ends_with("/late - (too late)\n"), "{line}");
    logged.stop();
}

#[test]
fn every_clock_is_printed() {
    let epoch = SystemTime::UNIX_EPOCH;
    for (time, text) in [
        (
            epoch.checked_sub(Duration::from_secs(1)),
            "1970-01-01T00:00:00.000Z",
        ),
        (
            epoch.checked_add(Duration::from_secs(u64::from(u32::MAX) * 1000)),
            "9999-12-31T23:59:59.999Z",
        ),
        (
            epoch.checked_add(Duration::from_secs(784_111_777)),
            "1994-11-06T08:49:37.000Z",
        ),
    ] {
        if let Some(time) = time {
            let printed = humantime::format_rfc3339_millis(printable(time)).to_string();
            assert_eq!(printed, text);
        }
    }
}
