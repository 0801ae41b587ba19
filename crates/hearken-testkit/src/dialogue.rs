//! Dialogues: bytes that one end receives, the events it returns, and the bytes it sends, in their order.
//!
//! Here: [`talk`], [`Talk`], [`Say`]. A dialogue panics at the line of the test that fails. Not here: grammar; the
//! vectors test it.

use crate::escape;
use hearken_proto::{
    BodyLength, Connection, Error, Event, Fields, Half, Length, Limits, Misuse, Request, Response,
    Role,
};

/// Begins a dialogue, seen from this end, with default limits.
///
/// ```
/// use hearken_proto::{Half, Role};
/// use hearken_testkit::{Say, talk};
/// talk(Role::Server)
///     .hear("PUT /f HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
///     .event("request PUT /f")
///     .say(Say::Interim(100), "HTTP/1.1 100 Continue\r\n\r\n")
///     .hear("ok")
///     .event("content ok")
///     .event("end")
///     .say(Say::Final(204), "HTTP/1.1 204 No Content\r\n\r\n")
///     .both(Half::Idle);
/// ```
#[must_use]
pub fn talk(role: Role) -> Talk {
    Talk {
        connection: Connection::new(role, &Limits::default()),
        heard: Vec::new(),
    }
}

/// Pairs of name and value.
type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A message or a part of one. The host of a request is `a`, unless its fields name another.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Say<'a> {
    /// An interim response without fields.
    Interim(u16),
    /// A whole response without content.
    Final(u16),
    /// The head of a response.
    Head(u16, Length),
    /// The head of a response with fields.
    HeadWith(u16, Length, Pairs<'a>),
    /// A whole request without content.
    Get(&'a str),
    /// The head of a request: method, target, length.
    Request(&'a str, &'a str, Length),
    /// The head of a request with fields.
    RequestWith(&'a str, &'a str, Length, Pairs<'a>),
    /// A piece of content.
    Content(&'a str),
    /// The end of a message.
    End,
    /// The end of a message with trailers.
    Trailers(Pairs<'a>),
}

/// A conversation. Each method checks one step of it.
#[derive(Debug)]
pub struct Talk {
    connection: Connection,
    /// Received bytes that are not consumed yet.
    heard: Vec<u8>,
}

impl Talk {
    /// The peer's bytes arrive. The connection parses them at the next call of an event method.
    #[must_use]
    pub fn hear(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.heard.extend_from_slice(bytes.as_ref());
        self
    }

    /// Expects the next event of the bytes: `request GET /`, `response 200`, `interim 103`, `switched`,
    /// `content abc`, `end`, `line …`.
    #[track_caller]
    pub fn event(mut self, expected: &str) -> Self {
        match self.receive() {
            Ok(Some(event)) => assert_eq!(event, expected),
            other => panic!("expected `{expected}`, got {other:?}"),
        }
        self
    }

    /// Expects no further event until more bytes arrive.
    #[track_caller]
    pub fn nothing(mut self) -> Self {
        assert_eq!(self.receive(), Ok(None));
        self
    }

    /// Expects an error with this code at this byte.
    #[track_caller]
    pub fn error(mut self, code: &str, at: u64) -> Self {
        let error = self.receive().expect_err("expected an error");
        assert_eq!((error.code(), error.at()), (code, Some(at)));
        self
    }

    /// The peer closes its direction. Expects this event, `eof` if there is none.
    #[track_caller]
    pub fn eof(mut self, expected: &str) -> Self {
        let event = match self.connection.receive_eof() {
            Ok(None) => "eof".to_owned(),
            Ok(Some(event)) => self.text(event),
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(event, expected);
        self
    }

    /// Carries out the order; expects these bytes.
    #[track_caller]
    pub fn say(mut self, what: Say<'_>, expected: &str) -> Self {
        let mut out = Vec::new();
        if let Err(misuse) = self.send(what, &mut out) {
            panic!("cannot say {what:?}: {misuse}");
        }
        assert_eq!(escape(&out), escape(expected.as_bytes()));
        self
    }

    /// The order is rejected; expects no bytes.
    #[track_caller]
    pub fn refuse(mut self, what: Say<'_>, expected: Misuse) -> Self {
        let mut out = Vec::new();
        assert_eq!(self.send(what, &mut out), Err(expected));
        assert_eq!(escape(&out), "", "what is refused leaves no trace");
        self
    }

    /// Expects both halves in this state.
    #[track_caller]
    pub fn both(self, half: Half) -> Self {
        self.halves(half, half)
    }

    /// Expects these states of the receiving and the sending half.
    #[track_caller]
    pub fn halves(self, receiving: Half, sending: Half) -> Self {
        assert_eq!(self.connection.halves(), (receiving, sending));
        self
    }

    /// Expects that nothing remains to be sent.
    #[track_caller]
    pub fn finished(self) -> Self {
        assert!(self.connection.is_finished(), "{:?}", self.connection);
        self
    }

    /// Expects that the connection is reusable.
    #[track_caller]
    pub fn lives(self) -> Self {
        assert!(!self.connection.is_finished(), "{:?}", self.connection);
        self
    }

    /// Expects these received, unconsumed bytes.
    #[track_caller]
    pub fn rest(self, expected: &str) -> Self {
        assert_eq!(escape(&self.heard), escape(expected.as_bytes()));
        self
    }

    /// Checks any other fact of the connection.
    pub fn with(mut self, check: impl FnOnce(&mut Connection)) -> Self {
        check(&mut self.connection);
        self
    }

    fn receive(&mut self) -> Result<Option<String>, Error> {
        let heard = core::mem::take(&mut self.heard);
        let (consumed, event) = match self.connection.receive(&heard) {
            Ok((consumed, event)) => (consumed, event),
            Err(error) => {
                self.heard = heard;
                return Err(error);
            }
        };
        let text = event.map(|event| self.text(event));
        self.heard = heard[consumed..].to_vec();
        Ok(text)
    }

    fn text(&self, event: Event<'_>) -> String {
        let head = self.connection.head();
        let server = self.connection.role() == Role::Server;
        match event {
            Event::Line if server => format!("line {} {}", head.method(), head.url()),
            Event::Line => format!("line {}", head.status()),
            Event::Head { .. } if server => format!("request {} {}", head.method(), head.url()),
            Event::Head { .. } => format!("response {}", head.status()),
            Event::Interim => format!("interim {}", head.status()),
            Event::Switched => "switched".to_owned(),
            Event::Content(content) => format!("content {}", escape(content)),
            Event::End => "end".to_owned(),
            other => format!("{other:?}"),
        }
    }

    fn send(&mut self, what: Say<'_>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let connection = &mut self.connection;
        let none = Length::Known(0);
        match what {
            Say::Interim(status) => self.respond(status, none, &[], out).map(drop),
            Say::Final(status) => {
                self.respond(status, none, &[], out)?;
                self.send(Say::End, out)
            }
            Say::Head(status, length) => self.respond(status, length, &[], out).map(drop),
            Say::HeadWith(status, length, pairs) => {
                self.respond(status, length, pairs, out).map(drop)
            }
            Say::Get(target) => {
                self.send(Say::Request("GET", target, none), out)?;
                self.send(Say::End, out)
            }
            Say::Request(method, target, length) => {
                self.send(Say::RequestWith(method, target, length, &[]), out)
            }
            Say::RequestWith(method, target, length, pairs) => {
                let mut fields = fields(pairs)?;
                if fields.view().get("host").is_none() {
                    fields.append("Host", "a")?;
                }
                let request = Request::new(method, target, &fields, length);
                connection.send_request(&request, out).map(drop)
            }
            Say::Content(content) => connection.send_content(content.as_bytes(), out),
            Say::End => connection.send_end(None, out),
            Say::Trailers(pairs) => connection.send_end(Some(&fields(pairs)?), out),
        }
    }

    fn respond(
        &mut self,
        status: u16,
        length: Length,
        pairs: Pairs<'_>,
        out: &mut Vec<u8>,
    ) -> Result<BodyLength, Misuse> {
        let fields = fields(pairs)?;
        let response = Response::new(status, &fields, length);
        self.connection.send_response(&response, out)
    }
}

fn fields(pairs: Pairs<'_>) -> Result<Fields, Misuse> {
    let mut fields = Fields::new();
    for (name, value) in pairs {
        fields.append(name, value)?;
    }
    Ok(fields)
}
