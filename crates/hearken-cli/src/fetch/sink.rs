//! Where a body goes: stdout, a file, or nowhere.
//!
//! Here: [`Sink`], which writes pieces as they come and keeps none. Not here: which of them it is (`plan.rs`).

use super::plan::Output;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

/// Takes one body.
pub(crate) struct Sink {
    to: To,
    /// Nothing was written yet, and what looks binary is not welcome.
    wary: bool,
}

enum To {
    Stdout,
    /// Opened when the first byte comes, so that a failure leaves an older file alone.
    Later(PathBuf),
    File(PathBuf, File),
    Nowhere,
}

/// Why a body could not be written.
#[derive(Debug)]
pub(crate) enum SinkError {
    /// Whoever read stdout does so no more.
    Closed,
    /// It looks binary and stdout is a terminal.
    Binary,
    Failed {
        what: String,
        error: io::Error,
    },
}

impl Sink {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            wary: *output == Output::Stdout && io::stdout().is_terminal(),
            to: match output {
                Output::Stdout | Output::StdoutAsIs => To::Stdout,
                Output::File(path) => To::Later(path.clone()),
                Output::Nowhere => To::Nowhere,
            },
        }
    }

    /// Writes what is text in any case: status lines and fields.
    pub(crate) fn write_head(&mut self, head: &[u8]) -> Result<(), SinkError> {
        let wary = std::mem::take(&mut self.wary);
        let written = self.write(head);
        self.wary = wary;
        written
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), SinkError> {
        if std::mem::take(&mut self.wary) && looks_binary(piece) {
            return Err(SinkError::Binary);
        }
        if let To::Later(path) = &self.to {
            let file = File::create(path).map_err(|error| failed(&self.to, error))?;
            self.to = To::File(path.clone(), file);
        }
        let written = match &mut self.to {
            To::Stdout => io::stdout().lock().write_all(piece),
            To::File(_, file) => file.write_all(piece),
            To::Later(_) | To::Nowhere => Ok(()),
        };
        written.map_err(|error| failed(&self.to, error))
    }

    /// The body is complete. A file is there then, even if nothing was in it.
    pub(crate) fn finish(mut self) -> Result<(), SinkError> {
        match &self.to {
            To::Later(_) => self.write(b""),
            To::Stdout => io::stdout()
                .lock()
                .flush()
                .map_err(|error| failed(&self.to, error)),
            To::File(..) | To::Nowhere => Ok(()),
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

fn failed(to: &To, error: io::Error) -> SinkError {
    match to {
        To::Later(path) | To::File(path, _) => SinkError::Failed {
            what: path.display().to_string(),
            error,
        },
        To::Stdout | To::Nowhere => SinkError::of_stdout(error),
    }
}

/// No text has a NUL in it; curl goes by the same.
fn looks_binary(piece: &[u8]) -> bool {
    piece.iter().take(LOOKED_AT).any(|&byte| byte == 0)
}

/// How much of the first piece is looked at.
const LOOKED_AT: usize = 2000;

#[cfg(test)]
mod tests;
