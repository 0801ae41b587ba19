//! Moves bytes between a connection and a transport, and nothing else. The one place where a connection meets tokio.
//!
//! Here: [`Pump`], for any `AsyncRead + AsyncWrite`. Not here: what the bytes mean (`conn/`), who polls the pump
//! (`server/worker.rs` for servers, `session/mod.rs` for sessions).
//!
//! May know: `conn`, `net`, tokio.
//!
//! Must not know: messages, handlers, workers, agents.

use crate::conn::output::{Output, SLICES};
use crate::conn::{Drive, Ending, Input};
use crate::net::file::FilePiece;
use crate::net::file_reader::FileReader;
use crate::net::transport::{AsBytes, SendFiles};
use bytes::BytesMut;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// A body of which at least this much is to come is read into buffers of its own, which are handed on without a copy.
const OWN_BUFFER_MIN: u64 = 16 * 1024;
const OWN_BUFFER_MAX: usize = 64 * 1024;

/// Turns of one connection before the others get theirs.
const TURNS: usize = 16;

/// Reading on after our end was sent.
#[derive(Debug)]
struct Linger {
    until: Instant,
    bytes_left: u64,
    shut: bool,
    eof: bool,
}

/// What the pump itself has to wait for. Rare, so it is apart.
#[derive(Debug)]
enum Late {
    /// The transport, TLS say, has taken bytes and cannot pass them on. Not for longer than until then.
    Flush(Instant),
    Linger(Linger),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pump<T, D, F = AsBytes> {
    transport: T,
    drive: D,
    late: Option<Box<Late>>,
    files: PhantomData<fn() -> F>,
}

impl<T, D, F> Pump<T, D, F> {
    pub(crate) const fn drive(&mut self) -> &mut D {
        &mut self.drive
    }

    pub(crate) const fn transport(&self) -> &T {
        &self.transport
    }

    #[cfg(feature = "client")]
    pub(crate) const fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    pub(crate) fn into_parts(self) -> (T, D) {
        (self.transport, self.drive)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, D: Drive, F: SendFiles<T>> Pump<T, D, F> {
    pub(crate) const fn new(transport: T, drive: D) -> Self {
        Self {
            transport,
            drive,
            late: None,
            files: PhantomData,
        }
    }

    /// The moment at which the pump wants to be polled again.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.late.as_deref() {
            None => self.drive.deadline(),
            Some(Late::Linger(linger)) => Some(linger.until),
            Some(Late::Flush(until)) => {
                let drive = self.drive.deadline();
                Some(drive.map_or(*until, |at| at.min(*until)))
            }
        }
    }

    /// Moves what can be moved. Ready when the connection is closed. `due` tells that the deadline has passed.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        due: bool,
        scratch: &mut [u8],
    ) -> Poll<()> {
        if let Some(Late::Linger(_)) = self.late.as_deref() {
            return self.poll_linger(cx, now, scratch);
        }
        if due {
            self.drive.handle_timeout(cx, now);
        }
        for _ in 0..TURNS {
            let wanted = self.drive.wants_read();
            let read = wanted && self.read(cx, now, scratch);
            if !read {
                self.drive.poll_app(cx, now);
            }
            let wrote = self.write(cx, now);
            if let Some(ending) = self.drive.ending() {
                if self.late.is_some() && self.waits_for_flush(ending) {
                    return Poll::Pending; // until the last byte is out, or its time
                }
                return self.close(ending, cx, now, scratch);
            }
            // The application may have made room for input meanwhile: nobody watches the transport then.
            if !read && !wrote && (wanted || !self.drive.wants_read()) {
                return Poll::Pending;
            }
        }
        self.drive.poll_app(cx, now); // input without end must not drown the order to stop
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once. True if something came.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant, scratch: &mut [u8]) -> bool {
        let left = self.drive.body_left();
        let count = if left >= OWN_BUFFER_MIN {
            let mut buffer = BytesMut::with_capacity(
                usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .min(OWN_BUFFER_MAX),
            );
            let polled = pin!(self.transport.read_buf(&mut buffer)).poll(cx);
            if let Poll::Ready(Ok(1..)) = polled {
                self.drive
                    .handle_input(&Input::Owned(&buffer.freeze()), cx, now);
            }
            polled
        } else {
            let mut buffer = ReadBuf::new(scratch);
            let polled = Pin::new(&mut self.transport)
                .poll_read(cx, &mut buffer)
                .map_ok(|()| buffer.filled().len());
            if let Poll::Ready(Ok(count @ 1..)) = polled {
                self.drive
                    .handle_input(&Input::Borrowed(&scratch[..count]), cx, now);
            }
            polled
        };
        match count {
            Poll::Pending => false,
            Poll::Ready(Ok(0)) => {
                self.drive.handle_eof(cx, now);
                true
            }
            Poll::Ready(Ok(_)) => true,
            Poll::Ready(Err(error)) => {
                self.drive.handle_lost(&error, cx, now);
                true
            }
        }
    }

    /// Writes what the transport takes. True if it took something.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let (mut lost, mut files) = (None, 0);
        let transport = &mut self.transport;
        let wrote = self.drive.poll_write(
            &mut |output| match write_some::<T, F>(transport, output, &mut files, cx) {
                Poll::Ready(Ok(count)) => Some(count),
                Poll::Ready(Err(error)) => {
                    lost = Some(error);
                    None
                }
                Poll::Pending => None,
            },
            now,
        );
        if let Some(error) = lost {
            self.late = None;
            self.drive.handle_unwritable(&error, cx, now);
        } else if wrote || self.late.is_some() {
            self.flush(wrote, cx, now);
        }
        wrote
    }

    /// Transports with a buffer of their own, TLS say, must pass it on, and may have to wait for room as a write does.
    fn flush(&mut self, wrote: bool, cx: &mut Context<'_>, now: Instant) {
        match Pin::new(&mut self.transport).poll_flush(cx) {
            Poll::Ready(Ok(())) => self.late = None,
            Poll::Ready(Err(error)) => {
                self.late = None;
                self.drive.handle_unwritable(&error, cx, now);
            }
            Poll::Pending => match self.late.as_deref_mut() {
                Some(Late::Flush(until)) if wrote => *until = now + self.drive.write_idle(),
                Some(Late::Flush(until)) if now < *until => {}
                Some(_) => {
                    self.late = None;
                    self.drive.handle_stuck(cx, now);
                }
                None => {
                    let until = now + self.drive.write_idle();
                    self.late = Some(Box::new(Late::Flush(until)));
                }
            },
        }
    }

    /// Whether what the transport holds back is worth waiting for at this ending. A client that is done waits for nobody.
    fn waits_for_flush(&self, ending: Ending) -> bool {
        match ending {
            Ending::Linger | Ending::Keep | Ending::HandOver => true,
            Ending::Now => !self.drive.linger().0.is_zero(),
            Ending::Cut => false,
        }
    }

    fn close(
        &mut self,
        ending: Ending,
        cx: &mut Context<'_>,
        now: Instant,
        scratch: &mut [u8],
    ) -> Poll<()> {
        if ending == Ending::HandOver {
            return Poll::Ready(()); // the task takes both apart
        }
        if matches!(ending, Ending::Keep | Ending::Cut) {
            self.drive.handle_closed(now);
            return Poll::Ready(());
        }
        if ending == Ending::Now {
            // What matters is gone or was told; the end of our direction is sent as a courtesy.
            let _ = Pin::new(&mut self.transport).poll_shutdown(cx);
            self.drive.handle_closed(now);
            return Poll::Ready(());
        }
        let (time, bytes_left) = self.drive.linger();
        self.late = Some(Box::new(Late::Linger(Linger {
            until: now + time,
            bytes_left,
            shut: false,
            eof: self.drive.at_eof(),
        })));
        self.poll_linger(cx, now, scratch)
    }

    /// Sends our end, then reads and drops until the peer ends too, or has had enough time or bytes.
    fn poll_linger(&mut self, cx: &mut Context<'_>, now: Instant, scratch: &mut [u8]) -> Poll<()> {
        let Some(Late::Linger(linger)) = self.late.as_deref_mut() else {
            return Poll::Ready(());
        };
        self.drive.poll_app(cx, now);
        linger.eof |= self.drive.ending() != Some(Ending::Linger); // the server has no time left for courtesies
        if !linger.shut {
            match Pin::new(&mut self.transport).poll_shutdown(cx) {
                Poll::Ready(Ok(())) => linger.shut = true,
                Poll::Ready(Err(_)) => linger.eof = true,
                Poll::Pending if now < linger.until => return Poll::Pending,
                Poll::Pending => linger.eof = true,
            }
        }
        while !linger.eof && linger.bytes_left > 0 && now < linger.until {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut self.transport).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    linger.bytes_left = linger
                        .bytes_left
                        .saturating_sub(buffer.filled().len() as u64);
                }
                Poll::Ready(_) => linger.eof = true,
            }
        }
        self.drive.handle_closed(now);
        Poll::Ready(())
    }
}

#[inline]
fn write_some<T: AsyncWrite + Unpin, F: SendFiles<T>>(
    transport: &mut T,
    output: &Output,
    files: &mut u32,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let polled = if let Some(single) = output.single() {
        Pin::new(transport).poll_write(cx, single)
    } else if let Some(file) = output.file() {
        if std::mem::replace(files, 1) > 0 {
            return Poll::Pending; // the pump takes another turn: a fast peer must not keep the others waiting
        }
        write_file::<T, F>(transport, file, cx)
    } else {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = output.slices(&mut slices);
        Pin::new(transport).poll_write_vectored(cx, &slices[..count])
    };
    match polled {
        Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        polled => polled,
    }
}

/// Writes some of a file.
#[cold]
fn write_file<T: AsyncWrite + Unpin, F: SendFiles<T>>(
    transport: &mut T,
    file: &FilePiece,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if let Some(polled) = F::poll_send_file(transport, cx, file) {
        return polled;
    }
    let bytes = ready!(file.poll_bytes(FileReader::boxed, cx))?;
    Pin::new(transport).poll_write(cx, &bytes)
}

#[cfg(test)]
mod tests;
