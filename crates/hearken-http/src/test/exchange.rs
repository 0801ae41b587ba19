//! One request and its response on the client's side, without I/O.
//!
//! Here: [`Exchange`], on the client's role of hearken-proto. Each exchange has a protocol state of its own, so that
//! requests can be pipelined. Not here: the connection that carries it (`connection.rs`).

use super::request::{Parts, Request};
use super::response::Response;
use hearken_proto::{Connection, Error, Event, Half, Limits, Misuse, Role};

/// See the module.
pub(super) struct Exchange {
    proto: Connection,
    /// `GET /path`, for errors.
    pub(super) request: String,
    /// The body waits for `100 Continue`.
    held: Option<Parts>,
    pub(super) response: Response,
    has_head: bool,
    /// The first bytes of the response, for errors.
    pub(super) raw: Vec<u8>,
}

/// Most bytes of a response that an error shows.
const RAW_MAX: usize = 4096;

impl Exchange {
    /// Encodes a request, as far as it can be sent now.
    pub(super) fn begin(request: Request, out: &mut Vec<u8>) -> Result<Self, Misuse> {
        let name = format!("{request:?}");
        let parts = request.into_parts()?;
        let mut proto = Connection::new(Role::Client, &Limits::client());
        let (method, target) = (parts.method.as_str(), parts.target.as_str());
        let head = hearken_proto::Request::new(method, target, &parts.fields, parts.length);
        proto.send_request(&head, out)?;
        let held = if parts.expects {
            Some(parts)
        } else {
            send_body(&mut proto, &parts, out)?;
            None
        };
        Ok(Self {
            proto,
            request: name,
            held,
            response: Response::default(),
            has_head: false,
            raw: Vec::new(),
        })
    }

    /// Whether all of the request was sent.
    pub(super) const fn is_sent(&self) -> bool {
        self.held.is_none()
    }

    /// Decodes bytes of the response, up to its end. Returns their number. A body that waited for `100 Continue` goes to `out`.
    pub(super) fn receive(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Error> {
        let mut used = 0;
        while !self.response.complete {
            let (consumed, event) = self.proto.receive(&input[used..])?;
            self.note(&input[used..used + consumed]);
            used += consumed;
            match event {
                Some(Event::Interim) => {
                    let head = self.proto.head().clone();
                    if head.status() == 100
                        && let Some(parts) = self.held.take()
                    {
                        send_body(&mut self.proto, &parts, out).map_err(Error::Misuse)?;
                    }
                    self.response.interim.push(head);
                }
                Some(event) => self.take(event),
                None => break,
            }
        }
        Ok(used)
    }

    fn note(&mut self, bytes: &[u8]) {
        let room = RAW_MAX.saturating_sub(self.raw.len()).min(bytes.len());
        self.raw.extend_from_slice(&bytes[..room]);
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Head { .. } | Event::Switched => {
                self.response.head.clone_from(self.proto.head());
                self.has_head = true;
                self.response.complete = event == Event::Switched;
            }
            Event::Content(content) => self.response.body.extend_from_slice(content),
            Event::End => {
                for (name, value) in self.proto.trailers().iter() {
                    // What was decoded can be encoded.
                    let _ = self.response.trailers.append(name, value);
                }
                self.response.complete = true;
            }
            _ => {}
        }
    }

    /// The server sends no more.
    pub(super) fn receive_eof(&mut self) -> Result<(), Error> {
        if let Some(event) = self.proto.receive_eof()? {
            self.take(event);
        }
        Ok(())
    }

    /// The response, once its head has come.
    pub(super) fn so_far(&self) -> Option<&Response> {
        self.has_head.then_some(&self.response)
    }

    /// Whether the connection carries another exchange after this one.
    pub(super) fn is_reusable(&self) -> bool {
        self.proto.halves() == (Half::Idle, Half::Idle) && self.proto.persistent()
    }
}

fn send_body(proto: &mut Connection, parts: &Parts, out: &mut Vec<u8>) -> Result<(), Misuse> {
    for piece in &parts.pieces {
        if !piece.is_empty() {
            proto.send_content(piece, out)?;
        }
    }
    proto.send_end(parts.trailers.as_ref(), out)
}
