//! What the fields of a message to be sent declare about framing and reuse.
//!
//! Here: [`DeclaredFields`]. Not here: what follows from it (`encoder.rs`).

use crate::facts::Facts;
use crate::fields::Fields;
use crate::special::Special;
use crate::{Misuse, syntax};

/// The fields that decide about framing, routing or reuse, as the caller set them.
#[derive(Default)]
pub(crate) struct DeclaredFields<'a> {
    pub(crate) facts: Facts,
    pub(crate) content_length: Option<u64>,
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) hosts: u32,
    pub(crate) date: bool,
    pub(crate) trailer: bool,
    pub(crate) upgrade: bool,
}

impl<'a> DeclaredFields<'a> {
    #[inline]
    pub(crate) fn read(fields: &'a Fields) -> Result<Self, Misuse> {
        let mut declared = Self::default();
        if fields.may_be_special() {
            for (name, value) in fields.view().iter() {
                if let Some(special) = Special::of(name) {
                    declared.note(special, value)?;
                }
            }
        }
        Ok(declared)
    }

    fn note(&mut self, special: Special, value: &'a [u8]) -> Result<(), Misuse> {
        match special {
            Special::Connection => self.facts.connection(value),
            Special::ContentLength => {
                let length = syntax::decimal(value).ok_or(Misuse::ContentLength)?;
                if self.content_length.replace(length).is_some() {
                    return Err(Misuse::ContentLength);
                }
            }
            Special::TransferEncoding => {
                if self.facts.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Misuse::TransferEncoding);
                }
                self.facts.chunked = true;
            }
            Special::Host => {
                self.host = Some(value);
                self.hosts += 1;
            }
            Special::Date => self.date = true,
            Special::Trailer => self.trailer = true,
            Special::Upgrade => self.upgrade = true,
            Special::Expect => {}
        }
        Ok(())
    }
}
