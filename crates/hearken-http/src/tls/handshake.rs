//! The server's handshake on any transport, and the response to a client that does not speak TLS 1.2 or later.
//!
//! Here: [`accept`], [`HandshakePermits`], [`reject`]. Not here: deadlines and the place in a worker (`server/tls.rs`).

use super::error::TlsError;
use super::info::TlsInfo;
use super::rejection::capture;
use super::server::ServerTls;
use crate::date::HttpDate;
use crate::net::rewind::Rewind;
use crate::net::transport::Transport;
use bytes::BytesMut;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// Bytes that are read to recognise the protocol of the client. Most ClientHello messages fit.
const HELLO_BYTES: usize = 2048;

/// Handshakes that one worker computes in one turn of its event loop, before it goes on to serve its connections. One
/// takes tenths of a millisecond, with RSA more.
const PER_TURN: usize = 8;

/// Limits the handshakes that compute in one turn of the event loop. Handshakes that wait for their client need no permit,
/// so a slow client delays no other.
#[derive(Debug)]
pub(crate) struct HandshakePermits(Semaphore);

impl HandshakePermits {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(PER_TURN))
    }
}

/// A handshake that failed.
pub(crate) struct Failed<T> {
    /// `None` when the client has closed the connection without sending a byte, which is not an error.
    pub(crate) error: Option<TlsError>,
    /// The transport, if it can still send `rejection`.
    pub(crate) transport: Option<Rewind<T>>,
    pub(crate) rejection: Rejection,
}

/// What to send to a client whose handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Nothing: rustls has sent an alert, or there is none to send.
    Silent,
    /// A response in plain HTTP, which the client speaks.
    PlainHttp,
    /// An alert for a client of TLS before 1.2, with the minor version number that the client uses.
    OldVersion(u8),
}

impl<T: Transport> Transport for TlsStream<Rewind<T>> {
    fn cut(&self) {
        self.get_ref().0.get_ref().cut();
    }
}

/// Runs the handshake. Settings and certificate are chosen when the client's first message has arrived.
pub(crate) async fn accept<T>(
    tls: &ServerTls,
    permits: &HandshakePermits,
    transport: T,
) -> Result<(TlsStream<Rewind<T>>, TlsInfo), Failed<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let transport = read_ahead(transport).await?;
    let rejection = recognise(transport.prefix());
    let error = match rejection {
        Rejection::Silent => None,
        Rejection::PlainHttp => Some(TlsError::plain_http()),
        Rejection::OldVersion(_) => Some(TlsError::old_version()),
    };
    if error.is_some() {
        return Err(Failed {
            error,
            transport: Some(transport),
            rejection,
        });
    }
    let mut hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), transport);
    let start = match (&mut hello).await {
        Ok(start) => start,
        Err(error) => {
            return Err(Failed {
                error: Some(TlsError::handshake(error, None)),
                transport: hello.take_io(),
                rejection: Rejection::Silent,
            });
        }
    };
    let permit = permits.0.acquire().await;
    let mut handshake = pin!(capture(start.into_stream(tls.config()).into_fallible()));
    // The first poll does the expensive work: the key exchange and the signature.
    let first = poll_fn(|cx| Poll::Ready(handshake.as_mut().poll(cx))).await;
    if first.is_pending() {
        tokio::task::yield_now().await;
    }
    drop(permit);
    let (done, certificate) = match first {
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
            error: Some(TlsError::handshake(error, certificate)),
            transport: Some(transport),
            rejection: Rejection::Silent,
        }),
    }
}

/// Reads the first bytes of a client.
async fn read_ahead<T: AsyncRead + Unpin>(mut io: T) -> Result<Rewind<T>, Failed<T>> {
    let mut first = BytesMut::with_capacity(HELLO_BYTES);
    let error = match io.read_buf(&mut first).await {
        Ok(0) => None,
        Ok(_) => return Ok(Rewind::new(io, first.freeze())),
        Err(error) => Some(TlsError::handshake(error, None)),
    };
    Err(Failed {
        error,
        transport: None,
        rejection: Rejection::Silent,
    })
}

/// Recognises clients that cannot succeed by their first bytes. A TLS record begins with its type, 20 to 24; a letter begins
/// the method of an HTTP request. A ClientHello (RFC 8446 §4.1.2) has its legacy version behind the lengths of record and
/// message; clients of TLS 1.2 and later send 3.3 there.
fn recognise(first: &[u8]) -> Rejection {
    match *first {
        [b'A'..=b'Z' | b'a'..=b'z', ..] => Rejection::PlainHttp,
        [0x16, 3, _, _, _, 1, _, _, _, 3, minor @ 0..=2, ..] => Rejection::OldVersion(minor),
        _ => Rejection::Silent,
    }
}

/// Sends the rejection, ends our direction, then reads and drops up to `bytes_max`: closing at once could destroy bytes that
/// the client has not read yet (RFC 9112 §9.6).
pub(crate) async fn reject<T>(mut transport: Rewind<T>, rejection: Rejection, mut bytes_max: u64)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let bytes = match rejection {
        Rejection::Silent => Vec::new(),
        Rejection::PlainHttp => {
            plain_response(transport.prefix().starts_with(b"HEAD ")).into_bytes()
        }
        // A record with an alert: fatal, protocol_version (RFC 8446 §6.2). rustls would name another reason.
        Rejection::OldVersion(minor) => vec![0x15, 3, minor, 0, 2, 2, 70],
    };
    if transport.write_all(&bytes).await.is_err() {
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

fn plain_response(head_only: bool) -> String {
    let text =
        "this port speaks https, and the request came as plain http: use https:// in its address\n";
    let date = HttpDate::from(SystemTime::now());
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\nDate: {date}\r\n\r\n{}",
        text.len(),
        if head_only { "" } else { text },
    )
}
