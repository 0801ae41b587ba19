//! A server in the hands of the test, and every event of a client in one log.

use crate::client::event;
use crate::client::{Agent, AgentOptions, ClientRequest, Destination, Proxies, Response};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

/// Longer than any wait, on a clock that jumps.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What happened, in order.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(super) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// An agent whose connections all lead to the test.
pub(super) struct Net {
    pub(super) agent: Agent,
    arriving: mpsc::UnboundedReceiver<DuplexStream>,
}

/// The other end of one connection.
pub(super) struct Peer<T = DuplexStream> {
    io: T,
    read: Vec<u8>,
}

pub(super) fn net() -> Net {
    net_with(|_| ())
}

pub(super) fn net_with(change: impl FnOnce(&mut AgentOptions)) -> Net {
    let (sender, arriving) = mpsc::unbounded_channel();
    let mut options = AgentOptions {
        proxies: Proxies::none(),
        ..AgentOptions::default()
    };
    options.connector(move |_: Destination| {
        let (here, there) = duplex(256 * 1024);
        let sent = sender.send(there);
        async move { sent.map(|()| here).map_err(io::Error::other) }
    });
    change(&mut options);
    Net {
        agent: Agent::new(options),
        arriving,
    }
}

impl Net {
    pub(super) fn get(&self, path: &str) -> ClientRequest {
        self.request("GET", path)
    }

    pub(super) fn request(&self, method: &str, path: &str) -> ClientRequest {
        let url = format!("http://test{path}");
        self.agent.request(method, &url).expect("a request")
    }

    /// The next connection that the agent makes.
    pub(super) async fn accept(&mut self) -> Peer {
        let arrived = tokio::time::timeout(PATIENCE, self.arriving.recv()).await;
        Peer::over(arrived.expect("a connection").expect("an agent"))
    }

    /// Whether the agent has made another connection.
    pub(super) fn has_more(&mut self) -> bool {
        !self.arriving.is_empty()
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Peer<T> {
    pub(super) const fn over(io: T) -> Self {
        let read = Vec::new();
        Self { io, read }
    }

    #[cfg(feature = "tls")]
    pub(super) fn into_io(self) -> T {
        self.io
    }

    /// One request: its head, and its body by its length or to its last chunk, as received.
    pub(super) async fn hear(&mut self) -> String {
        let head = self.hear_until("\r\n\r\n").await;
        let lower = head.to_ascii_lowercase();
        if lower.contains("\r\ntransfer-encoding: chunked\r\n") {
            return head + &self.hear_until("0\r\n\r\n").await;
        }
        let length = lower.split("\r\ncontent-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        head + &self.hear_bytes(length.unwrap_or(0)).await
    }

    /// Up to and with this text.
    pub(super) async fn hear_until(&mut self, end: &str) -> String {
        loop {
            let found = self
                .read
                .windows(end.len())
                .position(|part| part == end.as_bytes());
            if let Some(at) = found {
                return self.split(at + end.len());
            }
            assert!(
                self.fill().await,
                "expected {end:?}, got {:.300?}",
                self.rest()
            );
        }
    }

    pub(super) async fn hear_bytes(&mut self, count: usize) -> String {
        while self.read.len() < count {
            assert!(
                self.fill().await,
                "expected {count} bytes, got {}",
                self.read.len()
            );
        }
        self.split(count)
    }

    /// Everything until the client ends the connection.
    pub(super) async fn hear_end(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// What has arrived by now, without waiting.
    pub(super) async fn take_read(&mut self) -> String {
        while let Ok(true) = tokio::time::timeout(Duration::ZERO, self.fill()).await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    fn rest(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }

    fn split(&mut self, at: usize) -> String {
        let rest = self.read.split_off(at);
        let heard = std::mem::replace(&mut self.read, rest);
        String::from_utf8(heard).expect("text")
    }

    async fn fill(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.io.read_buf(&mut self.read)).await;
        read.expect("the client says something, or ends")
            .unwrap_or(0)
            > 0
    }

    pub(super) async fn say(&mut self, text: impl AsRef<[u8]>) {
        // The client may have closed the connection.
        let _ = self.io.write_all(text.as_ref()).await;
        let _ = self.io.flush().await;
    }
}

/// Every event of a request.
pub(super) fn hear_all(request: &ClientRequest, log: &Log) {
    let log = || log.clone();
    let own = log();
    request.on(event::Socket, move |socket| {
        own.add(if socket.reused() {
            "Socket reused"
        } else {
            "Socket"
        })
    });
    let own = log();
    request.on(event::Continue, move |()| own.add("Continue"));
    let own = log();
    request.on(event::Information, move |head| {
        own.add(format!("Information {}", head.status()))
    });
    let own = log();
    request.on(event::Drain, move |()| own.add("Drain"));
    let own = log();
    request.on(event::Finish, move |()| own.add("Finish"));
    let own = log();
    request.on(event::Response, move |head| {
        own.add(format!("Response {}", head.status()))
    });
    let own = log();
    request.on(event::Upgrade, move |head| {
        own.add(format!("Upgrade {}", head.status()))
    });
    let own = log();
    request.on(event::Connect, move |head| {
        own.add(format!("Connect {}", head.status()))
    });
    let own = log();
    request.on(event::Abort, move |()| own.add("Abort"));
    let own = log();
    request.on(event::Error, move |error| {
        let phase = error.phase().map(|phase| phase.to_string());
        own.add(format!("Error in {}", phase.unwrap_or_default()))
    });
    let own = log();
    request.on(event::Close, move |()| own.add("Close"));
}

/// Reads a body to its end, with each piece in the log.
pub(super) async fn read_all(mut response: Response, log: &Log) {
    loop {
        match response.data().await {
            Ok(Some(piece)) => log.add(format!("data {}", piece.len())),
            Ok(None) => return log.add("end"),
            Err(_) => return log.add("data fails"),
        }
    }
}

/// Lets all other tasks run until they wait.
pub(super) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
