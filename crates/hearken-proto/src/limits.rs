//! Every limit in one struct, each with its unit and default. A limit is a number; none means "unlimited".
//!
//! Here: [`Limits`] and [`Limit`], the name of an exceeded one. Durations are only data here: this crate has no clock, the
//! connection layer enforces them.

use crate::Answer;
use crate::fault::{Row, row};
use core::time::Duration;

/// All limits of a connection, by the part that they bound. Start from the default, which suits a server, or from
/// [`Limits::client`], and change single values.
///
/// ```
/// use hearken::proto::Limits;
/// let mut limits = Limits::default();
/// limits.head.bytes_max = 64 * 1024;
/// assert_eq!(limits.head.fields_max, 100);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bounds on the head of a message.
    pub head: HeadLimits,
    /// Bounds on the body of a message, and on what is queued of it.
    pub body: BodyLimits,
    /// Bounds on time.
    pub time: TimeLimits,
    /// Bounds on a connection as a whole.
    pub connection: ConnectionLimits,
}

impl Limits {
    /// The default limits of a client: heads and trailer sections of 256 KiB and 2,000 field lines, otherwise those of a server. A
    /// client chooses its servers, and some of them send large heads.
    ///
    /// ```
    /// use hearken::proto::Limits;
    /// let limits = Limits::client();
    /// assert_eq!((limits.head.bytes_max, limits.head.fields_max), (256 * 1024, 2_000));
    /// ```
    #[must_use]
    pub fn client() -> Self {
        const BYTES: u32 = 256 * 1024;
        const FIELDS: u32 = 2_000;
        let mut limits = Self::default();
        limits.head.bytes_max = BYTES;
        limits.head.fields_max = FIELDS;
        limits.body.trailer_bytes_max = BYTES;
        limits.body.trailer_fields_max = FIELDS;
        limits
    }
}

/// Bounds on a connection as a whole.
///
/// ```
/// assert_eq!(hearken::proto::Limits::default().connection.requests_max, u32::MAX);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// Requests on one connection. Default 4,294,967,295, which is as good as none: what a connection costs does not grow
    /// with its requests, and its age is bounded already. A lower number spreads clients over several servers sooner.
    /// The answer to the last one says `close`; what was pipelined behind it is answered 503.
    #[doc(alias = "maxRequestsPerSocket")]
    pub requests_max: u32,
}

/// Bounds on the head of a message.
///
/// ```
/// assert_eq!(hearken::proto::Limits::default().head.target_bytes_max, 8192);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadLimits {
    /// Start line and field lines with their line ends, in bytes. Default 32 KiB, for a client 256 KiB; more is answered
    /// 431. This is also the most memory that an unfinished head can hold.
    #[doc(alias = "maxHeaderSize")]
    pub bytes_max: u32,
    /// Request target in bytes. Default 8 KiB; more is answered 414.
    pub target_bytes_max: u32,
    /// Method in bytes. Default 32; more is answered 501.
    pub method_bytes_max: u32,
    /// Number of field lines. Default 100, for a client 2,000; more is answered 431.
    #[doc(alias = "maxHeadersCount")]
    pub fields_max: u32,
    /// Interim responses (1xx) to one request that a client receives before the final one. Default 128: twice as many as a
    /// server of this library sends.
    pub interims_max: u32,
}

/// Bounds on the body of a message, and on what is queued of it.
///
/// ```
/// assert_eq!(hearken::proto::Limits::default().body.buffered_bytes_max, 2 * 1024 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyLimits {
    /// Digits of one chunk size, leading zeros included. Default 8 KiB; more is answered 400.
    pub chunk_size_digits_max: u32,
    /// Extension bytes of one chunk. Default 256; more is answered 400.
    pub chunk_ext_bytes_max: u32,
    /// Extension bytes of all chunks of one body. Default 4 KiB; more is answered 400.
    pub chunk_ext_total_max: u32,
    /// Trailer section in bytes. Default 8 KiB, for a client 256 KiB; more is answered 431.
    pub trailer_bytes_max: u32,
    /// Number of trailer fields. Default 32, for a client 2,000; more is answered 431.
    pub trailer_fields_max: u32,
    /// A body that is collected into memory, in bytes. Default 2 MiB; more is answered 413. Streaming is not bounded.
    pub buffered_bytes_max: u64,
    /// Fields of a form that is parsed. Default 1,000; more is answered 413.
    pub form_fields_max: u32,
    /// Bytes of an unread body that are read and dropped to keep the connection. Default 256 KiB; a longer rest is dropped
    /// for `linger`, and the connection closes.
    pub drain_bytes_max: u64,
    /// Received bytes that wait for their reader before the transport is left unread. Default 64 KiB. For a server it also
    /// bounds what it wrote and the transport has not taken: above it `write` says stop. That bound begins at 16 KiB and
    /// grows to this one with a sixteenth of what the transport of the connection has taken.
    #[doc(alias = "highWaterMark")]
    pub queue_bytes: u64,
    /// Written bytes that wait for the transport. A handler that exceeds it without waiting for `drain` loses the
    /// connection. Default 16 MiB.
    pub write_queue_bytes_max: u64,
}

/// Bounds on time. A duration of zero means "at once", never "off".
///
/// ```
/// use core::time::Duration;
/// assert_eq!(hearken::proto::Limits::default().time.head, Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeLimits {
    /// The handshake of TLS, from accept on. Default 10 s; then closed.
    pub tls_handshake: Duration,
    /// A whole head, from accept for the first and from the first byte for the others. Default 10 s; then 408.
    #[doc(alias = "headersTimeout")]
    pub head: Duration,
    /// A whole request with its body, from where `head` counts too. Default 24 h, since the rates below bound it
    /// already: a shorter one ends long uploads, however fast they are. Then 408.
    #[doc(alias = "requestTimeout")]
    pub request: Duration,
    /// Between two reads of a body while the handler waits for it. Default 30 s; then 408.
    pub body_idle: Duration,
    /// Least average rate of a body while the handler waits for it, in bytes per second. Default 256.
    pub body_rate_min: u32,
    /// How long a body may be slower than `body_rate_min`. Default 10 s.
    pub body_rate_after: Duration,
    /// Without progress while there are bytes to write. Default 30 s; then the connection is dropped.
    pub write_idle: Duration,
    /// No byte in either direction during an exchange, whichever side is waiting. Default 24 h, since each
    /// phase above has its own bound; then the connection is closed.
    #[doc(alias = "timeout")]
    #[doc(alias = "setTimeout")]
    pub inactive: Duration,
    /// Between two exchanges. Default 15 s; then closed without a word.
    #[doc(alias = "keepAliveTimeout")]
    pub keep_alive: Duration,
    /// If set, responses carry `keep_alive` in whole seconds as `Keep-Alive: timeout=15`, and the connection is closed this
    /// much later: a client that obeys never sends on a connection that is being closed. Default `None`: no such field.
    #[doc(alias = "keepAliveTimeoutBuffer")]
    pub keep_alive_buffer: Option<Duration>,
    /// No byte in either direction after an upgrade or a CONNECT. Default 120 s; then closed. Settable for each connection:
    /// a protocol whose peers may be silent for longer sends something meanwhile, or has a longer time.
    #[doc(alias = "setTimeout")]
    pub upgraded_idle: Duration,
    /// Age at which a connection ends after its current exchange. Default 1 h, shortened by up to a tenth at random.
    pub connection_age: Duration,
    /// Reading and dropping what the peer still sends after the last byte of a response that closes, so that the peer can
    /// receive that response. Ends with the peer's direction. Default 30 s; after a missed deadline, and while the server
    /// stops, at most 2 s of it. Then closed.
    #[doc(alias = "lingering_time")]
    pub linger: Duration,
    /// Without a byte from the peer during `linger`. Default 5 s; then closed.
    #[doc(alias = "lingering_timeout")]
    pub linger_idle: Duration,
    /// From the start of a shutdown until open connections are dropped. Default 25 s.
    pub grace: Duration,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            bytes_max: 32 * 1024,
            target_bytes_max: 8 * 1024,
            method_bytes_max: 32,
            fields_max: 100,
            interims_max: 128,
        }
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            chunk_size_digits_max: 8 * 1024,
            chunk_ext_bytes_max: 256,
            chunk_ext_total_max: 4 * 1024,
            trailer_bytes_max: 8 * 1024,
            trailer_fields_max: 32,
            buffered_bytes_max: 2 * 1024 * 1024,
            form_fields_max: 1000,
            drain_bytes_max: 256 * 1024,
            queue_bytes: 64 * 1024,
            write_queue_bytes_max: 16 * 1024 * 1024,
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            requests_max: u32::MAX,
        }
    }
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            tls_handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            request: DAY,
            body_idle: Duration::from_secs(30),
            body_rate_min: 256,
            body_rate_after: Duration::from_secs(10),
            write_idle: Duration::from_secs(30),
            inactive: DAY,
            keep_alive: Duration::from_secs(15),
            keep_alive_buffer: None,
            upgraded_idle: Duration::from_secs(120),
            connection_age: Duration::from_secs(3600),
            linger: Duration::from_secs(30),
            linger_idle: Duration::from_secs(5),
            grace: Duration::from_secs(25),
        }
    }
}

impl TimeLimits {
    /// Timers so long that they never fire: for a debugger's session, never for a server that strangers reach.
    ///
    /// ```
    /// use hearken::proto::Limits;
    /// let mut limits = Limits::default();
    /// limits.time.dangerously_unlimited();
    /// ```
    pub const fn dangerously_unlimited(&mut self) {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
        self.tls_handshake = CENTURY;
        self.head = CENTURY;
        self.request = CENTURY;
        self.inactive = CENTURY;
        self.body_idle = CENTURY;
        self.body_rate_min = 0;
        self.write_idle = CENTURY;
        self.keep_alive = CENTURY;
        self.upgraded_idle = CENTURY;
        self.connection_age = CENTURY;
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// Declares the enum, its list and its rows together.
macro_rules! limits {
    ($($name:ident, $code:literal, $section:literal, $status:literal, $text:literal;)*) => {
        /// The limit that was passed.
        ///
        /// ```
        /// use hearken::proto::{Answer, Limit};
        /// assert_eq!(Limit::TargetBytes.answer(), Answer::Status(414));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit { $(#[doc = $text] $name,)* }

        impl Limit {
            /// Every limit that a message can pass, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            const fn row(self) -> Row {
                match self {
                    $(Self::$name => row($code, $section, $status, $text),)*
                }
            }
        }
    };
}

limits! {
    HeadBytes, "LIMIT_HEAD_BYTES", "RFC 6585 §5", 431, "the limit on the bytes of a head";
    TargetBytes, "LIMIT_TARGET_BYTES", "RFC 9110 §15.5.15", 414, "the limit on the bytes of a request target";
    MethodBytes, "LIMIT_METHOD_BYTES", "RFC 9112 §3", 501, "the limit on the bytes of a method";
    Fields, "LIMIT_FIELDS", "RFC 6585 §5", 431, "the limit on the number of fields";
    ChunkSizeDigits, "LIMIT_CHUNK_SIZE_DIGITS", "RFC 9112 §7.1", 400, "the limit on the digits of a chunk size";
    ChunkExtBytes, "LIMIT_CHUNK_EXT_BYTES", "RFC 9112 §7.1.1", 400, "the limit on the extension bytes of a chunk";
    ChunkExtTotal, "LIMIT_CHUNK_EXT_TOTAL", "RFC 9112 §7.1.1", 400, "the limit on the extension bytes of a body";
    TrailerBytes, "LIMIT_TRAILER_BYTES", "RFC 6585 §5", 431, "the limit on the bytes of a trailer section";
    TrailerFields, "LIMIT_TRAILER_FIELDS", "RFC 6585 §5", 431, "the limit on the number of trailer fields";
    Interims, "LIMIT_INTERIMS", "RFC 9110 §15.2", 0, "the limit on the number of interim responses";
}

impl Limit {
    /// The stable code.
    ///
    /// ```
    /// assert_eq!(hearken::proto::Limit::Fields.code(), "LIMIT_FIELDS");
    /// ```
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The section that allows the answer.
    ///
    /// ```
    /// assert_eq!(hearken::proto::Limit::Fields.section(), "RFC 6585 §5");
    /// ```
    #[must_use]
    pub const fn section(self) -> &'static str {
        self.row().section
    }

    /// The answer to the peer.
    ///
    /// ```
    /// use hearken::proto::{Answer, Limit};
    /// assert_eq!(Limit::HeadBytes.answer(), Answer::Status(431));
    /// ```
    #[must_use]
    pub const fn answer(self) -> Answer {
        self.row().answer
    }

    /// Its name in words.
    ///
    /// ```
    /// assert_eq!(hearken::proto::Limit::Fields.text(), "the limit on the number of fields");
    /// ```
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.row().text
    }
}
