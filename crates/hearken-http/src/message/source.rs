//! Where the body of an incoming message comes from: the exchange of a server, or that of a client.
//!
//! Here: [`Source`], which lets [`IncomingMessage`](crate::IncomingMessage) be one type for both, and [`ServerSource`]. Not
//! here: the message (`message/incoming.rs`), how a body is received (`conn/incoming.rs`).

use crate::conn::exchange::Exchange;
use crate::conn::incoming::Progress;
use crate::conn::listeners::Listeners;
use crate::error::Error;
use bytes::Bytes;
use hearken_proto::{Fields, Head};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The side that an [`IncomingMessage`](crate::IncomingMessage) came in on. Nobody else can implement it.
pub trait Source: sealed::Source {}

#[doc(hidden)]
pub mod sealed {
    //! Keeps the set of sources closed.

    use super::{Bytes, Context, Error, Fields, Head, Poll};

    /// What a message asks of its exchange.
    pub trait Source {
        /// Whose mistake a body is that is not as expected: that of the client who sent a request and waits for our
        /// answer, or that of a server we asked, for which our own client cannot be blamed.
        const IS_REQUEST: bool;
        /// The next piece of the body; `None` at its end.
        fn poll_data(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Error>>>;
        /// Of the piece that was taken last, this was not used: it comes first the next time.
        fn put_back(&mut self, piece: Bytes);
        /// The exchange is given up.
        fn destroy(&self);
        /// Whoever waited for a piece does so no more.
        fn stop_waiting(&mut self);
        /// The trailers that have come.
        fn trailers(&self) -> Fields;
        /// Whether the message has come to its end.
        fn is_complete(&self) -> bool;
        /// How much may be collected into memory.
        fn buffered_bytes_max(&self) -> u64;
        /// The message is dropped; its head's memory may be used again.
        fn release(&mut self, head: Option<Box<Head>>);
    }
}

/// The next piece of the body of a message.
pub(crate) async fn next_piece<S: Source>(source: &mut S) -> Result<Option<Bytes>, Error> {
    let mut waiting = Waiting {
        source,
        waits: false,
    };
    poll_fn(|cx| {
        let polled = waiting.source.poll_data(cx);
        waiting.waits = polled.is_pending();
        polled
    })
    .await
    .transpose()
}

/// Somebody waits for a piece of the body. Whoever stops waiting without it is no reader any more, and the timer of the
/// body does not run.
struct Waiting<'a, S: Source> {
    source: &'a mut S,
    waits: bool,
}

impl<S: Source> Drop for Waiting<'_, S> {
    fn drop(&mut self) {
        if self.waits {
            self.source.stop_waiting();
        }
    }
}

/// The exchange of a server, or of a session. It stays on its thread.
pub struct ServerSource {
    pub(crate) exchange: Rc<Exchange>,
}

impl Source for ServerSource {}

impl ServerSource {
    /// Whether listeners get nothing of the body.
    pub(crate) fn set_paused(&self, paused: bool) {
        self.exchange.order(|state, _| {
            state.incoming.paused = paused;
            // A listener that waits for more does so no longer; one that is resumed will ask again.
            if paused && state.listeners.resting().is_some_and(Listeners::reads) {
                state.incoming.wanted = false;
            }
        });
    }
}

impl sealed::Source for ServerSource {
    const IS_REQUEST: bool = true;

    fn poll_data(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.exchange.order(|state, _| state.poll_data(Some(cx)))
    }

    fn put_back(&mut self, piece: Bytes) {
        self.exchange.state().incoming.put_back(piece);
    }

    fn destroy(&self) {
        self.exchange.order(|state, _| state.destroy());
    }

    fn stop_waiting(&mut self) {
        self.exchange
            .order(|state, _| state.incoming.wanted = false);
    }

    fn trailers(&self) -> Fields {
        self.exchange.state().incoming.trailers.clone()
    }

    fn is_complete(&self) -> bool {
        matches!(self.exchange.state().incoming.progress, Progress::Complete)
    }

    fn buffered_bytes_max(&self) -> u64 {
        let state = self.exchange.state();
        state.limits(&self.exchange.env).body.buffered_bytes_max
    }

    fn release(&mut self, head: Option<Box<Head>>) {
        self.exchange.order(|state, _| {
            state.carrier.keep_head(head);
            state.incoming.paused = false; // nothing could resume it
            if matches!(state.incoming.progress, Progress::Open)
                && !state.listeners.resting().is_some_and(Listeners::reads)
            {
                state.incoming.abandon();
            }
        });
    }
}

impl fmt::Debug for ServerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSource")
    }
}
