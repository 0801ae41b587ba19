//! A server that follows a script, whatever the request, and records the requests.

use crate::Bytes;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: UnboundedReceiver<String>,
}

/// Its reaction to one request.
#[derive(Clone)]
pub(super) enum Act {
    /// Reads the whole request, and sends this.
    Say(Bytes),
    /// Reads the head, sends the first, reads the body, and sends the second.
    Early(Bytes, Bytes),
    /// Reads the request, and waits until the client is gone.
    Hang,
}

pub(super) fn answer(status: &str, fields: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{fields}\r\n");
    Act::Say([head.as_bytes(), body].concat().into())
}

pub(super) fn say(bytes: impl AsRef<[u8]>) -> Act {
    Act::Say(Bytes::copy_from_slice(bytes.as_ref()))
}

impl Server {
    /// Takes a script for each connection, and closes it at the end of its script.
    pub(super) async fn start(connections: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (sender, asked) = unbounded_channel();
        tokio::spawn(async move {
            for script in connections {
                let (socket, _) = listener.accept().await.expect("a connection");
                tokio::spawn(play(socket, script, sender.clone()));
            }
        });
        Self { address, asked }
    }

    pub(super) async fn once(act: Act) -> Self {
        Self::start(vec![vec![act]]).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request, head and body; `None` after the last.
    pub(super) async fn asked(&mut self) -> Option<String> {
        self.asked.recv().await
    }

    /// Whether no further request has come so far.
    pub(super) fn is_quiet(&self) -> bool {
        self.asked.is_empty()
    }
}

async fn play(socket: TcpStream, script: Vec<Act>, sender: UnboundedSender<String>) {
    let mut socket = BufReader::new(socket);
    for act in script {
        let Some(mut text) = head(&mut socket).await else {
            return;
        };
        if let Act::Early(bytes, _) = &act
            && socket.write_all(bytes).await.is_err()
        {
            return;
        }
        let whole = body(&mut socket, &mut text).await.is_some();
        let _ = sender.send(text); // a test need not look at it
        match act {
            Act::Say(bytes) | Act::Early(_, bytes) if whole => {
                if socket.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::Hang => {
                let _ = socket.read(&mut [0]).await;
            }
            Act::Say(_) | Act::Early(..) => {}
        }
    }
}

async fn head(socket: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        if socket.read_line(&mut text).await.ok()? == 0 {
            return None;
        }
    }
    Some(text)
}

/// Adds the body, decoded from chunks.
async fn body(socket: &mut BufReader<TcpStream>, text: &mut String) -> Option<()> {
    let lower = text.to_ascii_lowercase();
    let mut length = 0;
    if let Some((_, rest)) = lower.split_once("content-length: ") {
        length = rest.lines().next()?.parse().ok()?;
    }
    let chunked = lower.contains("transfer-encoding: chunked");
    loop {
        if chunked {
            let mut line = String::new();
            socket.read_line(&mut line).await.ok()?;
            length = usize::from_str_radix(line.trim(), 16).ok()? + 2;
        }
        let mut bytes = vec![0; length];
        socket.read_exact(&mut bytes).await.ok()?;
        if chunked {
            bytes.truncate(length - 2);
        }
        text.push_str(&String::from_utf8_lossy(&bytes));
        if !chunked || bytes.is_empty() {
            return Some(());
        }
    }
}
