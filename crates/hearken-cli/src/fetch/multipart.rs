//! The form of `-F`, for each attempt anew. Files are read while they are sent.
//!
//! Here: [`PreparedForm`]. Not here: the syntax of `-F` (`plan/form.rs`), the coding (hearken-http).

use super::content::{check, read_stdin, unreadable};
use super::plan::{FormPart, PartContent};
use crate::plan::CommandError;
use hearken::fetch::{Form, Part};
use hearken::{Body, Bytes, RequestBuilder};
use std::path::PathBuf;

/// A form that can be sent any number of times.
pub(crate) struct PreparedForm(Vec<(FormPart, PartBody)>);

enum PartBody {
    Bytes(Bytes),
    File(PathBuf),
}

impl PreparedForm {
    /// Reads values from files and from stdin, and checks the files to upload.
    pub(crate) fn of(parts: &[FormPart]) -> Result<Self, CommandError> {
        let mut prepared = Vec::new();
        for part in parts {
            let body = match &part.content {
                PartContent::Text(text) => PartBody::Bytes(text.clone().into()),
                PartContent::Stdin => PartBody::Bytes(read_stdin()?.into()),
                PartContent::FileAsValue(path) => {
                    let value = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
                    PartBody::Bytes(value.into())
                }
                PartContent::File(path) => {
                    check(path)?;
                    PartBody::File(path.clone())
                }
            };
            prepared.push((part.clone(), body));
        }
        Ok(Self(prepared))
    }

    /// Adds the form to a request.
    pub(crate) fn add(&self, request: RequestBuilder) -> RequestBuilder {
        let form = self.0.iter().fold(Form::new(), |form, (given, body)| {
            let mut part = match body {
                PartBody::Bytes(bytes) => Part::new(bytes.clone()),
                PartBody::File(path) => Part::new(Body::file(path)),
            };
            let guessed = given.file_name.as_deref().map(media_type);
            if let Some(name) = &given.file_name {
                part = part.file_name(name);
            }
            if let Some(media_type) = given.media_type.as_deref().or(guessed) {
                part = part.content_type(media_type);
            }
            form.part(&given.name, part)
        });
        request.multipart(form)
    }
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
