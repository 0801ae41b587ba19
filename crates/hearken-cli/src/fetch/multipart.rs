//! `multipart/form-data` (RFC 7578), streamed: files are read while they are sent.
//!
//! Here: [`Multipart`]. Not here: the syntax of `-F` (`plan/form.rs`).

use super::content::{check, read_stdin, unreadable};
use super::plan::{FormPart, PartContent};
use crate::plan::CommandError;
use hearken::{Body, RequestBuilder};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A form that can be sent any number of times.
pub(crate) struct Multipart {
    boundary: String,
    segments: Vec<Segment>,
}

enum Segment {
    Bytes(Vec<u8>),
    /// With its length, if that is known: a pipe has none.
    File(PathBuf, Option<u64>),
}

impl Multipart {
    pub(crate) fn prepare(parts: &[FormPart]) -> Result<Self, CommandError> {
        let boundary = boundary();
        let mut segments = Vec::new();
        for part in parts {
            segments.push(Segment::Bytes(head(part, &boundary)));
            segments.push(content(&part.content)?);
            segments.push(Segment::Bytes(b"\r\n".to_vec()));
        }
        segments.push(Segment::Bytes(format!("--{boundary}--\r\n").into_bytes()));
        Ok(Self { boundary, segments })
    }

    /// Adds the form to a request, with its `Content-Type`.
    pub(crate) fn add(&self, request: RequestBuilder) -> Result<RequestBuilder, CommandError> {
        let content_type = format!("multipart/form-data; boundary={}", self.boundary);
        let request = request.header("Content-Type", content_type);
        let lengths = self.segments.iter().map(|segment| match segment {
            Segment::Bytes(bytes) => Some(bytes.len() as u64),
            Segment::File(_, length) => *length,
        });
        let length: Option<u64> = lengths.sum();
        let mut all: Pin<Box<dyn AsyncRead + Send>> = Box::pin(tokio::io::empty());
        for segment in &self.segments {
            all = match segment {
                Segment::Bytes(bytes) => Box::pin(all.chain(std::io::Cursor::new(bytes.clone()))),
                Segment::File(path, length) => {
                    let file =
                        std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
                    let file = tokio::fs::File::from_std(file);
                    Box::pin(all.chain(file.take(length.unwrap_or(u64::MAX))))
                }
            };
        }
        Ok(request.body(match length {
            Some(length) => Body::reader_of(length, all),
            None => Body::reader(all),
        }))
    }
}

/// The fields of a part. RFC 7578 §4.2: quotes and line ends in a name are percent-encoded, as browsers do.
fn head(part: &FormPart, boundary: &str) -> Vec<u8> {
    let quoted = |text: &str| {
        let text = text.replace('"', "%22").replace('\r', "%0D");
        text.replace('\n', "%0A")
    };
    let mut head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
        quoted(&part.name)
    );
    if let Some(name) = &part.file_name {
        head += &format!("; filename=\"{}\"", quoted(name));
    }
    let guessed = part.file_name.as_ref().map(|name| media_type(name));
    let media_type = part.media_type.as_deref().or(guessed);
    if let Some(media_type) = media_type {
        head += &format!("\r\nContent-Type: {media_type}");
    }
    head += "\r\n\r\n";
    head.into_bytes()
}

fn content(content: &PartContent) -> Result<Segment, CommandError> {
    Ok(match content {
        PartContent::Text(text) => Segment::Bytes(text.clone().into_bytes()),
        PartContent::Stdin => Segment::Bytes(read_stdin()?),
        PartContent::FileAsValue(path) => {
            Segment::Bytes(std::fs::read(path).map_err(|error| unreadable(path, &error))?)
        }
        PartContent::File(path) => {
            check(path)?;
            let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
            // Files of /proc are regular and announce no length.
            let known = found.is_file() && found.len() > 0;
            Segment::File(path.clone(), known.then_some(found.len()))
        }
    })
}

/// The media type by the end of a file's name.
fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    match &*end.to_ascii_lowercase() {
        "gif" => "image/gif",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "txt" => "text/plain",
        "htm" | "html" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" | "mjs" => "text/javascript",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "xml" => "application/xml",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        _ => "application/octet-stream",
    }
}

/// A text that no content contains by chance.
fn boundary() -> String {
    let random = RandomState::new();
    format!(
        "hearken-{:016x}{:016x}",
        random.hash_one(0),
        random.hash_one(1)
    )
}
