//! 1xx responses: repeated, unexpected, or with content (RFC 9110 §15.2, §10.1.1, §7.8).

use super::super::Ask::{Connect, Get, PostExpecting, Upgrade};
use super::super::Step::{Close, Head, Listen, Request};
use super::super::Verdict::{Good, NoResponse};
use super::{GOOD, Step, answer, behaviours};

behaviours! {
    /// A 100 without `Expect`. The client ignores it.
    UNASKED_CONTINUE = Get => Good(200, "hello"), |_| answer(["HTTP/1.1 100 Continue\r\n\r\n", GOOD].concat());
    /// Several 1xx with fields, one of them unknown. The client reports or ignores them; none is the final response.
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
    /// A 103 with malformed framing fields, which frame nothing.
    WITH_ODD_LENGTH = Get => Good(200, "hello"), |_| {
        answer(["HTTP/1.1 103 Early Hints\r\nContent-Length: -1\r\nTransfer-Encoding: x\r\n\r\n", GOOD].concat())
    };
    /// A 101 without an offer of the client.
    UNASKED_SWITCH = Get => NoResponse, |_| {
        answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    };
    /// A 101 without `Upgrade`.
    SWITCH_TO_NOTHING = Upgrade => NoResponse, |_| answer("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    /// A 101 to a protocol that was not offered.
    SWITCH_TO_OTHER = Upgrade => NoResponse, |_| {
        answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
    };
    /// A final response instead of 101: the server may ignore an offer.
    NO_SWITCH = Upgrade => Good(200, "hello"), |_| vec![Head, Step::say(GOOD), Listen];
    /// Closes instead of sending 101.
    CLOSES_INSTEAD_OF_SWITCH = Upgrade => NoResponse, |_| vec![Head, Close];
    /// A proxy that refuses to connect.
    CONNECT_REFUSED = Connect => NoResponse, |_| vec![
        Head, Step::say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"), Close,
    ];
    /// A proxy that requires authentication.
    CONNECT_UNAUTHORIZED = Connect => NoResponse, |_| vec![
        Head,
        Step::say("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        Close,
    ];
    /// A proxy that closes instead of responding.
    CONNECT_CLOSED = Connect => NoResponse, |_| vec![Head, Close];
    /// Never sends 100 to `Expect: 100-continue`, reads on and responds to the body: the client waits for a while, and sends it.
    EXPECTATION_IGNORED = PostExpecting => Good(200, "hello"), |_| vec![Request, Step::say(GOOD)];
    /// Sends 100 three times.
    CONTINUES_THREE_TIMES = PostExpecting => Good(200, "hello"), |_| vec![
        Head, Step::say("HTTP/1.1 100 Continue\r\n\r\n".repeat(3)), Request, Step::say(GOOD),
    ];
    /// A final response instead of 100: the client must not send the body, or must not reuse the connection.
    EXPECTATION_FAILED = PostExpecting => Good(417, "no"), |_| vec![
        Head, Step::say("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"), Listen,
    ];
    /// Closes after 100, before it has read the body.
    CLOSES_AFTER_CONTINUE = PostExpecting => NoResponse, |_| {
        vec![Head, Step::say("HTTP/1.1 100 Continue\r\n\r\n"), Step::Wait(1), Close]
    };
}
