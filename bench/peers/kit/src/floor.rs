//! The floor: the least that a server must do to answer the benchmark's requests correctly.
//!
//! It looks for the blank line, distinguishes the routes by a few bytes, and answers with bytes made at start. It validates
//! nothing, so it is no HTTP server. It does handle what the rows need: heads cut anywhere, several requests in one read, and
//! bodies of a known length. Not here: waiting for sockets (the peers `raw-epoll` and `bare-tokio`).

use std::io::{self, ErrorKind};
use std::mem::take;

use memchr::memmem;

use crate::Exchange;

/// What all connections share: one read buffer and one write buffer, so that an idle connection owns none.
pub struct Shared {
    /// The responses.
    pub answers: Answers,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// One connection's state. It keeps bytes of its own only while a head is cut or a send is stuck.
#[derive(Default)]
pub struct Connection {
    floor: Floor,
    /// Output that did not fit the socket.
    unsent: Vec<u8>,
    /// What is left of the large body. It follows `unsent`.
    large: &'static [u8],
}

#[derive(Default)]
struct Floor {
    /// Input behind a request for the large body, or a head that is not complete.
    kept: Vec<u8>,
    upload: Option<Upload>,
}

struct Upload {
    left: usize,
    total: usize,
}

/// The responses, made once.
pub struct Answers {
    head_end: memmem::Finder<'static>,
    plaintext: Vec<u8>,
    json: Vec<u8>,
    medium: Vec<u8>,
    large_head: Vec<u8>,
    /// Connections accepted so far, for `GET /counts`. The peer counts them.
    pub connections: usize,
    requests: usize,
}

impl Connection {
    /// Reads, answers and writes all that can be done without waiting; in general one `recv` and one `send`. Returns whether the
    /// socket is full. An error closes the connection.
    ///
    /// # Errors
    /// The client has closed the connection, or its request is unknown.
    #[inline]
    pub fn turn(
        &mut self,
        read: impl Fn(&mut [u8]) -> io::Result<usize>,
        write: impl Fn(&[u8]) -> io::Result<usize>,
        shared: &mut Shared,
    ) -> io::Result<bool> {
        let Shared {
            answers,
            input,
            output,
        } = shared;
        let mut stuck = self.is_stuck();
        loop {
            let (was_stuck, mut count) = (stuck, 0);
            if !stuck {
                match try_now(read(input))? {
                    None => return Ok(false),
                    Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Some(read) => count = read,
                }
            } else if !self.flush(&write)? {
                return Ok(true);
            }
            // Requests may be waiting behind a large body that has been sent now.
            self.large = self.floor.answer(&input[..count], answers, output)?;
            if !output.is_empty() {
                let sent = try_now(write(output))?.unwrap_or(0);
                self.unsent.extend_from_slice(&output[sent..]);
            }
            stuck = self.is_stuck();
            // A read that did not fill the buffer took all there was: the next event comes with the next bytes.
            if !stuck && !was_stuck && count < input.len() {
                return Ok(false);
            }
        }
    }

    fn is_stuck(&self) -> bool {
        !self.unsent.is_empty() || !self.large.is_empty()
    }

    /// Sends what did not fit; false if the socket is full before the end.
    fn flush(&mut self, write: impl Fn(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
        while self.is_stuck() {
            let first = !self.unsent.is_empty();
            let next = if first { &self.unsent } else { self.large };
            let Some(sent) = try_now(write(next))? else {
                return Ok(false);
            };
            if first {
                self.unsent.drain(..sent);
            } else {
                self.large = &self.large[sent..];
            }
        }
        self.unsent = Vec::new();
        Ok(true)
    }
}

/// `None` if the socket is empty or full.
fn try_now(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        result => result.map(Some),
    }
}

impl Floor {
    /// Writes to `output` the responses to all requests in what was kept and in `fresh`, up to the first one for the large body.
    /// Returns that body, or nothing. It follows `output`; call again, with nothing fresh, once it has been sent.
    fn answer(
        &mut self,
        fresh: &[u8],
        answers: &mut Answers,
        output: &mut Vec<u8>,
    ) -> io::Result<&'static [u8]> {
        output.clear();
        let joined;
        let mut left = fresh;
        if !self.kept.is_empty() {
            joined = [&take(&mut self.kept), fresh].concat();
            left = &joined;
        }
        while !left.is_empty() {
            if let Some(upload) = &mut self.upload {
                let took = upload.left.min(left.len());
                upload.left -= took;
                left = &left[took..];
            } else {
                let Some(end) = answers.head_end.find(left) else {
                    break;
                };
                let (head, rest) = left.split_at(end + 4);
                left = rest;
                answers.requests += 1;
                if head.starts_with(b"GET /p") {
                    output.extend_from_slice(&answers.plaintext);
                } else if head.starts_with(b"GET /j") {
                    output.extend_from_slice(&answers.json);
                } else if head.starts_with(b"GET /m") {
                    output.extend_from_slice(&answers.medium);
                } else if head.starts_with(b"GET /d") {
                    output.extend_from_slice(&answers.large_head);
                    self.kept.extend_from_slice(left);
                    return Ok(crate::large().as_bytes());
                } else if head.starts_with(b"GET /c") {
                    let counts = format!("{} {}", answers.connections, answers.requests);
                    output.extend(answer("text/plain", &counts));
                } else {
                    let total = content_length(head).filter(|_| head.starts_with(b"POST /u"));
                    let total = total.ok_or_else(|| io::Error::other("unknown request"))?;
                    self.upload = Some(Upload { left: total, total });
                }
            }
            if let Some(upload) = self.upload.take_if(|upload| upload.left == 0) {
                output.extend(answer("text/plain", &upload.total.to_string()));
            }
        }
        self.kept.extend_from_slice(left);
        Ok(&[])
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            answers: Answers::default(),
            input: vec![0; 64 * 1024],
            output: Vec::with_capacity(64 * 1024),
        }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            head_end: memmem::Finder::new(b"\r\n\r\n"),
            plaintext: answer("text/plain", crate::HELLO),
            json: answer("application/json", &crate::json_text()),
            medium: answer("text/plain", &Exchange::Medium.content()),
            large_head: head("text/plain", crate::LARGE_BYTES),
            connections: 0,
            requests: 0,
        }
    }
}

fn answer(content_type: &str, body: &str) -> Vec<u8> {
    [head(content_type, body.len()).as_slice(), body.as_bytes()].concat()
}

/// The date is constant. It is there so that the responses are as long as those of servers that send the time.
fn head(content_type: &str, length: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
         date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"
    )
    .into_bytes()
}

fn content_length(head: &[u8]) -> Option<usize> {
    std::str::from_utf8(head).ok()?.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let found = name.eq_ignore_ascii_case("content-length");
        found.then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

    /// What one connection answers to each piece of input.
    fn talk(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut floor, mut answers, mut output) =
            (Floor::default(), Answers::default(), Vec::new());
        let mut said = |piece: &&[u8]| {
            let large = floor
                .answer(piece, &mut answers, &mut output)
                .expect("a route");
            [output.as_slice(), large].concat()
        };
        pieces.iter().map(&mut said).collect()
    }

    #[test]
    fn pipelined_requests_are_taken_one_by_one() {
        let plaintext = answer("text/plain", crate::HELLO);
        assert_eq!(talk(&[&GET.repeat(2)]), [plaintext.repeat(2)]);
        let large = b"GET /download HTTP/1.1\r\n\r\n";
        let said = talk(&[&[large, GET].concat(), b""]);
        assert!(said[0].ends_with(crate::large().as_bytes()));
        assert_eq!(said[1], plaintext, "after the large body");
    }

    #[test]
    fn a_head_is_taken_only_when_it_is_whole() {
        for cut in 1..GET.len() {
            let said = talk(&[&GET[..cut], &GET[cut..]]);
            assert_eq!(said, [vec![], answer("text/plain", crate::HELLO)]);
        }
    }

    #[test]
    fn an_upload_is_answered_after_its_last_byte_and_leaves_what_follows() {
        let head = b"POST /upload HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
        let said = talk(&[head, b"abc", b"deGET", &GET[3..]]);
        assert!(said[0].is_empty() && said[1].is_empty());
        assert!(said[2].ends_with(b"\r\n\r\n5"));
        assert_eq!(said[3], answer("text/plain", crate::HELLO));
    }
}
