//! Negotiation of the content coding: `Accept-Encoding`, RFC 9110 §12.5.3. The server supports gzip and identity.
//!
//! Here: [`AcceptEncoding`] and [`AcceptEncoding::choose`]. Not here: the compression itself (`response.rs`).

/// The weights of gzip and identity, in thousandths. The default is that of a request without the field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AcceptEncoding {
    gzip: u16,
    /// `None`: not listed, and so acceptable with the lowest preference.
    identity: Option<u16>,
}

/// The content coding of one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentCoding {
    Identity,
    Gzip,
}

/// The client accepts neither coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAcceptable;

impl AcceptEncoding {
    /// Parses the values of all lines of the field, in order.
    pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let (mut gzip, mut identity, mut rest) = (None, None, None);
        for item in lines
            .into_iter()
            .flat_map(|line| line.split(|&byte| byte == b','))
        {
            let Some((coding, weight)) = parse_item(item) else {
                continue;
            };
            let is = |name: &str| coding.eq_ignore_ascii_case(name.as_bytes());
            let known = if is("gzip") || is("x-gzip") {
                &mut gzip // §8.4.1.3: both names mean gzip
            } else if is("identity") {
                &mut identity
            } else if is("*") {
                &mut rest
            } else {
                continue;
            };
            // The RFC has no rule for a coding that is listed twice: the first weight counts.
            known.get_or_insert(weight);
        }
        Self {
            gzip: gzip.or(rest).unwrap_or(0),
            identity: identity.or(rest),
        }
    }

    pub(crate) const fn allows_gzip(self) -> bool {
        self.gzip > 0
    }

    /// Chooses the coding with the greater weight; `preferred` if both are equal. If identity is preferred, for content that
    /// gzip does not make smaller, it is chosen whenever it is acceptable.
    pub(crate) fn choose(self, preferred: ContentCoding) -> Result<ContentCoding, NotAcceptable> {
        let allows_identity = self.identity != Some(0);
        match (self.allows_gzip(), allows_identity) {
            (false, false) => Err(NotAcceptable),
            (false, true) => Ok(ContentCoding::Identity),
            (true, false) => Ok(ContentCoding::Gzip),
            (true, true)
                if preferred == ContentCoding::Gzip && self.gzip >= self.identity.unwrap_or(0) =>
            {
                Ok(ContentCoding::Gzip)
            }
            (true, true) => Ok(ContentCoding::Identity),
        }
    }
}

/// A coding with its weight; `None` for an empty item or a malformed weight.
fn parse_item(item: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = item.split(|&byte| byte == b';');
    let coding = parts.next()?.trim_ascii();
    let weight = match parts.next() {
        None => 1000,
        Some(weight) => {
            let [b'q' | b'Q', b'=', value @ ..] = weight.trim_ascii() else {
                return None;
            };
            parse_weight(value)?
        }
    };
    (!coding.is_empty() && parts.next().is_none()).then_some((coding, weight))
}

/// A weight in thousandths: 0 to 1 with at most three decimals (§12.4.2).
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

#[cfg(test)]
mod tests;
