//! Files as content: whole, a part, or the ranges that a client asks for (RFC 9110 §14, §15.3.7, §15.5.17).
//!
//! Here: [`SendFile`], `send_file`. Not here: parsing ranges (`message/ranges.rs`), moving the bytes to the transport
//! (`net/file.rs`).

use crate::conn::exchange::State;
use crate::conn::outgoing::Stage;
use crate::conn::output::Piece;
use crate::error::{Error, Failure};
use crate::message::incoming::IncomingMessage;
use crate::message::pipe::Sink;
use crate::message::ranges::{self, Ranges, if_range_holds};
use crate::message::response::{Sent, ServerResponse};
use crate::net::file::FilePiece;
use crate::net::file_reader::FileReader;
use bytes::Bytes;
use hearken_proto::Misuse;
use std::fs::{File, Metadata};
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

/// A file to send with [`ServerResponse::send_file`], and how.
///
/// ```no_run
/// use hearken_http::{Error, Server};
/// use hearken_http::message::SendFile;
/// let server = Server::new(async |req, res| {
///     let file = tokio::fs::File::open("film.mp4").await?;
///     let file = SendFile::from(file).with_validators().asked_by(&req);
///     Ok(res.set("Content-Type", "video/mp4").send_file(file).await?)
/// });
/// ```
#[derive(Debug)]
pub struct SendFile {
    file: Opened,
    part: Option<Range<u64>>,
    asked: Option<RangeRequest>,
    validators: bool,
}

#[derive(Debug)]
enum Opened {
    Std(File),
    Tokio(tokio::fs::File),
}

/// The range fields of the request.
#[derive(Debug)]
struct RangeRequest {
    range: Option<Box<[u8]>>,
    if_range: Option<Box<[u8]>>,
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
            asked: None,
            validators: false,
        }
    }

    /// Sends only these bytes of the file. For the client they are the whole representation: ranges count from their start.
    #[must_use]
    pub fn part(mut self, part: Range<u64>) -> Self {
        self.part = Some(part);
        self
    }

    /// Answers the Range field of this request: 206 with one part or with `multipart/byteranges`, 416 when no range is
    /// satisfiable, and the whole for methods other than GET, for more than 16 ranges and for overlapping ones. If-Range is
    /// compared with the ETag and Last-Modified of the response. Also sets `Accept-Ranges: bytes`. A response with a status
    /// other than 200 is sent whole.
    #[must_use]
    pub fn asked_by(mut self, req: &IncomingMessage) -> Self {
        let if_range = ranges::single(req.head(), "if-range");
        // A repeated If-Range never holds.
        let repeated = if_range.is_none() && req.raw_headers().get("if-range").is_some();
        let range = ranges::range_field(req.head()).filter(|_| !repeated);
        self.asked = Some(RangeRequest {
            range: range.map(Box::from),
            if_range: if_range.map(Box::from),
        });
        self
    }

    /// Sets Last-Modified, and an ETag made of the modification time and the length, unless the response has them. The tag
    /// does not detect a change that keeps both.
    #[must_use]
    pub const fn with_validators(mut self) -> Self {
        self.validators = true;
        self
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
            asked,
            validators,
        } = file.into();
        let file = match file {
            Opened::Std(file) => file,
            Opened::Tokio(file) => file.into_std().await,
        };
        let metadata = file.metadata()?;
        let part = checked_part(&metadata, part)?;
        let file = Arc::new(file);
        let pieces = self.exchange.order(|state, _| {
            if validators && state.can_respond() {
                set_validators(state, &metadata)?;
            }
            pieces(state, &file, part, asked)
        })?;
        self.exchange.run_hooks(None);
        if self.exchange.has_filters() {
            return Ok(self.end_with_filtered(pieces).await?);
        }
        self.exchange
            .order(|state, env| state.end_with_pieces(env, pieces));
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
                        let bytes = poll_fn(|cx| file.poll_bytes(FileReader::boxed, cx)).await?;
                        file.advance(bytes.len());
                        self.send(bytes).await?;
                    }
                }
            }
        }
        Ok(self.end(""))
    }
}

/// The bytes of the file to send.
fn checked_part(metadata: &Metadata, part: Option<Range<u64>>) -> Result<Range<u64>, Error> {
    if !metadata.is_file() {
        return Err(Error::new(500, "expected a regular file to send"));
    }
    let len = metadata.len();
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

fn set_validators(state: &mut State, metadata: &Metadata) -> Result<(), Misuse> {
    let Ok(modified) = metadata.modified() else {
        return Ok(()); // this system has no modification times
    };
    let fields = &mut state.outgoing.fields;
    if fields.view().get("last-modified").is_none() {
        fields.set("Last-Modified", httpdate::fmt_http_date(modified))?;
    }
    if fields.view().get("etag").is_none() {
        let since = modified.duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        fields.set("ETag", format!("\"{nanos:x}-{:x}\"", metadata.len()))?;
    }
    Ok(())
}

/// Returns the content and sets the status and fields that describe it.
fn pieces(
    state: &mut State,
    file: &Arc<File>,
    part: Range<u64>,
    asked: Option<RangeRequest>,
) -> Result<Vec<Piece>, Misuse> {
    let piece = |range: &Range<u64>| {
        let from = part.start + range.start;
        let piece = FilePiece::new(Arc::clone(file), from, range.end - range.start);
        Piece::File(Box::new(piece))
    };
    let len = part.end - part.start;
    let fresh = state.outgoing.stage == Stage::Head && state.outgoing.status == 200;
    let Some(asked) = asked.filter(|_| fresh) else {
        return Ok(vec![piece(&(0..len))]);
    };
    let ranges = effective_ranges(state, &asked, len);
    let fields = &mut state.outgoing.fields;
    if fields.view().get("accept-ranges").is_none() {
        fields.set("Accept-Ranges", "bytes")?;
    }
    if ranges != Ranges::Whole {
        fields.remove("content-length"); // it describes the whole
    }
    Ok(match ranges {
        Ranges::Whole => vec![piece(&(0..len))],
        Ranges::One(range) => {
            fields.set("Content-Range", content_range(&range, len))?;
            state.outgoing.status = 206;
            vec![piece(&range)]
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
                pieces.push(piece(range));
            }
            pieces.push(Piece::Bytes(format!("\r\n--{boundary}--\r\n").into()));
            pieces
        }
        Ranges::Unsatisfiable => {
            // These describe content that is not sent.
            for name in ["content-type", "content-encoding", "etag", "last-modified"] {
                fields.remove(name);
            }
            fields.set("Content-Range", format!("bytes */{len}"))?;
            state.outgoing.status = 416;
            Vec::new()
        }
    })
}

/// The ranges to answer, after If-Range.
fn effective_ranges(state: &State, asked: &RangeRequest, len: u64) -> Ranges {
    let Some(range) = &asked.range else {
        return Ranges::Whole;
    };
    if let Some(condition) = &asked.if_range {
        let fields = state.outgoing.fields.view();
        let modified = fields
            .get("last-modified")
            .and_then(|date| std::str::from_utf8(date).ok())
            .and_then(|date| httpdate::parse_http_date(date).ok());
        if !if_range_holds(condition, fields.get("etag"), modified, SystemTime::now()) {
            return Ranges::Whole;
        }
    }
    Ranges::parse(range, len)
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
