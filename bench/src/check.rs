//! Does a server answer rightly? Asked before anything is measured: a fast wrong answer is worth nothing.
//!
//! Not here: clients (`check_client.rs`).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, StreamOwned};

use crate::response::{self, Response};
use crate::rows::{PIPELINE_DEPTH, Role, Row};
use crate::tls::{self, Sessions};

/// A server of this machine, and how to reach it.
pub struct Site {
    port: u16,
    tls: Option<Arc<ClientConfig>>,
}

impl Site {
    /// The server on a port, under TLS if the row's servers speak it.
    ///
    /// # Errors
    /// If the certificate cannot be read.
    pub fn new(port: u16, row: Row, certificate: &Path) -> io::Result<Self> {
        let tls = match row.role() {
            Role::Tls => Some(tls::careful(certificate, Sessions::of(row))?),
            Role::Server | Role::Client => None,
        };
        Ok(Self { port, tls })
    }
}

/// Asks for what the row needs, several times on one connection, and compares status, type and body.
///
/// # Errors
/// One line that says what is wrong with the answer.
pub fn row(site: &Site, row: Row) -> Result<(), String> {
    let checked = match row {
        Row::Plain | Row::Idle => plaintext(site, 1)
            .and_then(|_| plaintext(site, 2))
            .map(drop),
        Row::Pipelined => plaintext(site, PIPELINE_DEPTH).map(drop),
        Row::Json => get(
            site,
            "/json",
            "application/json",
            peer_kit::json_text().as_bytes(),
        ),
        Row::Download | Row::TlsDownload => get(
            site,
            "/download",
            "text/plain",
            peer_kit::large().as_bytes(),
        ),
        Row::Upload | Row::TlsUpload => upload(site),
        Row::TlsFull => handshakes(site, HandshakeKind::Full),
        Row::TlsResumed => handshakes(site, HandshakeKind::Resumed),
        Row::ClientGet
        | Row::ClientMany
        | Row::ClientDownload
        | Row::ClientUpload
        | Row::ClientJson
        | Row::ClientInstructions => Err(io::Error::other("no row for servers")),
    };
    checked.map_err(|error| format!("answers wrongly: {error}"))
}

/// The first handshake is a full one, those after it are of the row's kind.
fn handshakes(site: &Site, kind: HandshakeKind) -> io::Result<()> {
    for expected in [HandshakeKind::Full, kind, kind] {
        let found = plaintext(site, 1)?;
        if found != Some(expected) {
            let text = format!("a handshake of kind {found:?}, expected {expected:?}");
            return Err(io::Error::other(text));
        }
    }
    Ok(())
}

/// Length of the whole answer to `GET /plaintext`, in bytes.
///
/// # Errors
/// If there is no answer.
pub fn answer_bytes(site: &Site) -> io::Result<usize> {
    let mut client = Client::connect(site)?;
    client.send(b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let response = client.receive()?;
    Ok(response.head_bytes + response.body.len())
}

/// So many requests in one write; returns the kind of the connection's handshake.
fn plaintext(site: &Site, depth: usize) -> io::Result<Option<HandshakeKind>> {
    let mut client = Client::connect(site)?;
    client.send(&b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(depth))?;
    for _ in 0..depth {
        expect(&client.receive()?, "text/plain", peer_kit::HELLO.as_bytes())?;
    }
    Ok(client.handshake())
}

fn get(site: &Site, path: &str, content_type: &str, body: &[u8]) -> io::Result<()> {
    let mut client = Client::connect(site)?;
    for _ in 0..2 {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        expect(&client.receive()?, content_type, body)?;
    }
    Ok(())
}

fn upload(site: &Site) -> io::Result<()> {
    let mut client = Client::connect(site)?;
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
    stream: Stream,
    input: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Client {
    fn connect(site: &Site) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, site.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        let stream = match &site.tls {
            None => Stream::Plain(stream),
            Some(settings) => {
                let host = ServerName::try_from(tls::HOST).map_err(io::Error::other)?;
                let tls = ClientConnection::new(Arc::clone(settings), host);
                let tls = tls.map_err(io::Error::other)?;
                Stream::Tls(Box::new(StreamOwned::new(tls, stream)))
            }
        };
        Ok(Self {
            stream,
            input: Vec::new(),
        })
    }

    /// How the session came about, once something has been received.
    fn handshake(&self) -> Option<HandshakeKind> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => stream.conn.handshake_kind(),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.read(piece),
            Stream::Tls(stream) => stream.read(piece),
        }
    }

    fn receive(&mut self) -> io::Result<Response> {
        let mut piece = vec![0; 64 * 1024];
        loop {
            if let Some(response) = response::take(&mut self.input)? {
                return Ok(response);
            }
            let count = match self.read(&mut piece) {
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
        let site = |answer| {
            Ok::<_, io::Error>(Site {
                port: parrot(answer)?,
                tls: None,
            })
        };
        assert!(plaintext(&site(hello)?, 1).is_ok());
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
            let found = row(&site(answer)?, Row::Plain);
            assert!(
                found.as_ref().is_err_and(|found| found.contains(complaint)),
                "{found:?}"
            );
        }
        // One answer to sixteen requests is fifteen too few.
        assert!(row(&site(hello)?, Row::Pipelined).is_err());
        Ok(())
    }
}
