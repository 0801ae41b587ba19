//! Valid but slow. A byte each tick; see [`Hostile::tick`](super::super::Hostile::tick).

use super::super::Ask::Get;
use super::super::Step::{Drip, EndlessSlowly, Listen, Request};
use super::super::Verdict::{Good, TooMuch, TooSlow};
use super::{GOOD, Step, behaviours};

behaviours! {
    /// A head, byte by byte, without an end.
    HEAD = Get => TooSlow, |_| vec![Request, Step::say("HTTP/1.1 200 OK\r\nA: "), EndlessSlowly(b"a".to_vec())];
    /// A body, byte by byte, without an end.
    BODY = Get => TooSlow, |_| vec![Request, Step::say("HTTP/1.1 200 OK\r\n\r\n"), EndlessSlowly(b"a".to_vec())];
    /// A body of known length, byte by byte, that is never complete.
    BODY_WITH_LENGTH = Get => TooSlow, |_| {
        vec![Request, Step::say("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"), EndlessSlowly(b"a".to_vec())]
    };
    /// Chunks of a byte, one each tick, without an end.
    CHUNKS = Get => TooSlow, |_| {
        vec![Request, Step::say(super::HEAD_OF_CHUNKS), EndlessSlowly(b"1\r\na\r\n".to_vec())]
    };
    /// An interim response each tick, and never a final one.
    INTERIM_RESPONSES = Get => TooMuch, |_| {
        vec![Request, EndlessSlowly(b"HTTP/1.1 102 Processing\r\n\r\n".to_vec())]
    };
    /// Half a head, and silence.
    STALLS_IN_HEAD = Get => TooSlow, |_| vec![Request, Step::say("HTTP/1.1 200 OK\r\nContent-Le"), Listen];
    /// Half a body, and silence.
    STALLS_IN_BODY = Get => TooSlow, |_| {
        vec![Request, Step::say("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"), Listen]
    };
    /// An interim response, and silence.
    STALLS_AFTER_INTERIM = Get => TooSlow, |_| vec![Request, Step::say("HTTP/1.1 103 Early Hints\r\n\r\n"), Listen];
    /// A valid response, byte by byte: slow, but short.
    BYTE_BY_BYTE = Get => Good(200, "hello"), |_| vec![Request, Drip(GOOD.into())];
}
