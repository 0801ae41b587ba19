//! The scripts of hostile servers, as plain data.
//!
//! Here: [`Step`], [`Script`], [`Behaviour`] and its parts. Not here: the behaviours (`behaviours/`), their execution
//! (`actor.rs`).

use super::requests::Seen;
use std::fmt;
use std::sync::Arc;

/// A named way to misbehave.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// The name of the constant.
    pub name: &'static str,
    /// The request that shows it.
    pub ask: Ask,
    /// The outcome in a careful client.
    pub verdict: Verdict,
    /// What the server does in each exchange.
    pub script: fn(&Turn) -> Vec<Step>,
}

/// The request that a client should send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `GET` by HTTP.
    Get,
    /// `HEAD` by HTTP.
    Head,
    /// `POST` with a body of a megabyte or more, of known length.
    Post,
    /// The same, with `Expect: 100-continue`.
    PostExpecting,
    /// `GET` with `Connection: Upgrade` and `Upgrade: echo`.
    Upgrade,
    /// `CONNECT`, or `GET` by HTTPS with this server as its proxy.
    Connect,
    /// `GET` by HTTPS.
    Tls,
    /// `GET`, and another one on the same connection after the first.
    GetTwice,
}

/// The outcome in a careful client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no connection, or no valid response on it: an error and nothing else.
    NoResponse,
    /// There is a response, and its body ends in an error: it must not look complete.
    BrokenBody,
    /// Valid but slow: only a time limit ends it.
    TooSlow,
    /// Valid but too much: a limit on bytes, fields, responses or redirects ends it.
    TooMuch,
    /// A valid response with this status and this content. The client hides the bytes around it.
    Good(u16, &'static str),
}

/// The place in a script: connection and exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Number of the connection, from 0.
    pub connection: usize,
    /// Number of the exchange on this connection, from 0.
    pub exchange: usize,
}

/// The steps of each exchange: a function, so that the second connection can differ from the first.
#[derive(Clone)]
pub struct Script(Arc<Steps>);

type Steps = dyn Fn(&Turn) -> Vec<Step> + Send + Sync;

impl Script {
    pub(super) fn new(script: impl Fn(&Turn) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self(Arc::new(script))
    }

    pub(super) fn steps(&self, turn: &Turn) -> Vec<Step> {
        (self.0)(turn)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

/// One step. After the last step of an exchange the next exchange begins on the same connection; an empty list closes it.
#[derive(Clone)]
pub enum Step {
    /// First of all steps: the port refuses connections.
    NotListening,
    /// First of all steps: the queue of the listener is full, and the server accepts no connection from it.
    NotAccepting,
    /// Reads anything.
    Anything,
    /// Reads until the head of this exchange's request is complete.
    Head,
    /// Reads until the whole request is complete.
    Request,
    /// Writes.
    Say(Vec<u8>),
    /// Writes bytes that depend on the request of this exchange.
    Reply(Reply),
    /// Writes one byte each tick.
    Drip(Vec<u8>),
    /// Writes the same again and again, at most [`Step::ENDLESS_BYTES`] in all.
    Endless(Vec<u8>),
    /// Writes the same again and again, one piece each tick.
    EndlessSlowly(Vec<u8>),
    /// Waits for this many ticks, and reads meanwhile.
    Wait(u32),
    /// Reads until the client ends the connection.
    Listen,
    /// Neither reads nor writes any more.
    Deaf,
    /// Sends the end of this direction.
    HalfClose,
    /// Closes. Received bytes that the script has not read turn this into a reset, as with any server.
    Close,
    /// Sends a reset.
    Reset,
}

/// Bytes that depend on a request.
pub(super) type Reply = Arc<dyn Fn(&Seen) -> Vec<u8> + Send + Sync>;

impl Step {
    /// The bound of an endless step, 64 MiB: a client without a limit fails a test and does not fill the machine.
    pub const ENDLESS_BYTES: u64 = 64 << 20;

    /// [`Step::Say`].
    pub fn say(bytes: impl AsRef<[u8]>) -> Self {
        Self::Say(bytes.as_ref().to_vec())
    }

    /// [`Step::Reply`].
    pub fn reply(with: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::Reply(Arc::new(with))
    }

    /// [`Step::Endless`], joined to pieces of a useful size.
    pub fn endless(piece: impl AsRef<[u8]>) -> Self {
        let piece = piece.as_ref();
        Self::Endless(piece.repeat((16_384 / piece.len().max(1)).max(1)))
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Say(bytes) => ("Say", bytes),
            Self::Drip(bytes) => ("Drip", bytes),
            Self::Endless(bytes) => ("Endless", bytes),
            Self::EndlessSlowly(bytes) => ("EndlessSlowly", bytes),
            Self::Wait(ticks) => return write!(f, "Wait({ticks})"),
            Self::Reply(_) => return f.write_str("Reply"),
            Self::NotListening => return f.write_str("NotListening"),
            Self::NotAccepting => return f.write_str("NotAccepting"),
            Self::Anything => return f.write_str("Anything"),
            Self::Head => return f.write_str("Head"),
            Self::Request => return f.write_str("Request"),
            Self::Listen => return f.write_str("Listen"),
            Self::Deaf => return f.write_str("Deaf"),
            Self::HalfClose => return f.write_str("HalfClose"),
            Self::Close => return f.write_str("Close"),
            Self::Reset => return f.write_str("Reset"),
        };
        let shown = &bytes[..bytes.len().min(60)];
        write!(f, "{name}({:?})", String::from_utf8_lossy(shown))
    }
}
