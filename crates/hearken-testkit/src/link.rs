//! Two connections on an in-memory link that cuts the bytes at chosen places.
//!
//! Here: [`Link`], one client and one server; [`Message`], what one end sends; [`Heard`], what the other end received. Not
//! here: time, and failing transports.

use hearken_proto::{
    Connection, Event, Fields, FieldsRef, Length, Limits, Request, Response, Role,
};
use std::collections::VecDeque;

/// A whole message: a request if it has a method, else a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Method of a request, empty for a response.
    pub method: String,
    /// Target of a request.
    pub target: String,
    /// Status of a response.
    pub status: u16,
    /// The fields; those of a request include Host.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Content, in the pieces in which it is sent.
    pub content: Vec<Vec<u8>>,
    /// Whether the head announces the length of the content.
    pub known: bool,
    /// Trailers; only for a message of unknown length.
    pub trailers: Vec<(String, Vec<u8>)>,
}

/// What an end received of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// `GET /` or `200`.
    pub start: String,
    /// The fields as received.
    pub fields: Vec<(String, Vec<u8>)>,
    /// All content.
    pub content: Vec<u8>,
    /// The trailers as received.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Status of the interim responses before it.
    pub interim: Vec<u16>,
    /// Whether it is complete.
    pub ended: bool,
    /// Whether both protocols changed with it.
    pub switched: bool,
}

/// A client and a server, and the bytes between them.
#[derive(Debug)]
pub struct Link {
    /// The client's end.
    pub client: Connection,
    /// The server's end.
    pub server: Connection,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// Messages that the server received so far, complete or in part.
    pub at_server: Vec<Heard>,
    /// The same at the client.
    pub at_client: Vec<Heard>,
}

impl Link {
    /// Both ends new, with default limits.
    ///
    /// ```
    /// use hearken_testkit::{Link, Message};
    /// let mut link = Link::new();
    /// let request = Message { method: "GET".into(), target: "/".into(),
    ///     fields: vec![("Host".into(), b"a".to_vec())], known: true, ..Message::default() };
    /// link.ask(&request);
    /// link.carry([1, 7]);
    /// assert_eq!(link.at_server[0].start, "GET /");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            client: Connection::new(Role::Client, &Limits::default()),
            server: Connection::new(Role::Server, &Limits::default()),
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            at_server: Vec::new(),
            at_client: Vec::new(),
        }
    }

    /// The client sends a request.
    ///
    /// # Panics
    /// When the client may not send it.
    pub fn ask(&mut self, message: &Message) {
        let fields = fields(&message.fields);
        let request = Request::new(&message.method, &message.target, &fields, message.length());
        let mut out = Vec::new();
        let sent = self.client.send_request(&request, &mut out);
        sent.expect("the request can be sent");
        send_rest(&mut self.client, message, &mut out);
        self.to_server.extend(out);
    }

    /// The server sends an interim response.
    ///
    /// # Panics
    /// When the server may not send it.
    pub fn answer_interim(&mut self, status: u16) {
        let (fields, mut out) = (Fields::new(), Vec::new());
        let response = Response::new(status, &fields, Length::Known(0));
        let sent = self.server.send_response(&response, &mut out);
        sent.expect("the interim response can be sent");
        self.to_client.extend(out);
    }

    /// The server sends a response.
    ///
    /// # Panics
    /// When the server may not send it.
    pub fn answer(&mut self, message: &Message) {
        let fields = fields(&message.fields);
        let response = Response::new(message.status, &fields, message.length());
        let mut out = Vec::new();
        let sent = self.server.send_response(&response, &mut out);
        sent.expect("the response can be sent");
        if self.server.halves().1 != hearken_proto::Half::Switched {
            send_rest(&mut self.server, message, &mut out);
        }
        self.to_client.extend(out);
    }

    /// Carries all bytes in pieces of these sizes; the last one repeats.
    ///
    /// # Panics
    /// When an end does not understand the other.
    pub fn carry(&mut self, sizes: impl IntoIterator<Item = usize>) {
        let mut sizes = sizes.into_iter().map(|size| size.max(1));
        let mut size = usize::MAX;
        while !self.to_server.is_empty() || !self.to_client.is_empty() {
            size = sizes.next().unwrap_or(size);
            let moved = deliver(
                &mut self.server,
                &mut self.to_server,
                size,
                &mut self.at_server,
            ) + deliver(
                &mut self.client,
                &mut self.to_client,
                size,
                &mut self.at_client,
            );
            if moved == 0 {
                return; // what is left waits for an answer, or belongs to another protocol
            }
        }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

impl Message {
    fn length(&self) -> Length {
        if self.known {
            Length::Known(self.content.iter().map(|piece| piece.len() as u64).sum())
        } else {
            Length::Unknown
        }
    }
}

fn send_rest(end: &mut Connection, message: &Message, out: &mut Vec<u8>) {
    if end.can_send_content() {
        for piece in &message.content {
            end.send_content(piece, out).expect("content can be sent");
        }
    }
    let trailers = fields(&message.trailers);
    end.send_end(Some(&trailers), out)
        .expect("the message ends");
}

fn fields(pairs: &[(String, Vec<u8>)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in pairs {
        fields.append(name, value).expect("a legal field");
    }
    fields
}

/// Passes up to `size` bytes to an end. Returns how many it took.
fn deliver(
    end: &mut Connection,
    link: &mut VecDeque<u8>,
    size: usize,
    heard: &mut Vec<Heard>,
) -> usize {
    let piece: Vec<u8> = link.iter().copied().take(size).collect();
    let mut used = 0;
    loop {
        match end.receive(&piece[used..]) {
            Err(error) => panic!("{:?} did not understand: {error}", end.role()),
            Ok((consumed, event)) => {
                used += consumed;
                let Some(event) = event else { break };
                note(end, event, heard);
            }
        }
    }
    link.drain(..used);
    used
}

fn note(end: &Connection, event: Event<'_>, heard: &mut Vec<Heard>) {
    if heard.last().is_none_or(|last| last.ended || last.switched) {
        heard.push(Heard::default());
    }
    let Some(last) = heard.last_mut() else { return };
    match event {
        Event::Interim => last.interim.push(end.head().status()),
        Event::Head { .. } | Event::Switched => {
            let head = end.head();
            last.start = match end.role() {
                Role::Server => format!("{} {}", head.method(), head.url()),
                Role::Client => head.status().to_string(),
            };
            last.fields = pairs(head.fields());
            last.switched = event == Event::Switched;
        }
        Event::Content(content) => last.content.extend_from_slice(content),
        Event::End => {
            last.trailers = pairs(end.trailers());
            last.ended = true;
        }
        _ => {}
    }
}

fn pairs(fields: FieldsRef<'_>) -> Vec<(String, Vec<u8>)> {
    let text = |name| String::from_utf8_lossy(name).into_owned();
    fields
        .iter()
        .map(|(name, value)| (text(name), value.to_vec()))
        .collect()
}
