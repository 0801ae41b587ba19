//! The destination of a body: stdout, a file, or nowhere.
//!
//! Here: [`Sink`], which writes pieces as they arrive. Not here: the choice of the destination (`plan.rs`).

use super::plan::Output;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

/// Writes one body.
pub(crate) struct Sink {
    destination: Destination,
    /// The next piece is the first one, and must not be binary.
    reject_binary: bool,
}

enum Destination {
    Stdout,
    /// A file that is created with the first byte, so that an early failure does not overwrite an older file.
    NewFile(PathBuf),
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
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            reject_binary: *output == Output::Stdout && io::stdout().is_terminal(),
            destination: match output {
                Output::Stdout | Output::StdoutAsIs => Destination::Stdout,
                Output::File(path) => Destination::NewFile(path.clone()),
                Output::Nowhere => Destination::Nowhere,
            },
        }
    }

    /// Writes a head, without the check for binary data.
    pub(crate) fn write_head(&mut self, head: &[u8]) -> Result<(), SinkError> {
        let reject_binary = std::mem::take(&mut self.reject_binary);
        let written = self.write(head);
        self.reject_binary = reject_binary;
        written
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), SinkError> {
        if std::mem::take(&mut self.reject_binary) && looks_binary(piece) {
            return Err(SinkError::Binary);
        }
        if let Destination::NewFile(path) = &self.destination {
            let file = File::create(path).map_err(|error| failed(&self.destination, error))?;
            self.destination = Destination::File(path.clone(), file);
        }
        let written = match &mut self.destination {
            Destination::Stdout => io::stdout().lock().write_all(piece),
            Destination::File(_, file) => file.write_all(piece),
            Destination::NewFile(_) | Destination::Nowhere => Ok(()),
        };
        written.map_err(|error| failed(&self.destination, error))
    }

    /// Ends a complete body. Creates the file of an empty one.
    pub(crate) fn finish(mut self) -> Result<(), SinkError> {
        match &self.destination {
            Destination::NewFile(_) => self.write(b""),
            Destination::Stdout => io::stdout()
                .lock()
                .flush()
                .map_err(|error| failed(&self.destination, error)),
            Destination::File(..) | Destination::Nowhere => Ok(()),
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
        Destination::NewFile(path) | Destination::File(path, _) => SinkError::Failed {
            what: path.display().to_string(),
            error,
        },
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
