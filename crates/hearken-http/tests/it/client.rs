//! A client of blocking sockets, independent of the code under test.

use hearken_http::ServerHandle;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longer than any wait. A test that hangs fails after it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, and what was read from it beyond the last response.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    read: Vec<u8>,
}

/// One response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.head[9..12].parse().expect("a status")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }
}

pub(crate) fn address(handle: &ServerHandle) -> SocketAddr {
    let text = handle.address().to_string();
    let text = text.strip_prefix("http://").expect("a URL");
    text.trim_end_matches('/').parse().expect("an address")
}

impl Client {
    pub(crate) fn connect(handle: &ServerHandle) -> Self {
        Self::to(address(handle))
    }

    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Self::over(stream)
    }

    /// Ends the direction to the server.
    pub(crate) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).expect("a socket");
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the server reads");
    }

    pub(crate) fn get(&mut self, target: &str) -> Response {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.response()
    }

    pub(crate) fn response(&mut self) -> Response {
        self.try_response().expect("a whole response")
    }

    /// The next response, by its length, its chunks, or the end of the connection.
    pub(crate) fn try_response(&mut self) -> io::Result<Response> {
        let head = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8(head).expect("an ASCII head");
        let mut response = Response {
            head,
            body: Vec::new(),
        };
        if let Some(length) = response.header("content-length") {
            response.body = self.exactly(length.parse().expect("a length"))?;
        } else if response.header("transfer-encoding").is_some() {
            loop {
                let line = self.until(b"\r\n")?;
                let size = std::str::from_utf8(&line).expect("a chunk size").trim_end();
                let size = usize::from_str_radix(size, 16).expect("a chunk size");
                response.body.extend(self.exactly(size)?);
                self.exactly(2)?;
                if size == 0 {
                    break;
                }
            }
        } else if response.closes() {
            response.body = self.rest()?;
        }
        Ok(response)
    }

    fn until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self
                .read
                .windows(end.len())
                .position(|window| window == end)
            {
                return Ok(self.read.drain(..at + end.len()).collect());
            }
            self.more()?;
        }
    }

    fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < count {
            self.more()?;
        }
        Ok(self.read.drain(..count).collect())
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut all = std::mem::take(&mut self.read);
        self.stream.read_to_end(&mut all)?;
        Ok(all)
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.read.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

/// Polls a condition until it holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
