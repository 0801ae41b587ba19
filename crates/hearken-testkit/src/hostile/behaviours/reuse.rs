//! A second request on a connection: whether the connection is still open, and to which request its bytes belong.
//!
//! The first exchange is always valid. The second request on the same connection meets the fault; on
//! the second connection everything is valid, so that a retry succeeds.

use super::super::Ask::GetTwice;
use super::super::Step::{Close, Head, Request, Reset, Wait};
use super::super::Verdict::Good;
use super::{GOOD, Step, Turn, answer, behaviours, good};

/// A response without a request.
const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

behaviours! {
    /// Closes right behind a response that kept the connection open.
    CLOSES_IDLE = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![Request, Step::say(GOOD), Close]);
    /// Resets the connection when it has been idle for a tick.
    RESETS_IDLE = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![Request, Step::say(GOOD), Wait(1), Reset]);
    /// Reads the second request and closes: a race that no client can win. GET may be sent again, POST may not.
    CLOSES_ON_SECOND_REQUEST = GetTwice => Good(200, "hello"), |turn| second(turn, || vec![Head, Close]);
    /// Reads the second request and resets.
    RESETS_ON_SECOND_REQUEST = GetTwice => Good(200, "hello"), |turn| second(turn, || vec![Head, Reset]);
    /// Begins the second response and closes: the server has read the request, so the client must not send it again.
    CLOSES_IN_SECOND_ANSWER = GetTwice => super::super::Verdict::NoResponse, |turn| {
        second(turn, || vec![Head, Step::say("HTTP/1.1 200"), Close])
    };
    /// Sends a second response right behind the first: the next request must not get it.
    EXTRA_RESPONSE = GetTwice => Good(200, "hello"), |turn| first(turn, || answer([GOOD, EVIL].concat()));
    /// Sends a second response when the connection is idle (response queue poisoning).
    LATE_RESPONSE = GetTwice => Good(200, "hello"), |turn| {
        first(turn, || vec![Request, Step::say(GOOD), Wait(1), Step::say(EVIL)])
    };
    /// Sends one byte when the connection is idle.
    LATE_BYTE = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![Request, Step::say(GOOD), Wait(1), Step::say("H")]);
    /// Sends the start of a second response right behind the first; the rest comes with the second request.
    SPLIT_RESPONSE = GetTwice => Good(200, "hello"), |turn| match turn.exchange {
        0 if turn.connection == 0 => answer([GOOD, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"].concat()),
        _ if turn.connection == 0 => answer("\r\nevil"),
        _ => good(),
    };
    /// Announces a keep-alive of one second and closes then: after 100 ticks, a second unless ticks were set.
    KEEP_ALIVE_FOR_A_SECOND = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![
        Request,
        Step::say("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 5\r\n\r\nhello"),
        Wait(100),
        Close,
    ]);
    /// Announces that it takes one more request at most, and resets on the second.
    KEEP_ALIVE_FOR_ONE = GetTwice => Good(200, "hello"), |turn| match (turn.connection, turn.exchange) {
        (0, 0) => answer("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=1\r\nContent-Length: 5\r\n\r\nhello"),
        (0, _) => vec![Head, Reset],
        _ => good(),
    };
    /// Sends `Connection: close`, and would answer a second request: the client must not send one.
    ANSWERS_AFTER_CLOSE = GetTwice => Good(200, "hello"), |turn| match (turn.connection, turn.exchange) {
        (0, 0) => answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"),
        (0, _) => answer(EVIL),
        _ => good(),
    };
    /// HTTP/1.0 without keep-alive that would answer a second request: the client must not send one.
    ANSWERS_AFTER_HTTP_1_0 = GetTwice => Good(200, "hello"), |turn| match (turn.connection, turn.exchange) {
        (0, 0) => answer("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (0, _) => answer(EVIL),
        _ => good(),
    };
}

/// These steps in the first exchange of the first connection; else a valid response.
fn first(turn: &Turn, steps: impl Fn() -> Vec<Step>) -> Vec<Step> {
    match (turn.connection, turn.exchange) {
        (0, 0) => steps(),
        _ => good(),
    }
}

/// These steps in the second exchange of the first connection; else a valid response.
fn second(turn: &Turn, steps: impl Fn() -> Vec<Step>) -> Vec<Step> {
    match (turn.connection, turn.exchange) {
        (0, 1) => steps(),
        _ => good(),
    }
}
