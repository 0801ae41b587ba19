//! Too much of everything: valid but for the amount. "Endless" means [`Step::ENDLESS_BYTES`].

use super::super::Ask::Get;
use super::super::Verdict::{Good, NoResponse, TooMuch};
use super::{HEAD_OF_CHUNKS, Step, behaviours};

behaviours! {
    /// A reason phrase without an end.
    STATUS_LINE = Get => TooMuch, |_| start("HTTP/1.1 200 ", "a");
    /// A field without an end.
    FIELD = Get => TooMuch, |_| start("HTTP/1.1 200 OK\r\nA: ", "a");
    /// The name of a field without an end.
    FIELD_NAME = Get => TooMuch, |_| start("HTTP/1.1 200 OK\r\n", "a");
    /// Fields without an end.
    FIELDS = Get => TooMuch, |_| start("HTTP/1.1 200 OK\r\n", "A: b\r\n");
    /// Cookies without an end.
    COOKIES = Get => TooMuch, |_| start("HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b; Path=/\r\n");
    /// Ten thousand cookies and then an end.
    TEN_THOUSAND_COOKIES = Get => TooMuch, |_| {
        let cookies: String = (0..10_000).map(|number| format!("Set-Cookie: a{number}=b\r\n")).collect();
        super::answer(format!("HTTP/1.1 200 OK\r\n{cookies}Content-Length: 5\r\n\r\nhello"))
    };
    /// Folds of one field without an end.
    FOLDS = Get => TooMuch, |_| start("HTTP/1.1 200 OK\r\nA: b\r\n", " c\r\n");
    /// Empty lines before a response.
    EMPTY_LINES = Get => NoResponse, |_| start("", "\r\n");
    /// A body to the end of the connection, which never ends.
    BODY = Get => TooMuch, |_| start("HTTP/1.1 200 OK\r\n\r\n", "a");
    /// A body of four pebibytes: a legal length.
    BODY_WITH_LENGTH = Get => TooMuch, |_| start("HTTP/1.1 200 OK\r\nContent-Length: 4503599627370496\r\n\r\n", "a");
    /// Chunks without an end.
    CHUNKS = Get => TooMuch, |_| start(HEAD_OF_CHUNKS, "5\r\nhello\r\n");
    /// Chunks of one byte, each with an extension: nine tenths are not content.
    CHUNK_EXTENSIONS = Get => TooMuch, |_| start(HEAD_OF_CHUNKS, "1;name=value;name=value;name=value\r\na\r\n");
    /// A chunk extension without an end.
    CHUNK_EXTENSION = Get => TooMuch, |_| start(&[HEAD_OF_CHUNKS, "5;a="].concat(), "a");
    /// A chunk size of zeros without an end.
    CHUNK_SIZE = Get => TooMuch, |_| start(HEAD_OF_CHUNKS, "0");
    /// Trailers without an end.
    TRAILERS = Get => TooMuch, |_| start(&[HEAD_OF_CHUNKS, "5\r\nhello\r\n0\r\n"].concat(), "A: b\r\n");
    /// Interim responses without an end.
    INTERIM_RESPONSES = Get => TooMuch, |_| start("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    /// Responses without an end: the second one belongs to no request.
    RESPONSES = Get => Good(200, "hello"), |_| start("", super::GOOD);
}

fn start(start: &str, then: &str) -> Vec<Step> {
    vec![Step::Request, Step::say(start), Step::endless(then)]
}
