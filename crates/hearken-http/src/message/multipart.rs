//! Forms with files, `multipart/form-data` (RFC 7578), as they are received. Feature `multipart`.
//!
//! Here: [`IncomingMessage::multipart`] and [`IncomingMessage::into_multipart`], [`Multipart`], [`Part`], [`MultipartLimits`]. The parser is the crate `multer`; it wants a
//! stream that can be sent to other threads, so it gets the pieces through a slot ([`Feed`]), which each wait fills from the
//! message. Not here: other forms (`message/body.rs`).

use crate::error::Error;
use crate::message::incoming::IncomingMessage;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// Bounds on a form. More than one of them allows is an error: 413 for bytes, 400 for the number of parts.
///
/// ```
/// use hearken::message::MultipartLimits;
/// let mut limits = MultipartLimits::default();
/// limits.bytes_max = 1 << 30; // one large upload
/// limits.part_bytes_max = 1 << 30;
/// assert_eq!(limits.parts_max, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MultipartLimits {
    /// The whole body, in bytes, with its boundaries and heads. Default 64 MiB.
    pub bytes_max: u64,
    /// The content of one part, in bytes. Default 32 MiB.
    pub part_bytes_max: u64,
    /// Number of parts. Default 100.
    pub parts_max: u32,
    /// Number of fields in the head of a part. Default 16.
    pub part_fields_max: u32,
    /// Text before the first boundary, in bytes. Default 4 KiB; more is an error with status 400. Text after the last boundary is not
    /// read.
    pub preamble_bytes_max: u32,
    /// A part that is collected into memory by [`Part::bytes`] or [`Part::text`], in bytes. Default 2 MiB.
    pub buffered_bytes_max: u64,
}

impl Default for MultipartLimits {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            part_bytes_max: 32 << 20,
            parts_max: 100,
            part_fields_max: 16,
            preamble_bytes_max: 4 << 10,
            buffered_bytes_max: 2 << 20,
        }
    }
}

/// The head of a part, in bytes, beside what one read brings.
const HEAD_BYTES_MAX: u64 = 64 << 10;

/// The parts of a form, one after the other: [`IncomingMessage::multipart`].
pub struct Multipart<'a> {
    req: Request<'a>,
    parser: multer::Multipart<'static>,
    feed: Arc<Mutex<Feed>>,
    limits: MultipartLimits,
    parts: u32,
    /// Bytes given to the parser.
    fed: u64,
    /// What has come, while the first boundary has not.
    preamble: Option<Preamble>,
    /// The part that is being read.
    current: Option<multer::Field<'static>>,
}

/// The request whose body is the form.
enum Request<'a> {
    Borrowed(&'a mut IncomingMessage),
    Owned(Box<IncomingMessage>),
}

impl Request<'_> {
    fn message(&mut self) -> &mut IncomingMessage {
        match self {
            Self::Borrowed(req) => req,
            Self::Owned(req) => req,
        }
    }
}

/// One part of a form: a text field or a file. Its content arrives while it is read; the rest of a part that is dropped is
/// skipped by the next [`Multipart::next_part`].
#[derive(Debug)]
pub struct Part<'m, 'a> {
    form: &'m mut Multipart<'a>,
}

/// The pieces on their way to the parser: at most one, so that nothing piles up.
#[derive(Default)]
struct Feed {
    piece: Option<Bytes>,
    ended: bool,
}

/// The text before the first boundary. The parser collects it, so it is bounded before.
struct Preamble {
    delimiter: Vec<u8>,
    seen: Vec<u8>,
}

impl Preamble {
    /// Takes the next piece, and returns whether the boundary has come. `None`: it is too late for it.
    fn take(&mut self, piece: &[u8], max: u32) -> Option<bool> {
        let end = max as usize + self.delimiter.len();
        let from = self.seen.len().saturating_sub(self.delimiter.len());
        let room = end - self.seen.len();
        self.seen.extend_from_slice(&piece[..piece.len().min(room)]);
        let mut windows = self.seen[from..].windows(self.delimiter.len());
        match windows.any(|window| window == self.delimiter) {
            true => Some(true),
            false => (self.seen.len() < end).then_some(false),
        }
    }
}

/// The end of the slot that the parser reads. `Pending` without a waker: the wait that called the parser fills the slot and
/// calls it again.
struct Slot(Arc<Mutex<Feed>>);

impl Stream for Slot {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut feed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match feed.piece.take() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None if feed.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl IncomingMessage {
    /// Reads the body as a form with files, `multipart/form-data`, part by part, in constant memory.
    ///
    /// # Errors
    /// With status 415 when the Content-Type is another one, and with 400 when it names no boundary.
    ///
    /// ```
    /// use hearken::message::MultipartLimits;
    /// use hearken::Server;
    /// use tokio::io::AsyncWriteExt;
    ///
    /// let server = Server::new(async |mut req, res| {
    ///     let mut form = req.multipart(MultipartLimits::default())?;
    ///     while let Some(mut part) = form.next_part().await? {
    ///         if part.file_name().is_none() {
    ///             let name = part.name().unwrap_or_default().to_owned();
    ///             println!("{name} = {}", part.text().await?);
    ///             continue;
    ///         }
    ///         // The name that the client gives is any text: do not use it as a path.
    ///         let mut file = tokio::fs::File::create("upload").await?;
    ///         while let Some(piece) = part.data().await? {
    ///             file.write_all(&piece).await?;
    ///         }
    ///     }
    ///     Ok(res.status(201).end(""))
    /// });
    /// ```
    pub fn multipart(&mut self, limits: MultipartLimits) -> Result<Multipart<'_>, Error> {
        let boundary = self.boundary()?;
        Ok(Multipart::new(Request::Borrowed(self), boundary, limits))
    }

    /// As [`multipart`](Self::multipart), of a form that owns the message.
    ///
    /// ```
    /// use hearken::message::MultipartLimits;
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     let mut form = req.into_multipart(MultipartLimits::default())?;
    ///     let mut parts = 0;
    ///     while form.next_part().await?.is_some() {
    ///         parts += 1;
    ///     }
    ///     Ok(res.end(format!("{parts} parts\n")))
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`multipart`](Self::multipart).
    pub fn into_multipart(self, limits: MultipartLimits) -> Result<Multipart<'static>, Error> {
        let boundary = self.boundary()?;
        let req = Request::Owned(Box::new(self));
        Ok(Multipart::new(req, boundary, limits))
    }

    fn boundary(&self) -> Result<String, Error> {
        match self.header("content-type").map(multer::parse_boundary) {
            Some(Ok(boundary)) if is_boundary(&boundary) => Ok(boundary),
            Some(Ok(_) | Err(multer::Error::NoBoundary)) => {
                let text = "expected a boundary of 1 to 70 characters in the Content-Type multipart/form-data";
                Err(Error::new(400, text))
            }
            _ => Err(Error::new(
                415,
                "expected the Content-Type multipart/form-data",
            )),
        }
    }
}

/// RFC 2046 §5.1.1.
fn is_boundary(boundary: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=70).contains(&boundary.len()) && boundary.bytes().all(legal) && !boundary.ends_with(' ')
}

impl<'a> Multipart<'a> {
    fn new(req: Request<'a>, boundary: String, limits: MultipartLimits) -> Self {
        let feed = Arc::<Mutex<Feed>>::default();
        let sizes = multer::SizeLimit::new()
            .whole_stream(limits.bytes_max)
            .per_field(limits.part_bytes_max);
        let constraints = multer::Constraints::new().size_limit(sizes);
        let slot = Slot(Arc::clone(&feed));
        let delimiter = format!("--{boundary}").into_bytes();
        Self {
            preamble: Some(Preamble {
                delimiter,
                seen: Vec::new(),
            }),
            parser: multer::Multipart::with_constraints(slot, boundary, constraints),
            req,
            feed,
            limits,
            parts: 0,
            fed: 0,
            current: None,
        }
    }

    #[cold]
    fn refused(&self, error: &multer::Error) -> Error {
        match error {
            multer::Error::FieldSizeExceeded { limit, .. } => {
                let current = self.current.as_ref();
                let is_file = current.is_some_and(|field| field.file_name().is_some());
                let (code, what) = match is_file {
                    true => ("LIMIT_FILE_SIZE", "files"),
                    false => ("LIMIT_FIELD_VALUE", "fields"),
                };
                Error::coded(
                    413,
                    code,
                    format!("expected {what} of at most {limit} bytes in a form"),
                )
            }
            multer::Error::StreamSizeExceeded { limit } => Error::too_large(*limit),
            error => Error::coded(
                400,
                "entity.parse.failed",
                format!("expected a body of multipart/form-data: {error}"),
            ),
        }
    }

    /// Waits for the head of the next part; skips what is left of the last one. `None` at the end of the form, and on each later
    /// call.
    ///
    /// # Errors
    /// With status 400 when the body is malformed or has too many parts, 413 when it exceeds a limit, and as
    /// [`IncomingMessage::data`] when it cannot become complete.
    pub async fn next_part(&mut self) -> Result<Option<Part<'_, 'a>>, Error> {
        while self.current.is_some() {
            self.next_piece().await?;
        }
        let head_end = self.fed.saturating_add(HEAD_BYTES_MAX);
        let next = self.parse(Some(head_end), |form, cx| form.parser.poll_next_field(cx));
        let Some(field) = next.await? else {
            return Ok(None);
        };
        self.parts += 1;
        if self.parts > self.limits.parts_max {
            let text = format!("expected a form of at most {} parts", self.limits.parts_max);
            return Err(Error::coded(400, "LIMIT_PART_COUNT", text));
        }
        let fields_max = self.limits.part_fields_max;
        if field.headers().len() > fields_max as usize {
            let text = format!("expected parts of a form with at most {fields_max} fields");
            return Err(Error::coded(400, "LIMIT_PART_HEADERS", text));
        }
        self.current = Some(field);
        Ok(Some(Part { form: self }))
    }

    /// The part whose head has been read last, again: for code that has looked at it in a loop. `None` before the first part, and when
    /// it has been read to its end.
    pub fn current_part(&mut self) -> Option<Part<'_, 'a>> {
        self.current.is_some().then_some(Part { form: self })
    }

    /// The next piece of the current part.
    async fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = self
            .parse(None, |form, cx| match &mut form.current {
                Some(field) => Pin::new(field).poll_next(cx).map(Option::transpose),
                None => Poll::Ready(Ok(None)),
            })
            .await?;
        if piece.is_none() {
            self.current = None;
        }
        Ok(piece)
    }

    /// Calls the parser, and gives it the pieces of the body that it waits for, up to `end` in all.
    async fn parse<T>(
        &mut self,
        end: Option<u64>,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<Result<T, multer::Error>>,
    ) -> Result<T, Error> {
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(parsed) = poll(self, cx) {
                    return Poll::Ready(parsed.map_err(|error| self.refused(&error)));
                }
                if end.is_some_and(|end| self.fed > end) {
                    let text = "expected the head of a part of a form, of at most 64 KiB";
                    return Poll::Ready(Err(Error::new(400, text)));
                }
                let piece = ready!(Pin::new(self.req.message()).poll_next(cx)).transpose()?;
                self.fed += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                if let (Some(preamble), Some(piece)) = (&mut self.preamble, &piece) {
                    let max = self.limits.preamble_bytes_max;
                    match preamble.take(piece, max) {
                        Some(true) => self.preamble = None,
                        Some(false) => {}
                        None => {
                            let text =
                                format!("expected the first boundary of a form within {max} bytes");
                            return Poll::Ready(Err(Error::new(400, text)));
                        }
                    }
                }
                let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
                if feed.ended {
                    let text = "expected a form that ends with its last boundary";
                    return Poll::Ready(Err(Error::new(400, text)));
                }
                feed.ended = piece.is_none();
                feed.piece = piece;
            }
        })
        .await
    }
}

impl Part<'_, '_> {
    fn field(&self) -> Option<&multer::Field<'static>> {
        self.form.current.as_ref()
    }

    /// The name of the field of the form.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.field()?.name()
    }

    /// The name of the file on the client's machine, as the client gives it: any text, with slashes and dots. `None` for a part
    /// that is no file.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.field()?.file_name()
    }

    /// The media type that the client gives.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    /// A field of the head of the part.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.field()?.headers().get(name)?.to_str().ok()
    }

    /// Waits for the next piece of the content. `None` at its end, and on each later call; name and fields are gone then.
    ///
    /// # Errors
    /// As [`Multipart::next_part`].
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        self.form.next_piece().await
    }

    /// Collects the content, up to [`buffered_bytes_max`](MultipartLimits::buffered_bytes_max).
    ///
    /// # Errors
    /// As [`data`](Self::data); above the limit with status 413.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        let max = self.form.limits.buffered_bytes_max;
        let mut all = BytesMut::new();
        while let Some(piece) = self.data().await? {
            if (all.len() + piece.len()) as u64 > max {
                return Err(Error::too_large(max));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Collects the content as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and with status 400 when it is not UTF-8.
    pub async fn text(self) -> Result<String, Error> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into())
            .map_err(|_| Error::new(400, "expected a field of a form to be UTF-8"))
    }
}

impl fmt::Debug for Multipart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
