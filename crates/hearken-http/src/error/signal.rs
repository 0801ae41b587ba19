//! The error of a server that a second signal has stopped.
//!
//! Here: [`Error::signal`]. Not here: the signals (`server/signals.rs`).

use super::{Error, Kind};
use http::StatusCode;
use std::fmt;

/// The number of the signal.
#[derive(Debug)]
struct SecondSignal(u8);

impl fmt::Display for SecondSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            2 => "SIGINT",
            15 => "SIGTERM",
            number => {
                return write!(
                    f,
                    "signal {number} came while the server was stopping; what still ran was cut"
                );
            }
        };
        write!(
            f,
            "{name} came while the server was stopping; what still ran was cut"
        )
    }
}

impl std::error::Error for SecondSignal {}

impl Error {
    pub(crate) fn second_signal(number: u8) -> Self {
        let kind = Kind::Other(Box::new(SecondSignal(number)));
        Self::from_kind(StatusCode::INTERNAL_SERVER_ERROR, kind)
    }

    /// The number of the signal that ended [`Listening::run`](crate::server::Listening::run) or
    /// [`serve`](crate::server::Listening::serve) at once, because it was the second one. For the exit code: by convention 128 and
    /// this number, which is 130 for SIGINT and 143 for SIGTERM.
    ///
    /// ```
    /// use hearken_http::Error;
    /// use std::process::ExitCode;
    /// fn exit_code(result: Result<(), Error>) -> ExitCode {
    ///     match result {
    ///         Ok(()) => ExitCode::SUCCESS,
    ///         Err(error) => error.signal().map_or(ExitCode::FAILURE, |signal| ExitCode::from(128 + signal)),
    ///     }
    /// }
    /// # assert_eq!(exit_code(Ok(())), ExitCode::SUCCESS);
    /// ```
    #[must_use]
    pub fn signal(&self) -> Option<u8> {
        match &self.inner.kind {
            Kind::Other(error) => Some(error.downcast_ref::<SecondSignal>()?.0),
            _ => None,
        }
    }
}

#[test]
fn the_exit_code_follows_from_the_signal() {
    let error = Error::second_signal(15);
    assert_eq!(error.signal(), Some(15));
    assert!(error.to_string().starts_with("SIGTERM came"), "{error}");
    assert_eq!(Error::new(500, "another").signal(), None);
}
