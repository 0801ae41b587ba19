//! The server's handshake on any transport, and the response to a client that does not speak TLS 1.2 or later.
//!
//! Here: [`accept`], [`HandshakePermits`], [`reject`]. Not here: deadlines and the place in a worker (`server/tls.rs`).

use super::error::TlsError;
use super::info::TlsInfo;
use super::rejection::capture;
use super::server::ServerTls;
use super::stream::ServerStream;
use crate::date::HttpDate;
use crate::net::rewind::Rewind;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;

/// Bytes of one read of a ClientHello. Most fit.
const HELLO_BYTES: usize = 2048;

/// From here on rustls collects a ClientHello.
const HELLO_BYTES_MAX: usize = 16 * 1024;

/// The type of a record with a handshake message.
const HANDSHAKE: u8 = 0x16;

/// The type of that message.
const CLIENT_HELLO: u8 = 1;

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

/// What becomes of a handshake.
type Accepted<T> = Result<(ServerStream<T>, TlsInfo), Failed<T>>;

/// Runs the handshake. Settings and certificate are chosen when the client's first message has arrived; until then
/// a client costs hardly more than its socket and that message.
pub(crate) async fn accept<T>(
    tls: &ServerTls,
    permits: &HandshakePermits,
    mut transport: T,
) -> Accepted<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    match read_hello(&mut transport).await {
        Ok(hello) if hello.is_empty() => Err(Failed {
            error: None,
            transport: None,
            rejection: Rejection::Silent,
        }),
        // Boxed: the states of the handshake are large.
        Ok(hello) => {
            let transport = Rewind::new(transport, hello.into());
            Box::pin(shake_hands(tls, permits, transport)).await
        }
        Err(error) => Err(Failed {
            error: Some(TlsError::handshake(error, None)),
            transport: None,
            rejection: Rejection::Silent,
        }),
    }
}

/// Reads the first message of a client. Holds what has come of it and nothing else. Returns a part of it at the end of input,
/// and as soon as it cannot become a ClientHello.
async fn read_hello<T: AsyncRead + Unpin>(transport: &mut T) -> io::Result<Vec<u8>> {
    let mut hello = Vec::new();
    loop {
        let count = poll_fn(|cx| read_some(transport, &mut hello, cx)).await?;
        if count == 0 || is_decided(&hello) || recognise(&hello) != Rejection::Silent {
            return Ok(hello);
        }
    }
}

/// Adds what one read returns.
fn read_some<T: AsyncRead + Unpin>(
    transport: &mut T,
    to: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut piece = [0; HELLO_BYTES];
    let mut piece = ReadBuf::new(&mut piece);
    ready!(Pin::new(transport).poll_read(cx, &mut piece))?;
    to.extend_from_slice(piece.filled());
    Poll::Ready(Ok(piece.filled().len()))
}

/// Whether rustls can decide about these bytes: they hold a whole handshake message, in one record or more (RFC 8446 §5.1), or
/// something else. A longer message than usual is its business too.
pub(super) fn is_decided(mut bytes: &[u8]) -> bool {
    if bytes.len() >= HELLO_BYTES_MAX {
        return true;
    }
    let (mut message, mut header) = (0, Vec::with_capacity(4));
    while let [kind, major, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind != HANDSHAKE || *major != 3 || !(1..=HELLO_BYTES_MAX).contains(&length) {
            return true;
        }
        let (payload, next) = rest.split_at(length.min(rest.len()));
        message += payload.len();
        header.extend(payload.iter().take(4 - header.len()));
        if header.first().is_some_and(|&kind| kind != CLIENT_HELLO) {
            return true;
        }
        if let [_, high, middle, low] = header[..] {
            let wanted = 4 + u32::from_be_bytes([0, high, middle, low]) as usize;
            if message >= wanted || wanted > HELLO_BYTES_MAX {
                return true;
            }
        }
        bytes = next;
    }
    bytes.first().is_some_and(|&kind| kind != HANDSHAKE)
}

/// The handshake with a client that has sent its first message.
async fn shake_hands<T>(
    tls: &ServerTls,
    permits: &HandshakePermits,
    transport: Rewind<T>,
) -> Accepted<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
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
            let stream = ServerStream::new(stream);
            let session = stream.session();
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

/// Sends the rejection. The end of our direction is still to be sent.
pub(crate) async fn reject<T>(
    mut transport: Rewind<T>,
    rejection: Rejection,
) -> io::Result<Rewind<T>>
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
    transport.write_all(&bytes).await?;
    Ok(transport)
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
