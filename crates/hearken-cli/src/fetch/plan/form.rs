//! The parts of `-F`, in curl's syntax: `name=content;type=…;filename=…`.

use super::check::usage;
use crate::plan::CommandError;
use std::path::{Path, PathBuf};

/// One part of a multipart form (RFC 7578).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormPart {
    pub(crate) name: String,
    pub(crate) content: PartContent,
    /// The media type. `None`: none for a value, for a file that of its name.
    pub(crate) media_type: Option<String>,
    /// `None`: none for a value, for a file its own.
    pub(crate) file_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PartContent {
    Text(String),
    /// `@`: a file to upload.
    File(PathBuf),
    /// `<`: the content of a file as a value.
    FileAsValue(PathBuf),
    /// `@-` and `<-`.
    Stdin,
}

/// All parts: those of `-F`, then those of `--form-string`.
pub(super) fn parts(form: &[String], strings: &[String]) -> Result<Vec<FormPart>, CommandError> {
    let mut parts = Vec::new();
    for text in form {
        let (name, value) = split(text, "-F")?;
        parse(name, value, &mut parts)?;
    }
    for text in strings {
        let (name, value) = split(text, "--form-string")?;
        parts.push(FormPart {
            name: name.to_owned(),
            content: PartContent::Text(value.to_owned()),
            media_type: None,
            file_name: None,
        });
    }
    Ok(parts)
}

fn split<'a>(text: &'a str, flag: &str) -> Result<(&'a str, &'a str), CommandError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => usage(format!("{flag} {text:?}: expected name=content")),
    }
}

/// Adds the parts of one flag: several files are separated by commas.
fn parse(name: &str, value: &str, parts: &mut Vec<FormPart>) -> Result<(), CommandError> {
    let (kind, mut rest) = match value.as_bytes().first() {
        Some(kind @ (b'@' | b'<')) => (Some(*kind), &value[1..]),
        _ => (None, value),
    };
    loop {
        let ends: &[char] = if kind == Some(b'@') {
            &[';', ',']
        } else {
            &[';']
        };
        let (content, behind) = word(rest, ends);
        rest = behind;
        let content = match kind {
            None => PartContent::Text(content),
            Some(_) if content == "-" => PartContent::Stdin,
            Some(b'<') => PartContent::FileAsValue(content.into()),
            Some(_) => PartContent::File(content.into()),
        };
        let file_name = match &content {
            PartContent::File(path) => Some(name_of(path)?),
            PartContent::Stdin if kind == Some(b'@') => Some("-".to_owned()),
            _ => None,
        };
        let mut part = FormPart {
            name: name.to_owned(),
            content,
            media_type: None,
            file_name,
        };
        rest = attributes(&mut part, rest, ends)?;
        parts.push(part);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(()),
        }
    }
}

/// Reads `;type=…` and `;filename=…`. What is neither belongs to the text, as in curl: a media type may have parameters.
fn attributes<'a>(
    part: &mut FormPart,
    mut rest: &'a str,
    ends: &[char],
) -> Result<&'a str, CommandError> {
    while let Some(whole) = rest.strip_prefix(';') {
        let attribute = whole.trim_start();
        if let Some(value) = attribute.strip_prefix("type=") {
            let (value, behind) = word(value, ends);
            part.media_type = Some(value.trim().to_owned());
            rest = behind;
        } else if let Some(value) = attribute.strip_prefix("filename=") {
            let (value, behind) = word(value, ends);
            part.file_name = Some(value);
            rest = behind;
        } else {
            let is_text = part.media_type.is_none() && matches!(part.content, PartContent::Text(_));
            let (more, behind) = word(if is_text { whole } else { attribute }, ends);
            match (&mut part.media_type, &mut part.content) {
                (Some(media_type), _) => *media_type += &format!("; {more}"),
                (None, PartContent::Text(text)) => *text += &format!(";{more}"),
                (None, _) => {
                    return usage(format!(
                        "-F {}: {more:?} is neither type=… nor filename=…",
                        part.name
                    ));
                }
            }
            rest = behind;
        }
    }
    let values = [&part.media_type, &part.file_name];
    if values
        .into_iter()
        .flatten()
        .any(|text| text.contains(['\r', '\n', '\0']))
    {
        return usage(format!(
            "-F {}: a type and a file name cannot contain line ends",
            part.name
        ));
    }
    Ok(rest)
}

/// A word up to one of `ends`, or in double quotes, in which a backslash escapes the next character. Returns the rest behind it.
fn word<'a>(text: &'a str, ends: &[char]) -> (String, &'a str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(ends).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut word = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (word, &quoted[at + 1..]),
            '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
            other => word.push(other),
        }
    }
    // Without the closing quote it is not quoted.
    let end = text.find(ends).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

fn name_of(path: &Path) -> Result<String, CommandError> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(name.to_owned()),
        None => usage(format!(
            "-F: {:?} is not the path of a file",
            path.display().to_string()
        )),
    }
}
