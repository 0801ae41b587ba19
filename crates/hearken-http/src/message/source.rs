//! The exchange behind an incoming message: that of a server, or that of a client.
//!
//! Here: [`Source`], which makes [`IncomingMessage`](crate::IncomingMessage) one type for both, and [`ServerSource`]. Not
//! here: the message (`message/incoming.rs`), receiving a body (`conn/incoming.rs`).

use crate::conn::exchange::Exchange;
use crate::conn::incoming::Progress;
use crate::conn::listeners::Listeners;
use crate::error::Error;
use bytes::Bytes;
use hearken_proto::{Fields, Head};
use http::Method;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The side that received an [`IncomingMessage`](crate::IncomingMessage). Sealed.
pub trait Source: sealed::Source {}

#[doc(hidden)]
pub mod sealed {
    //! Keeps the set of sources closed.

    use super::{Bytes, Context, Error, Fields, Head, Poll};

    /// What a message needs of its exchange.
    pub trait Source {
        /// True for requests. Decides the status of an error about an unexpected body: 400 blames the client that sent
        /// the request, 502 the upstream server that sent the response.
        const IS_REQUEST: bool;
        /// Returns the next piece of the body; `None` at its end.
        fn poll_data(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Error>>>;
        /// Puts back the unused rest of the last piece: the next poll returns it.
        fn put_back(&mut self, piece: Bytes);
        /// Aborts the exchange.
        fn destroy(&self);
        /// The reader no longer waits for a piece.
        fn stop_waiting(&mut self);
        /// The trailers received.
        fn trailers(&self) -> Fields;
        /// Whether the end of the message was received.
        fn is_complete(&self) -> bool;
        /// Limit for collecting the body into memory.
        fn buffered_bytes_max(&self) -> u64;
        /// Fields of a form.
        fn form_fields_max(&self) -> u32;
        /// The head of the message.
        fn head(&self) -> &Head;
        /// The message is dropped.
        fn release(&mut self);
    }
}

/// Waits for the next piece of the body.
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

/// A reader that waits for a piece of the body. When it is dropped while waiting, the body has no reader, so
/// `limits.time.body_idle` stops.
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

/// The exchange of a server or of a session. Not `Send`.
pub struct ServerSource {
    pub(crate) exchange: Rc<Exchange>,
    /// In place of the method that was received.
    pub(crate) method: Option<Box<Method>>,
}

impl Source for ServerSource {}

impl ServerSource {
    /// Stops or resumes the delivery of the body to listeners.
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

    fn form_fields_max(&self) -> u32 {
        let state = self.exchange.state();
        state.limits(&self.exchange.env).body.form_fields_max
    }

    #[inline]
    fn head(&self) -> &Head {
        self.exchange.head()
    }

    fn release(&mut self) {
        self.exchange.order(|state, _| {
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
