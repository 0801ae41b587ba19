//! `-w FORMAT`: a text with variables, printed after each URL.
//!
//! Here: [`Template`], parsed before anything is sent, and [`Values`], what its variables stand for. The names are curl's.

mod values;

pub(crate) use values::Values;

use crate::plan::CommandError;
use std::io::Read;

/// A parsed format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// Its text.
    Text(Vec<Item>),
    /// In a file, or on stdin (`-`): read when the plan runs.
    File(String),
}

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Text(String),
    /// The name of a variable, one of [`Values::NAMES`].
    Variable(&'static str),
    /// `%header{NAME}`: the value of a field of the answer.
    Header(String),
    /// `%{json}`: all variables as an object.
    Json,
    /// `%{header_json}`: all fields of the answer as an object of lists.
    HeaderJson,
    /// `%{stdout}`, `%{stderr}`: where the rest goes.
    Stdout,
    Stderr,
    /// `%{onerror}`: the rest is printed only if the fetch has failed.
    OnError,
}

/// What a format becomes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, CommandError> {
        match text.strip_prefix('@') {
            Some(path) => Ok(Self::File(path.to_owned())),
            None => items(text).map(Self::Text),
        }
    }

    /// The parts, read from the file if there is one.
    pub(crate) fn read(&self) -> Result<Vec<Item>, CommandError> {
        let path = match self {
            Self::Text(items) => return Ok(items.clone()),
            Self::File(path) => path,
        };
        let mut text = String::new();
        let read = if path == "-" {
            std::io::stdin().lock().read_to_string(&mut text)
        } else {
            std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
        };
        read.map_err(|error| CommandError::Usage(format!("-w: cannot read {path}: {error}")))?;
        items(&text)
    }
}

/// Fills in the values.
pub(crate) fn print(items: &[Item], values: &Values<'_>) -> Printed {
    let mut printed = Printed::default();
    let mut to_stderr = false;
    for item in items {
        let text = match item {
            Item::Text(text) => text.clone(),
            Item::Variable(name) => values.get(name),
            Item::Header(name) => values.header(name),
            Item::Json => values.json(),
            Item::HeaderJson => values.header_json(),
            Item::Stdout | Item::Stderr => {
                to_stderr = *item == Item::Stderr;
                continue;
            }
            Item::OnError if values.failed() => continue,
            Item::OnError => break,
        };
        let into = if to_stderr {
            &mut printed.stderr
        } else {
            &mut printed.stdout
        };
        into.push_str(&text);
    }
    printed
}

fn items(text: &str) -> Result<Vec<Item>, CommandError> {
    let mut items = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['%', '\\']) {
        plain.push_str(&rest[..at]);
        let (item, text, behind) = special(&rest[at..])?;
        plain.push_str(&text);
        if let Some(item) = item {
            items.push(Item::Text(std::mem::take(&mut plain)));
            items.push(item);
        }
        rest = behind;
    }
    plain.push_str(rest);
    items.push(Item::Text(plain));
    items.retain(|item| !matches!(item, Item::Text(text) if text.is_empty()));
    Ok(items)
}

/// What stands at the beginning of the text, a `%` or a backslash, with the rest behind it.
fn special(text: &str) -> Result<(Option<Item>, String, &str), CommandError> {
    if let Some(behind) = text.strip_prefix('\\') {
        let escaped = match behind.chars().next() {
            Some('n') => "\n",
            Some('r') => "\r",
            Some('t') => "\t",
            // As in curl, another character stays with its backslash.
            _ => return Ok((None, "\\".to_owned(), behind)),
        };
        return Ok((None, escaped.to_owned(), &behind[1..]));
    }
    if let Some(behind) = text.strip_prefix("%%") {
        return Ok((None, "%".to_owned(), behind));
    }
    if let Some((name, behind)) = braces(text, "%header{") {
        return Ok((Some(Item::Header(name.to_owned())), String::new(), behind));
    }
    if let Some((name, behind)) = braces(text, "%{") {
        return Ok((Some(variable(name)?), String::new(), behind));
    }
    Ok((None, "%".to_owned(), &text[1..]))
}

fn braces<'a>(text: &'a str, open: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(open)?.split_once('}')
}

fn variable(name: &str) -> Result<Item, CommandError> {
    match name {
        "json" => return Ok(Item::Json),
        "header_json" => return Ok(Item::HeaderJson),
        "stdout" => return Ok(Item::Stdout),
        "stderr" => return Ok(Item::Stderr),
        "onerror" => return Ok(Item::OnError),
        _ => {}
    }
    let known = Values::NAMES.iter().find(|known| **known == name);
    known.map_or_else(
        || {
            let names = Values::NAMES.join(", ");
            Err(CommandError::Usage(format!(
                "-w: there is no variable {name:?}; expected one of: {names}, json, header_json, onerror, stdout, stderr"
            )))
        },
        |name| Ok(Item::Variable(name)),
    )
}

#[cfg(test)]
mod tests;
