//! The sending side: encodes heads, content and ends of messages with the framing of RFC 9112 §6 and RFC 9110 §8.6.
//!
//! Here: the `send_*` methods of [`Connection`]. They reject CR, LF or NUL in a name or value, a body where none is
//! allowed, and more or fewer bytes than declared. Not here: writing to a transport; every method appends to a buffer of
//! the caller.

use crate::connection::{Connection, Outgoing, Role};
use crate::declared::DeclaredFields;
use crate::fields::{Fields, is_forbidden_trailer};
use crate::half::{Half, Step};
use crate::outgoing::{Length, Request, Response, Without};
use crate::wire::{Framing, copy_fields, length_field, plain_head, status_line};
use crate::{BodyLength, Misuse, chunked, semantics, syntax};
use alloc::vec::Vec;

impl Connection {
    /// Sends the head of a response. Up to 64 interim responses (1xx but 101) may precede the final one; they are not sent
    /// to an HTTP/1.0 client. Returns how the content is framed.
    ///
    /// A final response before any request (408, 503) carries `Connection: close`; bytes that arrive later are ignored.
    ///
    /// # Errors
    /// [`Misuse`], and nothing was written.
    #[inline]
    pub fn send_response(
        &mut self,
        response: &Response<'_>,
        out: &mut Vec<u8>,
    ) -> Result<BodyLength, Misuse> {
        let Some((length, wire)) = self.plain_response(response) else {
            return self.send_any_response(response, out);
        };
        plain_head(response, wire, length, 0, out);
        self.begin_body(BodyLength::Length(length));
        Ok(BodyLength::Length(length))
    }

    /// Sends a whole response in one call: head, `content` and end. The length of `content` replaces `response.length`; the
    /// content is left out where the response cannot have any (HEAD, 204, 304). An interim response is not the end of the
    /// exchange. Returns how the content is framed.
    ///
    /// ```
    /// use hearken_proto::{Connection, Fields, Length, Limits, Response, Role};
    /// let mut server = Connection::new(Role::Server, &Limits::default());
    /// server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    ///
    /// let mut out = Vec::new();
    /// let fields = Fields::new();
    /// let response = Response::new(200, &fields, Length::Unknown);
    /// server.send_whole_response(&response, b"ok", &mut out)?;
    /// assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    /// # Ok::<(), hearken_proto::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse`], and nothing was written.
    #[inline]
    pub fn send_whole_response(
        &mut self,
        response: &Response<'_>,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<BodyLength, Misuse> {
        let mut response = *response;
        response.length = Length::Known(content.len() as u64);
        if let Some((length, wire)) = self.plain_response(&response) {
            plain_head(&response, wire, length, content.len(), out);
            out.extend_from_slice(content);
            self.begin_body(BodyLength::None);
            self.end_body();
            return Ok(BodyLength::Length(length));
        }
        let body = self.send_any_response(&response, out)?;
        if self.send == Half::Body {
            if body != BodyLength::None {
                self.send_content(content, out)?;
            }
            self.send_end(None, out)?;
        }
        Ok(body)
    }

    /// The length and the fields in wire form, if the response needs no rule of framing but that of Content-Length.
    #[inline]
    fn plain_response<'a>(&self, response: &Response<'a>) -> Option<(u64, &'a [u8])> {
        let Length::Known(length) = response.length else {
            return None;
        };
        let request = &self.request;
        let usual_exchange = self.role == Role::Server
            && self.send == Half::Idle
            && matches!(self.recv, Half::Body | Half::Done)
            && self.persistent
            && self.keep_alive.is_none()
            && !(request.head | request.connect | request.http10);
        let usual_response = matches!(response.status, 200..=203 | 206..=303 | 305..=999)
            && response.reason.is_none()
            && response.without == Without::NONE
            && !response.fields.may_be_special();
        if usual_exchange && usual_response {
            Some((length, response.fields.wire()?))
        } else {
            None
        }
    }

    /// [`send_response`](Self::send_response) with all its rules.
    #[inline(never)]
    fn send_any_response(
        &mut self,
        response: &Response<'_>,
        out: &mut Vec<u8>,
    ) -> Result<BodyLength, Misuse> {
        let status = response.status;
        if self.role() != Role::Server
            || self.send != Half::Idle
            || self.halves().0 == Half::Switched
        {
            let late = self.role() == Role::Server && is_interim(status) && self.send == Half::Body;
            return Err(if late {
                Misuse::InterimLate
            } else {
                Misuse::OutOfOrder
            });
        }
        check_status_line(status, response.reason)?;
        let declared = DeclaredFields::read(response.fields)?;
        let unrequested = self.halves().0 == Half::Idle;
        if is_interim(status) {
            return self.send_interim(response, unrequested, out);
        }
        let switches = status == 101 || (self.request.connect && (200..300).contains(&status));
        if status == 101 && !self.request.upgrade {
            return Err(Misuse::SwitchNotAsked);
        }
        let (body, content_length) = self.response_length(response, &declared)?;
        self.persistent &= !declared.facts.close && body != BodyLength::UntilClose && !unrequested;
        status_line(status, response.reason, out);
        copy_fields(response.fields, Framing::Drop, out);
        if let (Some(date), false) = (response.date, declared.date) {
            out.extend_from_slice(date.line());
        }
        length_field(body, content_length, out);
        if status == 101 && !declared.facts.connection_upgrade {
            out.extend_from_slice(b"Connection: Upgrade\r\n");
        } else if response.without.connection {
            // A client of HTTP/1.0 takes this for the last answer, unless the fields say otherwise.
            self.persistent &= !self.request.http10 || declared.facts.keep_alive;
        } else if !switches && !self.persistent && !declared.facts.close {
            out.extend_from_slice(b"Connection: close\r\n");
        } else if self.persistent && self.request.http10 && !declared.facts.keep_alive {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        if let Some(seconds) = self.keep_alive
            && self.persistent
            && !switches
            && !response.without.connection
        {
            let named = declared.facts.keep_alive || self.request.http10;
            keep_alive(seconds, response.fields, named, out);
        }
        out.extend_from_slice(b"\r\n");
        if switches {
            self.switch();
        } else {
            self.begin_body(body);
        }
        if unrequested {
            self.refuse();
        }
        Ok(body)
    }

    /// Sends an interim response, which the final one follows.
    #[cold]
    fn send_interim(
        &mut self,
        response: &Response<'_>,
        unrequested: bool,
        out: &mut Vec<u8>,
    ) -> Result<BodyLength, Misuse> {
        if unrequested {
            return Err(Misuse::OutOfOrder);
        }
        if self.request.interims == INTERIMS_MAX {
            return Err(Misuse::InterimTooMany);
        }
        self.request.interims += 1;
        if !self.request.http10 {
            status_line(response.status, response.reason, out);
            copy_fields(response.fields, Framing::Drop, out);
            out.extend_from_slice(b"\r\n");
        }
        Ok(BodyLength::None)
    }

    /// How the content of this response is framed, and the value for Content-Length.
    fn response_length(
        &self,
        response: &Response<'_>,
        declared: &DeclaredFields<'_>,
    ) -> Result<(BodyLength, Option<u64>), Misuse> {
        let status = response.status;
        let known = match response.length {
            Length::Known(length) => Some(length),
            Length::Unknown => None,
        };
        if status < 200 || status == 204 || (self.request.connect && (200..300).contains(&status)) {
            return Ok((BodyLength::None, None)); // RFC 9110 §8.6: no Content-Length here
        }
        if status == 205 && !self.request.head {
            // RFC 9110 §15.3.6: no content, and unlike 204 with Content-Length: 0.
            return match agree(declared.content_length, known)? {
                0 => Ok((BodyLength::None, Some(0))),
                _ => Err(Misuse::BodyNotAllowed),
            };
        }
        let known = known.filter(|_| !response.without.content_length && !declared.trailer);
        if status == 304 || self.request.head {
            // The length of the response to GET, if known. A length of zero mostly means that the caller left out content
            // that is not sent anyway, so it is no such length (RFC 9110 §8.6).
            let known = known.filter(|&length| length > 0);
            return Ok((
                BodyLength::None,
                declared
                    .content_length
                    .or(known)
                    .filter(|_| !declared.facts.chunked),
            ));
        }
        if declared.facts.chunked || (known.is_none() && declared.content_length.is_none()) {
            let chunked = declared.facts.chunked || !response.without.transfer_encoding;
            if declared.trailer && !chunked {
                return Err(Misuse::TrailersNotAllowed);
            }
            let body = if chunked && !self.request.http10 {
                BodyLength::Chunked
            } else {
                BodyLength::UntilClose
            };
            return Ok((body, None));
        }
        if declared.trailer {
            return Err(Misuse::TrailersNotAllowed); // announced, but the message has no trailer section
        }
        let length = agree(declared.content_length, known)?;
        Ok((BodyLength::Length(length), Some(length)))
    }

    /// Sends the head of a request. Returns how the content is framed.
    ///
    /// # Errors
    /// [`Misuse`], and nothing was written.
    pub fn send_request(
        &mut self,
        request: &Request<'_>,
        out: &mut Vec<u8>,
    ) -> Result<BodyLength, Misuse> {
        if self.role() != Role::Client || self.send != Half::Idle || !self.persistent {
            return Err(Misuse::OutOfOrder);
        }
        let (method, target) = (request.method, request.target);
        if !syntax::is_token(method.as_bytes()) {
            return Err(Misuse::Method);
        }
        let legal = !target.is_empty() && syntax::target_len(target.as_bytes()) == target.len();
        if !legal || semantics::judge_target(method, target).is_err() {
            return Err(Misuse::Target);
        }
        let declared = DeclaredFields::read(request.fields)?;
        check_host(&declared, target)?;
        let known = match request.length {
            Length::Known(length) => Some(length),
            Length::Unknown => None,
        };
        let known = known.filter(|_| !declared.trailer);
        let body =
            if declared.facts.chunked || (known.is_none() && declared.content_length.is_none()) {
                BodyLength::Chunked
            } else if declared.trailer {
                return Err(Misuse::TrailersNotAllowed);
            } else {
                match agree(declared.content_length, known)? {
                    // RFC 9110 §8.6: a method that defines a meaning for content declares even its absence.
                    0 if declared.content_length.is_none()
                        && !matches!(method, "POST" | "PUT" | "PATCH") =>
                    {
                        BodyLength::None
                    }
                    length => BodyLength::Length(length),
                }
            };
        if method == "CONNECT" && body != BodyLength::None {
            return Err(Misuse::BodyNotAllowed);
        }
        out.extend_from_slice(method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        copy_fields(request.fields, Framing::Drop, out);
        length_field(
            body,
            if let BodyLength::Length(length) = body {
                Some(length)
            } else {
                None
            },
            out,
        );
        out.extend_from_slice(b"\r\n");
        self.persistent &= !declared.facts.close;
        self.request.head = method == "HEAD";
        self.request.connect = method == "CONNECT";
        self.request.upgrade = declared.upgrade && declared.facts.connection_upgrade;
        self.begin_body(body);
        Ok(body)
    }

    fn begin_body(&mut self, body: BodyLength) {
        self.send = self.transition(self.send, Step::Head);
        self.outgoing = match body {
            BodyLength::None => Outgoing::None,
            BodyLength::Length(left) => Outgoing::Length { left },
            BodyLength::Chunked => Outgoing::Chunked,
            BodyLength::UntilClose => Outgoing::UntilClose,
        };
    }

    /// Sends a piece of content, copied into `out`. An empty piece sends nothing (an empty chunk would end the body).
    ///
    /// # Errors
    /// [`Misuse::BodyNotAllowed`] for HEAD, 204, 304 and the like, [`Misuse::BodyTooLong`] past the declared length;
    /// nothing was written.
    #[inline]
    pub fn send_content(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        if let (Half::Body, Outgoing::Length { left }) = (self.send, &mut self.outgoing) {
            *left = left
                .checked_sub(content.len() as u64)
                .ok_or(Misuse::BodyTooLong)?;
            out.extend_from_slice(content);
            return Ok(());
        }
        let frame = self.frame_content(content.len(), out)?;
        out.extend_from_slice(content);
        out.extend_from_slice(frame);
        Ok(())
    }

    /// Sends the framing around a piece of content of `len` bytes that the caller writes itself, for example by `writev`:
    /// appends the bytes before the piece and returns those after it.
    ///
    /// # Errors
    /// As [`Connection::send_content`].
    #[inline]
    pub fn frame_content(
        &mut self,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], Misuse> {
        if self.send != Half::Body {
            return Err(Misuse::OutOfOrder);
        }
        if len == 0 {
            return Ok(b"");
        }
        match &mut self.outgoing {
            Outgoing::None => Err(Misuse::BodyNotAllowed),
            Outgoing::UntilClose => Ok(b""),
            Outgoing::Length { left } => {
                *left = left.checked_sub(len as u64).ok_or(Misuse::BodyTooLong)?;
                Ok(b"")
            }
            Outgoing::Chunked => {
                let (line, from) = chunked::chunk_head(len);
                out.extend_from_slice(&line[from..]);
                Ok(b"\r\n")
            }
        }
    }

    /// Whether content can be sent now: the head has been sent, the end has not, and the message may have content.
    #[must_use]
    pub fn can_send_content(&self) -> bool {
        self.send == Half::Body && self.outgoing != Outgoing::None
    }

    /// Ends the message, with trailers if it is chunked.
    ///
    /// # Errors
    /// [`Misuse::BodyTooShort`]: close the transport, or the peer waits for the rest.
    /// [`Misuse::TrailersNotAllowed`], [`Misuse::TrailerName`]: nothing was written; the call can be repeated without trailers.
    #[inline]
    pub fn send_end(&mut self, trailers: Option<&Fields>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if !matches!(
            (self.send, self.outgoing, trailers),
            (Half::Body, Outgoing::Length { left: 0 }, None)
        ) {
            self.check_end(trailers, out)?;
        }
        self.end_body();
        Ok(())
    }

    #[inline]
    fn end_body(&mut self) {
        self.send = self.transition(Half::Body, Step::End);
        self.settle();
    }

    /// Checks that the message can end here, and writes the end of its framing.
    #[inline(never)]
    fn check_end(&mut self, trailers: Option<&Fields>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if self.send != Half::Body {
            return Err(Misuse::OutOfOrder);
        }
        let trailers = trailers.filter(|fields| !fields.view().is_empty());
        match (self.outgoing, trailers) {
            (Outgoing::Length { left }, _) if left > 0 => {
                self.persistent = false;
                return Err(Misuse::BodyTooShort);
            }
            (Outgoing::Chunked, None) => out.extend_from_slice(b"0\r\n\r\n"),
            (Outgoing::Chunked, Some(trailers)) => {
                if trailers
                    .view()
                    .iter()
                    .any(|(name, _)| is_forbidden_trailer(name))
                {
                    return Err(Misuse::TrailerName);
                }
                out.extend_from_slice(b"0\r\n");
                copy_fields(trailers, Framing::Keep, out);
                out.extend_from_slice(b"\r\n");
            }
            (_, Some(_)) => return Err(Misuse::TrailersNotAllowed),
            (_, None) => {}
        }
        Ok(())
    }
}

/// Writes Keep-Alive, unless the caller has set it. It is a hop-by-hop field, so Connection lists it too (RFC 9110 §7.6.1),
/// unless it is `named` there already.
#[cold]
fn keep_alive(seconds: u32, fields: &Fields, named: bool, out: &mut Vec<u8>) {
    if fields.view().get("keep-alive").is_some() {
        return;
    }
    if !named {
        out.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    out.extend_from_slice(alloc::format!("Keep-Alive: timeout={seconds}\r\n").as_bytes());
}

/// The one length, if a declared Content-Length equals the known length of the content.
fn agree(declared: Option<u64>, known: Option<u64>) -> Result<u64, Misuse> {
    match (declared, known) {
        (Some(declared), Some(known)) if declared < known => Err(Misuse::BodyTooLong),
        (Some(declared), Some(known)) if declared > known => Err(Misuse::BodyTooShort),
        (declared, known) => Ok(declared.or(known).unwrap_or_default()),
    }
}

/// Checks that there is one legal Host field, equal to the authority of the target if it has one (RFC 9112 §3.2).
fn check_host(declared: &DeclaredFields<'_>, target: &str) -> Result<(), Misuse> {
    let host = declared.host.ok_or(Misuse::HostMissing)?;
    if declared.hosts == 1 && semantics::host_agrees(host, target) {
        Ok(())
    } else {
        Err(Misuse::Host)
    }
}

fn check_status_line(status: u16, reason: Option<&[u8]>) -> Result<(), Misuse> {
    if !(100..=999).contains(&status) {
        return Err(Misuse::Status);
    }
    let legal = reason.is_none_or(syntax::is_value);
    if legal { Ok(()) } else { Err(Misuse::Reason) }
}

/// Whether a final response follows; 101 is final for HTTP (RFC 9110 §15.2.2).
const fn is_interim(status: u16) -> bool {
    status < 200 && status != 101
}

/// Clients bound the number of interim responses that they accept.
const INTERIMS_MAX: u8 = 64;
