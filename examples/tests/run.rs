//! Runs each example as a user would and connects to it over a socket. `cargo test` builds the examples beside this program;
//! `cargo test --test run` alone does not build them and tests stale ones.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Bounds every wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running example. Ends with the test.
struct Example {
    child: Child,
    lines: Receiver<String>,
    address: Option<SocketAddr>,
}

impl Example {
    /// Starts it on a free port and waits until it prints its URL.
    fn serve(name: &str) -> Self {
        let mut example = Self::start(name, &["127.0.0.1:0"]);
        let line = example.wait_for("http://");
        let (_, address) = line.split_once("http://").expect("a URL");
        example.address = Some(address.trim().parse().expect("an address"));
        example
    }

    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program(name))
            .args(arguments)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; `cargo test` builds it"));
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self {
            child,
            lines,
            address: None,
        }
    }

    /// The next line of its output that holds `text`.
    fn wait_for(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no line with {text}: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The rest of its output.
    fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {rest:?}"),
            }
        }
    }

    fn connect(&self) -> Client {
        let address = self.address.expect("it serves");
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Client {
            stream: BufReader::new(stream),
        }
    }

    /// Sends SIGTERM, as service managers do. Returns whether it ended with 0, and the rest of its output.
    fn terminate(mut self) -> (bool, Vec<String>) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        let rest = self.rest(); // its output ends when it does
        (self.child.wait().expect("it ends").success(), rest)
    }

    /// Its peak resident memory, in KiB.
    #[cfg(target_os = "linux")]
    fn memory_peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("a line");
        peak.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number")
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Examples lie beside the directory of the tests: `target/debug/deps/run-…` and `target/debug/examples/NAME`.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    let profile = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target/…/deps");
    profile.join("examples").join(name)
}

/// One connection with its own parser: the tests must not trust the code under test.
struct Client {
    stream: BufReader<TcpStream>,
}

struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }
}

impl Client {
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .get_mut()
            .write_all(bytes.as_ref())
            .expect("it reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line in time");
        line
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream
            .read_exact(&mut bytes)
            .expect("as many bytes as announced");
        bytes
    }

    /// Reads one response, with a Content-Length or chunked.
    fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let line = self.line();
            assert!(!line.is_empty(), "closed in a head: {head:?}");
            head += &line;
        }
        let mut answer = Answer {
            head,
            body: Vec::new(),
        };
        if let Some(length) = answer.field("content-length") {
            let length = length.parse().expect("a number");
            answer.body = self.bytes(length);
        } else if answer.field("transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(self.line().trim_end(), 16).expect("a chunk size");
                answer.body.extend(self.bytes(size));
                assert_eq!(self.line(), "\r\n", "behind a chunk");
                if size == 0 {
                    break;
                }
            }
        }
        answer
    }

    fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: example\r\n\r\n"));
        self.answer()
    }

    fn is_closed(&mut self) -> bool {
        self.line().is_empty()
    }
}

#[test]
fn hello() {
    let example = Example::serve("hello");
    let (mut one, mut two) = (example.connect(), example.connect());
    for _ in 0..2 {
        for client in [&mut one, &mut two] {
            let answer = client.get("/");
            assert!(
                answer.head.starts_with("HTTP/1.1 200 OK\r\n"),
                "{}",
                answer.head
            );
            assert_eq!(answer.text(), "Hello, World!\n");
        }
    }
    let (well, _) = example.terminate();
    assert!(
        well && one.is_closed() && two.is_closed(),
        "idle clients do not keep it from ending"
    );
}

#[test]
fn sse_ends_with_the_server() {
    let example = Example::serve("sse");
    let mut client = example.connect();
    assert_eq!(client.get("/").field("content-type"), Some("text/html"));
    client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    while !client.line().starts_with("data: 0 s") {}
    let began = std::time::Instant::now();
    let (well, _) = example.terminate();
    assert!(
        well && began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    while client.line() != "0\r\n" {}
    assert_eq!(client.line(), "\r\n", "the response is whole");
}

#[test]
fn a_port_in_use_is_an_error_that_names_who_has_it() {
    let first = Example::serve("hello");
    let address = first.address.expect("it serves").to_string();
    let second = Command::new(program("hello"))
        .arg(address)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains("in use"),
        "{said}"
    );
}

#[test]
fn echo() {
    let example = Example::serve("echo");
    let (mut one, mut two) = (example.connect(), example.connect());
    one.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n");
    two.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo");
    assert_eq!(two.answer().text(), "two");
    one.send("1\r\no\r\n0\r\n\r\n");
    let answer = one.answer();
    assert_eq!(
        (answer.text(), answer.field("content-type")),
        ("hello", Some("text/x"))
    );
    assert_eq!(one.get("/").body, b"", "the connection lives on");
}

/// The client sends the rest of the body only after the echo of the first part.
#[test]
fn echo_answers_before_the_request_is_whole() {
    let example = Example::serve("echo");
    let mut client = example.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst");
    while client.line() != "\r\n" {}
    assert_eq!(
        (client.line(), client.bytes(7)),
        ("5\r\n".into(), b"first\r\n".into())
    );
    client.send("later");
    assert_eq!(client.line(), "5\r\n");
    assert_eq!(client.bytes(7 + 5), b"later\r\n0\r\n\r\n");
}

#[cfg(target_os = "linux")]
#[test]
fn upload_and_download_in_flat_memory() {
    const MIB: usize = 1024 * 1024;
    let example = Example::serve("upload");
    let mut client = example.connect();
    client.get("/download/1");
    let before = example.memory_peak_kib();

    client.send(format!(
        "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        24 * MIB
    ));
    for _ in 0..24 {
        client.send(vec![b'.'; MIB]);
    }
    let answer = client.answer();
    assert!(
        answer
            .text()
            .starts_with(&format!("{} bytes, hash ", 24 * MIB)),
        "{}",
        answer.text()
    );

    let answer = client.get("/download/48");
    assert_eq!(answer.body.len(), 48 * MIB);
    assert!(answer.body.iter().all(|&byte| byte == b'.'));
    let line = example.wait_for("downloaded 48 MiB");
    assert!(!line.contains("waited 0 times"), "{line}");

    let grown = example.memory_peak_kib() - before;
    assert!(
        grown < 4 * 1024,
        "24 MiB up and 48 MiB down cost {grown} KiB"
    );
    assert!(client.get("/download/x").head.starts_with("HTTP/1.1 400 "));
    assert!(client.get("/elsewhere").head.starts_with("HTTP/1.1 404 "));
}

#[test]
fn session_prints_seven_events_on_each_side_and_on_each_transport() {
    let lines = Example::start("session", &[]).rest();
    let sides = |of: &'static str, lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .filter_map(|line| line.strip_prefix(of))
            .map(str::to_owned)
            .collect()
    };
    let names = ["memory", "Unix socket", "TCP"];
    let parts: Vec<_> = lines.chunks(15).collect();
    assert_eq!(parts.len(), names.len(), "{lines:?}");
    for (part, name) in parts.into_iter().zip(names) {
        assert_eq!(part[0], name);
        let request = ["HeaderDone", "DataDone 5 bytes", "Done"];
        let response = [
            "LineReady HTTP/1.1 200 OK",
            "HeaderReady 3 fields",
            "DataReady 10 bytes",
            "Ready",
        ];
        assert_eq!(sides("client: ", part), [&request[..], &response].concat());
        let request = [
            "LineReady POST /f HTTP/1.1",
            "HeaderReady 2 fields",
            "DataReady 5 bytes",
            "Ready",
        ];
        let response = ["HeaderDone", "DataDone 10 bytes", "Done"];
        assert_eq!(sides("server: ", part), [&request[..], &response].concat());
    }
}

#[test]
fn session_serves_other_clients() {
    let example = Example::serve("session");
    for _ in 0..2 {
        let mut client = example.connect();
        let answer = client.get("/");
        assert_eq!(
            (answer.text(), answer.field("connection")),
            ("thank you\n", Some("close"))
        );
        assert!(client.is_closed());
    }
}

#[test]
fn client() {
    let mut example = Example::start("client", &[]);
    let said = example.rest();
    assert!(example.child.wait().expect("it ends").success(), "{said:?}");
    let expected = [
        "200 OK after 1 redirect",
        "you have been sent here",
        "Point { x: 3, y: 4 }",
        "10000000 bytes came back",
    ];
    assert_eq!(said[..4], expected);
    assert!(
        said[4].ends_with("/nowhere answered 404 Not Found"),
        "{said:?}"
    );
    assert!(
        said[5].starts_with("Some(Connect): connecting to 127.0.0.1:"),
        "{said:?}"
    );
}

#[test]
fn inject() {
    let mut example = Example::start("inject", &[]);
    let lines = example.rest();
    assert!(
        example.child.wait().expect("it ends").success(),
        "{lines:?}"
    );
    assert!(
        lines[0].starts_with("answered 400 Bad Request: "),
        "{lines:?}"
    );
    assert_eq!(
        lines.last().expect("a line"),
        "210 s of the test's clock have passed"
    );
}

#[test]
fn https() {
    let mut example = Example::start("https", &[]);
    let lines = example.rest();
    assert!(example.child.wait().expect("it ends").success());
    assert!(lines[0].contains("self-signed"), "{lines:?}");
    assert_eq!(lines[1..], ["over TLSv1.3", "HEARKEN"]);
}

#[test]
fn tunnel() {
    let (example, hello) = (Example::serve("tunnel"), Example::serve("hello"));
    let there = hello.address.expect("it serves");
    let mut client = example.connect();
    client.send(format!("CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n\r\n"));
    while client.line() != "\r\n" {}
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        client.answer().head.starts_with("HTTP/1.1 200 OK"),
        "through the tunnel"
    );

    let mut client = example.connect();
    client.send("CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n");
    assert!(
        client.answer().head.starts_with("HTTP/1.1 403 "),
        "not to strangers"
    );
}

#[test]
fn proxy() {
    let echo = Example::serve("echo");
    let upstream = format!("http://{}", echo.address.expect("it serves"));
    let mut example = Example::start("proxy", &["127.0.0.1:0", &upstream]);
    let line = example.wait_for("http://");
    let (_, address) = line.split_once("http://").expect("a URL");
    example.address = Some(address.trim().parse().expect("an address"));

    let mut client = example.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head += &client.line(); // the response begins before the request has ended
    }
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    client.send("2\r\nde\r\n0\r\n\r\n");
    let mut body = String::new();
    while !body.ends_with("0\r\n\r\n") {
        body += &client.line();
    }
    let letters: String = body
        .lines()
        .filter(|line| line.starts_with(['a', 'd']))
        .collect();
    assert_eq!(letters, "abcde", "{body:?}");
}

#[test]
fn events_come_in_their_order() {
    let example = Example::serve("events");
    let mut client = example.connect();
    client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ntext");
    assert_eq!(client.answer().text(), "thank you\n");
    assert!(client.get("/panic").head.starts_with("HTTP/1.1 500 "));
    client.send("GET / HTTP/1.1\n");
    assert!(
        client
            .answer()
            .head
            .starts_with("HTTP/1.1 400 Not Like This\r\n")
    );
    assert!(client.is_closed());
    drop(client);
    let mut lines = Vec::new();
    while lines
        .last()
        .is_none_or(|line: &String| !line.starts_with("Disconnected"))
    {
        lines.push(example.wait_for(""));
    }
    let expected = [
        "Connection #1 ",
        "Request POST /a",
        "  DataReady 4 bytes, 4 so far",
        "  Ready, 0 trailers",
        "  HeaderDone",
        "  DataDone 10 bytes",
        "  Done",
        "Request GET /panic",
        "HandlerFailed a handler panicked: as you asked",
        "ClientError expected CR before LF",
        "Disconnected #1 ",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(
            line.starts_with(expected),
            "expected {expected} in {lines:#?}"
        );
    }
    let (well, rest) = example.terminate();
    assert!(well);
    assert_eq!(rest, ["Close"]);
}

#[test]
fn threads() {
    let example = Example::serve("threads");
    let (one, two) = serves_many_clients(&example);
    assert_eq!(one.0, two.0, "one process");
    assert_ne!(one.1, two.1, "a thread for each");
}

#[test]
fn processes() {
    let mut example = Example::serve("processes");
    let (one, two) = serves_many_clients(&example);
    assert_ne!(one.0, two.0, "a process for each");
    // The workers share its stdout, which ends only when all of them have noticed that their parent is gone.
    example.child.kill().expect("it runs");
    example.child.wait().expect("it ends");
    example.rest();
}

#[test]
fn selector() {
    let (one, two) = serves_many_clients(&Example::serve("selector"));
    assert_eq!(one, two, "one thread for all");
}

#[test]
fn r#async() {
    let (one, two) = serves_many_clients(&Example::serve("async"));
    assert_eq!(one, two, "one thread for all");
}

/// Checks common to the four ways. Returns the process and thread that answered each of two clients.
fn serves_many_clients(example: &Example) -> ((String, String), (String, String)) {
    // The first client has sent half of a request when the second sends two and gets its responses.
    let (mut one, mut two) = (example.connect(), example.connect());
    one.send("PUT /one HTTP/1.1\r\nHost: a\r\nContent-Len");
    let second = said(&two.get("/two"), "GET /two with 0 bytes");
    assert_eq!(said(&two.get("/again"), "GET /again with 0 bytes"), second);
    one.send("gth: 3\r\n\r\nb");
    one.send("ye");
    let first = said(&one.answer(), "PUT /one with 3 bytes");

    // Pipelined requests are answered in order; HEAD; Expect: 100-continue.
    one.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    said(&one.answer(), "GET /1 with 0 bytes");
    while one.line() != "\r\n" {}
    one.send("PUT /3 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(
        (one.line(), one.line()),
        ("HTTP/1.1 100 Continue\r\n".into(), "\r\n".into())
    );
    one.send("ok");
    said(&one.answer(), "PUT /3 with 2 bytes");

    // The connection closes after `Connection: close`, and after a fault.
    two.send("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = two.answer();
    assert_eq!(answer.field("connection"), Some("close"));
    said(&answer, "GET /last with 0 bytes");
    assert!(two.is_closed());
    one.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    let answer = one.answer();
    assert!(answer.head.starts_with("HTTP/1.1 400 "), "{}", answer.head);
    assert!(
        answer.text().contains("H1_SPACE_BEFORE_COLON"),
        "{}",
        answer.text()
    );
    assert!(one.is_closed());
    (first, second)
}

/// Checks the response, and returns the process and thread that sent it.
fn said(answer: &Answer, expected: &str) -> (String, String) {
    assert!(
        answer.head.starts_with("HTTP/1.1 200 OK\r\n"),
        "{}",
        answer.head
    );
    assert!(answer.field("date").is_some(), "{}", answer.head);
    let (request, by) = answer
        .text()
        .split_once(", answered by process ")
        .expect("an answer");
    assert_eq!(request, expected);
    let (process, thread) = by.split_once(", ").expect("process and thread");
    (process.to_owned(), thread.to_owned())
}

#[test]
fn openapi() {
    let example = Example::serve("openapi");
    let mut client = example.connect();
    let post = |token: &str, body: &str| {
        format!(
            "POST /notes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    client.send(post("other", "{}"));
    assert_eq!(client.answer().status(), "401");
    client.send(post("secret", r#"{"title":"","stars":6}"#));
    let invalid = client.answer();
    assert_eq!(invalid.status(), "422");
    let problem: serde_json::Value = serde_json::from_slice(&invalid.body).expect("JSON");
    assert_eq!(problem["errors"][0]["field"], "stars");
    assert_eq!(problem["errors"][1]["field"], "title");
    client.send(post("secret", r#"{"title":"first","label":"work"}"#));
    assert_eq!(client.answer().status(), "201");
    let listed = client.get("/notes?label=work&limit=1");
    let notes: serde_json::Value = serde_json::from_slice(&listed.body).expect("JSON");
    assert_eq!(notes[0]["title"], "first");
    assert_eq!(client.get("/notes?label=blue").status(), "400");
    assert_eq!(client.get("/notes/2").status(), "404");
    let document = client.get("/openapi.json");
    let document: serde_json::Value = serde_json::from_slice(&document.body).expect("JSON");
    assert_eq!(
        document["paths"]["/notes"]["post"]["operationId"],
        "addNote"
    );
    assert!(client.get("/docs").text().contains("One note"));
}

#[test]
fn layers() {
    let example = Example::serve("layers");
    let mut client = example.connect();

    // The whole content in one piece: compressed with its length, an ETag of what it was before, a cookie, two times.
    client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nCookie: visits=4\r\n\r\n");
    let first = client.answer();
    assert_eq!(first.field("content-encoding"), Some("gzip"));
    assert_eq!(first.field("vary"), Some("Accept-Encoding"));
    let text = gunzip(&first.body);
    assert!(first.body.len() < text.len());
    assert_eq!(
        first.field("set-cookie"),
        Some("visits=5; Path=/; HttpOnly; SameSite=Lax")
    );
    assert!(first.field("x-response-time").is_some());
    assert!(
        first
            .field("server-timing")
            .is_some_and(|value| value.starts_with("write;dur="))
    );
    let tag = first.field("etag").expect("an ETag").to_owned();

    // Without gzip the tag and the text are the same, and 304 follows from the tag.
    let plain = client.get("/");
    assert_eq!(plain.text(), text);
    assert_eq!(plain.field("etag"), Some(tag.as_str()));
    assert_eq!(plain.field("content-encoding"), None);
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tag}\r\n\r\n"
    ));
    let fresh = {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head += &client.line();
        }
        head
    };
    assert!(
        fresh.starts_with("HTTP/1.1 304 Not Modified\r\n"),
        "{fresh}"
    );

    // A stream through the filter: each piece leaves when the handler waits, so the first is there before the last is made.
    client.send("GET /events HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nTE: trailers\r\n\r\n");
    while client.line() != "\r\n" {}
    let mut body = Vec::new();
    let mut pieces = 0;
    loop {
        let size = usize::from_str_radix(client.line().trim_end(), 16).expect("a chunk size");
        if size == 0 {
            break;
        }
        body.extend(client.bytes(size));
        client.bytes(2);
        pieces += 1;
    }
    assert_eq!(client.line(), "X-Events: 5\r\n");
    assert_eq!(client.line(), "\r\n");
    assert!(pieces >= 5, "one chunk for each piece, not {pieces}");
    assert_eq!(
        gunzip(&body),
        "event 0\nevent 1\nevent 2\nevent 3\nevent 4\n"
    );
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(bytes);
    decoder.read_to_string(&mut text).expect("gzip");
    text
}
