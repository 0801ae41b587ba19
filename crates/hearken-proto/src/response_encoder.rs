//! Encodes responses: the head with its framing, and whole responses (RFC 9112 §6, §9; RFC 9110 §8.6, §15).
//!
//! Here: `send_response` and `send_whole_response` of [`Connection`]. Not here: content and end (`encoder.rs`), the lines
//! themselves (`wire.rs`).

use crate::connection::{Connection, Role};
use crate::declared::DeclaredFields;
use crate::encoder::agree;
use crate::fields::Fields;
use crate::half::Half;
use crate::outgoing::{Length, Response, Without};
use crate::wire::{Framing, copy_fields, length_field, plain_head, status_line};
use crate::{BodyLength, Misuse, syntax};
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
    /// use hearken::proto::{Connection, Fields, Length, Limits, Response, Role};
    /// let mut server = Connection::new(Role::Server, &Limits::default());
    /// server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    ///
    /// let mut out = Vec::new();
    /// let fields = Fields::new();
    /// let response = Response::new(200, &fields, Length::Unknown);
    /// server.send_whole_response(&response, b"ok", &mut out)?;
    /// assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    /// # Ok::<(), hearken::proto::Error>(())
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

/// Clients bound the number of interim responses that they accept; ours by `head.interims_max`, which is higher.
const INTERIMS_MAX: u32 = 64;
