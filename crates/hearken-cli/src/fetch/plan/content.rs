//! The content of requests: `-d`, `--data-binary`, `-F`, `-T`.

use super::check::usage;
use super::form::{self, FormPart};
use crate::fetch::flags::ContentFlags;
use crate::plan::CommandError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::path::{Path, PathBuf};

/// What every request sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Parts that are joined by `&`.
    Data(Vec<DataPart>),
    /// `multipart/form-data`.
    Form(Vec<FormPart>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DataPart {
    Text(String),
    /// Without CR, LF and NUL when `stripped`, as curl does.
    File {
        path: PathBuf,
        stripped: bool,
    },
    Stdin {
        stripped: bool,
    },
}

/// The content of one request: `-T`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    File(PathBuf),
    Stdin,
}

impl Upload {
    pub(super) fn of(path: &Path) -> Self {
        if path == Path::new("-") || path == Path::new(".") {
            return Self::Stdin;
        }
        Self::File(path.to_owned())
    }

    /// The URL, with the name of the file if it ends in a slash, as in curl.
    pub(super) fn url(&self, url: String) -> Result<String, CommandError> {
        let Self::File(path) = self else {
            return Ok(url);
        };
        let Some((_, behind_scheme)) = url.split_once("://") else {
            return Ok(url);
        };
        let is_directory = match behind_scheme.find(['/', '?', '#']) {
            None => true,
            Some(_) => behind_scheme.ends_with('/') && !behind_scheme.contains(['?', '#']),
        };
        if !is_directory {
            return Ok(url);
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return usage(format!(
                "-T {}: the URL ends in a slash, and the file has no name to put behind it",
                path.display()
            ));
        };
        let slash = if url.ends_with('/') { "" } else { "/" };
        let name = utf8_percent_encode(name, SEGMENT);
        Ok(format!("{url}{slash}{name}"))
    }
}

/// All but the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn content(flags: &ContentFlags) -> Result<Option<Content>, CommandError> {
    let parts = form::parts(&flags.form, &flags.form_string)?;
    if !parts.is_empty() {
        return Ok(Some(Content::Form(parts)));
    }
    let stripped = !flags.data.is_empty();
    let given = if stripped {
        &flags.data
    } else {
        &flags.data_binary
    };
    let parts: Vec<DataPart> = given
        .iter()
        .map(|data| match data.strip_prefix('@') {
            Some("-") => DataPart::Stdin { stripped },
            Some(path) => DataPart::File {
                path: path.into(),
                stripped,
            },
            None => DataPart::Text(data.clone()),
        })
        .collect();
    Ok((!parts.is_empty()).then_some(Content::Data(parts)))
}
