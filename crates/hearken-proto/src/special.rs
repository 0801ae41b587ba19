//! Which fields have a meaning for the protocol.
//!
//! Here: [`Special`], and which fields are ignored in trailers. Not here: what follows from them (`facts.rs`,
//! `declared.rs`).

/// The fields that bear on framing, routing or reuse. All others are carried without being interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Connection,
    ContentLength,
    Date,
    Expect,
    Host,
    Trailer,
    TransferEncoding,
    Upgrade,
}

impl Special {
    /// Looks at the length first, which rules out most names. `name` is a token.
    #[inline]
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        match name.len() {
            4 if is(name, b"host") => Some(Self::Host),
            4 if is(name, b"date") => Some(Self::Date),
            6 if is(name, b"expect") => Some(Self::Expect),
            7 if is(name, b"upgrade") => Some(Self::Upgrade),
            7 if is(name, b"trailer") => Some(Self::Trailer),
            10 if is(name, b"connection") => Some(Self::Connection),
            14 if is(name, b"content-length") => Some(Self::ContentLength),
            17 if is(name, b"transfer-encoding") => Some(Self::TransferEncoding),
            _ => None,
        }
    }
}

/// Whether a token is this lower-case name, in any case. In a token the bit 0x20 distinguishes only the cases of a letter:
/// a hyphen without it would be CR, which is no token character.
#[inline]
fn is<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    let Ok(name) = <&[u8; N]>::try_from(name) else {
        return false;
    };
    let mut differ = 0;
    for at in 0..N {
        differ |= (name[at] | 0x20) ^ lower[at];
    }
    differ == 0
}

/// Fields that are ignored in a trailer section (RFC 9110 §6.5.1): framing, routing, authentication, request modifiers,
/// and metadata of the content.
pub(crate) fn is_forbidden_trailer(name: &[u8]) -> bool {
    const NAMES: [&str; 34] = [
        "age",
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "date",
        "expect",
        "expires",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "location",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "retry-after",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "www-authenticate",
    ];
    NAMES
        .iter()
        .any(|forbidden| name.eq_ignore_ascii_case(forbidden.as_bytes()))
}
