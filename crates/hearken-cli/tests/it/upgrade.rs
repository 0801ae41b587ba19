//! The upgrade to the protocol `echo`.

use super::client::Client;
use super::program::Program;

const OFFER: &str =
    "GET /upgrade/echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// A connection after the 101.
fn upgraded(program: &Program) -> Client {
    let mut client = program.connect();
    client.send(OFFER);
    let head = client.head();
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols\n"),
        "{head}"
    );
    assert!(head.contains("Upgrade: echo\n"), "{head}");
    assert!(head.contains("Connection: Upgrade\n"), "{head}");
    client
}

#[test]
fn after_the_upgrade_every_byte_comes_back() {
    let program = Program::start();
    let mut client = upgraded(&program);
    for size in [1, 1000, 200_000] {
        let sent = vec![b'0' + (size % 10) as u8; size];
        // Larger than the buffers on the way, so it must be read while it is written.
        let mut twin = client.twin();
        let sending = std::thread::spawn({
            let sent = sent.clone();
            move || twin.send(sent)
        });
        assert_eq!(client.exactly(size), sent);
        sending.join().expect("it is sent");
    }
    // A request line is not parsed any more.
    client.send("GET /plaintext HTTP/1.1\r\n");
    assert_eq!(client.line(), "GET /plaintext HTTP/1.1");
    client.finish();
    assert_eq!(client.rest(), b"");
    let line = program.log_line();
    let words: Vec<_> = line.split(' ').skip(2).take(4).collect();
    assert_eq!(words, ["GET", "/upgrade/echo", "101", "0"], "{line}");
}

#[test]
fn bytes_sent_with_the_request_come_back_first() {
    let program = Program::start();
    let mut client = program.connect();
    client.send(format!("{OFFER}early"));
    client.head();
    client.send(" and late");
    assert_eq!(client.exactly(14), b"early and late");
}

#[test]
fn a_request_without_the_offer_gets_a_426_that_names_it() {
    let program = Program::start();
    let mut client = program.connect();
    for fields in [
        "",
        "Upgrade: echo\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    ] {
        let answer = client.ask("GET", "/upgrade/echo", fields);
        assert_eq!(answer.status, 426, "{fields:?}");
        assert_eq!(answer.field("upgrade"), Some("echo"), "{fields:?}");
        assert!(answer.text().contains("Upgrade: echo"), "{fields:?}");
    }
    let mut client = program.connect();
    client.send("GET /upgrade/echo HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!(client.answer("GET").status, 426, "HTTP/1.0 has no upgrade");
}

#[test]
fn a_stopping_server_ends_upgraded_connections() {
    let mut program = Program::start();
    let mut client = upgraded(&program);
    program.signal("TERM");
    assert_eq!(client.rest(), b"");
    assert_eq!(program.wait().code(), Some(0));
}
