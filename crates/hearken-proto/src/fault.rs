//! Protocol faults of a peer: one row per fault, with its stable code, the broken section and the answer.
//!
//! Here: [`Fault`], its table, and [`Answer`]. Not here: limits (`limits.rs`), misuse by the caller (`error.rs`).
//! The page `docs/errors.md` and the vectors are tested against this table.

use core::fmt;

/// The answer to a fault of the peer.
///
/// ```
/// use hearken::proto::{Answer, Fault};
/// assert_eq!(Fault::SpaceBeforeColon.answer(), Answer::Status(400));
/// assert_eq!(Fault::StatusLine.answer(), Answer::Close);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Send a response with this status and `Connection: close`, then close.
    Status(u16),
    /// Close without a response: the peer is a server, or it is gone.
    Close,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) code: &'static str,
    pub(crate) section: &'static str,
    pub(crate) answer: Answer,
    pub(crate) text: &'static str,
}

/// A status of 0 stands for no answer.
pub(crate) const fn row(
    code: &'static str,
    section: &'static str,
    status: u16,
    text: &'static str,
) -> Row {
    let answer = if status == 0 {
        Answer::Close
    } else {
        Answer::Status(status)
    };
    Row {
        code,
        section,
        answer,
        text,
    }
}

/// Declares the enum, its list and its rows together, so that every fault has a row.
macro_rules! faults {
    ($($name:ident, $code:literal, $section:literal, $status:literal, $text:literal;)*) => {
        /// How a peer broke the protocol. Variant names and [`Fault::code`] are stable.
        ///
        /// ```
        /// use hearken::proto::Fault;
        /// let fault = Fault::from_code("H1_SPACE_BEFORE_COLON").unwrap();
        /// assert_eq!(fault, Fault::SpaceBeforeColon);
        /// assert_eq!(fault.section(), "RFC 9112 §5.1");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Fault { $(#[doc = $text] $name,)* }

        impl Fault {
            /// Every fault, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub(crate) const fn row(self) -> Row {
                match self { $(Self::$name => row($code, $section, $status, $text),)* }
            }
        }
    };
}

faults! {
    MethodInvalid, "H1_METHOD", "RFC 9110 §9.1", 400, "expected a method of token characters";
    RequestLine, "H1_REQUEST_LINE", "RFC 9112 §3", 400, "expected method, target and version with one space between them";
    TargetInvalid, "H1_TARGET", "RFC 9112 §3.2", 400, "expected a request target of visible ASCII without a fragment";
    TargetForm, "H1_TARGET_FORM", "RFC 9112 §3.2", 400, "expected a request target in the form that its method allows";
    VersionInvalid, "H1_VERSION", "RFC 9112 §2.3", 400, "expected HTTP/1.0 or HTTP/1.1 at the end of the request line";
    VersionUnsupported, "H1_VERSION_UNSUPPORTED", "RFC 9110 §15.6.6", 505, "expected HTTP/1.0 or HTTP/1.1, another version came";
    BareCr, "H1_BARE_CR", "RFC 9112 §2.2", 400, "expected LF after CR";
    BareLf, "H1_BARE_LF", "RFC 9112 §2.2", 400, "expected CR before LF";
    StatusLine, "H1_STATUS_LINE", "RFC 9112 §4", 0, "expected a status line: version, three digits, optional reason";
    StatusUnexpected, "H1_STATUS_UNEXPECTED", "RFC 9110 §15.2.2", 0, "expected no switch of protocols, none was asked for";
    Unsolicited, "H1_UNSOLICITED", "RFC 9112 §9.2", 0, "expected no bytes from the server before a request was sent";
    SpaceBeforeField, "H1_SPACE_BEFORE_FIELD", "RFC 9112 §2.2", 400, "expected a field line after the start line, white space came";
    ObsFold, "H1_OBS_FOLD", "RFC 9112 §5.2", 400, "expected a new field line, a folded one came";
    SpaceBeforeColon, "H1_SPACE_BEFORE_COLON", "RFC 9112 §5.1", 400, "expected a colon right after the field name, white space came";
    FieldName, "H1_FIELD_NAME", "RFC 9110 §5.1", 400, "expected a field name of token characters and a colon";
    FieldValue, "H1_FIELD_VALUE", "RFC 9110 §5.5", 400, "expected visible characters, space or tab in the field value";
    HostMissing, "H1_HOST_MISSING", "RFC 9112 §3.2", 400, "expected one Host field in an HTTP/1.1 request";
    HostDuplicate, "H1_HOST_DUPLICATE", "RFC 9112 §3.2", 400, "expected one Host field, several came";
    HostInvalid, "H1_HOST", "RFC 9110 §7.2", 400, "expected a host and an optional port in the Host field";
    HostMismatch, "H1_HOST_MISMATCH", "RFC 9112 §3.2.2", 400, "expected Host to equal the authority of the request target";
    ContentLength, "H1_CONTENT_LENGTH", "RFC 9110 §8.6", 400, "expected decimal digits up to 2^53-1 without sign or list";
    ContentLengthDuplicate, "H1_CONTENT_LENGTH_DUPLICATE", "RFC 9110 §8.6", 400, "expected one Content-Length, several came";
    ContentLengthNotAllowed, "H1_CONTENT_LENGTH_NOT_ALLOWED", "RFC 9110 §8.6", 400, "expected no Content-Length in this message";
    TransferEncoding, "H1_TRANSFER_ENCODING", "RFC 9112 §6.1", 400, "expected Transfer-Encoding to be chunked and nothing else";
    TransferEncodingUnsupported, "H1_TRANSFER_ENCODING_UNSUPPORTED", "RFC 9112 §6.1", 501, "expected the transfer coding chunked, another one came";
    TransferEncodingDuplicate, "H1_TRANSFER_ENCODING_DUPLICATE", "RFC 9112 §6.1", 400, "expected one Transfer-Encoding, several came";
    TransferEncodingVersion, "H1_TRANSFER_ENCODING_VERSION", "RFC 9112 §6.1", 400, "expected no Transfer-Encoding in an HTTP/1.0 message";
    TransferEncodingNotAllowed, "H1_TRANSFER_ENCODING_NOT_ALLOWED", "RFC 9112 §6.1", 400, "expected no Transfer-Encoding in this message";
    LengthAmbiguous, "H1_LENGTH_AMBIGUOUS", "RFC 9112 §6.3", 400, "expected Content-Length or Transfer-Encoding, both came";
    ChunkSize, "H1_CHUNK_SIZE", "RFC 9112 §7.1", 400, "expected hexadecimal digits as chunk size, at most 13 behind leading zeros";
    ChunkExtension, "H1_CHUNK_EXTENSION", "RFC 9112 §7.1.1", 400, "expected a chunk extension of the form ;name or ;name=value";
    ChunkEnd, "H1_CHUNK_END", "RFC 9112 §7.1", 400, "expected CR LF after the chunk data";
    ExpectationUnknown, "H1_EXPECTATION", "RFC 9110 §10.1.1", 417, "expected 100-continue as the only expectation";
    TruncatedHead, "H1_TRUNCATED_HEAD", "RFC 9112 §8", 400, "expected the rest of the head, the peer closed";
    TruncatedBody, "H1_TRUNCATED_BODY", "RFC 9112 §8", 400, "expected the rest of the body, the peer closed";
}

impl Fault {
    /// The stable code that logs, vectors and `docs/errors.md` use.
    ///
    /// ```
    /// assert_eq!(hearken::proto::Fault::BareLf.code(), "H1_BARE_LF");
    /// ```
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The broken section.
    ///
    /// ```
    /// assert_eq!(hearken::proto::Fault::BareLf.section(), "RFC 9112 §2.2");
    /// ```
    #[must_use]
    pub const fn section(self) -> &'static str {
        self.row().section
    }

    /// The answer to the peer.
    ///
    /// ```
    /// use hearken::proto::{Answer, Fault};
    /// assert_eq!(Fault::VersionUnsupported.answer(), Answer::Status(505));
    /// ```
    #[must_use]
    pub const fn answer(self) -> Answer {
        self.row().answer
    }

    /// What was expected and what was received, in one line.
    ///
    /// ```
    /// assert_eq!(hearken::proto::Fault::BareLf.text(), "expected CR before LF");
    /// ```
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.row().text
    }

    /// The fault with this code, if there is one.
    ///
    /// ```
    /// assert!(hearken::proto::Fault::from_code("H1_NO_SUCH").is_none());
    /// ```
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.code() == code)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.text(), self.code(), self.section())
    }
}
