//! The floor: the least that a server must do to answer the benchmark's requests rightly.
//!
//! It looks for the blank line, tells the routes apart by a few bytes, and answers with bytes made at start. It checks
//! nothing, so it is no HTTP server: it trusts the load generator. What it does get right is what the rows need: heads
//! cut anywhere, several requests in one read, and bodies of a known length.
//! Not here: sockets; see the two peers `raw-epoll` and `bare-tokio`.

use memchr::memmem;

/// What [`Floor::step`] did with the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Took so many bytes; whatever answer they called for is in the output.
    Took(usize),
    /// Took so many bytes; the head of the large answer is in the output, and [`crate::large`] must follow it.
    TookLarge(usize),
    /// The input ends within a head: come back with more behind it.
    Partial,
    /// The request is none of ours: close the connection.
    Unknown,
}

/// One connection's state: how much of an upload is still to come.
#[derive(Default)]
pub struct Floor {
    upload: Option<Upload>,
}

struct Upload {
    left: usize,
    total: usize,
}

impl Floor {
    /// Takes the next request, or the next piece of an upload, from the front of `input`, which must not be empty.
    #[inline]
    pub fn step(&mut self, input: &[u8], answers: &Answers, output: &mut Vec<u8>) -> Step {
        if let Some(upload) = &mut self.upload {
            let took = upload.left.min(input.len());
            upload.left -= took;
            self.finish_upload(output);
            return Step::Took(took);
        }
        let Some(end) = answers.head_end.find(input) else {
            return Step::Partial;
        };
        let (head, took) = (&input[..end + 4], end + 4);
        if head.starts_with(b"GET /p") {
            output.extend_from_slice(&answers.plaintext);
        } else if head.starts_with(b"GET /j") {
            output.extend_from_slice(&answers.json);
        } else if head.starts_with(b"GET /m") {
            output.extend_from_slice(&answers.medium);
        } else if head.starts_with(b"GET /d") {
            output.extend_from_slice(&answers.large_head);
            return Step::TookLarge(took);
        } else if head.starts_with(b"POST /u") {
            let Some(total) = content_length(head) else {
                return Step::Unknown;
            };
            self.upload = Some(Upload { left: total, total });
            self.finish_upload(output);
        } else {
            return Step::Unknown;
        }
        Step::Took(took)
    }

    fn finish_upload(&mut self, output: &mut Vec<u8>) {
        if let Some(upload) = self.upload.take_if(|upload| upload.left == 0) {
            output.extend_from_slice(&answer("text/plain", upload.total.to_string().as_bytes()));
        }
    }
}

/// The answers, made once.
pub struct Answers {
    head_end: memmem::Finder<'static>,
    plaintext: Vec<u8>,
    json: Vec<u8>,
    medium: Vec<u8>,
    large_head: Vec<u8>,
}

impl Answers {
    /// Makes the answers; call it once, at start.
    #[must_use]
    pub fn new() -> Self {
        Self {
            head_end: memmem::Finder::new(b"\r\n\r\n"),
            plaintext: answer("text/plain", crate::HELLO.as_bytes()),
            json: answer("application/json", crate::json_text().as_bytes()),
            medium: answer("text/plain", crate::medium().as_bytes()),
            large_head: head("text/plain", crate::LARGE_BYTES),
        }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::new()
    }
}

fn answer(content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(content_type, body.len());
    bytes.extend_from_slice(body);
    bytes
}

/// The date is a fixed one: it is there so that the answers are as long as those of servers that send a true one.
fn head(content_type: &str, length: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
         date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"
    )
    .into_bytes()
}

fn content_length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            value.trim().parse().ok()
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn pipelined_requests_are_taken_one_by_one() {
        let (mut floor, answers, mut output) = (Floor::default(), Answers::new(), Vec::new());
        let input = GET.repeat(2);
        assert_eq!(
            floor.step(&input, &answers, &mut output),
            Step::Took(GET.len())
        );
        assert_eq!(
            floor.step(&input[GET.len()..], &answers, &mut output),
            Step::Took(GET.len())
        );
        assert_eq!(output, answers.plaintext.repeat(2));
    }

    #[test]
    fn a_head_is_taken_only_when_it_is_whole() {
        let (mut floor, answers, mut output) = (Floor::default(), Answers::new(), Vec::new());
        for cut in 1..GET.len() {
            assert_eq!(
                floor.step(&GET[..cut], &answers, &mut output),
                Step::Partial
            );
        }
        assert!(output.is_empty());
    }

    #[test]
    fn an_upload_is_answered_after_its_last_byte_and_leaves_what_follows() {
        let (mut floor, answers, mut output) = (Floor::default(), Answers::new(), Vec::new());
        let head = b"POST /upload HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(
            floor.step(head, &answers, &mut output),
            Step::Took(head.len())
        );
        assert_eq!(floor.step(b"abc", &answers, &mut output), Step::Took(3));
        assert!(output.is_empty());
        assert_eq!(floor.step(b"deGET", &answers, &mut output), Step::Took(2));
        assert!(output.ends_with(b"\r\n\r\n5"));
        assert_eq!(floor.step(b"GET", &answers, &mut output), Step::Partial);
    }
}
