//! Reading answers: status, fields, and a body of known length or in chunks (RFC 9112 sections 6 and 7), from bytes that
//! come in pieces.
//!
//! Strict where a wrong answer could pass for a right one; not a client: no interim responses, no bodies that end with the
//! connection.

use std::io;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Length of the head in bytes, blank line included.
    pub head_bytes: usize,
    /// The value of `content-type`, if there is one.
    pub content_type: Option<String>,
    /// The content, decoded.
    pub body: Vec<u8>,
}

/// Takes the first answer off the front of `input`; `None` if it is not whole yet.
///
/// # Errors
/// If the bytes are no HTTP/1.1 answer, or one whose end cannot be known.
pub fn take(input: &mut Vec<u8>) -> io::Result<Option<Response>> {
    let Some(end) = find(input, b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, status) = status(&input[..end])?;
    let content_type = field(head, "content-type").map(str::to_owned);
    let body_at = end + 4;
    let body = if let Some(length) = field(head, "content-length") {
        let length: usize = length
            .parse()
            .map_err(|_| wrong("a content-length that is no number"))?;
        input
            .get(body_at..body_at + length)
            .map(|body| (body.to_vec(), body_at + length))
    } else if field(head, "transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    {
        chunks(input, body_at)?
    } else {
        return Err(wrong("neither content-length nor chunked"));
    };
    let Some((body, took)) = body else {
        return Ok(None);
    };
    input.drain(..took);
    Ok(Some(Response {
        status,
        head_bytes: body_at,
        content_type,
        body,
    }))
}

/// What is known of an answer once its head is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Where the body begins.
    pub body_at: usize,
    /// The value of `content-length`.
    pub body_bytes: usize,
}

/// Reads the head of an answer with a body of known length; `None` if it is not whole yet. For those who count a body
/// instead of keeping it.
///
/// # Errors
/// If the bytes are no HTTP/1.1 answer, or one without content-length.
pub fn head(input: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = find(input, b"\r\n\r\n") else {
        return Ok(None);
    };
    let (text, status) = status(&input[..end])?;
    let length = field(text, "content-length").and_then(|length| length.parse().ok());
    Ok(Some(Head {
        status,
        body_at: end + 4,
        body_bytes: length.ok_or_else(|| wrong("no content-length"))?,
    }))
}

/// The head as text, and the status in its first line.
fn status(head: &[u8]) -> io::Result<(&str, u16)> {
    let head = std::str::from_utf8(head).map_err(|_| wrong("a head that is no text"))?;
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    Ok((head, status.ok_or_else(|| wrong("no status line"))?))
}

/// The decoded chunks from `at` on and where they end; `None` if the last one is not there yet.
fn chunks(input: &[u8], mut at: usize) -> io::Result<Option<(Vec<u8>, usize)>> {
    let mut body = Vec::new();
    loop {
        let Some(line) = find(&input[at..], b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&input[at..at + line]).ok();
        let size =
            size.and_then(|size| usize::from_str_radix(size.split(';').next()?.trim(), 16).ok());
        let size = size.ok_or_else(|| wrong("a chunk without a size"))?;
        let data = at + line + 2;
        let Some(chunk) = input.get(data..data + size + 2) else {
            return Ok(None);
        };
        if !chunk.ends_with(b"\r\n") {
            return Err(wrong("a chunk that does not end where it says"));
        }
        body.extend_from_slice(&chunk[..size]);
        at = data + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Response {
        for cut in 0..bytes.len() {
            assert!(
                matches!(take(&mut bytes[..cut].to_vec()), Ok(None)),
                "cut at {cut}"
            );
        }
        let mut input = [bytes, b"HTTP"].concat();
        let response = take(&mut input).expect("an answer").expect("a whole one");
        assert_eq!(input, b"HTTP");
        response
    }

    #[test]
    fn a_body_of_known_length() {
        let response =
            whole(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nab");
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, b"ab".as_slice())
        );
        assert_eq!(response.content_type.as_deref(), Some("text/plain"));
        assert_eq!(response.head_bytes, 64);
    }

    #[test]
    fn a_head_is_enough_to_know_the_length() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nab";
        let expected = Head {
            status: 200,
            body_at: 38,
            body_bytes: 7,
        };
        assert_eq!(head(answer).ok(), Some(Some(expected)));
        assert!(matches!(head(&answer[..37]), Ok(None)));
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn a_body_in_chunks() {
        let response = whole(b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
        assert_eq!(
            (response.status, response.body.as_slice()),
            (404, b"abc".as_slice())
        );
    }

    #[test]
    fn answers_without_an_end_or_a_form_are_refused() {
        for bytes in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "SPDY 200\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nz\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
        ] {
            assert!(take(&mut bytes.as_bytes().to_vec()).is_err(), "{bytes:?}");
        }
    }
}
