//! A connection's two directions in memory.
//!
//! Here: [`pipe`], its [`ServerEnd`], which is a transport like a socket, and its [`ClientEnd`], which a test holds. Not
//! here: what the bytes mean.

use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Both directions. Behind a lock, because a handler may send the transport of an upgrade to another thread.
#[derive(Debug)]
struct Pipe {
    /// Bytes on their way to the server.
    to_server: BytesMut,
    /// The client sends no more.
    client_ended: bool,
    /// The connection broke: reads of the server fail with this kind, and writes fail too.
    lost: Option<io::ErrorKind>,
    /// Waits for bytes from the client.
    reader: Option<Waker>,
    /// Bytes that the client has received and not taken yet.
    to_client: BytesMut,
    /// How many more bytes the client receives.
    room: usize,
    end: Option<End>,
    /// Waits for room.
    writer: Option<Waker>,
}

/// How the server has ended its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order: the peer reads all bytes, then the end of the stream.
    Closed,
    /// By dropping the transport: on a socket the peer sees a reset.
    Cut,
}

/// The transport of a server's connection. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct ServerEnd(Arc<Mutex<Pipe>>);

/// The other end. Dropping it ends the input of the server.
#[derive(Debug)]
pub(crate) struct ClientEnd(Arc<Mutex<Pipe>>);

/// Two ends of a new connection. The client receives all that the server sends.
pub(crate) fn pipe() -> (ClientEnd, ServerEnd) {
    let pipe = Arc::new(Mutex::new(Pipe {
        to_server: BytesMut::new(),
        client_ended: false,
        lost: None,
        reader: None,
        to_client: BytesMut::new(),
        room: usize::MAX,
        end: None,
        writer: None,
    }));
    (ClientEnd(Arc::clone(&pipe)), ServerEnd(pipe))
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner) // no call in between can leave it inconsistent
}

impl ClientEnd {
    pub(crate) fn send(&self, bytes: &[u8]) {
        let mut pipe = lock(&self.0);
        if pipe.end.is_none() && !pipe.client_ended && pipe.lost.is_none() {
            pipe.to_server.extend_from_slice(bytes);
        }
        wake(pipe, |pipe| &mut pipe.reader);
    }

    /// The client sends no more.
    pub(crate) fn end(&self) {
        let mut pipe = lock(&self.0);
        pipe.client_ended = true;
        wake(pipe, |pipe| &mut pipe.reader);
    }

    /// The connection breaks: the server can read and write no more.
    pub(crate) fn lose(&self, kind: io::ErrorKind) {
        let mut pipe = lock(&self.0);
        pipe.to_server.clear();
        pipe.lost = Some(kind);
        let wakers = [pipe.reader.take(), pipe.writer.take()];
        drop(pipe);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// The client receives `bytes` more.
    pub(crate) fn set_room(&self, bytes: usize) {
        let mut pipe = lock(&self.0);
        pipe.room = bytes;
        wake(pipe, |pipe| &mut pipe.writer);
    }

    /// Calls `take` with all bytes that were received and not taken yet; it returns how many it takes.
    pub(crate) fn receive<E>(
        &self,
        take: impl FnOnce(&[u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let mut pipe = lock(&self.0);
        let taken = take(&pipe.to_client)?;
        pipe.to_client.advance(taken);
        Ok(taken)
    }

    /// Takes all bytes that were received.
    pub(crate) fn take_all(&self) -> BytesMut {
        std::mem::take(&mut lock(&self.0).to_client)
    }

    /// Bytes that were sent and that the server has not read.
    pub(crate) fn unread(&self) -> usize {
        lock(&self.0).to_server.len()
    }

    /// How the server has ended its direction, if it has.
    pub(crate) fn ending(&self) -> Option<End> {
        lock(&self.0).end
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        let mut pipe = lock(&self.0);
        pipe.client_ended = true;
        pipe.room = usize::MAX; // a socket accepts bytes after its reader has closed, too
        let wakers = [pipe.reader.take(), pipe.writer.take()];
        drop(pipe);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

fn wake(mut pipe: MutexGuard<'_, Pipe>, waker: impl FnOnce(&mut Pipe) -> &mut Option<Waker>) {
    let waker = waker(&mut pipe).take();
    drop(pipe);
    waker.into_iter().for_each(Waker::wake);
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        lock(&self.0).end.get_or_insert(End::Cut);
    }
}

impl AsyncRead for ServerEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.0);
        if let Some(kind) = pipe.lost {
            return Poll::Ready(Err(kind.into()));
        }
        if pipe.to_server.is_empty() && !pipe.client_ended {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = pipe.to_server.len().min(buffer.remaining());
        buffer.put_slice(&pipe.to_server[..count]);
        pipe.to_server.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ServerEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.0);
        if pipe.lost.is_some() || pipe.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(pipe.room);
        if count == 0 && !bytes.is_empty() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if pipe.room != usize::MAX {
            pipe.room -= count;
        }
        pipe.to_client.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).end.get_or_insert(End::Closed);
        Poll::Ready(Ok(()))
    }
}
