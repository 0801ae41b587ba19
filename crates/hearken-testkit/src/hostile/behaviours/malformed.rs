//! Malformed heads.

use super::super::Ask::Get;
use super::super::Step::Close;
use super::super::Verdict::{Good, NoResponse};
use super::{answer, answer_then, behaviours};

behaviours! {
    /// Bytes of another world.
    GARBAGE = Get => NoResponse, |_| answer(b"\x00\xff\xfe\x01garbage\x80\r\n\r\n");
    /// The greeting of another protocol.
    OTHER_PROTOCOL = Get => NoResponse, |_| answer("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    /// A status that is a word.
    STATUS_IS_WORD = Get => NoResponse, |_| answer("HTTP/1.1 fine OK\r\nContent-Length: 0\r\n\r\n");
    /// A status of two digits.
    STATUS_TOO_SHORT = Get => NoResponse, |_| answer("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n");
    /// A status below 100.
    STATUS_TOO_LOW = Get => NoResponse, |_| answer("HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n");
    /// A status of four digits.
    STATUS_TOO_LONG = Get => NoResponse, |_| answer("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n");
    /// A body without a head, as in HTTP/0.9.
    HTTP_0_9 = Get => NoResponse, |_| answer_then("<html>hello</html>\r\n", Close);
    /// An invalid version.
    VERSION_1_2 = Get => NoResponse, |_| answer("HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n");
    /// A version that has no text form.
    VERSION_2 = Get => NoResponse, |_| answer("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    /// The first frame of HTTP/2, unsolicited.
    FRAME_OF_HTTP_2 = Get => NoResponse, |_| answer(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00");
    /// A protocol that looks like HTTP.
    ICY = Get => NoResponse, |_| answer("ICY 200 OK\r\nContent-Length: 0\r\n\r\n");
    /// Lower case where it matters.
    LOWER_CASE_VERSION = Get => NoResponse, |_| answer("http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    /// A field without a colon.
    FIELD_WITHOUT_COLON = Get => NoResponse, |_| field("Nothing");
    /// A field without a name.
    FIELD_WITHOUT_NAME = Get => NoResponse, |_| field(": a");
    /// White space before the colon.
    SPACE_BEFORE_COLON = Get => NoResponse, |_| field("A : b");
    /// A value that continues on the next line: a client MUST replace the fold by a space (RFC 9112 §5.2).
    FOLDED_FIELD = Get => Good(200, ""), |_| field("A: b\r\n c");
    /// A fold within the length, which makes it two numbers.
    FOLD_IN_LENGTH = Get => NoResponse, |_| answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n 5\r\n\r\n");
    /// White space before the first field.
    SPACE_BEFORE_FIRST_FIELD = Get => NoResponse, |_| answer("HTTP/1.1 200 OK\r\n A: b\r\nContent-Length: 0\r\n\r\n");
    /// A NUL in a value.
    NUL_IN_VALUE = Get => NoResponse, |_| field("A: b\0c");
    /// A carriage return in a value.
    CR_IN_VALUE = Get => NoResponse, |_| field("A: b\rSet-Cookie: c=d");
    /// Line feeds alone.
    BARE_LINE_FEEDS = Get => NoResponse, |_| answer("HTTP/1.1 200 OK\nContent-Length: 0\n\n");
}

/// A head that is valid but for this field.
fn field(line: &str) -> Vec<super::Step> {
    answer(format!(
        "HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 0\r\n\r\n"
    ))
}
