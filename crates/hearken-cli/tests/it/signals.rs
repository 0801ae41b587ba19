//! Signals that stop the server.

use super::program::Program;
use std::net::TcpStream;

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
    assert_eq!(program.wait().code(), Some(0));
    assert!(busy.cut().len() < 1000, "truncated");
    let (_, stderr) = program.rest();
    assert!(
        stderr.contains("GET /drip?duration=10&numbytes=1000 200"),
        "{stderr}"
    );
}
