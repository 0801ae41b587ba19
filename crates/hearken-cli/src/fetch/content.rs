//! The content of requests, read or checked before anything is sent.
//!
//! Here: [`Prepared`], which makes the body of each attempt: redirects, further URLs and retries may need it again. Not here: the
//! flags (`plan/content.rs`), forms with files (`multipart.rs`).

use super::multipart::PreparedForm;
use super::plan::{Content, DataPart, FetchPlan, Target, Upload};
use crate::plan::CommandError;
use hearken::{Body, Bytes, RequestBuilder};
use std::io::Read;
use std::path::Path;

/// See the module.
pub(crate) enum Prepared {
    None,
    Data(Bytes),
    Form(PreparedForm),
}

impl Prepared {
    /// Reads the data of `-d` and opens nothing else; fails early for files that cannot be sent.
    pub(crate) fn of(plan: &FetchPlan) -> Result<Self, CommandError> {
        for target in &plan.targets {
            if let Some(Upload::File(path)) = &target.upload {
                check(path)?;
            }
        }
        Ok(match &plan.request.content {
            None => Self::None,
            Some(Content::Data(parts)) => Self::Data(read(parts)?),
            Some(Content::Form(parts)) => Self::Form(PreparedForm::of(parts)?),
        })
    }

    /// Adds the content for this target.
    pub(crate) fn add(&self, request: RequestBuilder, target: &Target) -> RequestBuilder {
        match (&target.upload, self) {
            (Some(Upload::File(path)), _) => request.body(Body::file(path)),
            (Some(Upload::Stdin), _) => request.body(Body::reader(tokio::io::stdin())),
            (None, Self::None) => request,
            (None, Self::Data(bytes)) => request.body(bytes.clone()),
            (None, Self::Form(form)) => form.add(request),
        }
    }

    /// Whether another attempt can send the same.
    pub(crate) fn is_replayable(target: &Target) -> bool {
        target.upload != Some(Upload::Stdin)
    }
}

/// Fails for a file that cannot be sent.
pub(super) fn check(path: &Path) -> Result<(), CommandError> {
    let why = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => "it is a directory".to_owned(),
        Ok(_) => return Ok(()),
        Err(error) => error.to_string(),
    };
    Err(unreadable(path, &why))
}

pub(super) fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> CommandError {
    CommandError::Usage(format!("cannot read {}: {why}", path.display()))
}

/// All of stdin.
pub(super) fn read_stdin() -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| CommandError::Usage(format!("cannot read stdin: {error}")))?;
    Ok(bytes)
}

/// The parts of `-d`, joined.
fn read(parts: &[DataPart]) -> Result<Bytes, CommandError> {
    let mut all = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            all.push(b'&');
        }
        let (mut bytes, stripped) = match part {
            DataPart::Text(text) => (text.clone().into_bytes(), false),
            DataPart::File { path, stripped } => {
                let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
                (bytes, *stripped)
            }
            DataPart::Stdin { stripped } => (read_stdin()?, *stripped),
        };
        if stripped {
            bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | b'\0'));
        }
        all.append(&mut bytes);
    }
    Ok(all.into())
}
