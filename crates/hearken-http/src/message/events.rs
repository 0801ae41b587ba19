//! Server-sent events: what browsers read by `EventSource` (WHATWG HTML, "Server-sent events").
//!
//! Here: [`ServerResponse::events`] with [`EventStream`], the id with which a client comes back. Not here: one event as text
//! (`events/server_event.rs`), streams of bytes (`message/pipe.rs`).

mod server_event;

pub use server_event::ServerEvent;

use crate::conn::closing::Closing;
use crate::error::{Error, Failure};
use crate::message::incoming::IncomingMessage;
use crate::message::outgoing::OutgoingMessage;
use crate::message::response::{Sent, ServerResponse};
use bytes::Bytes;
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// The time between two comments that keep a quiet stream alive, by default: less than proxies wait for a byte, which is 30 s or more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

impl IncomingMessage {
    /// The id of the last event that the client has got: its Last-Event-ID field, which browsers send when they connect again.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     let next = req.last_event_id().and_then(|id| id.parse().ok()).map_or(0, |last: u64| last + 1);
    ///     res.end(format!("next: {next}"))
    /// });
    /// ```
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.header("last-event-id").filter(|id| !id.is_empty())
    }
}

impl ServerResponse {
    /// Begins a stream of server-sent events, and sends its head: `Content-Type: text/event-stream`, and `Cache-Control: no-cache`
    /// unless it was set. `X-Accel-Buffering: no` keeps proxies like nginx from holding events back.
    ///
    /// - A comment is sent after 15 s without an event, so that no proxy takes the stream for dead:
    ///   [`keep_alive`](EventStream::keep_alive).
    /// - The stream ends when the server begins to stop. The client connects again by itself, with the id of the last event:
    ///   [`IncomingMessage::last_event_id`].
    /// - When the client leaves, the handler is dropped.
    /// - No more is queued than the client takes: [`send`](EventStream::send) waits.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::ServerEvent;
    /// use std::time::Duration;
    ///
    /// // By hand.
    /// let server = Server::new(async |_req, res| {
    ///     let mut events = res.events();
    ///     let mut tick = tokio::time::interval(Duration::from_secs(60));
    ///     for number in 0_u64.. {
    ///         if events.wait_for(tick.tick()).await.is_none() {
    ///             break; // the server stops
    ///         }
    ///         events.send(ServerEvent::new(number.to_string()).name("tick").id(number.to_string())).await?;
    ///     }
    ///     Ok(events.end())
    /// });
    /// ```
    ///
    /// ```
    /// use hearken::{IncomingMessage, Sent, ServerResponse, Failure};
    /// # use futures_core::Stream;
    /// // From a stream, here one of texts.
    /// async fn news(_req: IncomingMessage, res: ServerResponse, news: impl Stream<Item = String>) -> Result<Sent, Failure> {
    ///     res.events().send_all(news).await
    /// }
    /// ```
    pub fn events(self) -> EventStream {
        let cache_control = self.has_header("cache-control");
        let res = self
            .set("Content-Type", "text/event-stream")
            .set("X-Accel-Buffering", "no");
        let res = match cache_control {
            true => res,
            false => res.set("Cache-Control", "no-cache"),
        };
        res.flush_headers();
        EventStream {
            closing: Closing::new(&res.exchange.env.draining),
            res,
            keep_alive: KEEP_ALIVE,
            timer: Box::pin(sleep(KEEP_ALIVE)),
        }
    }
}

/// A stream of server-sent events: [`ServerResponse::events`], which has examples. Dropped without [`end`](Self::end) in a handler
/// that fails, it is cut, and the client connects again.
#[must_use = "end it, and return the result from the handler"]
pub struct EventStream {
    res: ServerResponse,
    closing: Closing,
    keep_alive: Duration,
    timer: Pin<Box<Sleep>>,
}

impl EventStream {
    /// Sets the time without an event after which a comment is sent. Default 15 s; zero counts as 1 ms.
    pub fn keep_alive(mut self, every: Duration) -> Self {
        self.keep_alive = every.max(Duration::from_millis(1));
        self.rest();
        self
    }

    /// Sends an event: at once, or when the client has taken earlier ones.
    ///
    /// # Errors
    /// With status 500 when the name or the id of the event has a line end or a NUL; nothing is sent then. When the client has left.
    pub async fn send(&mut self, event: impl Into<ServerEvent>) -> Result<(), Error> {
        let event = event.into().into_bytes()?;
        self.write(event).await
    }

    async fn write(&mut self, event: Bytes) -> Result<(), Error> {
        let room = self.res.write(event);
        self.res.flush();
        if !room {
            self.res.drain().await?;
        }
        self.rest();
        Ok(())
    }

    /// Waits for `next`, the next thing to send, and keeps the stream alive meanwhile. `None` when the server begins to stop, when
    /// the client has left, and in the response to HEAD, which has no events.
    pub async fn wait_for<F: Future>(&mut self, next: F) -> Option<F::Output> {
        let mut next = pin!(next);
        loop {
            if !self.is_open() {
                return None;
            }
            let turn = poll_fn(|cx| {
                if let Poll::Ready(()) = Pin::new(&mut self.closing).poll(cx) {
                    return Poll::Ready(Turn::Over);
                }
                if let Poll::Ready(next) = next.as_mut().poll(cx) {
                    return Poll::Ready(Turn::Next(next));
                }
                if self.res.exchange.poll_closed(cx).is_ready() {
                    return Poll::Ready(Turn::Over);
                }
                self.timer.as_mut().poll(cx).map(|()| Turn::Quiet)
            });
            match turn.await {
                Turn::Next(next) => return Some(next),
                Turn::Over => return None,
                Turn::Quiet => self.write(Bytes::from_static(b":\n\n")).await.ok()?,
            }
        }
    }

    /// Sends all events of a stream: texts, or [`ServerEvent`]s. Ends with it, and when the server begins to stop.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_all<E: Into<ServerEvent>>(
        mut self,
        stream: impl Stream<Item = E>,
    ) -> Result<Sent, Failure> {
        let mut stream = pin!(stream);
        while let Some(Some(event)) = self
            .wait_for(poll_fn(|cx| stream.as_mut().poll_next(cx)))
            .await
        {
            self.send(event).await?;
        }
        Ok(self.end())
    }

    /// Ends the stream. Browsers connect again after their retry time; a client that is to stay away gets an event that says so before.
    pub fn end(self) -> Sent {
        self.res.end("")
    }

    fn rest(&mut self) {
        let next = Instant::now() + self.keep_alive;
        self.timer.as_mut().reset(next);
    }

    /// Whether the client gets what is written.
    fn is_open(&self) -> bool {
        let state = self.res.exchange.state();
        state.carrier.can_send_content() && !state.is_over()
    }
}

/// What a wait has come to.
enum Turn<T> {
    Next(T),
    Quiet,
    Over,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}
