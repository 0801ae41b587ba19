//! A connection that is asked a second time: whether it is still there, and whose the bytes on it are.
//!
//! The first exchange is good in all of them. What a second request on the same connection meets is what they are for; on
//! the second connection everything is good, so that a retry has somewhere to go.

use super::super::Ask::GetTwice;
use super::super::Step::{Close, Head, Request, Reset, Wait};
use super::super::Verdict::Good;
use super::{GOOD, Step, Turn, answer, behaviours, good};

/// A response that nobody asked for.
const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

behaviours! {
    /// Closes right behind its answer, of which it said that the connection stays.
    CLOSES_IDLE = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![Request, Step::say(GOOD), Close]);
    /// Resets the connection when it has been idle for a tick.
    RESETS_IDLE = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![Request, Step::say(GOOD), Wait(1), Reset]);
    /// Reads the second request and closes: the race that no client can win. GET may be asked again, POST may not.
    CLOSES_ON_SECOND_REQUEST = GetTwice => Good(200, "hello"), |turn| second(turn, || vec![Head, Close]);
    /// Reads the second request and resets.
    RESETS_ON_SECOND_REQUEST = GetTwice => Good(200, "hello"), |turn| second(turn, || vec![Head, Reset]);
    /// Begins the second answer and closes: it was read, so it must not be asked again.
    CLOSES_IN_SECOND_ANSWER = GetTwice => super::super::Verdict::NoResponse, |turn| {
        second(turn, || vec![Head, Step::say("HTTP/1.1 200"), Close])
    };
    /// Sends a second response right behind the first: the next request must not be given it.
    EXTRA_RESPONSE = GetTwice => Good(200, "hello"), |turn| first(turn, || answer([GOOD, EVIL].concat()));
    /// Sends a second response when the connection is idle (response queue poisoning).
    LATE_RESPONSE = GetTwice => Good(200, "hello"), |turn| {
        first(turn, || vec![Request, Step::say(GOOD), Wait(1), Step::say(EVIL)])
    };
    /// Sends one byte when the connection is idle.
    LATE_BYTE = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![Request, Step::say(GOOD), Wait(1), Step::say("H")]);
    /// Sends the start of a second response right behind the first; the rest comes when the second request does.
    SPLIT_RESPONSE = GetTwice => Good(200, "hello"), |turn| match turn.exchange {
        0 if turn.connection == 0 => answer([GOOD, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"].concat()),
        _ if turn.connection == 0 => answer("\r\nevil"),
        _ => good(),
    };
    /// Says that it waits for a second and no longer, and closes then: 100 ticks, a second unless ticks were set.
    KEEP_ALIVE_FOR_A_SECOND = GetTwice => Good(200, "hello"), |turn| first(turn, || vec![
        Request,
        Step::say("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 5\r\n\r\nhello"),
        Wait(100),
        Close,
    ]);
    /// Says that it takes one request and no more, and resets on the second.
    KEEP_ALIVE_FOR_ONE = GetTwice => Good(200, "hello"), |turn| match (turn.connection, turn.exchange) {
        (0, 0) => answer("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=1\r\nContent-Length: 5\r\n\r\nhello"),
        (0, _) => vec![Head, Reset],
        _ => good(),
    };
    /// Says that it closes, and answers a second request all the same: it must not be asked.
    ANSWERS_AFTER_CLOSE = GetTwice => Good(200, "hello"), |turn| match (turn.connection, turn.exchange) {
        (0, 0) => answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"),
        (0, _) => answer(EVIL),
        _ => good(),
    };
    /// HTTP/1.0 without keep-alive, and yet it answers a second request: it must not be asked.
    ANSWERS_AFTER_HTTP_1_0 = GetTwice => Good(200, "hello"), |turn| match (turn.connection, turn.exchange) {
        (0, 0) => answer("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (0, _) => answer(EVIL),
        _ => good(),
    };
}

/// This in the first exchange of the first connection; else a good answer.
fn first(turn: &Turn, steps: impl Fn() -> Vec<Step>) -> Vec<Step> {
    match (turn.connection, turn.exchange) {
        (0, 0) => steps(),
        _ => good(),
    }
}

/// This in the second exchange of the first connection; else a good answer.
fn second(turn: &Turn, steps: impl Fn() -> Vec<Step>) -> Vec<Step> {
    match (turn.connection, turn.exchange) {
        (0, 1) => steps(),
        _ => good(),
    }
}
