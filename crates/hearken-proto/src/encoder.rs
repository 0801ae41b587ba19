//! The sending side: encodes heads, content and ends of messages with the framing of RFC 9112 §6 and RFC 9110 §8.6.
//!
//! Here: the `send_*` methods of [`Connection`] but those for responses (`response_encoder.rs`). They reject CR, LF or NUL in a name or value, a body where none is
//! allowed, and more or fewer bytes than declared. Not here: writing to a transport; every method appends to a buffer of
//! the caller.

use crate::connection::{Connection, Outgoing, Role};
use crate::declared::DeclaredFields;
use crate::fields::Fields;
use crate::half::{Half, Step};
use crate::outgoing::{Length, Request};
use crate::special::is_forbidden_trailer;
use crate::wire::{Framing, copy_fields, length_field};
use crate::{BodyLength, Misuse, chunked, semantics, syntax};
use alloc::vec::Vec;

impl Connection {
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
        self.request.interims = 0;
        self.request.head = method == "HEAD";
        self.request.connect = method == "CONNECT";
        self.request.upgrade = declared.upgrade && declared.facts.connection_upgrade;
        self.begin_body(body);
        Ok(body)
    }

    pub(crate) fn begin_body(&mut self, body: BodyLength) {
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
    pub(crate) fn end_body(&mut self) {
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

/// The one length, if a declared Content-Length equals the known length of the content.
pub(crate) fn agree(declared: Option<u64>, known: Option<u64>) -> Result<u64, Misuse> {
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
