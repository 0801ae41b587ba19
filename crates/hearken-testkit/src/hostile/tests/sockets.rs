//! On sockets: resets, refusals, and that no thread remains.

use crate::hostile::{
    Ask, Ending, Hostile, Listening, Step, Verdict, all, connection, reuse, slow,
};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(20);

fn connect(server: &Listening) -> TcpStream {
    let link = TcpStream::connect(server.address()).expect("it listens");
    link.set_read_timeout(Some(PATIENCE)).expect("a socket");
    link.set_write_timeout(Some(PATIENCE)).expect("a socket");
    link
}

/// All bytes up to the end, and the error that ended them.
fn rest(link: &mut TcpStream) -> (String, Option<ErrorKind>) {
    let mut all = Vec::new();
    let read = link.read_to_end(&mut all);
    let error = read.err().map(|error| error.kind());
    (String::from_utf8_lossy(&all).into_owned(), error)
}

#[test]
fn an_end_is_an_end_and_a_reset_is_a_reset() {
    for (behaviour, answer, error) in [
        (connection::CLOSES_AFTER_REQUEST, "", None),
        (connection::HALF_CLOSES_AFTER_REQUEST, "", None),
        (
            connection::RESETS_AFTER_REQUEST,
            "",
            Some(ErrorKind::ConnectionReset),
        ),
        (
            connection::RESETS_UNBOUNDED_BODY,
            "HTTP/1.1 200 OK\r\n\r\nhello",
            Some(ErrorKind::ConnectionReset),
        ),
        (
            connection::CLOSES_AS_END,
            "HTTP/1.1 200 OK\r\n\r\nhello",
            None,
        ),
    ] {
        let server = Hostile::new(behaviour).listen();
        let mut link = connect(&server);
        link.write_all(GET.as_bytes()).expect("it reads");
        let mut got = rest(&mut link);
        // Bytes before a reset are not lost, but on other systems `read_to_end` may return the reset alone.
        if error.is_some() && got.0.is_empty() {
            got.0 = answer.to_owned();
        }
        assert_eq!(got, (answer.to_owned(), error), "{}", behaviour.name);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_port_that_refuses_and_one_that_does_not_answer() {
    let server = Hostile::new(connection::REFUSES).listen();
    let refused = TcpStream::connect(server.address()).expect_err("the port is closed");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    let server = Hostile::new(connection::NEVER_ACCEPTS).listen();
    let waiting = TcpStream::connect_timeout(&server.address(), Duration::from_millis(300));
    assert_eq!(
        waiting.expect_err("a full queue").kind(),
        ErrorKind::TimedOut
    );
    assert!(server.conversations().is_empty());
}

#[test]
fn a_stale_socket_has_ended_before_it_is_used_again() {
    let server = Hostile::new(reuse::CLOSES_IDLE).listen();
    let mut link = connect(&server);
    link.write_all(GET.as_bytes()).expect("it reads");
    assert!(server.wait_for_ends(1));
    assert_eq!(server.conversations()[0].ending, Some(Ending::Script));
    let (answer, error) = rest(&mut link);
    assert!(answer.ends_with("hello") && error.is_none());
}

#[test]
fn the_server_detects_the_end_of_a_client() {
    let server = Hostile::new(slow::STALLS_IN_BODY).listen();
    let mut link = connect(&server);
    link.write_all(GET.as_bytes()).expect("it reads");
    let mut some = [0; 10];
    link.read_exact(&mut some).expect("a head");
    drop(link);
    assert!(server.wait_for_ends(1));
    let ending = server.conversations()[0].ending;
    assert!(
        matches!(ending, Some(Ending::Client | Ending::ClientReset)),
        "{ending:?}"
    );
}

/// Every behaviour meets a client that sends a request, reads for a moment and leaves; then its listener is dropped. A
/// thread that does not end would block the drop.
#[test]
fn every_behaviour_ends_when_its_listener_is_dropped() {
    for behaviour in all() {
        if matches!(behaviour.name, "NEVER_ACCEPTS" | "REFUSES") {
            continue;
        }
        let start = Instant::now();
        let server = Hostile::new(behaviour)
            .tick(Duration::from_millis(1))
            .listen();
        let mut link = connect(&server);
        link.set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a socket");
        let request = match behaviour.ask {
            Ask::Tls => "\x16\x03\x01\x00\x05hello",
            Ask::Post | Ask::PostExpecting => {
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx"
            }
            _ => GET,
        };
        drop(link.write_all(request.as_bytes()));
        let mut buffer = [0; 1000];
        drop(link.read(&mut buffer));
        drop(server);
        assert!(start.elapsed() < PATIENCE, "{}", behaviour.name);
    }
}

#[test]
fn a_listener_takes_many_at_once_and_keeps_them_apart() {
    let server = Hostile::playing(|turn| {
        let number = turn.connection;
        vec![
            Step::Request,
            Step::say(format!("HTTP/1.1 200 OK\r\n\r\n{number}")),
            Step::Close,
        ]
    })
    .listen();
    let mut links: Vec<_> = (0..20).map(|_| connect(&server)).collect();
    for link in &mut links {
        link.write_all(GET.as_bytes()).expect("it reads");
    }
    let mut numbers: Vec<usize> = links
        .iter_mut()
        .map(|link| {
            rest(link)
                .0
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .parse()
                .expect("a number")
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    assert!(server.wait_for_ends(20));
    assert_eq!(server.requests().len(), 20);
}

/// A second `listen` is a new port, and dropping the first does not end the second.
#[test]
fn listeners_end_one_by_one() {
    let server = Hostile::new(connection::CLOSES_AS_END);
    let first = server.listen();
    let second = server.listen();
    assert_ne!(first.address(), second.address());
    drop(first);
    let mut link = connect(&second);
    link.write_all(GET.as_bytes()).expect("it reads");
    assert!(rest(&mut link).0.ends_with("hello"));
    assert!(matches!(
        connection::CLOSES_AS_END.verdict,
        Verdict::Good(200, "hello")
    ));
}
