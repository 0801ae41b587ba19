//! The destination of a body: stdout, a file, or nowhere.
//!
//! Here: [`Sink`], which writes pieces as they arrive. Not here: the choice of the destination (`plan/mod.rs`).

use super::json::{self, Formatter};
use super::plan::Output;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

/// Writes one body.
pub(crate) struct Sink {
    destination: Destination,
    /// The next piece is the first one, and must not be binary.
    reject_binary: bool,
    /// JSON on a terminal.
    formatter: Option<Formatter>,
}

enum Destination {
    Stdout,
    /// A file that is created with the first byte, so that an early failure does not overwrite an older file.
    NewFile(PathBuf),
    /// A file that is continued.
    OldFile(PathBuf),
    File(PathBuf, File),
    Nowhere,
}

/// Why a body could not be written.
#[derive(Debug)]
pub(crate) enum SinkError {
    /// The reader of stdout has closed it.
    Closed,
    /// The body looks binary and stdout is a terminal.
    Binary,
    Failed {
        what: String,
        error: io::Error,
    },
}

impl Sink {
    /// `continues`: the file has the part of the body before this one.
    pub(crate) fn new(output: &Output, content_type: &str, continues: bool) -> Self {
        let to_terminal = *output == Output::Stdout && io::stdout().is_terminal();
        let coloured = || {
            let choice = anstream::AutoStream::choice(&io::stdout());
            choice != anstream::ColorChoice::Never
        };
        Self {
            reject_binary: to_terminal,
            formatter: (to_terminal && json::is_json(content_type))
                .then(|| Formatter::new(coloured())),
            destination: match output {
                Output::Stdout | Output::StdoutAsIs => Destination::Stdout,
                Output::File(path) if continues => Destination::OldFile(path.clone()),
                Output::File(path) => Destination::NewFile(path.clone()),
                Output::Nowhere => Destination::Nowhere,
            },
        }
    }

    /// Writes a head, without the check for binary data.
    pub(crate) fn write_head(&mut self, head: &[u8]) -> Result<(), SinkError> {
        self.write_bytes(head)
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), SinkError> {
        if std::mem::take(&mut self.reject_binary) && looks_binary(piece) {
            return Err(SinkError::Binary);
        }
        match &mut self.formatter {
            Some(formatter) => {
                let formatted = formatter.format(piece);
                self.write_bytes(&formatted)
            }
            None => self.write_bytes(piece),
        }
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let opened = match &self.destination {
            Destination::NewFile(path) => Some((path, File::create(path))),
            Destination::OldFile(path) => {
                let mut options = File::options();
                Some((path, options.append(true).create(true).open(path)))
            }
            _ => None,
        };
        if let Some((path, opened)) = opened {
            let file = opened.map_err(|error| failed(&self.destination, error))?;
            self.destination = Destination::File(path.clone(), file);
        }
        let written = match &mut self.destination {
            Destination::Stdout => io::stdout().lock().write_all(bytes),
            Destination::File(_, file) => file.write_all(bytes),
            _ => Ok(()),
        };
        written.map_err(|error| failed(&self.destination, error))
    }

    /// Ends a complete body. Creates the file of an empty one.
    pub(crate) fn finish(mut self) -> Result<(), SinkError> {
        if let Some(mut formatter) = self.formatter.take() {
            let end = formatter.finish();
            self.write_bytes(&end)?;
        }
        match &self.destination {
            Destination::NewFile(_) => self.write_bytes(b""),
            Destination::Stdout => io::stdout()
                .lock()
                .flush()
                .map_err(|error| failed(&self.destination, error)),
            _ => Ok(()),
        }
    }
}

impl SinkError {
    pub(crate) fn of_stdout(error: io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        let what = "stdout".to_owned();
        Self::Failed { what, error }
    }
}

fn failed(destination: &Destination, error: io::Error) -> SinkError {
    match destination {
        Destination::NewFile(path) | Destination::OldFile(path) | Destination::File(path, _) => {
            SinkError::Failed {
                what: path.display().to_string(),
                error,
            }
        }
        Destination::Stdout | Destination::Nowhere => SinkError::of_stdout(error),
    }
}

/// Text contains no NUL; curl uses the same test.
fn looks_binary(piece: &[u8]) -> bool {
    piece.iter().take(BINARY_CHECK_BYTES).any(|&byte| byte == 0)
}

/// The part of the first piece that is checked.
const BINARY_CHECK_BYTES: usize = 2000;

#[cfg(test)]
mod tests;
