//! What the fields of a head declare about framing, routing and reuse, collected field by field.
//!
//! Here: [`Facts`], [`Kind`]. RFC 9112 §6, §9; RFC 9110 §7.2, §7.8, §10.1.1. Not here: the rules over a complete head
//! (`semantics.rs`).

use crate::special::Special;
use crate::{Fault, syntax};

/// The kind of section: start line and rules over fields differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
    Trailers,
}

/// The facts of one head, collected while its lines are decoded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) content_length: Option<u64>,
    pub(crate) host: Option<u32>,
    pub(crate) chunked: bool,
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) connection_upgrade: bool,
    pub(crate) expect_continue: bool,
    /// There is an expectation other than `100-continue`.
    pub(crate) expect_other: bool,
    /// A field of a response frames a body in an illegal way. It is a fault only if there can be a body; see
    /// `semantics.rs`.
    pub(crate) odd_framing: bool,
}

impl Facts {
    pub(crate) const NONE: Self = Self {
        content_length: None,
        host: None,
        chunked: false,
        close: false,
        keep_alive: false,
        connection_upgrade: false,
        expect_continue: false,
        expect_other: false,
        odd_framing: false,
    };

    pub(crate) fn has_body(&self) -> bool {
        self.chunked || self.content_length.is_some_and(|length| length > 0)
    }

    /// Takes in the value of field line number `index`. Host and Expect have a meaning in requests only.
    #[inline]
    pub(crate) fn note(
        &mut self,
        special: Special,
        value: &[u8],
        index: usize,
        kind: Kind,
    ) -> Result<(), Fault> {
        match special {
            Special::Date | Special::Trailer | Special::Upgrade => Ok(()),
            Special::Host | Special::Expect if kind == Kind::Response => Ok(()),
            // RFC 9112 §6.3: some responses end with their head regardless of these fields.
            Special::ContentLength | Special::TransferEncoding if kind == Kind::Response => {
                self.odd_framing |= self.note_special(special, value, index).is_err();
                Ok(())
            }
            special => self.note_special(special, value, index),
        }
    }

    /// As [`note`](Self::note), for a field that has a meaning in this kind of message.
    pub(crate) fn note_special(
        &mut self,
        special: Special,
        value: &[u8],
        index: usize,
    ) -> Result<(), Fault> {
        match special {
            Special::Host => {
                if self.host.is_some() {
                    return Err(Fault::HostDuplicate);
                }
                syntax::authority(value).ok_or(Fault::HostInvalid)?;
                self.host = Some(index as u32);
            }
            Special::ContentLength => {
                let length = syntax::decimal(value).ok_or(Fault::ContentLength)?;
                if self.content_length.replace(length).is_some() {
                    return Err(Fault::ContentLengthDuplicate);
                }
                self.one_length()?;
            }
            Special::TransferEncoding => {
                if self.chunked {
                    return Err(Fault::TransferEncodingDuplicate);
                }
                self.chunked = transfer_encoding(value)?;
                self.one_length()?;
            }
            Special::Connection => self.connection(value),
            Special::Expect => {
                let known = value.eq_ignore_ascii_case(CONTINUE);
                self.expect_continue |= known;
                self.expect_other |= !known;
            }
            Special::Date | Special::Trailer | Special::Upgrade => {}
        }
        Ok(())
    }

    /// RFC 9112 §6.1 allows a server to reject a message with both; this one does, in either order.
    fn one_length(&self) -> Result<(), Fault> {
        if self.chunked && self.content_length.is_some() {
            Err(Fault::LengthAmbiguous)
        } else {
            Ok(())
        }
    }

    pub(crate) fn connection(&mut self, value: &[u8]) {
        for option in syntax::list_members(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.connection_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// The only accepted value is `chunked`. A well-formed list with other codings gets 501, anything else 400.
fn transfer_encoding(value: &[u8]) -> Result<bool, Fault> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(true);
    }
    let mut known = 0;
    for member in value.split(|&byte| byte == b',').map(syntax::trim) {
        if !syntax::is_token(member) {
            return Err(Fault::TransferEncoding);
        }
        known += usize::from(member.eq_ignore_ascii_case(b"chunked"));
    }
    // `chunked` twice is malformed (RFC 9112 §7); `identity` was withdrawn.
    Err(if known > 1 {
        Fault::TransferEncoding
    } else {
        Fault::TransferEncodingUnsupported
    })
}

/// The only expectation that RFC 9110 §10.1.1 defines.
pub(crate) const CONTINUE: &[u8] = b"100-continue";
