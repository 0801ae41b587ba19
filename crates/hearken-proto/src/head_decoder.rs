//! Decodes a head or a trailer section incrementally: input may be cut at every byte.
//!
//! Here: [`HeadDecoder`], RFC 9112 §2.2, §3, §4, §5. It is strict: CR LF and nothing else ends a line, one space separates.
//! Each call gets a longer prefix of the head and continues at the position of the last one. Not here: folded lines
//! (`fold.rs`), the elements of the start line (`head_decoder/start_line.rs`), rules over fields (`semantics.rs`), the buffer of the prefix (`receiver.rs`).

mod start_line;

use crate::facts::Kind;
use crate::fields::Line;
use crate::head::Head;
use crate::limits::Limit;
use crate::special::Special;
use crate::{Fault, fast_path, syntax};

/// The limits of one head or trailer section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes: u32,
    pub(crate) fields: u32,
    pub(crate) target: u32,
    pub(crate) method: u32,
}

/// The result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All bytes are consumed, more are needed.
    More,
    /// The start line has ended. Call again with the same bytes.
    Line,
    /// The section has ended.
    Done,
}

/// Why decoding failed, and at which byte of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Fault(Fault, usize),
    Limit(Limit, u32, usize),
}

pub(crate) type Decoded<T> = Result<T, Stop>;

/// The element that is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A request line; one empty line before it is skipped (RFC 9112 §2.2).
    Start,
    StartLf,
    Method,
    TargetStart,
    Target,
    RequestVersion,
    ResponseVersion,
    Status,
    StatusEnd,
    Reason,
    LineLf,
    FieldStart,
    Name,
    ValueStart,
    Value,
    ValueLf,
    /// The byte behind a field line that white space may continue (RFC 9112 §5.2).
    Fold,
    EndLf,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadDecoder {
    pub(crate) kind: Kind,
    /// Return at the end of the start line.
    stops_at_line: bool,
    /// Accept folded field lines.
    pub(crate) folds: bool,
    /// The current field line is folded.
    pub(crate) folded: bool,
    pub(crate) expect: Expect,
    /// The next byte to decode.
    pub(crate) pos: usize,
    /// The first byte of the current element.
    pub(crate) mark: usize,
    /// The current field line as far as it is decoded.
    pub(crate) line: Line,
}

impl HeadDecoder {
    pub(crate) const fn new(kind: Kind, stops_at_line: bool) -> Self {
        let expect = match kind {
            Kind::Request => Expect::Start,
            Kind::Response => Expect::ResponseVersion,
            Kind::Trailers => Expect::FieldStart,
        };
        Self {
            kind,
            stops_at_line,
            folds: matches!(kind, Kind::Response),
            folded: false,
            expect,
            pos: 0,
            mark: 0,
            line: Line {
                name: 0,
                name_end: 0,
                value: 0,
                value_end: 0,
            },
        }
    }

    /// Whether to return at the end of the start line.
    pub(crate) const fn stop_at_line(&mut self, stop: bool) {
        self.stops_at_line = stop;
    }

    /// Whether any byte was decoded.
    pub(crate) const fn started(&self) -> bool {
        self.pos > 0
    }

    /// Whether any byte of the message was decoded. An empty line before a request is not part of it.
    pub(crate) const fn begun(&self) -> bool {
        match self.expect {
            Expect::Start | Expect::StartLf => false,
            Expect::Method => self.pos > self.mark,
            _ => self.pos > 0,
        }
    }

    /// How many of `len` bytes belong to the section after this result. After an error they reach up to the fault and
    /// include all that the head refers to.
    #[inline]
    pub(crate) fn used(&self, len: usize, result: Decoded<Progress>) -> usize {
        match result {
            Ok(Progress::More) => len,
            Ok(Progress::Line | Progress::Done) => self.pos,
            Err(_) => len.min(self.pos + 1),
        }
    }

    /// Continues with `bytes`, all bytes of this head so far, of which the first `self.pos` are decoded.
    #[inline]
    pub(crate) fn decode(
        &mut self,
        bytes: &[u8],
        head: &mut Head,
        bounds: &Bounds,
    ) -> Decoded<Progress> {
        let seen = &bytes[..bytes.len().min(bounds.bytes as usize)];
        // A local copy stays in registers: the functions that take it are inlined, or take it by value.
        let mut at = *self;
        let result = at.run(seen, head, bounds);
        *self = at;
        match result {
            Ok(Progress::More) if bytes.len() > seen.len() => {
                let trailers = self.kind == Kind::Trailers;
                let which = if trailers {
                    Limit::TrailerBytes
                } else {
                    Limit::HeadBytes
                };
                Err(Stop::Limit(which, bounds.bytes, seen.len()))
            }
            result => result,
        }
    }

    #[inline(always)]
    fn run(&mut self, seen: &[u8], head: &mut Head, bounds: &Bounds) -> Decoded<Progress> {
        while let Some(&byte) = seen.get(self.pos) {
            match self.expect {
                Expect::Start if byte != b'\r' => {
                    let Some(end) = fast_path::request_line(seen, head, bounds) else {
                        self.to(Expect::Method, 0);
                        continue;
                    };
                    self.to(Expect::FieldStart, end);
                    if self.stops_at_line {
                        return Ok(Progress::Line);
                    }
                }
                Expect::Method => self.method(seen, head, bounds)?,
                Expect::TargetStart if !syntax::is_blank(byte) => self.to(Expect::Target, 0),
                Expect::Target => self.target(seen, head, bounds)?,
                Expect::RequestVersion => {
                    if self.version(seen, head, b'\r')? {
                        self.request_line_end(seen, head)?;
                        self.to(Expect::LineLf, 1);
                    }
                }
                Expect::LineLf => {
                    self.lf(byte)?;
                    self.to(Expect::FieldStart, 1);
                    if self.stops_at_line {
                        return Ok(Progress::Line);
                    }
                }
                Expect::FieldStart => {
                    while self.whole_field(seen, head, bounds)? {}
                    if let Some(&byte) = seen.get(self.pos) {
                        self.field_start(byte, head, bounds)?;
                    }
                }
                Expect::Name => self.name(seen)?,
                Expect::ValueStart if syntax::is_blank(byte) => self.pos += 1,
                Expect::ValueStart => self.to(Expect::Value, 0),
                Expect::Value => self.value(seen)?,
                Expect::ValueLf if self.folds => {
                    self.lf(byte)?;
                    self.expect = Expect::Fold;
                    self.pos += 1;
                }
                Expect::ValueLf => self.value_lf(seen, head)?,
                Expect::EndLf => {
                    self.lf(byte)?;
                    self.pos += 1;
                    return Ok(Progress::Done);
                }
                _ => {
                    let (decoder, result) = self.rare(seen, head);
                    *self = decoder;
                    result?;
                }
            }
        }
        Ok(Progress::More)
    }

    /// The elements that requests rarely contain. Not inlined, so that `run` stays small.
    #[inline(never)]
    fn rare(mut self, seen: &[u8], head: &mut Head) -> (Self, Decoded<()>) {
        let result = self.rare_element(seen, head);
        (self, result)
    }

    fn rare_element(&mut self, seen: &[u8], head: &mut Head) -> Decoded<()> {
        let byte = seen[self.pos];
        match self.expect {
            Expect::Start => self.to(Expect::StartLf, 1),
            Expect::StartLf => {
                self.lf(byte)?;
                self.to(Expect::Method, 1);
            }
            Expect::Fold => self.fold(byte, seen, head)?,
            Expect::TargetStart => return self.fault(Fault::RequestLine),
            Expect::ResponseVersion => {
                if self.version(seen, head, b' ')? {
                    self.to(Expect::Status, 1);
                }
            }
            Expect::Status => self.status(byte, head)?,
            Expect::StatusEnd if byte == b' ' => self.to(Expect::Reason, 1),
            Expect::StatusEnd => {
                self.line_end(byte, Fault::StatusLine)?; // no space after the status: common and harmless
                self.to(Expect::LineLf, 1);
            }
            Expect::Reason => {
                let end = self.pos + syntax::value_len(&seen[self.pos..]);
                self.pos = end;
                if let Some(&byte) = seen.get(end) {
                    self.line_end(byte, Fault::StatusLine)?;
                    head.second = self.mark as u32..end as u32;
                    self.to(Expect::LineLf, 1);
                }
            }
            _ => unreachable!("the other elements are handled by `run`"),
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn to(&mut self, expect: Expect, advance: usize) {
        self.expect = expect;
        self.pos += advance;
        self.mark = self.pos;
    }

    #[inline(always)]
    fn fault<T>(&self, fault: Fault) -> Decoded<T> {
        Err(Stop::Fault(fault, self.pos))
    }

    #[inline(always)]
    fn lf(&self, byte: u8) -> Decoded<()> {
        if byte == b'\n' {
            Ok(())
        } else {
            self.fault(Fault::BareCr)
        }
    }

    /// Expects the end of a line: CR; bare LF and other bytes are faults.
    #[inline(always)]
    fn line_end(&self, byte: u8, otherwise: Fault) -> Decoded<()> {
        match byte {
            b'\r' => Ok(()),
            b'\n' => self.fault(Fault::BareLf),
            _ => self.fault(otherwise),
        }
    }

    #[inline(always)]
    fn field_start(&mut self, byte: u8, head: &Head, bounds: &Bounds) -> Decoded<()> {
        match byte {
            b'\r' => self.to(Expect::EndLf, 1),
            b'\n' => return self.fault(Fault::BareLf),
            b' ' | b'\t' if head.lines.is_empty() => return self.fault(Fault::SpaceBeforeField),
            b' ' | b'\t' => return self.fault(Fault::ObsFold),
            _ if head.lines.len() >= bounds.fields as usize => {
                let which = if self.kind == Kind::Trailers {
                    Limit::TrailerFields
                } else {
                    Limit::Fields
                };
                return Err(Stop::Limit(which, bounds.fields, self.pos));
            }
            _ => self.to(Expect::Name, 0),
        }
        Ok(())
    }

    #[inline(always)]
    fn name(&mut self, seen: &[u8]) -> Decoded<()> {
        let end = self.pos + syntax::token_len(&seen[self.pos..]);
        self.pos = end;
        let Some(&byte) = seen.get(end) else {
            return Ok(());
        };
        match byte {
            b':' if end > self.mark => {
                self.line = Line::new(self.mark, end, 0, 0);
                self.to(Expect::ValueStart, 1);
                Ok(())
            }
            b' ' | b'\t' => self.fault(Fault::SpaceBeforeColon),
            b'\n' => self.fault(Fault::BareLf),
            _ => self.fault(Fault::FieldName),
        }
    }

    #[inline(always)]
    fn value(&mut self, seen: &[u8]) -> Decoded<()> {
        let end = self.pos + syntax::value_len(&seen[self.pos..]);
        self.pos = end;
        let Some(&byte) = seen.get(end) else {
            return Ok(());
        };
        self.line_end(byte, Fault::FieldValue)?;
        let (name, name_end) = (self.line.name as usize, self.line.name_end as usize);
        self.line = Line::new(name, name_end, self.mark, trim_end(seen, self.mark, end));
        self.to(Expect::ValueLf, 1);
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn value_lf(&mut self, seen: &[u8], head: &mut Head) -> Decoded<()> {
        self.lf(seen[self.pos])?;
        self.push_line(self.line.value_in(seen), seen, head)?;
        self.to(Expect::FieldStart, 1);
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn push_line(&self, value: &[u8], seen: &[u8], head: &mut Head) -> Decoded<()> {
        if self.kind != Kind::Trailers
            && let Some(special) = Special::of(self.line.name_in(seen))
        {
            let noted = (head.facts).note(special, value, head.lines.len(), self.kind);
            noted.map_err(|fault| Stop::Fault(fault, self.line.name as usize))?;
        }
        head.lines.push(self.line);
        Ok(())
    }
}

/// The end of the value in `from..end` without trailing white space.
#[inline(always)]
pub(crate) fn trim_end(seen: &[u8], from: usize, mut end: usize) -> usize {
    while end > from && syntax::is_blank(seen[end - 1]) {
        end -= 1;
    }
    end
}
