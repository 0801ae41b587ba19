//! A client of hearken-proto on a transport in memory, with limits on time and amount, and no feature at all.

use crate::hostile::{Ask, Behaviour, Hostile};
use hearken_proto::{Connection, Event, Fields, Length, Limits, Request, Role};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

/// The outcome of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    NoResponse,
    BrokenBody,
    TooSlow,
    TooMuch,
    Good(u16, Vec<u8>),
    Switched,
}

/// Simulated.
pub(super) const TIME_MAX: Duration = Duration::from_secs(30);
const RECEIVED_MAX: usize = 4 << 20;
const BODY_BYTES: usize = 1 << 20;

pub(super) struct Client {
    link: DuplexStream,
    connection: Connection,
    /// Received and not consumed.
    rest: Vec<u8>,
    received: usize,
    exchange: Exchange,
}

/// Received parts of the current exchange.
#[derive(Default)]
struct Exchange {
    status: Option<u16>,
    content: Vec<u8>,
    continued: bool,
}

impl Client {
    /// Connects to a server in memory, which runs as a task.
    pub(super) fn connect(server: &Hostile) -> Self {
        let (link, theirs) = duplex(64 * 1024);
        let server = server.clone();
        tokio::spawn(async move { server.serve(theirs).await });
        let mut limits = Limits::default();
        limits.head.bytes_max = 64 * 1024;
        Self {
            link,
            connection: Connection::new(Role::Client, &limits),
            rest: Vec::new(),
            received: 0,
            exchange: Exchange::default(),
        }
    }

    /// One exchange, within [`TIME_MAX`].
    pub(super) async fn ask(&mut self, ask: Ask) -> Outcome {
        match timeout(TIME_MAX, self.exchange(ask)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::TooSlow,
        }
    }

    async fn exchange(&mut self, ask: Ask) -> Outcome {
        self.exchange = Exchange::default();
        if self.connection.is_finished() {
            return Outcome::NoResponse;
        }
        let mut out = Vec::new();
        self.write_head(ask, &mut out);
        // A server that is gone may have responded before.
        drop(self.link.write_all(&out).await);
        if ask == Ask::PostExpecting
            && let Ok(Some(over)) = timeout(Duration::from_secs(1), self.until_continue()).await
        {
            return over;
        }
        if matches!(ask, Ask::Post | Ask::PostExpecting) {
            return self.send_body_and_read().await;
        }
        self.read().await
    }

    fn write_head(&mut self, ask: Ask, out: &mut Vec<u8>) {
        let (method, target, length) = match ask {
            Ask::Head => ("HEAD", "/", 0),
            Ask::Post | Ask::PostExpecting => ("POST", "/", BODY_BYTES as u64),
            Ask::Connect => ("CONNECT", "a:443", 0),
            _ => ("GET", "/", 0),
        };
        let mut fields = Fields::new();
        let host = if ask == Ask::Connect { "a:443" } else { "a" };
        fields.append("Host", host).expect("legal");
        if ask == Ask::Upgrade {
            fields.append("Connection", "Upgrade").expect("legal");
            fields.append("Upgrade", "echo").expect("legal");
        }
        if ask == Ask::PostExpecting {
            fields.append("Expect", "100-continue").expect("legal");
        }
        let request = Request::new(method, target, &fields, Length::Known(length));
        let sent = self.connection.send_request(&request, out);
        sent.expect("a request may be sent now");
        if length == 0 {
            self.connection.send_end(None, out).expect("no content");
        }
    }

    /// The outcome, if it comes before 100.
    async fn until_continue(&mut self) -> Option<Outcome> {
        while !self.exchange.continued {
            if let Some(outcome) = self.more().await {
                return Some(outcome);
            }
        }
        None
    }

    /// Sends the body as fast as the server takes it; the response may come before its end.
    async fn send_body_and_read(&mut self) -> Outcome {
        let mut body = Vec::new();
        let sent = self
            .connection
            .send_content(&[b'b'; BODY_BYTES], &mut body)
            .and_then(|()| self.connection.send_end(None, &mut body));
        sent.expect("a body may be sent now");
        let mut sent = 0;
        while sent < body.len() {
            // Parses received bytes first; then sends more, if the transport takes it within a moment.
            if let Ok(Some(outcome)) = timeout(Duration::ZERO, self.more()).await {
                return outcome;
            }
            match timeout(Duration::from_millis(1), self.link.write(&body[sent..])).await {
                Ok(Ok(count)) => sent += count,
                Ok(Err(_)) => break,
                Err(_) => {}
            }
        }
        self.read().await
    }

    async fn read(&mut self) -> Outcome {
        loop {
            if let Some(outcome) = self.more().await {
                return outcome;
            }
        }
    }

    /// Parses the received bytes, then reads once.
    async fn more(&mut self) -> Option<Outcome> {
        if let Some(outcome) = self.look() {
            return Some(outcome);
        }
        let mut buffer = [0; 16 * 1024];
        let count = match self.link.read(&mut buffer).await {
            Ok(0) | Err(_) => return Some(self.ended()),
            Ok(count) => count,
        };
        self.received += count;
        if self.received > RECEIVED_MAX {
            return Some(Outcome::TooMuch);
        }
        self.rest.extend_from_slice(&buffer[..count]);
        self.look()
    }

    fn look(&mut self) -> Option<Outcome> {
        loop {
            let (used, event) = match self.connection.receive(&self.rest) {
                Ok(received) => received,
                Err(hearken_proto::Error::Limit { .. }) => return Some(Outcome::TooMuch),
                Err(_) => return Some(self.broken()),
            };
            let head = self.connection.head();
            let mut outcome = None;
            match event {
                None => {
                    self.rest.drain(..used);
                    return None;
                }
                Some(Event::Interim) => self.exchange.continued |= head.status() == 100,
                Some(Event::Head { .. }) => self.exchange.status = Some(head.status()),
                Some(Event::Content(content)) => self.exchange.content.extend_from_slice(content),
                Some(Event::End) => outcome = self.good(),
                Some(Event::Switched) => outcome = Some(Outcome::Switched),
                Some(_) => {}
            }
            self.rest.drain(..used);
            if outcome.is_some() {
                return outcome;
            }
        }
    }

    fn good(&mut self) -> Option<Outcome> {
        let content = std::mem::take(&mut self.exchange.content);
        Some(Outcome::Good(self.exchange.status?, content))
    }

    fn ended(&mut self) -> Outcome {
        match self.connection.receive_eof() {
            Ok(Some(Event::End)) => self.good().unwrap_or(Outcome::NoResponse),
            _ => self.broken(),
        }
    }

    fn broken(&self) -> Outcome {
        match self.exchange.status {
            None => Outcome::NoResponse,
            Some(_) => Outcome::BrokenBody,
        }
    }

    /// Whether the connection is reusable.
    pub(super) fn is_usable(&self) -> bool {
        self.rest.is_empty() && self.connection.persistent() && !self.connection.is_finished()
    }

    /// Whether unsolicited bytes or an end have arrived.
    pub(super) async fn is_disturbed(&mut self) -> bool {
        let idle = timeout(Duration::from_secs(3), self.link.read_u8()).await;
        idle.is_ok() || !self.is_usable()
    }
}

/// One exchange with a new server of this behaviour.
pub(super) async fn meet(behaviour: Behaviour) -> (Hostile, Outcome) {
    let server = Hostile::new(behaviour);
    let mut client = Client::connect(&server);
    let outcome = client.ask(behaviour.ask).await;
    drop(client);
    // The server detects that the client is gone, if it still reads.
    sleep(Duration::from_secs(1)).await;
    (server, outcome)
}

/// Runs this with simulated time.
pub(super) fn simulate<F: Future>(run: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(run)
}
