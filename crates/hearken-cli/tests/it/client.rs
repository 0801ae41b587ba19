//! A client on a raw socket: sends exactly the given bytes, and parses responses strictly.

use super::program::PATIENCE;
use flate2::read::GzDecoder;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

/// A response. Its body is decoded from chunks, not from gzip.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and fields.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a bounded wait");
        socket
            .set_write_timeout(Some(PATIENCE))
            .expect("a bounded wait");
        socket
            .set_nodelay(true)
            .expect("pieces go out as they are written");
        Self {
            reader: BufReader::new(socket),
        }
    }

    /// A second handle to the same connection, to send while this one reads.
    pub(crate) fn twin(&self) -> Self {
        let socket = self.reader.get_ref().try_clone().expect("a descriptor");
        Self {
            reader: BufReader::new(socket),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.reader
            .get_mut()
            .write_all(bytes.as_ref())
            .expect("the server reads");
    }

    /// Shuts down the client's direction.
    pub(crate) fn finish(&self) {
        self.reader
            .get_ref()
            .shutdown(Shutdown::Write)
            .expect("the socket is open");
    }

    /// Sends a request without a body and reads the response.
    pub(crate) fn ask(&mut self, method: &str, target: &str, fields: &str) -> Answer {
        self.send(format!(
            "{method} {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"
        ));
        self.answer(method)
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "")
    }

    /// One line without its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader
            .read_line(&mut line)
            .expect("a line of the answer");
        let line = line
            .strip_suffix("\r\n")
            .unwrap_or_else(|| panic!("{line:?} is cut"));
        line.to_owned()
    }

    /// Status line and fields.
    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return head;
            }
            head += &line;
            head.push('\n');
        }
    }

    /// The data of a chunk; empty for the last chunk.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let size = self.line();
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("{size}: a size"));
        let chunk = self.exactly(size);
        assert_eq!(self.line(), "");
        chunk
    }

    pub(crate) fn exactly(&mut self, bytes: usize) -> Vec<u8> {
        let mut all = vec![0; bytes];
        self.reader
            .read_exact(&mut all)
            .expect("the rest of the body");
        all
    }

    /// Up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.reader
            .read_to_end(&mut rest)
            .expect("the end of the connection");
        rest
    }

    /// The rest of a truncated response, up to the end or the reset of the connection.
    pub(crate) fn cut(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        if let Err(error) = self.reader.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        rest
    }

    /// Reads the response to a request with this method.
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        let head = self.head();
        let status: u16 = head[9..12].parse().expect("a status");
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        if method == "HEAD" || matches!(status, 204 | 304) {
            return answer;
        }
        if answer.field("transfer-encoding") == Some("chunked") {
            loop {
                let chunk = self.chunk();
                if chunk.is_empty() {
                    return answer;
                }
                answer.body.extend(chunk);
            }
        }
        answer.body = match answer.field("content-length") {
            Some(length) => {
                let length = length.parse().expect("a length");
                self.exactly(length)
            }
            None => self.rest(),
        };
        answer
    }
}

impl Answer {
    /// The value of a field, which must not occur twice.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().skip(1).filter_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        });
        let value = values.next();
        assert_eq!(values.next(), None, "{name} twice in {}", self.head);
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.field("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The body, decoded if it is coded.
    pub(crate) fn decoded(&self) -> Vec<u8> {
        match self.field("content-encoding") {
            None => self.body.clone(),
            Some("gzip") => {
                let mut decoded = Vec::new();
                GzDecoder::new(&*self.body)
                    .read_to_end(&mut decoded)
                    .expect("whole gzip");
                decoded
            }
            Some(other) => panic!("{other} was not accepted"),
        }
    }
}
