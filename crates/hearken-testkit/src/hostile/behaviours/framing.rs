//! Invalid and contradictory lengths, malformed chunks, content where none is allowed (RFC 9112 §6.3, §7.1, §11).

use super::super::Ask::{Get, Head};
use super::super::Step::Close;
use super::super::Verdict::{BrokenBody, Good, NoResponse};
use super::{HEAD_OF_FIVE, answer, answer_then, behaviours, chunks};

behaviours! {
    /// A length of 100, five bytes, and the end.
    LENGTH_TOO_LONG = Get => BrokenBody, |_| answer_then("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", Close);
    /// A length of five, and more bytes: the rest belongs to no response, and the client must not reuse the connection.
    LENGTH_TOO_SHORT = Get => Good(200, "hello"), |_| answer([HEAD_OF_FIVE, "hello, and more"].concat());
    /// Two lengths that differ.
    TWO_LENGTHS = Get => NoResponse, |_| lengths(&["Content-Length: 5", "Content-Length: 6"]);
    /// The same length twice. RFC 9112 lets a recipient accept it; we reject it in both roles.
    TWO_EQUAL_LENGTHS = Get => NoResponse, |_| lengths(&["Content-Length: 5", "Content-Length: 5"]);
    /// Two lengths in one field.
    LENGTHS_IN_A_LIST = Get => NoResponse, |_| lengths(&["Content-Length: 5, 6"]);
    /// A length and chunks.
    LENGTH_AND_CHUNKED = Get => NoResponse, |_| {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    };
    /// A length with leading zeros: a decimal number like any other.
    LENGTH_WITH_ZEROS = Get => Good(200, "hello"), |_| lengths(&["Content-Length: 000000000000000000005"]);
    /// A length below zero.
    NEGATIVE_LENGTH = Get => NoResponse, |_| lengths(&["Content-Length: -5"]);
    /// A length with a sign.
    LENGTH_WITH_PLUS = Get => NoResponse, |_| lengths(&["Content-Length: +5"]);
    /// A length in another base.
    HEXADECIMAL_LENGTH = Get => NoResponse, |_| lengths(&["Content-Length: 0x5"]);
    /// A length above 64 bits.
    LENGTH_OVERFLOWS = Get => NoResponse, |_| lengths(&["Content-Length: 18446744073709551621"]);
    /// A length without a number.
    EMPTY_LENGTH = Get => NoResponse, |_| lengths(&["Content-Length:"]);
    /// A transfer coding that the client did not offer.
    UNKNOWN_TRANSFER_CODING = Get => NoResponse, |_| lengths(&["Transfer-Encoding: gzip, chunked"]);
    /// Chunks in chunks.
    CHUNKED_TWICE = Get => NoResponse, |_| lengths(&["Transfer-Encoding: chunked, chunked"]);
    /// Chunks in HTTP/1.0, which has none: a proxy in front and we could disagree about their end.
    CHUNKED_IN_HTTP_1_0 = Get => NoResponse, |_| {
        answer("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    };
    /// A chunk size that is a word.
    CHUNK_SIZE_IS_WORD = Get => BrokenBody, |_| chunks("five\r\nhello\r\n0\r\n\r\n");
    /// A chunk size with a prefix.
    CHUNK_SIZE_WITH_PREFIX = Get => BrokenBody, |_| chunks("0x5\r\nhello\r\n0\r\n\r\n");
    /// A chunk size below zero.
    NEGATIVE_CHUNK_SIZE = Get => BrokenBody, |_| chunks("-5\r\nhello\r\n0\r\n\r\n");
    /// A chunk size of more than 64 bits, which would wrap to 5.
    CHUNK_SIZE_OVERFLOWS = Get => BrokenBody, |_| chunks("10000000000000005\r\nhello\r\n0\r\n\r\n");
    /// Chunk sizes with leading zeros, more than a 64-bit number has digits.
    CHUNK_SIZE_WITH_ZEROS = Get => Good(200, "hello"), |_| {
        chunks("00000000000000000005\r\nhello\r\n000000\r\n\r\n")
    };
    /// White space around chunk extensions, which a recipient MUST parse (RFC 9112 §7.1.1).
    CHUNK_EXTENSION_AFTER_SPACE = Get => Good(200, "hello"), |_| {
        chunks("5 ; a = b\r\nhello\r\n0\t;c\r\n\r\n")
    };
    /// White space behind a chunk size without an extension.
    CHUNK_SIZE_WITH_SPACE = Get => BrokenBody, |_| chunks("5 \r\nhello\r\n0\r\n\r\n");
    /// No chunk size.
    EMPTY_CHUNK_SIZE = Get => BrokenBody, |_| chunks("\r\nhello\r\n0\r\n\r\n");
    /// A chunk that is longer than its size.
    CHUNK_TOO_LONG = Get => BrokenBody, |_| chunks("4\r\nhello\r\n0\r\n\r\n");
    /// A chunk without a line end behind it.
    CHUNK_WITHOUT_END = Get => BrokenBody, |_| chunks("5\r\nhello0\r\n\r\n");
    /// A chunk size that ends in a line feed alone.
    CHUNK_SIZE_WITH_LINE_FEED = Get => BrokenBody, |_| chunks("5\nhello\r\n0\r\n\r\n");
    /// A trailer that is no field.
    MALFORMED_TRAILER = Get => BrokenBody, |_| chunks("5\r\nhello\r\n0\r\nnothing\r\n\r\n");
    /// A length among the trailers: the client must ignore it.
    LENGTH_IN_TRAILERS = Get => Good(200, "hello"), |_| chunks("5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n");
    /// Content behind a 204: it belongs to no response.
    CONTENT_AFTER_204 = Get => Good(204, ""), |_| answer("HTTP/1.1 204 No Content\r\n\r\nhello");
    /// Content behind a 304: it belongs to no response.
    CONTENT_AFTER_304 = Get => Good(304, ""), |_| answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello");
    /// A 204 with a length and chunks: it ends with its head whatever it declares (RFC 9112 §6.3, rule 1).
    LENGTH_AND_CHUNKED_IN_204 = Get => Good(204, ""), |_| {
        answer("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
    };
    /// A 304 whose length is no number.
    ODD_LENGTH_IN_304 = Get => Good(304, ""), |_| {
        answer("HTTP/1.1 304 Not Modified\r\nContent-Length: unknown\r\n\r\n")
    };
    /// Two lengths for HEAD, which frame nothing.
    TWO_LENGTHS_FOR_HEAD = Head => Good(200, ""), |_| {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")
    };
    /// Content for HEAD: it belongs to no response, and looks like the next one.
    CONTENT_FOR_HEAD = Head => Good(200, ""), |_| {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    };
}

/// A head with these fields for its length, and five bytes.
fn lengths(fields: &[&str]) -> Vec<super::Step> {
    let fields = fields.join("\r\n");
    answer(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nhello"))
}
