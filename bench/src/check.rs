//! Does a peer answer rightly? Asked before anything is measured: a fast wrong answer is worth nothing.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::response::{self, Response};
use crate::rows::{PIPELINE_DEPTH, Row};

/// Asks for what the row needs, several times on one connection, and compares status, type and body.
///
/// # Errors
/// One line that says what is wrong with the answer.
pub fn row(port: u16, row: Row) -> Result<(), String> {
    let checked = match row {
        Row::Plain | Row::Idle => plaintext(port, 1).and_then(|()| plaintext(port, 2)),
        Row::Pipelined => plaintext(port, PIPELINE_DEPTH),
        Row::Json => get(
            port,
            "/json",
            "application/json",
            peer_kit::json_text().as_bytes(),
        ),
        Row::Download => get(
            port,
            "/download",
            "text/plain",
            peer_kit::large().as_bytes(),
        ),
        Row::Upload => upload(port),
    };
    checked.map_err(|error| format!("answers wrongly: {error}"))
}

/// Length of the whole answer to `GET /plaintext`, in bytes.
///
/// # Errors
/// If there is no answer.
pub fn answer_bytes(port: u16) -> io::Result<usize> {
    let mut client = Client::connect(port)?;
    client.send(b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let response = client.receive()?;
    Ok(response.head_bytes + response.body.len())
}

fn plaintext(port: u16, depth: usize) -> io::Result<()> {
    let mut client = Client::connect(port)?;
    client.send(&b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(depth))?;
    for _ in 0..depth {
        expect(&client.receive()?, "text/plain", peer_kit::HELLO.as_bytes())?;
    }
    Ok(())
}

fn get(port: u16, path: &str, content_type: &str, body: &[u8]) -> io::Result<()> {
    let mut client = Client::connect(port)?;
    for _ in 0..2 {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        expect(&client.receive()?, content_type, body)?;
    }
    Ok(())
}

fn upload(port: u16) -> io::Result<()> {
    let mut client = Client::connect(port)?;
    for bytes in [peer_kit::LARGE_BYTES, 3] {
        client.send(
            format!("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n")
                .as_bytes(),
        )?;
        client.send(&peer_kit::large().as_bytes()[..bytes])?;
        expect(
            &client.receive()?,
            "text/plain",
            bytes.to_string().as_bytes(),
        )?;
    }
    Ok(())
}

fn expect(response: &Response, content_type: &str, body: &[u8]) -> io::Result<()> {
    let Response {
        status,
        content_type: found,
        body: content,
        ..
    } = response;
    if *status != 200 {
        return Err(io::Error::other(format!("status {status}, expected 200")));
    }
    if !found
        .as_deref()
        .is_some_and(|found| found.starts_with(content_type))
    {
        return Err(io::Error::other(format!(
            "content-type {found:?}, expected {content_type}"
        )));
    }
    if content != body {
        let (has, wants) = (content.len(), body.len());
        return Err(io::Error::other(format!(
            "a body of {has} bytes that is not the expected one of {wants}"
        )));
    }
    Ok(())
}

/// A blocking connection with a deadline on every read and write.
struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self {
            stream,
            input: Vec::new(),
        })
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn receive(&mut self) -> io::Result<Response> {
        let mut piece = vec![0; 64 * 1024];
        loop {
            if let Some(response) = response::take(&mut self.input)? {
                return Ok(response);
            }
            let count = match self.stream.read(&mut piece) {
                Ok(0) => {
                    return Err(io::Error::other(
                        "the connection closed before the answer was whole",
                    ));
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::Error::other("no whole answer within 5 s"));
                }
                Err(error) => return Err(error),
            };
            self.input.extend_from_slice(&piece[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server on a port of its own that says the same to every connection, whatever it is asked.
    fn parrot(answer: &'static str) -> io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let _ = stream
                    .read(&mut [0; 1024])
                    .and_then(|_| stream.write_all(answer.as_bytes()));
            }
        });
        Ok(port)
    }

    #[test]
    fn a_right_answer_passes_and_wrong_ones_are_named() -> io::Result<()> {
        let hello = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, World!";
        assert!(plaintext(parrot(hello)?, 1).is_ok());
        for (answer, complaint) in [
            ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", "status 500"),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
                "content-type None",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nHi",
                "body of 2",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHi",
                "closed",
            ),
        ] {
            let found = row(parrot(answer)?, Row::Plain);
            assert!(
                found.as_ref().is_err_and(|found| found.contains(complaint)),
                "{found:?}"
            );
        }
        // One answer to sixteen requests is fifteen too few.
        assert!(row(parrot(hello)?, Row::Pipelined).is_err());
        Ok(())
    }
}
