//! The hook through which every step of every exchange is seen, with its time and its facts. It costs one flag test per step
//! when no observer is installed.

// Here: [`Observer`] and what it gets: [`Observation`], [`Step`]. Not here: the facts of an exchange (`facts.rs`), what calls
// the observer (`watch.rs`), recorders: this crate has none.

use crate::error::{Closed, Error, Failure};
pub use crate::event::facts::ExchangeFacts;
use crate::event::peer::Peer;
use hearken_proto::{FieldsRef, Head};
use std::time::{Duration, Instant};

/// Sees every step of every exchange, of a server ([`Server::observer`](crate::Server::observer)), of the connections of an
/// agent ([`AgentOptions::observer`](crate::client::AgentOptions::observer)) or of a session
/// ([`Session::observer`](crate::Session::observer)).
///
/// It is called on the thread that drives the connection, in the middle of its work: it must be quick, must not block, and
/// must not use the handles of the exchange. The steps of one connection come in the order in which they happened. A panic is
/// logged, and nothing else follows from it.
///
/// An access log needs no state of its own, since each observation has the [facts](ExchangeFacts) of its exchange:
///
/// ```
/// use hearken::Server;
/// use hearken::observe::{Observation, Observer, Step};
/// struct AccessLog;
/// impl Observer for AccessLog {
///     fn observe(&self, seen: &Observation<'_>) {
///         if let (Step::Ended { why }, Some(facts)) = (seen.step, seen.facts) {
///             let (method, target) = (facts.method().unwrap_or("-"), facts.url().unwrap_or("-"));
///             let (status, took) = (facts.status().unwrap_or(0), facts.began().elapsed());
///             eprintln!("{:?} {method} {target} {status} {} B {took:?} {why}", seen.peer, facts.content_out());
///         }
///     }
/// }
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.observer(AccessLog);
/// ```
pub trait Observer: Send + Sync + 'static {
    /// One step was taken.
    fn observe(&self, seen: &Observation<'_>);
}

/// One step of one exchange.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// When, on the monotonic clock. Within an exchange it never goes back.
    pub at: Instant,
    /// What the connection belongs to.
    pub side: Side,
    /// The other end of the connection. A session, and a client that could not connect, have a number of 0 and no address here.
    pub peer: &'a Peer,
    /// Number of the exchange on its connection, from 1 on; 0 for the connection itself.
    pub exchange: u32,
    /// What happened.
    pub step: Step<'a>,
    /// The label of the route that handles the request: [`ServerResponse::set_route`](crate::ServerResponse::set_route).
    pub route: Option<&'a str>,
    /// What is known of the exchange by now. `None` for the connection itself.
    pub facts: Option<&'a ExchangeFacts>,
}

/// What an observed connection belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Side {
    /// A server: requests come in.
    Server,
    /// An agent: responses come in.
    Client,
    /// A session, of either role.
    Session,
}

/// Which handler a request goes to: the one of the server, or the one for the event of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandlerKind {
    /// The handler of the server.
    Request,
    /// The handler for [`event::CheckContinue`](crate::event::CheckContinue).
    CheckContinue,
    /// The handler for [`event::CheckExpectation`](crate::event::CheckExpectation).
    CheckExpectation,
    /// The handler for [`event::Upgrade`](crate::event::Upgrade).
    Upgrade,
    /// The handler for [`event::Connect`](crate::event::Connect).
    Connect,
}

/// The steps, each with what is known at that moment. docs/events.md has their order. Those of reading and of writing may
/// interleave; what of the body has come with the head is seen before the handler is called.
///
/// ```
/// use hearken::Server;
/// use hearken::observe::{Observation, Observer, Step};
/// use std::sync::atomic::{AtomicU64, Ordering};
/// #[derive(Default)]
/// struct Uploaded(AtomicU64);
/// impl Observer for Uploaded {
///     fn observe(&self, seen: &Observation<'_>) {
///         if let Step::BodyEnd { bytes } = seen.step {
///             self.0.fetch_add(bytes, Ordering::Relaxed);
///         }
///     }
/// }
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.observer(Uploaded::default());
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// A server has accepted the connection; a session was attached to its transport.
    Accepted,
    /// A server has closed the connection right after it was accepted, because its client has too many
    /// ([`connections_per_address_max`](crate::Server::connections_per_address_max)). The only step of such a connection.
    Dropped {
        /// Number of connections that the client has open.
        open: usize,
    },
    /// A client has a new connection. What did not happen took no time.
    Connected {
        /// Looking up the name.
        resolve: Duration,
        /// Connecting.
        connect: Duration,
        /// Getting a tunnel from a proxy.
        proxy: Duration,
        /// The TLS handshake.
        tls: Duration,
    },
    /// The TLS handshake is complete. Left out without TLS.
    #[cfg(feature = "tls")]
    Secured {
        /// What both sides have agreed on.
        tls: &'a crate::tls::TlsInfo,
    },
    /// A client uses a connection again for this exchange.
    Reused,
    /// The first byte of an incoming message has come.
    FirstByte,
    /// Its start line is complete.
    Line,
    /// Its head is complete.
    Head {
        /// The head: of a request on a server, of a response on a client.
        head: &'a Head,
    },
    /// The handler is called.
    HandlerStart {
        /// Which one.
        kind: HandlerKind,
    },
    /// The first byte of its body has come. Left out when there is no body.
    FirstBodyByte,
    /// The incoming message is complete.
    BodyEnd {
        /// Bytes of the body, without framing.
        bytes: u64,
    },
    /// An interim response (1xx, except 101): sent by a server, received by a client.
    Interim {
        /// Its status.
        status: u16,
    },
    /// A client has encoded the head of its request.
    RequestHead {
        /// The method.
        method: &'a str,
        /// The target, in the form in which it is sent.
        target: &'a str,
        /// The fields that were set, without those that the encoder adds.
        fields: FieldsRef<'a>,
        /// Length of the content, if it is known before the content is sent.
        length: Option<u64>,
    },
    /// A server has encoded the head of its final response.
    ResponseHead {
        /// The status.
        status: u16,
        /// The reason phrase, if it was set.
        reason: Option<&'a str>,
        /// The fields that were set, without those that the encoder adds (Date, Content-Length, …).
        fields: FieldsRef<'a>,
        /// Length of the content, if it is known before the content is sent.
        length: Option<u64>,
    },
    /// The handler has ended by itself. Left out when the connection is lost first and the handler is dropped.
    HandlerEnd {
        /// The error that it returned, or its panic.
        failure: Option<&'a Failure>,
    },
    /// The transport took the first byte of the outgoing message.
    FirstWrite,
    /// The transport took the last byte of the head of the outgoing message.
    HeadFlushed,
    /// The transport took the last byte of the outgoing message.
    LastByteFlushed {
        /// Bytes of its content, without framing.
        content: u64,
        /// Bytes of the message from the first one of its head, with framing.
        wire: u64,
    },
    /// The exchange will not be complete: the peer broke the protocol, was too slow, or cannot be reached. A server may still
    /// respond. A client has no response, or a part of one.
    Failed {
        /// Why.
        error: &'a Error,
    },
    /// The transport goes to another protocol.
    Upgraded {
        /// Its name. `None` for a tunnel of CONNECT, and for a transport that was taken without a response.
        protocol: Option<&'a str>,
    },
    /// The exchange is over. The last step of each exchange, always, once.
    Ended {
        /// `Done`, or why it ended before its time.
        why: Closed,
    },
    /// The connection is closed.
    Closed {
        /// Why.
        why: Closed,
        /// Bytes that came in over the whole connection; those that a server read and dropped after its last response are not
        /// counted.
        bytes_in: u64,
        /// Bytes that went out over the whole connection.
        bytes_out: u64,
    },
}

impl Step<'_> {
    /// The name of the step, without its facts.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Dropped { .. } => "Dropped",
            Self::Connected { .. } => "Connected",
            #[cfg(feature = "tls")]
            Self::Secured { .. } => "Secured",
            Self::Reused => "Reused",
            Self::FirstByte => "FirstByte",
            Self::Line => "Line",
            Self::Head { .. } => "Head",
            Self::HandlerStart { .. } => "HandlerStart",
            Self::FirstBodyByte => "FirstBodyByte",
            Self::BodyEnd { .. } => "BodyEnd",
            Self::Interim { .. } => "Interim",
            Self::RequestHead { .. } => "RequestHead",
            Self::ResponseHead { .. } => "ResponseHead",
            Self::HandlerEnd { .. } => "HandlerEnd",
            Self::FirstWrite => "FirstWrite",
            Self::HeadFlushed => "HeadFlushed",
            Self::LastByteFlushed { .. } => "LastByteFlushed",
            Self::Failed { .. } => "Failed",
            Self::Upgraded { .. } => "Upgraded",
            Self::Ended { .. } => "Ended",
            Self::Closed { .. } => "Closed",
        }
    }
}
