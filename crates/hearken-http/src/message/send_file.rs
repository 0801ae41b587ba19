//! Files as content: whole, a part, or the ranges that a client asks for (RFC 9110 §14, §15.3.7, §15.5.17).
//!
//! Here: [`SendFile`], `send_file`. Not here: preconditions (`message/conditional.rs`), parsing ranges (`message/ranges.rs`),
//! moving the bytes to the transport (`net/file.rs`).

use crate::conn::end_hold::End;
use crate::conn::exchange::State;
use crate::conn::outgoing::Stage;
use crate::conn::output::Piece;
use crate::date::HttpDate;
use crate::error::{Error, Failure};
use crate::message::conditional::{self, Conditions, EntityTag, Precondition, Validators};
use crate::message::media_type::media_type_of;
use crate::message::pipe::Sink;
use crate::message::ranges::{self, Ranges};
use crate::message::response::{Sent, ServerResponse};
use crate::net::file::FilePiece;
use crate::net::file_reader::FileReader;
use bytes::Bytes;
use hearken_proto::{Fields, Head, Misuse};
use std::fs::{File, Metadata};
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::UNIX_EPOCH;

/// A file to send with [`ServerResponse::send_file`], and how.
///
/// ```no_run
/// use hearken::Server;
/// use hearken::message::SendFile;
/// let server = Server::new(async |_req, res| {
///     let file = tokio::fs::File::open("film.mp4").await?;
///     let file = SendFile::from(file).named("film.mp4").with_validators();
///     Ok(res.send_file(file).await?)
/// });
/// ```
#[derive(Debug)]
pub struct SendFile {
    file: Opened,
    part: Option<Range<u64>>,
    conditional: bool,
    ranges: bool,
    validators: bool,
    content_type: Option<&'static str>,
}

#[derive(Debug)]
enum Opened {
    Std(File),
    Tokio(tokio::fs::File),
}

impl From<File> for SendFile {
    fn from(file: File) -> Self {
        Self::new(Opened::Std(file))
    }
}

impl From<tokio::fs::File> for SendFile {
    fn from(file: tokio::fs::File) -> Self {
        Self::new(Opened::Tokio(file))
    }
}

impl SendFile {
    const fn new(file: Opened) -> Self {
        Self {
            file,
            part: None,
            conditional: false,
            ranges: true,
            validators: false,
            content_type: None,
        }
    }

    /// Sends only these bytes of the file. For the client they are the whole representation: ranges count from their start.
    #[must_use]
    pub fn part(mut self, part: Range<u64>) -> Self {
        self.part = Some(part);
        self
    }

    /// Answers the preconditions and the Range field of the request, in the order of RFC 9110 §13.2.2:
    ///
    /// - If-Match and If-Unmodified-Since: 412 when they do not hold.
    /// - If-None-Match and If-Modified-Since: 304 to GET and HEAD, 412 to other methods, when the client has this file.
    /// - Range, unless If-Range asks for the whole: 206 with one part or with `multipart/byteranges`, 416 when no range is
    ///   satisfiable, and the whole for methods other than GET, for more than 16 ranges and for overlapping ones.
    ///
    /// They are compared with the ETag and Last-Modified of the response. Also sets `Accept-Ranges: bytes`. A response with a
    /// status other than 200 is sent whole and without a condition. [`with_validators`](Self::with_validators) does it too; this
    /// is for a response that has validators of your own, or ranges alone. Where a request has changed something already, leave
    /// both out: its preconditions belong before the change ([`ServerResponse::preconditions`]).
    ///
    /// ```no_run
    /// use hearken::Server;
    /// use hearken::message::{EntityTag, SendFile, Validators};
    /// let server = Server::new(async |_req, res| {
    ///     let validators = Validators::new().etag(EntityTag::strong("build-217")?);
    ///     let file = SendFile::from(std::fs::File::open("app.js")?).conditional();
    ///     res.validators(&validators).send_file(file).await
    /// });
    /// ```
    #[must_use]
    pub const fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Whether [`conditional`](Self::conditional) answers the Range field and sets Accept-Ranges. Default true; without it a Range field is
    /// ignored, and the whole is sent.
    #[must_use]
    pub const fn ranges(mut self, answer: bool) -> Self {
        self.ranges = answer;
        self
    }

    /// Sets the Content-Type that belongs to this file name, unless the response has one: see
    /// [`media_type_of`]. A name with an unknown ending sets `application/octet-stream`.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<Path>) -> Self {
        self.content_type = Some(media_type_of(name).unwrap_or("application/octet-stream"));
        self
    }

    /// Sets Last-Modified, and an ETag made of the modification time and the length, unless the response has them, and answers
    /// the preconditions and ranges of the request as [`conditional`](Self::conditional) does. The tag does not detect a change
    /// that keeps both. A file may have any time: one in the future is sent as the time of the response (RFC 9110 §8.8.2.1), and
    /// one outside of the years 0 to 9999 as the nearest inside.
    #[must_use]
    pub const fn with_validators(mut self) -> Self {
        self.validators = true;
        self.conditional()
    }
}

impl ServerResponse {
    /// Ends the response with a file as its content. The file is sent from its beginning, whatever its read position. It is
    /// not loaded into memory: on Linux the kernel sends it to TCP and Unix sockets (`sendfile`), otherwise 128 KiB at a time
    /// are read on a blocking thread. Does not guess a Content-Type.
    ///
    /// The length is read when this is called. If the file becomes shorter before it is sent, the connection is cut, so that
    /// the client does not mistake the part for the whole; bytes appended later are not sent.
    ///
    /// # Errors
    /// When this is not a regular file (for a pipe see [`pipe_from`](Self::pipe_from)), its metadata cannot be read, or the
    /// chosen part exceeds it. Returned from the handler, the error is answered 500.
    pub async fn send_file(self, file: impl Into<SendFile>) -> Result<Sent, Failure> {
        let SendFile {
            file,
            part,
            conditional,
            ranges,
            validators,
            content_type,
        } = file.into();
        let file = match file {
            Opened::Std(file) => file,
            Opened::Tokio(file) => file.into_std().await,
        };
        let metadata = file.metadata()?;
        let part = checked_part(&file, &metadata, part)?;
        let file = Arc::new(file);
        let pieces = self.exchange.order(|state, env| {
            let now = env.clock.wall();
            if state.can_respond() {
                let fields = &mut state.outgoing.fields;
                if let Some(content_type) = content_type
                    && fields.view().get("content-type").is_none()
                {
                    fields.set("Content-Type", content_type)?;
                }
                if validators {
                    conditional::set_validators(fields, &Validators::of_file(&metadata), now)?;
                }
            }
            let request = conditional.then(|| env.head());
            let sending = Sending { file, part, ranges };
            pieces(state, &sending, request, now)
        })?;
        self.exchange.run_hooks(None);
        if self.exchange.has_filters() {
            return Ok(self.end_with_filtered(pieces).await?);
        }
        if let Some(End::Pieces(pieces)) = self.exchange.unless_held(End::Pieces(pieces)) {
            self.exchange
                .order(|state, env| state.end_with_pieces(env, pieces));
        }
        Ok(Sent(()))
    }

    /// Reads the pieces, so that filters can change their bytes.
    async fn end_with_filtered(self, pieces: Vec<Piece>) -> Result<Sent, Error> {
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    self.send(bytes).await?;
                }
                Piece::File(mut file) => {
                    while file.left() > 0 {
                        let mut bytes =
                            poll_fn(|cx| file.poll_bytes(FileReader::boxed, cx)).await?;
                        file.advance(bytes.len());
                        while !bytes.is_empty() {
                            self.send(bytes.split_to(bytes.len().min(FILTER_BYTES)))
                                .await?;
                            self.exchange.hold_filters();
                            others_turn().await;
                        }
                    }
                }
            }
        }
        Ok(self.end(""))
    }
}

/// Lets the tasks of other connections run.
async fn others_turn() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The most bytes that filters get in one turn.
const FILTER_BYTES: usize = 32 * 1024;

/// The bytes of the file to send.
fn checked_part(
    file: &File,
    metadata: &Metadata,
    part: Option<Range<u64>>,
) -> Result<Range<u64>, Error> {
    if !metadata.is_file() {
        return Err(Error::new(500, "expected a regular file to send"));
    }
    let len = metadata.len();
    if len == 0 && has_content(file) {
        let text = "expected a file with a length to send, not one that says it is empty; send it by `pipe_from`";
        return Err(Error::new(500, text));
    }
    let part = part.unwrap_or(0..len);
    if part.start > part.end || part.end > len {
        let text = format!("expected a part within the {len} bytes of the file, not {part:?}");
        return Err(Error::new(500, text));
    }
    if usize::try_from(len).is_err() {
        return Err(Error::new(500, "the file is too large for this system"));
    }
    Ok(part)
}

/// Whether an empty file has content after all, as those of `/proc` have.
fn has_content(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileExt;
        matches!(file.read_at(&mut [0], 0), Ok(1))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

impl Validators {
    /// Those of a file: the time of its last change, and a tag made of that time and the length, as
    /// [`SendFile::with_validators`] sends them. Without any on a system that has no such times.
    ///
    /// ```
    /// use hearken::message::Validators;
    /// let validators = Validators::of_file(&std::fs::metadata("Cargo.toml")?);
    /// assert!(validators.entity_tag().is_some_and(|tag| !tag.is_weak()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn of_file(metadata: &Metadata) -> Self {
        let Ok(modified) = metadata.modified() else {
            return Self::new();
        };
        let nanos = match modified.duration_since(UNIX_EPOCH) {
            Ok(since) => format!("{:x}", since.as_nanos()),
            Err(before) => format!("-{:x}", before.duration().as_nanos()),
        };
        let tag = EntityTag::from_legal(&format!("{nanos}-{:x}", metadata.len()));
        Self::new().etag(tag).modified(modified)
    }
}

/// A part of a file, which is the whole representation.
struct Sending {
    file: Arc<File>,
    part: Range<u64>,
    /// The Range field is answered.
    ranges: bool,
}

impl Sending {
    fn len(&self) -> u64 {
        self.part.end - self.part.start
    }

    fn piece(&self, range: &Range<u64>) -> Piece {
        let from = self.part.start + range.start;
        let piece = FilePiece::new(Arc::clone(&self.file), from, range.end - range.start);
        Piece::File(Box::new(piece))
    }

    fn whole(&self) -> Vec<Piece> {
        vec![self.piece(&(0..self.len()))]
    }
}

/// Returns the content and sets the status and fields that describe it, by the conditions of `request` if there is one.
fn pieces(
    state: &mut State,
    sending: &Sending,
    request: Option<&Head>,
    now: HttpDate,
) -> Result<Vec<Piece>, Misuse> {
    let fresh = state.outgoing.stage == Stage::Head && state.outgoing.status == 200;
    let Some(request) = request.filter(|_| fresh) else {
        return Ok(sending.whole());
    };
    let current = Validators::of_fields(state.outgoing.fields.view(), now);
    let unmet = match Conditions::of_head(request, now).check(&current) {
        Precondition::Met { .. } if !sending.ranges => return Ok(sending.whole()),
        Precondition::Met { range } => {
            let range = ranges::range_field(request).filter(|_| range);
            let ranges = range.map_or(Ranges::Whole, |range| Ranges::parse(range, sending.len()));
            return ranged_pieces(state, sending, ranges);
        }
        Precondition::NotModified(_) => 304,
        Precondition::Failed(_) => 412,
    };
    state.outgoing.status = unmet;
    conditional::remove_description(&mut state.outgoing.fields);
    if unmet == 412 {
        remove_freshness(&mut state.outgoing.fields);
    }
    Ok(Vec::new())
}

fn ranged_pieces(
    state: &mut State,
    sending: &Sending,
    ranges: Ranges,
) -> Result<Vec<Piece>, Misuse> {
    let len = sending.len();
    let fields = &mut state.outgoing.fields;
    if fields.view().get("accept-ranges").is_none() {
        fields.set("Accept-Ranges", "bytes")?;
    }
    if ranges != Ranges::Whole {
        fields.remove("content-length"); // it describes the whole
    }
    Ok(match ranges {
        Ranges::Whole => sending.whole(),
        Ranges::One(range) => {
            fields.set("Content-Range", content_range(&range, len))?;
            state.outgoing.status = 206;
            vec![sending.piece(&range)]
        }
        Ranges::Several(ranges) => {
            let boundary = boundary();
            let content_type = fields.view().get("content-type").map(<[u8]>::to_vec);
            let multipart = format!("multipart/byteranges; boundary={boundary}");
            fields.set("Content-Type", multipart)?;
            state.outgoing.status = 206;
            let mut pieces = Vec::with_capacity(ranges.len() * 2 + 1);
            for range in &ranges {
                let head = part_head(&boundary, content_type.as_deref(), range, len);
                pieces.push(Piece::Bytes(head));
                pieces.push(sending.piece(range));
            }
            pieces.push(Piece::Bytes(format!("\r\n--{boundary}--\r\n").into()));
            pieces
        }
        Ranges::Unsatisfiable => {
            // These describe content that is not sent.
            for name in ["content-type", "content-encoding", "etag", "last-modified"] {
                fields.remove(name);
            }
            remove_freshness(fields);
            fields.set("Content-Range", format!("bytes */{len}"))?;
            state.outgoing.status = 416;
            Vec::new()
        }
    })
}

/// Removes how long a cache may keep the file: an error must not be kept for as long.
fn remove_freshness(fields: &mut Fields) {
    for name in ["cache-control", "expires"] {
        fields.remove(name);
    }
}

fn content_range(range: &Range<u64>, len: u64) -> String {
    format!("bytes {}-{}/{len}", range.start, range.end - 1)
}

/// The header of a body part (RFC 9110 §14.6).
fn part_head(boundary: &str, content_type: Option<&[u8]>, range: &Range<u64>, len: u64) -> Bytes {
    let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
    if let Some(content_type) = content_type {
        head.extend_from_slice(b"Content-Type: ");
        head.extend_from_slice(content_type);
        head.extend_from_slice(b"\r\n");
    }
    let range = content_range(range, len);
    head.extend_from_slice(format!("Content-Range: {range}\r\n\r\n").as_bytes());
    head.into()
}

/// 128 random bits, so that the content cannot contain the boundary; the keys of the standard library's hash are random.
fn boundary() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}
