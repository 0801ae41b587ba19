//! Connections that the server refuses, resets or closes, at each stage.

use super::super::Ask::{Get, Post};
use super::super::Step::{self, Close, HalfClose, Head, Listen, Request, Reset};
use super::super::Verdict::{BrokenBody, Good, NoResponse, TooSlow};
use super::{HEAD_OF_CHUNKS, answer, answer_then, behaviours};

behaviours! {
    /// The port is closed: the system refuses the connection.
    REFUSES = Get => NoResponse, |_| vec![Step::NotListening];
    /// The queue of the listener is full: the system neither accepts nor refuses the connection.
    NEVER_ACCEPTS = Get => TooSlow, |_| vec![Step::NotAccepting];
    /// Accepts, reads everything and sends nothing.
    NEVER_ANSWERS = Get => TooSlow, |_| vec![Listen];
    /// Accepts and reads nothing: the client's bytes fill the buffers and stop.
    NEVER_READS = Post => TooSlow, |_| vec![Step::Deaf];
    /// Closes as soon as it has accepted.
    CLOSES_AT_ONCE = Get => NoResponse, |_| vec![Close];
    /// Resets as soon as it has accepted.
    RESETS_AT_ONCE = Get => NoResponse, |_| vec![Reset];
    /// Closes when it has read the request.
    CLOSES_AFTER_REQUEST = Get => NoResponse, |_| vec![Request, Close];
    /// Resets when it has read the request.
    RESETS_AFTER_REQUEST = Get => NoResponse, |_| vec![Request, Reset];
    /// Ends its direction when it has read the request, and continues to read.
    HALF_CLOSES_AFTER_REQUEST = Get => NoResponse, |_| vec![Request, HalfClose, Listen];
    /// Closes while the client sends its body.
    CLOSES_DURING_REQUEST = Post => NoResponse, |_| vec![Head, Close];
    /// Resets while the client sends its body.
    RESETS_DURING_REQUEST = Post => NoResponse, |_| vec![Head, Reset];
    /// Closes within the status line.
    CLOSES_IN_STATUS_LINE = Get => NoResponse, |_| answer_then("HTTP/1.1 20", Close);
    /// Closes between two fields.
    CLOSES_IN_HEAD = Get => NoResponse, |_| answer_then("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Close);
    /// Resets between two fields.
    RESETS_IN_HEAD = Get => NoResponse, |_| answer_then("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Reset);
    /// Closes within a body of known length.
    CLOSES_IN_BODY = Get => BrokenBody, |_| answer_then("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", Close);
    /// Resets within a body of known length.
    RESETS_IN_BODY = Get => BrokenBody, |_| reset_after("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    /// Ends its direction within a body, and continues to read.
    HALF_CLOSES_IN_BODY = Get => BrokenBody, |_| {
        vec![Request, Step::say("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"), HalfClose, Listen]
    };
    /// Resets within a body that lasts to the end of the connection. A close would complete it; a reset does not.
    RESETS_UNBOUNDED_BODY = Get => BrokenBody, |_| reset_after("HTTP/1.1 200 OK\r\n\r\nhello");
    /// Closes within a chunk.
    CLOSES_IN_CHUNK = Get => BrokenBody, |_| answer_then([HEAD_OF_CHUNKS, "ff\r\nhello"].concat(), Close);
    /// Closes where the next chunk would begin: every chunk is complete, the body is not.
    CLOSES_BEFORE_LAST_CHUNK = Get => BrokenBody, |_| answer_then([HEAD_OF_CHUNKS, "5\r\nhello\r\n"].concat(), Close);
    /// Closes behind the last chunk, before the line that ends the trailers.
    CLOSES_IN_TRAILERS = Get => BrokenBody, |_| {
        answer_then([HEAD_OF_CHUNKS, "5\r\nhello\r\n0\r\nA: b\r\n"].concat(), Close)
    };
    /// A body that lasts to the end of the connection, and that end: valid.
    CLOSES_AS_END = Get => Good(200, "hello"), |_| answer_then("HTTP/1.1 200 OK\r\n\r\nhello", Close);
    /// Responds before it has read the body of the request, stops reading, and leaves the connection open.
    ANSWERS_EARLY_AND_STOPS_READING = Post => Good(413, "no"), |_| {
        vec![Head, Step::say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"), Step::Deaf]
    };
    /// Responds with `Connection: close` before it has read the body of the request, and continues to read.
    ANSWERS_EARLY = Post => Good(413, "no"), |_| {
        vec![Head, Step::say("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"), Listen]
    };
    /// Sends `Connection: close` and does not close: the client must neither wait for it nor reuse the connection.
    SAYS_CLOSE_AND_STAYS = Get => Good(200, "hello"), |_| {
        answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
    };
}

/// A reset overtakes what was just written on some systems; a tick lets it through.
fn reset_after(bytes: &str) -> Vec<Step> {
    vec![Request, Step::say(bytes), Step::Wait(2), Reset]
}
