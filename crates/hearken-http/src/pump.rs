//! Moves bytes between a connection and a transport, and nothing else. The one place where a connection meets tokio.
//!
//! Here: [`Pump`], for any `AsyncRead + AsyncWrite`. Not here: when to read, to flush and to close (`conn/endpoint.rs`),
//! what the bytes mean (`conn/`), who polls the pump (`server/worker.rs`, `client/agent/connection.rs`,
//! `session/mod.rs`).
//!
//! May know: `conn`, `net`, tokio.
//!
//! Must not know: messages, handlers, workers, agents.

use crate::conn::endpoint::{Endpoint, Next};
use crate::conn::output::{Output, SLICES};
use crate::conn::{Drive, Input};
use crate::net::transport::{AsBytes, SendFiles};
use bytes::BytesMut;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// Turns of one connection before the others get theirs, if its time is not over before. A turn reads once and writes once.
const TURNS: usize = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Pump<T, D, F = AsBytes> {
    pub(crate) transport: T,
    endpoint: Endpoint<D>,
    files: PhantomData<fn() -> F>,
}

impl<T, D, F> Pump<T, D, F> {
    pub(crate) const fn new(transport: T, drive: D) -> Self {
        Self {
            transport,
            endpoint: Endpoint::new(drive),
            files: PhantomData,
        }
    }

    pub(crate) const fn drive(&mut self) -> &mut D {
        self.endpoint.connection()
    }

    pub(crate) fn into_parts(self) -> (T, D) {
        (self.transport, self.endpoint.into_connection())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, D: Drive, F: SendFiles<T>> Pump<T, D, F> {
    /// The moment at which the pump must be polled again.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.endpoint.deadline()
    }

    /// Moves what can be moved. Ready when the connection is closed. `due`: the deadline has passed.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        due: bool,
        scratch: &mut [u8],
    ) -> Poll<()> {
        if due {
            self.endpoint.handle_timeout(cx, now);
        }
        let mut polled_app = false;
        for turn in 0..TURNS {
            let wanted = self.endpoint.wants_read();
            let read = wanted && self.read(cx, now, scratch);
            polled_app = !read;
            if polled_app {
                self.endpoint.poll_app(cx, now);
            }
            let wrote = self.write(cx, now);
            let mut next = self.endpoint.next(now);
            if next == Next::Shutdown {
                let shut = Pin::new(&mut self.transport).poll_shutdown(cx);
                next = self.endpoint.handle_shut(&shut, now);
            }
            if next == Next::Close {
                return Poll::Ready(());
            }
            // The application may have made room for input meanwhile: the transport is not watched then.
            if !read && !wrote && (wanted || !self.endpoint.wants_read()) {
                return Poll::Pending;
            }
            if self.endpoint.is_spent(turn > 0) {
                break;
            }
        }
        if !polled_app {
            self.endpoint.poll_app(cx, now); // input without end must not drown the order to stop
        }
        if !self.endpoint.go_on_later(cx) {
            give_way(cx);
        }
        Poll::Pending
    }

    /// Reads once. True if something came.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant, scratch: &mut [u8]) -> bool {
        let polled = if let Some(size) = self.endpoint.own_buffer() {
            let mut buffer = BytesMut::with_capacity(size);
            let polled = pin!(self.transport.read_buf(&mut buffer)).poll(cx);
            polled.map_ok(|_| {
                let input = buffer.freeze();
                self.endpoint.handle_input(&Input::Owned(&input), cx, now);
            })
        } else {
            let mut buffer = ReadBuf::new(scratch);
            let polled = Pin::new(&mut self.transport).poll_read(cx, &mut buffer);
            polled.map_ok(|()| {
                let input = Input::Borrowed(buffer.filled());
                self.endpoint.handle_input(&input, cx, now);
            })
        };
        if let Poll::Ready(Err(error)) = &polled {
            self.endpoint.handle_lost(error, cx, now);
        }
        polled.is_ready()
    }

    /// Writes once. True if the transport took something.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let written = match self.endpoint.output() {
            Some(output) => write_some::<T, F>(&mut self.transport, &output, cx),
            None => Poll::Pending,
        };
        let wrote = self.endpoint.handle_written(written, cx, now);
        if wrote || self.endpoint.wants_flush() {
            let flushed = Pin::new(&mut self.transport).poll_flush(cx);
            self.endpoint.handle_flushed(&flushed, wrote, cx, now);
        }
        wrote
    }
}

/// Wakes the task once its runtime has looked at the sockets and has run what was ready. To wake it at once would put it
/// into the queue before that.
#[cold]
fn give_way(cx: &mut Context<'_>) {
    // Its first poll hands the waker to the runtime.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

#[inline]
fn write_some<T: AsyncWrite + Unpin, F: SendFiles<T>>(
    transport: &mut T,
    output: &Output,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if let Some(single) = output.single() {
        Pin::new(transport).poll_write(cx, single)
    } else if let Some(file) = output.file() {
        F::poll_send(transport, cx, file)
    } else {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = output.slices(&mut slices);
        Pin::new(transport).poll_write_vectored(cx, &slices[..count])
    }
}

#[cfg(test)]
mod tests;
