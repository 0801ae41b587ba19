//! Decodes the start line of a head incrementally: RFC 9112 §3, §4.
//!
//! Here: methods of [`HeadDecoder`], one for each element of the line. Not here: the fields that follow, and which element comes next
//! (`head_decoder.rs`).

use super::{Bounds, Decoded, Expect, HeadDecoder, Stop};
use crate::facts::Kind;
use crate::head::{Head, Version};
use crate::limits::Limit;
use crate::{Fault, semantics, syntax};

impl HeadDecoder {
    #[inline(always)]
    pub(super) fn method(&mut self, seen: &[u8], head: &mut Head, bounds: &Bounds) -> Decoded<()> {
        let most = self.mark + bounds.method as usize;
        let end = self.pos + syntax::token_len(&seen[self.pos..seen.len().min(most)]);
        self.pos = end;
        let Some(&byte) = seen.get(end) else {
            return Ok(());
        };
        match byte {
            b' ' if end > self.mark => {
                head.first = self.mark as u32..end as u32;
                self.to(Expect::TargetStart, 1);
                Ok(())
            }
            _ if end == most && syntax::is_token_byte(byte) => {
                Err(Stop::Limit(Limit::MethodBytes, bounds.method, end))
            }
            b'\n' => self.fault(Fault::BareLf),
            b'\t' | b'\r' if end > self.mark => self.fault(Fault::RequestLine),
            _ => self.fault(Fault::MethodInvalid),
        }
    }

    #[inline(always)]
    pub(super) fn target(&mut self, seen: &[u8], head: &mut Head, bounds: &Bounds) -> Decoded<()> {
        let most = self.mark + bounds.target as usize;
        let end = self.pos + syntax::target_len(&seen[self.pos..seen.len().min(most)]);
        self.pos = end;
        let Some(&byte) = seen.get(end) else {
            return Ok(());
        };
        match byte {
            b' ' => {
                head.second = self.mark as u32..end as u32;
                self.to(Expect::RequestVersion, 1);
                Ok(())
            }
            _ if end == most && syntax::is_target_byte(byte) => {
                Err(Stop::Limit(Limit::TargetBytes, bounds.target, end))
            }
            b'\n' => self.fault(Fault::BareLf),
            b'\t' | b'\r' => self.fault(Fault::RequestLine),
            _ => self.fault(Fault::TargetInvalid),
        }
    }

    /// Decodes `HTTP/1.0` or `HTTP/1.1` and checks the byte after it, which is not consumed. False if more is needed.
    #[inline(always)]
    pub(super) fn version(&mut self, seen: &[u8], head: &mut Head, after: u8) -> Decoded<bool> {
        if let Some(nine) = seen.get(self.mark..self.mark + 9)
            && nine[..7] == *b"HTTP/1."
            && nine[8] == after
            && matches!(nine[7], b'0' | b'1')
        {
            head.version = if nine[7] == b'1' {
                Version::Http11
            } else {
                Version::Http10
            };
            self.pos = self.mark + 8;
            return Ok(true);
        }
        let invalid = if self.kind == Kind::Response {
            Fault::StatusLine
        } else {
            Fault::VersionInvalid
        };
        while let Some(&byte) = seen.get(self.pos) {
            let at = self.pos - self.mark;
            let legal = match at {
                0..=4 => byte == b"HTTP/"[at],
                6 => byte == b'.',
                8 => byte == after,
                _ => byte.is_ascii_digit(),
            };
            if !legal {
                let blank = at == 0 && syntax::is_blank(byte) && self.kind == Kind::Request;
                return match byte {
                    _ if blank => self.fault(Fault::RequestLine),
                    b'\n' => self.fault(Fault::BareLf),
                    _ => self.fault(invalid),
                };
            }
            if at == 8 {
                // Well-formed, but neither of the two versions, which the comparison above accepts.
                return self.fault(Fault::VersionUnsupported);
            }
            self.pos += 1;
        }
        Ok(false)
    }

    #[inline(always)]
    pub(super) fn request_line_end(&self, seen: &[u8], head: &Head) -> Decoded<()> {
        let target = head.second.start as usize;
        let method = &seen[head.first.start as usize..head.first.end as usize];
        if seen[target] == b'/' && method != b"CONNECT" {
            return Ok(());
        }
        let text = |bytes| core::str::from_utf8(bytes).unwrap_or_default(); // ASCII by grammar
        let form =
            semantics::judge_target(text(method), text(&seen[target..head.second.end as usize]));
        form.map_err(|fault| Stop::Fault(fault, target))
    }

    pub(super) fn status(&mut self, byte: u8, head: &mut Head) -> Decoded<()> {
        if !byte.is_ascii_digit() || (self.pos == self.mark && byte == b'0') {
            return self.fault(Fault::StatusLine);
        }
        head.status = head.status * 10 + u16::from(byte - b'0');
        if self.pos - self.mark == 2 {
            self.to(Expect::StatusEnd, 1)
        } else {
            self.pos += 1
        }
        Ok(())
    }
}
