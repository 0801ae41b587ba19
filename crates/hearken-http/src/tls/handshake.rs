//! The server's handshake on any transport, and what a client gets that does not speak TLS.
//!
//! Here: [`accept`], [`Sniffed`], [`Turns`], [`farewell`]. Not here: deadlines and the place in a worker (`serving.rs`).

use super::error::TlsError;
use super::info::TlsInfo;
use super::refusal::watch;
use super::server::ServerTls;
use bytes::{Buf, Bytes, BytesMut};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// What is read to see who is there; most hellos fit.
const HELLO: usize = 2048;

/// Handshakes of one worker that compute in one turn of its loop, before the connections that it serves go on. One
/// takes tenths of a millisecond, with RSA more.
const PER_TURN: usize = 8;

/// Whose turn it is to compute. Not whose turn it is to wait: a client that is slow, or sends nothing, holds up nobody.
#[derive(Debug)]
pub(crate) struct Turns(Semaphore);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(PER_TURN))
    }
}

/// Why there is no connection.
pub(crate) struct Failed<T> {
    /// `None`: the peer has left without a word, which is no failure of anybody.
    pub(crate) error: Option<TlsError>,
    /// To say good-bye on.
    pub(crate) transport: Option<Sniffed<T>>,
    /// What it is told, if TLS has not told it.
    pub(crate) parting: Parting,
}

/// The last word to a client that could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// None, or the alert that is out.
    Silent,
    /// It speaks HTTP without TLS.
    PlainHttp,
    /// It speaks a version of TLS before 1.2, by the number that it knows it by.
    OldVersion(u8),
}

/// The handshake. The certificate is chosen, and the settings are taken, when the client's first message is there.
pub(crate) async fn accept<T>(
    tls: &ServerTls,
    turns: &Turns,
    transport: T,
) -> Result<(TlsStream<Sniffed<T>>, TlsInfo), Failed<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let transport = Sniffed::sniff(transport).await?;
    let stranger = match transport.first_word() {
        Parting::Silent => None,
        Parting::PlainHttp => Some(TlsError::plain_http()),
        Parting::OldVersion(_) => Some(TlsError::old_version()),
    };
    if stranger.is_some() {
        return Err(Failed {
            error: stranger,
            parting: transport.first_word(),
            transport: Some(transport),
        });
    }
    let mut hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), transport);
    let start = match (&mut hello).await {
        Ok(start) => start,
        Err(error) => {
            return Err(Failed {
                error: Some(TlsError::handshake(error, None)),
                transport: hello.take_io(),
                parting: Parting::Silent,
            });
        }
    };
    let turn = turns.0.acquire().await;
    let mut handshake = pin!(watch(start.into_stream(tls.config()).into_fallible()));
    // The expensive part is in the first poll: the key exchange and the signature.
    let first = poll_fn(|cx| Poll::Ready(handshake.as_mut().poll(cx))).await;
    if first.is_pending() {
        tokio::task::yield_now().await;
    }
    drop(turn);
    let (done, refusal) = match first {
        Poll::Ready(done) => done,
        Poll::Pending => handshake.await,
    };
    match done {
        Ok(stream) => {
            let session = stream.get_ref().1;
            let info = TlsInfo::new(session, session.server_name());
            Ok((stream, info))
        }
        Err((error, transport)) => Err(Failed {
            error: Some(TlsError::handshake(error, refusal)),
            transport: Some(transport),
            parting: Parting::Silent,
        }),
    }
}

/// Tells a client of plain HTTP what to do, and lets whatever was sent to it arrive: an early close could destroy it
/// (RFC 9112 §9.6).
pub(crate) async fn farewell<T>(mut transport: Sniffed<T>, parting: Parting, mut bytes_max: u64)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let words = match parting {
        Parting::Silent => Vec::new(),
        Parting::PlainHttp => plain_answer(transport.head.starts_with(b"HEAD ")).into_bytes(),
        // A record with an alert: fatal, protocol_version (RFC 8446 §6.2). rustls would name another reason.
        Parting::OldVersion(minor) => vec![0x15, 3, minor, 0, 2, 2, 70],
    };
    if transport.write_all(&words).await.is_err() {
        return;
    }
    if transport.shutdown().await.is_err() {
        return;
    }
    let mut dropped = [0; 1024];
    while bytes_max > 0 {
        match transport.read(&mut dropped).await {
            Ok(count @ 1..) => bytes_max = bytes_max.saturating_sub(count as u64),
            _ => return,
        }
    }
}

fn plain_answer(head_only: bool) -> String {
    let text =
        "this port speaks https, and the request came as plain http: use https:// in its address\n";
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\nDate: {date}\r\n\r\n{}",
        text.len(),
        if head_only { "" } else { text },
    )
}

/// A transport of which the first bytes have been looked at. They come first when it is read.
#[derive(Debug)]
pub(crate) struct Sniffed<T> {
    io: T,
    head: Bytes,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Sniffed<T> {
    async fn sniff(mut io: T) -> Result<Self, Failed<T>> {
        let mut head = BytesMut::with_capacity(HELLO);
        let error = match io.read_buf(&mut head).await {
            Ok(0) => None,
            Ok(_) => {
                let head = head.freeze();
                return Ok(Self { io, head });
            }
            Err(error) => Some(TlsError::handshake(error, None)),
        };
        Err(Failed {
            error,
            transport: None,
            parting: Parting::Silent,
        })
    }

    /// Who it is, as far as the first bytes tell. A record of TLS begins with its type, 20 to 24; what begins with a letter
    /// is a method. A hello (RFC 8446 §4.1.2) has the best old version behind the lengths of record and message; whoever
    /// knows 1.2 or later says 3.3 there.
    fn first_word(&self) -> Parting {
        match *self.head {
            [b'A'..=b'Z' | b'a'..=b'z', ..] => Parting::PlainHttp,
            [0x16, 3, _, _, _, 1, _, _, _, 3, minor @ 0..=2, ..] => Parting::OldVersion(minor),
            _ => Parting::Silent,
        }
    }
}

impl<T> Sniffed<T> {
    pub(crate) const fn get_ref(&self) -> &T {
        &self.io
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Sniffed<T> {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.head.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let count = self.head.len().min(buf.remaining());
        buf.put_slice(&self.head[..count]);
        self.head.advance(count);
        if self.head.is_empty() {
            self.head = Bytes::new(); // gives its memory back
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Sniffed<T> {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
