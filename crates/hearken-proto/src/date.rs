//! The Date field (RFC 9110 §6.6.1) in wire form, checked once and copied into every response.
//!
//! Here: [`Date`]. Not here: the clock and the formatting of dates.

use crate::{Misuse, syntax};
use core::fmt;

const NAME: &[u8; 6] = b"Date: ";

/// Length of an IMF-fixdate.
const VALUE_LEN: usize = 29;

/// A Date field line, made from an IMF-fixdate.
///
/// ```
/// use hearken::proto::{Date, Misuse};
/// let date = Date::new(b"Sun, 06 Nov 1994 08:49:37 GMT")?;
/// assert_eq!(date.value(), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// assert_eq!(Date::new(b"Sun, 06 Nov 1994 08:49:37\r\nX:").unwrap_err(), Misuse::FieldValue);
/// # Ok::<(), Misuse>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Date {
    line: [u8; NAME.len() + VALUE_LEN + 2],
}

impl Date {
    /// A Date with this value. Only its length and its bytes are checked, not that it is a date.
    ///
    /// # Errors
    /// [`Misuse::FieldValue`] for bytes that are illegal in a field value.
    pub fn new(value: &[u8; VALUE_LEN]) -> Result<Self, Misuse> {
        if !syntax::is_value(value) {
            return Err(Misuse::FieldValue);
        }
        let mut line = [0; NAME.len() + VALUE_LEN + 2];
        line[..NAME.len()].copy_from_slice(NAME);
        line[NAME.len()..NAME.len() + VALUE_LEN].copy_from_slice(value);
        line[NAME.len() + VALUE_LEN..].copy_from_slice(b"\r\n");
        Ok(Self { line })
    }

    /// The value that it was made from.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.line[NAME.len()..NAME.len() + VALUE_LEN]
    }

    /// The line with its line end.
    pub(crate) const fn line(&self) -> &[u8; NAME.len() + VALUE_LEN + 2] {
        &self.line
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(self.value()).unwrap_or_default())
    }
}
