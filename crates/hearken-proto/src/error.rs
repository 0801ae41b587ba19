//! Errors, sorted by cause: the peer, a configured limit, or the caller.
//!
//! Here: [`Error`] and [`Misuse`]. Not here: the table of faults (`fault.rs`), the limits (`limits.rs`).

use crate::{Answer, Fault, Limit};
use core::fmt;

/// Why a connection failed.
///
/// ```
/// use hearken::proto::{Connection, Error, Event, Fault, Limits, Role};
/// let mut connection = Connection::new(Role::Server, &Limits::default());
/// let error = connection.receive(b"GET / HTTP/1.1\nHost: a\n\n").unwrap_err();
/// assert_eq!(error, Error::Peer { fault: Fault::BareLf, at: 14 });
/// assert_eq!(error.to_string(), "expected CR before LF (H1_BARE_LF, RFC 9112 §2.2) at byte 14");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The peer broke the protocol at byte `at` of the connection. Answer as [`Error::answer`] says, then close.
    Peer {
        /// The rule it broke.
        fault: Fault,
        /// Offset of the offending byte from the start of the connection.
        at: u64,
    },
    /// A legal message exceeds one of the [`Limits`](crate::Limits).
    Limit {
        /// Which one.
        limit: Limit,
        /// Its value.
        max: u64,
        /// Offset of the first byte beyond the limit.
        at: u64,
    },
    /// A call out of order: a bug in this process, never caused by received bytes.
    Misuse(Misuse),
}

impl Error {
    /// What a server sends before it closes; a client only closes.
    ///
    /// ```
    /// use hearken::proto::{Answer, Error, Fault};
    /// assert_eq!(Error::Peer { fault: Fault::BareLf, at: 0 }.answer(), Answer::Status(400));
    /// ```
    #[must_use]
    pub const fn answer(&self) -> Answer {
        match self {
            Self::Peer { fault, .. } => fault.answer(),
            Self::Limit { limit, .. } => limit.answer(),
            Self::Misuse(_) => Answer::Status(500),
        }
    }

    /// The stable code of the fault, limit or misuse.
    ///
    /// ```
    /// use hearken::proto::{Error, Fault};
    /// assert_eq!(Error::Peer { fault: Fault::BareLf, at: 0 }.code(), "H1_BARE_LF");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Peer { fault, .. } => fault.code(),
            Self::Limit { limit, .. } => limit.code(),
            Self::Misuse(misuse) => misuse.code(),
        }
    }

    /// Offset of the offending byte; `None` for a misuse.
    ///
    /// ```
    /// use hearken::proto::{Error, Fault};
    /// assert_eq!(Error::Peer { fault: Fault::BareLf, at: 7 }.at(), Some(7));
    /// ```
    #[must_use]
    pub const fn at(&self) -> Option<u64> {
        match self {
            Self::Peer { at, .. } | Self::Limit { at, .. } => Some(*at),
            Self::Misuse(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer { fault, at } => write!(f, "{fault} at byte {at}"),
            Self::Limit { limit, max, at } => write!(
                f,
                "{} of {max} exceeded ({}) at byte {at}",
                limit.text(),
                limit.code()
            ),
            Self::Misuse(misuse) => misuse.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

/// Declares the enum with code and text beside each variant.
macro_rules! misuses {
    ($($name:ident, $code:literal, $text:literal;)*) => {
        /// A call that cannot be carried out: a bug in the calling code. Nothing was written when it is returned.
        ///
        /// ```
        /// use hearken::proto::{Fields, Misuse};
        /// assert_eq!(Fields::new().append("x", "a\r\nb"), Err(Misuse::FieldValue));
        /// ```
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Misuse { $(#[doc = $text] $name,)* }

        impl Misuse {
            /// Every misuse, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code.
            ///
            /// ```
            /// assert_eq!(hearken::proto::Misuse::FieldName.code(), "USE_FIELD_NAME");
            /// ```
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }

        impl fmt::Display for Misuse {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = match self { $(Self::$name => $text,)* };
                write!(f, "{text} ({})", self.code())
            }
        }
    };
}

misuses! {
    FieldName, "USE_FIELD_NAME", "expected a field name of token characters";
    FieldValue, "USE_FIELD_VALUE", "expected a field value without CR, LF, NUL and other control characters";
    Method, "USE_METHOD", "expected a method of token characters";
    Target, "USE_TARGET", "expected a request target of visible ASCII without a fragment";
    Status, "USE_STATUS", "expected a status from 100 to 999";
    Reason, "USE_REASON", "expected a reason phrase without control characters";
    HostMissing, "USE_HOST_MISSING", "expected a Host field in the request";
    Host, "USE_HOST", "expected one legal Host field that equals the authority of the request target";
    ContentLength, "USE_CONTENT_LENGTH", "expected one Content-Length of decimal digits";
    TransferEncoding, "USE_TRANSFER_ENCODING", "expected chunked as the only Transfer-Encoding";
    OutOfOrder, "USE_OUT_OF_ORDER", "expected head, content and end of a message in this order";
    BodyNotAllowed, "USE_BODY_NOT_ALLOWED", "expected no content, this message cannot have any";
    BodyTooLong, "USE_BODY_TOO_LONG", "expected no more content than Content-Length declared";
    BodyTooShort, "USE_BODY_TOO_SHORT", "expected as much content as Content-Length declared";
    TrailersNotAllowed, "USE_TRAILERS_NOT_ALLOWED", "expected neither trailers nor a Trailer field, this message is not chunked";
    TrailerName, "USE_TRAILER_NAME", "expected a field that may stand in a trailer section";
    SwitchNotAsked, "USE_SWITCH_NOT_ASKED", "expected a request for Upgrade or CONNECT before the switch";
    InterimLate, "USE_INTERIM_LATE", "expected interim responses before the head of the final one";
    InterimTooMany, "USE_INTERIM_TOO_MANY", "expected fewer interim responses for one request";
}

impl core::error::Error for Misuse {}
