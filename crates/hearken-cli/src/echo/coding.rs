//! Which content coding an answer may have: `Accept-Encoding`, RFC 9110 §12.5.3.
//!
//! Here: [`Accepts`], what a client says, and [`Accepts::choose`]. We speak gzip and identity. Not here: the compression
//! itself (`reply.rs`).

/// What a client says about the codings we speak, as weights in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepts {
    gzip: u16,
    /// `None`: not mentioned, which leaves it acceptable and behind everything that is.
    identity: Option<u16>,
}

/// The coding of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
}

/// The client refuses both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoneLeft;

impl Accepts {
    /// Reads the field's lines, in their order. No line at all means that the client does not care; it gets identity.
    pub(crate) fn read<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let (mut gzip, mut identity, mut rest) = (None, None, None);
        for item in lines
            .into_iter()
            .flat_map(|line| line.split(|&byte| byte == b','))
        {
            let Some((coding, weight)) = item_of(item) else {
                continue;
            };
            // Of two weights for the same coding the first counts; that is nobody's rule.
            let named = match coding.to_ascii_lowercase().as_slice() {
                b"gzip" | b"x-gzip" => &mut gzip, // §8.4.1.3: the same
                b"identity" => &mut identity,
                b"*" => &mut rest,
                _ => continue,
            };
            named.get_or_insert(weight);
        }
        Self {
            gzip: gzip.or(rest).unwrap_or(0),
            identity: identity.or(rest),
        }
    }

    /// Chooses by weight; of two equal ones the one that is `better` for this content. `better` is also taken over a
    /// coding that the client likes more, as long as it is identity and not refused: for content that does not become
    /// smaller.
    pub(crate) fn choose(self, better: Coding) -> Result<Coding, NoneLeft> {
        let identity_refused = self.identity == Some(0);
        match (self.gzip > 0, identity_refused) {
            (false, true) => Err(NoneLeft),
            (false, false) => Ok(Coding::Identity),
            (true, true) => Ok(Coding::Gzip),
            (true, false) if better == Coding::Gzip && self.gzip >= self.identity.unwrap_or(0) => {
                Ok(Coding::Gzip)
            }
            (true, false) => Ok(Coding::Identity),
        }
    }
}

/// A coding with its weight; `None` for an empty item and for one whose weight is not one.
fn item_of(item: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = item.split(|&byte| byte == b';');
    let coding = parts.next()?.trim_ascii();
    let weight = match parts.next() {
        None => 1000,
        Some(weight) => {
            let [b'q' | b'Q', b'=', value @ ..] = weight.trim_ascii() else {
                return None;
            };
            thousandths(value)?
        }
    };
    (!coding.is_empty() && parts.next().is_none()).then_some((coding, weight))
}

/// A weight: 0 to 1 with at most three digits behind the point (§12.4.2).
fn thousandths(value: &[u8]) -> Option<u16> {
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

#[cfg(test)]
mod tests;
