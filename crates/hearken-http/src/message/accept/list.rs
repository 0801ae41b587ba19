//! Lists with weights (RFC 9110 §12.4.2), split outside of quoted strings.

/// A member of a list.
pub(super) struct Item<'a> {
    /// What stands before the first semicolon.
    pub(super) name: &'a str,
    /// The parameters before the weight, with their semicolons.
    pub(super) parameters: &'a str,
    /// In thousandths.
    pub(super) weight: u16,
}

/// Members that are read; the rest is ignored.
const ITEMS_MAX: usize = 64;

/// The members of all lines of a field. `None` without a line, or when all are empty, which asks for nothing in particular. A
/// malformed member is left out.
pub(super) fn items<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Item<'a>>> {
    let mut any = false;
    let mut all = Vec::new();
    for line in lines {
        any |= !line.trim_ascii().is_empty();
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        let left = ITEMS_MAX - all.len();
        all.extend(split(line, b',').take(left).filter_map(item));
    }
    any.then_some(all)
}

fn item(text: &str) -> Option<Item<'_>> {
    let text = text.trim_matches([' ', '\t']);
    let (name, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let name = name.trim_matches([' ', '\t']);
    if name.is_empty() {
        return None;
    }
    let (mut at, mut weight, mut end) = (0, 1000, rest.len());
    for part in split(rest, b';') {
        let value = part.trim_matches([' ', '\t']);
        if let Some(value) = value
            .strip_prefix("q=")
            .or_else(|| value.strip_prefix("Q="))
        {
            weight = parse_weight(value.as_bytes())?;
            end = at;
            break; // what follows are extensions of the field
        }
        at += part.len() + 1;
    }
    Some(Item {
        name,
        parameters: rest.get(..end).unwrap_or(rest),
        weight,
    })
}

/// Names and values of parameters: `;level=1; v="x"`. Quotation marks are removed.
pub(super) fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    split(text, b';').filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim_matches([' ', '\t']);
        let bare = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        Some((name.trim_matches([' ', '\t']), bare.unwrap_or(value)))
    })
}

/// Splits at a separator that does not stand in a quoted string.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let at = text.bytes().position(|byte| {
            let plain = !std::mem::take(&mut escaped);
            match byte {
                b'"' if plain => quoted = !quoted,
                b'\\' if plain && quoted => escaped = true,
                _ => {}
            }
            byte == separator && !quoted
        });
        let Some(at) = at else {
            rest = None;
            return Some(text);
        };
        rest = Some(&text[at + 1..]);
        Some(&text[..at])
    })
}

/// A weight in thousandths: 0 to 1 with at most three decimals.
fn parse_weight(value: &[u8]) -> Option<u16> {
    let (whole, digits) = match value {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', digits @ ..] if digits.len() <= 3 => (whole, digits),
        _ => return None,
    };
    let mut weight = u16::from(whole - b'0');
    for place in 0..3 {
        let digit = digits.get(place).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        weight = weight * 10 + u16::from(digit - b'0');
    }
    (weight <= 1000).then_some(weight)
}
