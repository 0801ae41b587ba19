//! A server that sends scripted responses, valid or not, and records the requests.

use super::program::PATIENCE;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// How it handles one request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Reads a request, and sends these bytes.
    Send(Vec<u8>),
    /// Reads a request, and waits until the client disconnects.
    Hang,
}

pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    requests: Receiver<String>,
}

/// Sends exactly these bytes.
pub(crate) fn send(bytes: impl AsRef<[u8]>) -> Act {
    Act::Send(bytes.as_ref().to_vec())
}

/// Sends a complete response.
pub(crate) fn answer(status: &str, fields: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{fields}\r\n",
        body.len()
    );
    Act::Send([head.as_bytes(), body].concat())
}

impl Scripted {
    /// Takes a script for each connection, which closes at its end.
    pub(crate) fn start(connections: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (sender, requests) = channel();
        thread::spawn(move || {
            for script in connections {
                let Ok((socket, _)) = listener.accept() else {
                    return;
                };
                play(&socket, script, &sender);
            }
        });
        Self { address, requests }
    }

    /// One connection with one response.
    pub(crate) fn once(act: Act) -> Self {
        Self::start(vec![vec![act]])
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request: head and body.
    pub(crate) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }
}

fn play(socket: &TcpStream, script: Vec<Act>, sender: &Sender<String>) {
    let bounds = socket
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| socket.set_write_timeout(Some(PATIENCE)));
    bounds.expect("bounded waits");
    let mut reader = BufReader::new(socket);
    for act in script {
        let Some(request) = request(&mut reader) else {
            return;
        };
        // A test need not look at it.
        let _ = sender.send(request);
        match act {
            Act::Send(bytes) => {
                // The client may have heard enough.
                if { socket }.write_all(&bytes).is_err() {
                    return;
                }
            }
            Act::Hang => {
                let _ = reader.read(&mut [0]);
            }
        }
    }
}

/// Head and body of a request, or what there was of them.
fn request(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut text = String::new();
    let mut length = 0;
    loop {
        let before = text.len();
        if reader.read_line(&mut text).ok()? == 0 {
            return None;
        }
        let line = text[before..].trim_end();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(text + &String::from_utf8_lossy(&body))
}
