//! Signals that stop the server, and a log that is not read.

use super::program::{Program, command};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn a_signal_finishes_running_requests_and_exits_with_0() {
    for signal in ["TERM", "INT"] {
        let mut program = Program::start();
        let address = program.address();
        let mut idle = program.connect();
        idle.get("/plaintext");
        let mut busy = program.connect();
        busy.send("GET /drip?duration=1&numbytes=10 HTTP/1.1\r\nHost: a\r\n\r\n");
        busy.head();
        program.signal(signal);
        assert_eq!(idle.rest(), b"", "an idle connection closes");
        assert_eq!(busy.rest(), b"**********", "a running request ends");
        assert_eq!(program.wait().code(), Some(0), "SIG{signal}");
        assert!(TcpStream::connect(address).is_err());
    }
}

#[test]
fn a_second_signal_closes_connections() {
    let mut program = Program::start();
    let mut idle = program.connect();
    idle.get("/plaintext");
    let mut busy = program.connect();
    busy.send("GET /drip?duration=10&numbytes=1000 HTTP/1.1\r\nHost: a\r\n\r\n");
    busy.head();
    program.signal("TERM");
    // The close shows that the first signal has been handled: two pending signals would be one.
    assert_eq!(idle.rest(), b"");
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(143), "128 and SIGTERM");
    assert!(busy.cut().len() < 1000, "truncated");
    let (_, stderr) = program.rest();
    assert!(
        stderr.contains("GET /drip?duration=10&numbytes=1000 200"),
        "{stderr}"
    );
}

#[test]
fn the_log_says_how_many_connections_the_end_waits_for() {
    let mut program = Program::start();
    let mut busy = program.connect();
    busy.send("GET /drip?duration=3&numbytes=10 HTTP/1.1\r\nHost: a\r\n\r\n");
    busy.head();
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    let (_, stderr) = program.rest();
    let lines = stderr
        .lines()
        .filter(|line| line.ends_with(" - - - - (waiting for 1 connection)"));
    assert_eq!(lines.count(), 1, "not each second: {stderr}");
}

/// A pipe holds 64 KiB, which are some 900 lines.
#[test]
fn a_log_that_is_not_read_stops_neither_requests_nor_the_end() {
    let mut child = command(&["echo", "--port", "0", "--workers", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut url = String::new();
    let stdout = child.stdout.as_mut().expect("a pipe");
    BufReader::new(stdout).read_line(&mut url).expect("a URL");
    let address = url.trim().split_once("://").expect("a URL").1;
    let mut client = super::client::Client::connect(address.parse().expect("an address"));
    for _ in 0..3000 {
        assert_eq!(client.get("/plaintext").status, 200);
    }
    let killed = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status();
    assert!(killed.expect("kill runs").success());
    let began = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status.code();
        }
        assert!(began.elapsed() < super::program::PATIENCE, "it still runs");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(code, Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
