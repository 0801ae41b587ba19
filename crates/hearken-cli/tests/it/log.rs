//! The access log.

use super::program::{Program, command};

/// The words of a line after time and client: method, target, status, bytes, "B", duration, "ms".
fn words(line: &str) -> Vec<&str> {
    line.split(' ').skip(2).collect()
}

#[test]
fn a_line_for_each_request() {
    let program = Program::start();
    let mut client = program.connect();
    client.get("/plaintext?a=b");
    let line = program.log_line();
    let [time, peer, method, target, status, bytes, "B", took, "ms"] =
        *line.split(' ').collect::<Vec<_>>()
    else {
        panic!("{line}")
    };
    assert_eq!((method, target), ("GET", "/plaintext?a=b"));
    assert_eq!((status, bytes), ("200", "13"));
    assert!(peer.starts_with("127.0.0.1:"), "{line}");
    assert!(
        time.starts_with("20") && time.ends_with('Z') && time.len() == 24,
        "{line}"
    );
    assert!(took.parse::<f64>().is_ok(), "{line}");

    client.ask("HEAD", "/json", "");
    assert_eq!(
        words(&program.log_line())[..4],
        ["HEAD", "/json", "200", "0"]
    );
    client.get("/nothing");
    assert_eq!(words(&program.log_line())[..3], ["GET", "/nothing", "404"]);
    let answer = client.ask("GET", "/echo/hi", "Accept-Encoding: gzip\r\n");
    let bytes = answer.body.len().to_string();
    assert_eq!(
        words(&program.log_line())[..4],
        ["GET", "/echo/hi", "200", &bytes]
    );
}

#[test]
fn pipelined_requests_are_logged_in_order() {
    let program = Program::start();
    let mut client = program.connect();
    let request = |target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send(
        ["/echo/a", "/delay/0.01", "/bytes/200000"]
            .map(request)
            .concat(),
    );
    for (target, bytes) in [
        ("/echo/a", 1),
        ("/delay/0.01", 20),
        ("/bytes/200000", 200_000),
    ] {
        assert_eq!(client.answer("GET").body.len(), bytes);
        let line = program.log_line();
        assert_eq!(
            words(&line)[..4],
            ["GET", target, "200", &bytes.to_string()],
            "{line}"
        );
    }
}

#[test]
fn a_client_cannot_send_escape_sequences_to_the_terminal() {
    let program = Program::start();
    let mut client = program.connect();
    client.get("/echo/%1b%5b2J%0aGET\\x1b");
    let line = program.log_line();
    assert_eq!(words(&line)[1], "/echo/%1b%5b2J%0aGET\\\\x1b", "{line}");
    for request in [
        &b"GET /\x1b[2J HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[2J\r\n\r\n",
        b"\x1b[2J\r\n\r\n",
        b"GET /\xc2\x9b2J HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut client = program.connect();
        client.send(request);
        assert_eq!(client.answer("GET").status, 400);
        let line = program.log_line();
        assert_eq!(words(&line)[..3], ["-", "-", "400"], "{line}");
        assert!(
            line.chars().all(|c| (' '..='~').contains(&c) || c == '§'),
            "{line:?}"
        );
    }
}

#[test]
fn a_password_in_a_target_is_not_logged() {
    let program = Program::start();
    program.connect().get("http://ada:geheim@a/json");
    let line = program.log_line();
    assert!(!line.contains("geheim"), "{line}");
    program.connect().get("http://a/json");
    assert_eq!(
        words(&program.log_line())[..3],
        ["GET", "http://a/json", "200"]
    );
}

#[test]
fn a_client_that_disconnects_is_logged() {
    let program = Program::start();
    let mut client = program.connect();
    client.send("GET /drip?numbytes=100&duration=10 HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head();
    client.exactly(1);
    drop(client);
    let line = program.log_line();
    assert_eq!(
        words(&line)[..3],
        ["GET", "/drip?numbytes=100&duration=10", "200"]
    );
    assert!(line.ends_with(')'), "the reason is missing: {line}");
    let bytes: u64 = words(&line)[3].parse().expect("a number");
    assert!((1..100).contains(&bytes), "{line}");
}

#[test]
fn a_malformed_body_is_logged_once_with_its_status() {
    let program = Program::start();
    let mut client = program.connect();
    let fields = "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n";
    client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\n");
    client.send("zz\r\n");
    assert_eq!(client.answer("POST").status, 400);
    assert_eq!(words(&program.log_line())[..3], ["POST", "/echo", "400"]);
    program.connect().get("/json");
    assert_eq!(words(&program.log_line())[..3], ["GET", "/json", "200"]);
}

#[test]
fn colours_depend_on_the_environment() {
    let coloured = |variables: &[(&str, &str)]| {
        let mut echo = command(&["echo", "--port", "0"]);
        let program = Program::start_with(echo.envs(variables.iter().copied()));
        program.connect().get("/nothing");
        let line = program.log_line();
        assert!(line.contains("404"), "{line}");
        line.contains('\u{1b}')
    };
    assert!(!coloured(&[]), "a pipe is not a terminal");
    assert!(!coloured(&[("NO_COLOR", "1")]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}
