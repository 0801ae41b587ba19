//! Field lines in wire form with an index: order and case are kept, lookups ignore case (RFC 9110 §5).
//!
//! Here: [`Fields`], a list that can be changed, and [`FieldsRef`], a view of it or of a received head.
//! Not here: which fields decide about framing (`special.rs`, `semantics.rs`).

use crate::special::Special;
use crate::{Misuse, field_line, syntax};
use alloc::vec::Vec;
use core::fmt;

/// The position of one field line in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: u32,
    pub(crate) name_end: u32,
    pub(crate) value: u32,
    pub(crate) value_end: u32,
}

impl Line {
    /// The caller ensures that the buffer is shorter than 4 GiB.
    #[inline]
    pub(crate) fn new(name: usize, name_end: usize, value: usize, value_end: usize) -> Self {
        Self {
            name: name as u32,
            name_end: name_end as u32,
            value: value as u32,
            value_end: value_end as u32,
        }
    }

    /// The line after its bytes have moved.
    const fn moved(self, by: u32) -> Self {
        Self {
            name: self.name + by,
            name_end: self.name_end + by,
            value: self.value + by,
            value_end: self.value_end + by,
        }
    }

    #[inline]
    pub(crate) fn name_in(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.name as usize..self.name_end as usize]
    }

    #[inline]
    pub(crate) fn value_in(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.value as usize..self.value_end as usize]
    }
}

/// A read-only view of field lines, in the order in which they were received or added.
///
/// ```
/// use hearken::proto::Fields;
/// let mut fields = Fields::new();
/// fields.append("Accept", "text/html")?;
/// fields.append("accept", "*/*")?;
/// let view = fields.view();
/// assert_eq!(view.get("ACCEPT"), Some(&b"text/html"[..]));
/// assert_eq!(view.get_all("accept").count(), 2);
/// # Ok::<(), hearken::proto::Misuse>(())
/// ```
#[derive(Clone, Copy)]
pub struct FieldsRef<'a> {
    bytes: &'a [u8],
    lines: &'a [Line],
}

impl<'a> FieldsRef<'a> {
    pub(crate) const fn new(bytes: &'a [u8], lines: &'a [Line]) -> Self {
        Self { bytes, lines }
    }

    /// Number of field lines.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no field line.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The value of the first field with this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.get_all(name).next()
    }

    /// The values of all fields with this name, in order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Name and value of each field line as sent, in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        self.lines
            .iter()
            .map(move |line| (line.name_in(bytes), line.value_in(bytes)))
    }
}

impl fmt::Debug for FieldsRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| alloc::string::String::from_utf8_lossy(bytes).into_owned();
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (text(name), text(value))))
            .finish()
    }
}

/// Field lines to be sent, kept in wire form. Names and values are checked when they are added: none contains CR, LF or
/// NUL.
///
/// ```
/// use hearken::proto::Fields;
/// let mut fields = Fields::new();
/// fields.set("Content-Type", "text/plain")?;
/// fields.set("content-type", "text/html")?; // replaces the first
/// assert_eq!(fields.view().get("Content-Type"), Some(&b"text/html"[..]));
/// assert!(fields.remove("content-type"));
/// assert!(fields.view().is_empty());
/// # Ok::<(), hearken::proto::Misuse>(())
/// ```
#[derive(Default)]
pub struct Fields {
    /// The first `end` bytes belong to the list. What follows is left from the list before the last `clear`, see `again`.
    bytes: Vec<u8>,
    /// The first `count` lines belong to the list.
    lines: Vec<Line>,
    end: usize,
    count: usize,
    /// A line was removed, so `bytes` holds more than `lines` refers to.
    holes: bool,
    /// A line was added that bears on framing or reuse.
    special: bool,
}

impl Fields {
    /// An empty list without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            lines: Vec::new(),
            end: 0,
            count: 0,
            holes: false,
            special: false,
        }
    }

    /// An empty list with memory for this many bytes and lines.
    ///
    /// ```
    /// let fields = hearken::proto::Fields::with_capacity(256, 8);
    /// assert!(fields.view().is_empty());
    /// ```
    #[must_use]
    pub fn with_capacity(bytes: usize, lines: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            lines: Vec::with_capacity(lines),
            end: 0,
            count: 0,
            holes: false,
            special: false,
        }
    }

    /// Adds a line at the end.
    ///
    /// # Errors
    /// [`Misuse::FieldName`] or [`Misuse::FieldValue`]; nothing is added then.
    #[inline]
    pub fn append(
        &mut self,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Misuse> {
        let (name, value) = (name.as_ref(), value.as_ref());
        if self.again(name, value) {
            return Ok(());
        }
        self.append_new(name, syntax::trim(value))
    }

    /// Adds a line that was at this place before the last `clear`: it is checked and encoded already. Servers send mostly
    /// the same fields in every response.
    #[inline]
    fn again(&mut self, name: &[u8], value: &[u8]) -> bool {
        let Some(&line) = self.lines.get(self.count) else {
            return false;
        };
        let same = line.name as usize == self.end
            && syntax::equal_bytes(line.name_in(&self.bytes), name)
            && syntax::equal_bytes(line.value_in(&self.bytes), value);
        if same {
            self.special |= Special::of(name).is_some();
            self.count += 1;
            self.end = line.value_end as usize + 2;
        }
        same
    }

    #[inline(never)]
    fn append_new(&mut self, name: &[u8], value: &[u8]) -> Result<(), Misuse> {
        if !syntax::is_token(name) {
            return Err(Misuse::FieldName);
        }
        let at = self.end;
        // The index holds 32-bit offsets.
        if !syntax::is_value(value) || at + name.len() + value.len() > u32::MAX as usize - 4 {
            return Err(Misuse::FieldValue);
        }
        self.forget();
        self.special |= Special::of(name).is_some();
        field_line::push_field(name, value, &mut self.bytes);
        let (name_end, value_at) = (at + name.len(), at + name.len() + 2);
        self.lines
            .push(Line::new(at, name_end, value_at, value_at + value.len()));
        self.keep();
        Ok(())
    }

    /// Drops what is left from the list before the last `clear`.
    #[inline]
    fn forget(&mut self) {
        self.bytes.truncate(self.end);
        self.lines.truncate(self.count);
    }

    /// All bytes and lines belong to the list.
    #[inline]
    fn keep(&mut self) {
        self.end = self.bytes.len();
        self.count = self.lines.len();
    }

    /// Replaces all lines with this name by one line at the end.
    ///
    /// # Errors
    /// [`Misuse::FieldName`] or [`Misuse::FieldValue`]; nothing is changed then.
    #[inline]
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Misuse> {
        let name = name.as_ref();
        let old = self.count;
        self.append(name, value)?;
        if old > 0 && self.has_name(old, name) {
            self.replace(old, name);
        }
        Ok(())
    }

    /// Whether one of the first `old` lines has this name.
    #[inline]
    fn has_name(&self, old: usize, name: &[u8]) -> bool {
        let mut lines = self.lines[..old].iter();
        lines.any(|line| {
            (line.name_end - line.name) as usize == name.len()
                && line.name_in(&self.bytes).eq_ignore_ascii_case(name)
        })
    }

    /// Removes those of the first `old` lines that have this name.
    #[inline(never)]
    fn replace(&mut self, old: usize, name: &[u8]) {
        self.forget();
        let (bytes, mut index) = (&self.bytes, 0);
        self.lines.retain(|line| {
            index += 1;
            index > old || !line.name_in(bytes).eq_ignore_ascii_case(name)
        });
        self.holes = true;
        self.keep();
    }

    /// Adds all lines of another list after the others. They are checked already, so this costs little more than a copy.
    ///
    /// ```
    /// use hearken::proto::Fields;
    /// let mut always = Fields::new();
    /// always.append("Server", "hearken")?;
    /// let mut fields = Fields::new();
    /// fields.append("Content-Type", "text/plain")?;
    /// fields.append_all(&always)?;
    /// assert_eq!(fields.view().get("server"), Some(&b"hearken"[..]));
    /// # Ok::<(), hearken::proto::Misuse>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse::FieldValue`] when both lists together are too long for an index of 32 bits; nothing is added then.
    pub fn append_all(&mut self, other: &Self) -> Result<(), Misuse> {
        let Some(wire) = other.wire() else {
            let mut lines = other.view().iter();
            return lines.try_for_each(|(name, value)| self.append(name, value));
        };
        if self.end + wire.len() > u32::MAX as usize {
            return Err(Misuse::FieldValue);
        }
        if self.again_all(other, wire) {
            return Ok(());
        }
        self.forget();
        let at = self.end as u32;
        self.bytes.extend_from_slice(wire);
        self.lines
            .extend(other.lines[..other.count].iter().map(|line| line.moved(at)));
        self.special |= other.special;
        self.keep();
        Ok(())
    }

    /// [`again`](Self::again) for all lines of another list, whose bytes `wire` are contiguous.
    fn again_all(&mut self, other: &Self, wire: &[u8]) -> bool {
        let (at, new) = (self.end as u32, &other.lines[..other.count]);
        let old = self.lines.get(self.count..self.count + new.len());
        let same = old.is_some_and(|old| {
            let mut pairs = old.iter().zip(new);
            pairs.all(|(old, new)| *old == new.moved(at))
                && self.bytes[self.end..].starts_with(wire)
        });
        if same {
            self.special |= other.special;
            self.count += new.len();
            self.end += wire.len();
        }
        same
    }

    /// Removes all lines with this name. Returns whether there was one.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) -> bool {
        self.forget();
        let (name, old, bytes) = (name.as_ref(), self.lines.len(), &self.bytes);
        self.lines
            .retain(|line| !line.name_in(bytes).eq_ignore_ascii_case(name));
        self.holes |= self.lines.len() != old;
        self.keep();
        self.lines.len() != old
    }

    /// Removes all lines. Keeps the memory, and what it holds, so that the same lines can be added again at less cost.
    #[inline]
    pub fn clear(&mut self) {
        self.end = 0;
        self.count = 0;
        self.holes = false;
        self.special = false;
    }

    /// A view of all lines.
    #[must_use]
    pub fn view(&self) -> FieldsRef<'_> {
        FieldsRef::new(&self.bytes[..self.end], &self.lines[..self.count])
    }

    /// Whether a line may bear on framing or reuse. Stays true after such a line is removed.
    pub(crate) const fn may_be_special(&self) -> bool {
        self.special
    }

    /// All lines in wire form, if they are contiguous.
    #[inline]
    pub(crate) fn wire(&self) -> Option<&[u8]> {
        (!self.holes).then_some(&self.bytes[..self.end])
    }
}

impl Clone for Fields {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes[..self.end].to_vec(),
            lines: self.lines[..self.count].to_vec(),
            ..*self
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
