//! Forms with files to send: `multipart/form-data` (RFC 7578), written as browsers write it.
//!
//! Here: [`Form`], [`Part`]. Not here: sending the pieces (`body.rs`), forms of plain names and values
//! ([`RequestBuilder::form`](crate::RequestBuilder::form)).

use super::body::Body;
use crate::error::Error;
use crate::message::media_type_of;
use http::HeaderValue;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// A form with files, for [`RequestBuilder::multipart`](crate::RequestBuilder::multipart): `multipart/form-data`. Parts are sent
/// in the order in which they were added; names may repeat. Files are opened when the request is sent, and sent in constant
/// memory. The length of the whole is sent if that of each part is known.
///
/// ```no_run
/// use hearken::fetch::{Form, Part};
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// let form = Form::new()
///     .text("title", "Holidays")
///     .file("photo", "beach.jpg")
///     .part("notes", Part::new("sunny").file_name("notes.md").content_type("text/markdown"));
/// hearken::post("https://example.com/albums").multipart(form).await?.error_for_status()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Form {
    parts: Vec<(String, Part)>,
}

/// One part of a [`Form`]: a value, or the content of a file.
///
/// ```
/// use hearken::fetch::{Form, Part};
/// let csv = Part::new("a,b\n1,2\n").file_name("table.csv").content_type("text/csv");
/// let form = Form::new().part("table", csv);
/// assert!(format!("{form:?}").contains("table.csv"));
/// ```
#[derive(Debug)]
pub struct Part {
    body: Body,
    file_name: Option<String>,
    content_type: Option<String>,
}

impl Form {
    /// A form without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a name and a value.
    #[must_use]
    pub fn text(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.part(name, Part::new(value.into()))
    }

    /// Adds a file. Its name without its directories is sent as the file name, and the media type is that of its ending; for
    /// others see [`Part`].
    #[must_use]
    pub fn file(self, name: impl Into<String>, path: impl AsRef<Path>) -> Self {
        self.part(name, Part::file(path))
    }

    /// Adds any part.
    #[must_use]
    pub fn part(mut self, name: impl Into<String>, part: Part) -> Self {
        self.parts.push((name.into(), part));
        self
    }

    /// The body, and its media type.
    ///
    /// # Errors
    /// When the media type of a part cannot be sent.
    pub(super) fn into_body(self) -> Result<(Body, String), Error> {
        let boundary = boundary();
        let mut bodies = Vec::with_capacity(self.parts.len() * 2 + 1);
        let mut before = String::new();
        for (name, part) in self.parts {
            before += &format!("--{boundary}\r\n{}\r\n", part.head(&name)?);
            bodies.push(Body::from(std::mem::take(&mut before)));
            bodies.push(part.body);
            before = "\r\n".to_owned();
        }
        bodies.push(Body::from(format!("{before}--{boundary}--\r\n")));
        let kind = format!("multipart/form-data; boundary={boundary}");
        Ok((Body::chain(bodies), kind))
    }
}

impl Part {
    /// A value, or with [`file_name`](Self::file_name) the content of a file: a text, bytes, or a [`Body`] that streams.
    pub fn new(body: impl Into<Body>) -> Self {
        Self {
            body: body.into(),
            file_name: None,
            content_type: None,
        }
    }

    /// A file, with its name without its directories, and the media type of its ending
    /// ([`media_type_of`]).
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default();
        Self::new(Body::file(path)).file_name(name.to_string_lossy())
    }

    /// The file name to send.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// The media type to send. Default: none for a value; for a file that of the ending of its name, or
    /// `application/octet-stream`.
    #[must_use]
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = Some(media_type.into());
        self
    }

    /// Its fields, each with its line end.
    fn head(&self, name: &str) -> Result<String, Error> {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", escaped(name));
        if let Some(file_name) = &self.file_name {
            head += &format!("; filename=\"{}\"", escaped(file_name));
        }
        head += "\r\n";
        let default = self.file_name.as_ref();
        let default = default.map(|name| media_type_of(name).unwrap_or("application/octet-stream"));
        if let Some(kind) = self.content_type.as_deref().or(default) {
            if HeaderValue::from_str(kind).is_err() {
                return Err(Error::new(
                    500,
                    format!(
                        "expected a media type such as text/csv for the part {name:?}, not {kind:?}"
                    ),
                ));
            }
            head += &format!("Content-Type: {kind}\r\n");
        }
        Ok(head)
    }
}

/// As browsers escape names (HTML §4.10.21.8), so that none ends the field.
fn escaped(name: &str) -> String {
    name.replace('\n', "%0A")
        .replace('\r', "%0D")
        .replace('"', "%22")
}

/// A text that occurs in no part, unless by a chance of 1 in 2^128.
fn boundary() -> String {
    let random = || RandomState::new().hash_one(());
    format!("hearken-{:016x}{:016x}", random(), random())
}
