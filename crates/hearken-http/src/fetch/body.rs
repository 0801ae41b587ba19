//! The body of a request, and whether it can be sent again after a redirect.
//!
//! Here: [`Body`]. Not here: its framing (`client/`); JSON and forms, which arrive here as bytes (`builder.rs`).

use super::file::open;
use super::redirect::BodyState;
use crate::error::{BoxError, Error};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// The body of a request. Texts, vectors and [`Bytes`] convert into one. Files, readers and streams are sent in pieces, as fast as
/// the server takes them, in constant memory.
///
/// Bytes and files can be sent again after a redirect, readers and streams cannot.
///
/// ```
/// use hearken::Body;
/// assert_eq!(Body::from("hello").content_length(), Some(5));
/// assert_eq!(Body::reader(&b"hello"[..]).content_length(), None);
/// ```
#[derive(Default)]
pub struct Body(Kind);

type BoxStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;
type BoxReader = Pin<Box<dyn AsyncRead + Send>>;

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    File(PathBuf),
    Reader {
        reader: BoxReader,
        length: Option<u64>,
    },
    Stream(BoxStream),
    /// One after the other.
    Chain(Vec<Body>),
    /// A reader or a stream that was sent.
    Gone,
}

impl Body {
    /// All bytes of an `AsyncRead`, in chunks.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Kind::Reader {
            reader: Box::pin(reader),
            length: None,
        })
    }

    /// The first `length` bytes of an `AsyncRead`, with a `Content-Length`. A reader that ends earlier is an error.
    pub fn reader_of(length: u64, reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Kind::Reader {
            reader: Box::pin(reader.take(length)),
            length: Some(length),
        })
    }

    /// The pieces of a stream, in chunks. An error of the stream fails the request.
    pub fn stream<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Into<Bytes>,
        E: Into<BoxError>,
    {
        Self(Kind::Stream(Box::pin(Mapped(Box::pin(stream)))))
    }

    /// A file. It is opened when the request is sent; its length at that moment counts. Anything but a regular file has no length:
    /// a pipe, a device, `/dev/stdin`. It is sent in chunks, and once. A directory is an error before anything is sent.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self(Kind::File(path.as_ref().to_owned()))
    }

    /// Several bodies as one.
    pub(crate) const fn chain(bodies: Vec<Self>) -> Self {
        Self(Kind::Chain(bodies))
    }

    /// A second body with the same content. `None` for readers and streams, which can be read once.
    ///
    /// ```
    /// use hearken::Body;
    /// assert_eq!(Body::from("hello").try_clone().and_then(|body| body.content_length()), Some(5));
    /// assert!(Body::reader(&b"hello"[..]).try_clone().is_none());
    /// ```
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self(match &self.0 {
            Kind::Empty => Kind::Empty,
            Kind::Bytes(bytes) => Kind::Bytes(bytes.clone()),
            Kind::File(path) => Kind::File(path.clone()),
            Kind::Chain(bodies) => {
                let copies = bodies.iter().map(Self::try_clone);
                Kind::Chain(copies.collect::<Option<_>>()?)
            }
            Kind::Reader { .. } | Kind::Stream(_) | Kind::Gone => return None,
        }))
    }

    /// Its length in bytes, if it is known before the request is sent. `None` for a file.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        match &self.0 {
            Kind::Empty => Some(0),
            Kind::Bytes(bytes) => Some(bytes.len() as u64),
            Kind::Reader { length, .. } => *length,
            Kind::Chain(bodies) => bodies.iter().map(Self::content_length).sum(),
            Kind::File(_) | Kind::Stream(_) | Kind::Gone => None,
        }
    }

    /// Whether a redirect can send it again.
    pub(crate) fn state(&self) -> BodyState {
        match &self.0 {
            Kind::Empty => BodyState::None,
            Kind::Bytes(bytes) if bytes.is_empty() => BodyState::None,
            Kind::Bytes(_) | Kind::File(_) => BodyState::Kept,
            Kind::Chain(bodies) => {
                let gone = bodies.iter().any(|body| body.state() == BodyState::Gone);
                if gone {
                    BodyState::Gone
                } else {
                    BodyState::Kept
                }
            }
            Kind::Reader { .. } | Kind::Stream(_) | Kind::Gone => BodyState::Gone,
        }
    }

    /// Takes what to send now. A reader or a stream is [`Gone`](Kind::Gone) afterwards.
    pub(crate) async fn take(&mut self) -> Result<Outgoing, Error> {
        Ok(match &mut self.0 {
            Kind::Chain(bodies) => {
                let (mut pieces, mut total) = (VecDeque::new(), Some(0));
                for body in bodies {
                    let (piece, length) = match Box::pin(body.take()).await? {
                        Outgoing::Empty => continue,
                        Outgoing::Bytes(bytes) => {
                            let length = bytes.len() as u64;
                            (Pieces::Bytes(bytes), Some(length))
                        }
                        Outgoing::Pieces(pieces, length) => (pieces, length),
                    };
                    pieces.push_back(piece);
                    total = total.zip(length).and_then(|(a, b)| u64::checked_add(a, b));
                }
                Outgoing::Pieces(Pieces::Chain(pieces), total)
            }
            Kind::Empty | Kind::Gone => Outgoing::Empty,
            Kind::Bytes(bytes) => Outgoing::Bytes(bytes.clone()),
            Kind::File(path) => {
                let opened = open(path).await?;
                if !opened.again {
                    self.0 = Kind::Gone;
                }
                opened.content
            }
            Kind::Reader { .. } | Kind::Stream(_) => {
                match std::mem::replace(&mut self.0, Kind::Gone) {
                    Kind::Reader { reader, length } => {
                        Outgoing::Pieces(Pieces::Reader(reader), length)
                    }
                    Kind::Stream(stream) => Outgoing::Pieces(Pieces::Stream(stream), None),
                    _ => Outgoing::Empty,
                }
            }
        })
    }
}

/// A body to send.
pub(crate) enum Outgoing {
    Empty,
    Bytes(Bytes),
    /// With their total length, if it is known.
    Pieces(Pieces, Option<u64>),
}

pub(crate) enum Pieces {
    /// One piece.
    Bytes(Bytes),
    Reader(BoxReader),
    Stream(BoxStream),
    /// One after the other.
    Chain(VecDeque<Self>),
}

impl Pieces {
    /// The next piece, never empty. `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Bytes(bytes) => {
                let piece = std::mem::take(bytes);
                Ok((!piece.is_empty()).then_some(piece))
            }
            Self::Chain(all) => {
                while let Some(first) = all.front_mut() {
                    if let Some(piece) = Box::pin(first.next()).await? {
                        return Ok(Some(piece));
                    }
                    all.pop_front();
                }
                Ok(None)
            }
            Self::Reader(reader) => {
                let mut piece = BytesMut::zeroed(PIECE);
                let read = poll_fn(|cx| {
                    let mut room = ReadBuf::new(&mut piece);
                    ready!(reader.as_mut().poll_read(cx, &mut room))?;
                    Poll::Ready(Ok::<_, std::io::Error>(room.filled().len()))
                });
                let read = read.await?;
                piece.truncate(read);
                Ok((read > 0).then(|| piece.freeze()))
            }
            Self::Stream(stream) => loop {
                let mut stream = pin!(&mut *stream);
                match poll_fn(|cx| stream.as_mut().poll_next(cx))
                    .await
                    .transpose()?
                {
                    Some(piece) if piece.is_empty() => {}
                    other => return Ok(other),
                }
            },
        }
    }
}

/// A stream whose items are converted.
struct Mapped<S>(Pin<Box<S>>);

impl<S, T, E> Stream for Mapped<S>
where
    S: Stream<Item = Result<T, E>>,
    T: Into<Bytes>,
    E: Into<BoxError>,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.0.as_mut().poll_next(cx));
        Poll::Ready(item.map(|item| item.map(Into::into).map_err(Error::other)))
    }
}

/// Bytes of one read.
const PIECE: usize = 32 * 1024;

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Empty => f.write_str("Empty"),
            Kind::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Kind::File(path) => write!(f, "File({})", path.display()),
            Kind::Reader { .. } => f.write_str("Reader"),
            Kind::Stream(_) => f.write_str("Stream"),
            Kind::Chain(bodies) => bodies.fmt(f),
            Kind::Gone => f.write_str("Gone"),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Bytes(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Bytes::copy_from_slice(text.as_bytes()).into()
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }
}

impl<const N: usize> From<&[u8; N]> for Body {
    fn from(bytes: &[u8; N]) -> Self {
        bytes[..].into()
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::default()
    }
}
