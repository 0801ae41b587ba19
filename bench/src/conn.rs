//! A connection of the runner's own, plain or under TLS: for checks, and for the load that wrk cannot make. It reads responses
//! with content-length, and `101 Switching Protocols`; no other form is needed here.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustls::HandshakeKind;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::Result;

/// How long one read or write may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) head_bytes: usize,
    pub(crate) content: Vec<u8>,
}

impl Response {
    /// The first response in `input` and its length; `None` if it is not complete.
    fn parse(input: &[u8]) -> Result<Option<(Self, usize)>> {
        let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&input[..end])?;
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or("no status line")?;
        let field = |wanted: &str| {
            head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case(wanted).then(|| value.trim())
            })
        };
        let length = match field("content-length") {
            None if status == 101 => Some(0),
            length => length.and_then(|length| length.parse().ok()),
        };
        let length: usize = length.ok_or("no content-length")?;
        let head_bytes = end + 4;
        let content = input.get(head_bytes..head_bytes + length);
        Ok(content.map(|content| {
            let response = Self {
                status,
                content_type: field("content-type").unwrap_or_default().to_owned(),
                head_bytes,
                content: content.to_vec(),
            };
            (response, head_bytes + length)
        }))
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) struct Conn {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    /// What kind of handshake there was, if any.
    pub(crate) handshake: Option<HandshakeKind>,
}

impl Conn {
    /// Connects to a port of 127.0.0.1. When dropped, the connection is reset, so that no port waits in TIME_WAIT.
    pub(crate) async fn open(port: u16, tls: Option<&TlsConnector>) -> Result<Self> {
        let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        tcp.set_nodelay(true)?;
        set_socket_linger(&tcp, Some(Duration::ZERO))?;
        let (stream, handshake): (Box<dyn Stream>, _) = match tls {
            None => (Box::new(tcp), None),
            Some(tls) => {
                let stream = patient(tls.connect(ServerName::try_from("localhost")?, tcp)).await?;
                let kind = stream.get_ref().1.handshake_kind();
                (Box::new(stream), kind)
            }
        };
        Ok(Self {
            stream,
            input: Vec::new(),
            handshake,
        })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        patient(async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        })
        .await
    }

    pub(crate) async fn receive(&mut self) -> Result<Response> {
        loop {
            if let Some((response, length)) = Response::parse(&self.input)? {
                self.input.drain(..length);
                if self.input.is_empty() {
                    // Thousands of idle connections need no buffer.
                    self.input = Vec::new();
                }
                return Ok(response);
            }
            self.input.reserve(16 * 1024);
            if patient(self.stream.read_buf(&mut self.input)).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
    }

    /// Fills the buffer with what comes next.
    pub(crate) async fn receive_exact(&mut self, buffer: &mut [u8]) -> Result<()> {
        patient(self.stream.read_exact(buffer)).await.map(drop)
    }

    /// Whether the server has neither closed the connection nor sent more.
    pub(crate) async fn is_idle(&mut self) -> bool {
        let read = self.stream.read_u8();
        self.input.is_empty() && timeout(Duration::ZERO, read).await.is_err()
    }
}

async fn patient<T>(work: impl Future<Output = io::Result<T>>) -> Result<T> {
    let done = timeout(PATIENCE, work).await;
    Ok(done.map_err(|_| "no complete response within 30 s")??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_known_length() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nab";
        for cut in 0..bytes.len() {
            assert!(matches!(Response::parse(&bytes[..cut]), Ok(None)), "{cut}");
        }
        let found = Response::parse(&[bytes.as_slice(), b"HTTP"].concat());
        let expected = Response {
            status: 200,
            content_type: "text/plain".to_owned(),
            head_bytes: 64,
            content: b"ab".to_vec(),
        };
        assert_eq!(found.expect("a response"), Some((expected, 66)));
        let switched = Response::parse(b"HTTP/1.1 101 Switching Protocols\r\n\r\nab");
        assert!(switched.is_ok_and(|found| found.is_some_and(|(_, length)| length == 36)));
    }

    #[test]
    fn answers_without_an_end_or_a_form_are_refused() {
        for bytes in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "SPDY 200\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            assert!(Response::parse(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
    }
}
