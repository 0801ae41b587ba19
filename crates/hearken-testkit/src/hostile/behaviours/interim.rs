//! 1xx responses: more of them, others, or with something that they cannot have (RFC 9110 §15.2, §10.1.1, §7.8).

use super::super::Ask::{Connect, Get, PostExpecting, Upgrade};
use super::super::Step::{Close, Head, Listen, Request};
use super::super::Verdict::{Good, NoResponse};
use super::{GOOD, Step, answer, behaviours};

behaviours! {
    /// A 100 that nobody waits for. To be ignored.
    UNASKED_CONTINUE = Get => Good(200, "hello"), |_| answer(["HTTP/1.1 100 Continue\r\n\r\n", GOOD].concat());
    /// Several 1xx with fields, one of them unknown. To be told or ignored, never taken for the answer.
    SEVERAL = Get => Good(200, "hello"), |_| answer([
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 199 Odd\r\nA: b\r\n\r\n",
        GOOD,
    ].concat());
    /// A 103 that names a length. It has no content in any case (RFC 9112 §6.3, rule 1).
    WITH_LENGTH = Get => Good(200, "hello"), |_| {
        answer(["HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", GOOD].concat())
    };
    /// A 103 that names chunks, and has no content either.
    WITH_CHUNKED = Get => Good(200, "hello"), |_| {
        answer(["HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n", GOOD].concat())
    };
    /// A 101 that nobody asked for.
    UNASKED_SWITCH = Get => NoResponse, |_| {
        answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    };
    /// A 101 that does not say to what.
    SWITCH_TO_NOTHING = Upgrade => NoResponse, |_| answer("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    /// A 101 to a protocol that was not offered.
    SWITCH_TO_OTHER = Upgrade => NoResponse, |_| {
        answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
    };
    /// No 101 but an answer: the server may ignore an offer.
    NO_SWITCH = Upgrade => Good(200, "hello"), |_| vec![Head, Step::say(GOOD), Listen];
    /// Closes where a 101 would be.
    CLOSES_INSTEAD_OF_SWITCH = Upgrade => NoResponse, |_| vec![Head, Close];
    /// A proxy that refuses to connect.
    CONNECT_REFUSED = Connect => NoResponse, |_| vec![
        Head, Step::say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"), Close,
    ];
    /// A proxy that wants to know who asks.
    CONNECT_UNAUTHORIZED = Connect => NoResponse, |_| vec![
        Head,
        Step::say("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        Close,
    ];
    /// A proxy that closes instead of an answer.
    CONNECT_CLOSED = Connect => NoResponse, |_| vec![Head, Close];
    /// Never says 100 to `Expect: 100-continue`, reads on and answers what it gets: a client waits for a while, and sends.
    EXPECTATION_IGNORED = PostExpecting => Good(200, "hello"), |_| vec![Request, Step::say(GOOD)];
    /// Says 100 three times.
    CONTINUES_THREE_TIMES = PostExpecting => Good(200, "hello"), |_| vec![
        Head, Step::say("HTTP/1.1 100 Continue\r\n\r\n".repeat(3)), Request, Step::say(GOOD),
    ];
    /// A final answer instead of 100: the body is not to be sent, or the connection not to be used again.
    EXPECTATION_FAILED = PostExpecting => Good(417, "no"), |_| vec![
        Head, Step::say("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"), Listen,
    ];
    /// Closes after 100, before it has read the body.
    CLOSES_AFTER_CONTINUE = PostExpecting => NoResponse, |_| {
        vec![Head, Step::say("HTTP/1.1 100 Continue\r\n\r\n"), Step::Wait(1), Close]
    };
}
